"""A tokenizer's tokens as the bytes they stand for, and those of them that an automaton takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.automaton import DEAD, Automaton
from zoo.errors import BrokenSpecialist

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 32
"""In bytes; longer tokens (mostly white space and rules) are left out: shorter ones write the same."""
FIX = "Extraction needs a model with a byte-level tokenizer, such as SmolLM's or Qwen's."


class Vocabulary:
    """The tokens of a byte-level tokenizer, as GPT-2, Llama 3, Qwen and SmolLM have them; control tokens left out.

    Raises:
        BrokenSpecialist: tokens stand for something else than bytes, or a byte that text may end with has no token.
    """

    def __init__(self, tokenizer: Any, where: str = "") -> None:
        import numpy as np

        letters = _letters()
        self._tokenizer = tokenizer
        self.bytes: dict[int, bytes] = {}
        control = set(tokenizer.get_added_tokens_decoder())
        for token, number in tokenizer.get_vocab(with_added_tokens=False).items():
            if number in control or not token:
                continue
            try:
                self.bytes[number] = bytes(letters[letter] for letter in token)
            except KeyError:
                raise BrokenSpecialist(
                    f"The tokenizer is not a byte-level one: it has the token {token!r}.", where=where, fix=FIX
                ) from None
        singles = {said for said in self.bytes.values() if len(said) == 1}
        # With these every string can be ended, after a part of a character too.
        if missing := [one for one in (*range(0x20, 0x7F), *range(0x80, 0xC0)) if bytes([one]) not in singles]:
            raise BrokenSpecialist(f"The tokenizer has no token for the byte 0x{missing[0]:02X}.", where=where, fix=FIX)
        some = [(number, said) for number, said in sorted(self.bytes.items()) if len(said) <= LONGEST]
        self._ids = np.array([number for number, _ in some], np.int64)
        self._lengths = np.array([len(said) for _, said in some])
        joined = b"".join(said.ljust(LONGEST, b"\0") for _, said in some)
        self._bytes = np.frombuffer(joined, np.uint8).reshape(len(some), LONGEST)

    def taken(self, machine: Automaton, state: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The ids of the tokens that an automaton takes in a state, and the states they lead to; both [tokens]."""
        import numpy as np

        rows = np.arange(len(self._ids))
        at = np.full(len(rows), state, np.int32)
        ids, states = [], []
        for column in range(LONGEST):
            at = machine.table[at, self._bytes[rows, column]]
            alive = at != DEAD
            rows, at = rows[alive], at[alive]
            whole = self._lengths[rows] == column + 1
            ids.append(self._ids[rows[whole]])
            states.append(at[whole])
            rows, at = rows[~whole], at[~whole]
            if not len(rows):
                break
        return np.concatenate(ids), np.concatenate(states)

    def cut(self, said: bytes) -> list[int]:
        """The tokens of bytes as the tokenizer cuts them; none where they do not begin with a whole character."""
        try:
            text = said.decode()
        except UnicodeDecodeError as error:
            text = said[: error.start].decode()
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids if b"".join(self.bytes.get(one, b"") for one in ids) == text.encode() else []


def _letters() -> dict[str, int]:
    """The letters that byte-level tokenizers write bytes as: a printable one as itself, others from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [one for one in range(256) if one not in plain]
    return {chr(one): one for one in plain} | {chr(256 + place): one for place, one in enumerate(rest)}
