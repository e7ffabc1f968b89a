"""How a model is held to an automaton: which tokens it may choose in a state, and which must follow anyway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.automaton import Automaton
from zoo.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Taken = tuple[NDArray[np.int64], NDArray[np.int32]]


class Guide:
    """An automaton in a tokenizer's tokens.

    What was found out about a state is kept. Threads can share one: what two find out at once is the same.

    Args:
        machine: what may be written, in bytes.
        tokenizer: a byte-level `tokenizers.Tokenizer`.
        where: the tokenizer's file, for errors.

    Raises:
        BrokenSpecialist: another tokenizer.
    """

    def __init__(self, machine: Automaton, tokenizer: Any, where: str = "") -> None:
        self._machine = machine
        self._vocabulary = Vocabulary(tokenizer, where)
        self._taken: dict[int, Taken] = {}
        self._closing: dict[int, Taken] = {}
        self._forced: dict[int, tuple[list[int], int]] = {}

    def ended(self, state: int) -> bool:
        """Whether all is written."""
        return bool(self._machine.ends[state])

    def said(self, ids: list[int]) -> bytes:
        """What tokens stand for."""
        return b"".join(self._vocabulary.bytes[one] for one in ids)

    def forced(self, state: int) -> tuple[list[int], int]:
        """Tokens that must follow a state, as the tokenizer cuts them, each part of the grammar apart, and the state
        after them."""
        if state not in self._forced:
            ids: list[int] = []
            at = state
            for piece in self._pieces(state):
                cut = self._vocabulary.cut(piece)
                ids += cut
                at = self._machine.after(at, self.said(cut))
                if self.said(cut) != piece:
                    break
            self._forced[state] = ids, at
        return self._forced[state]

    def choose(self, logits: NDArray[np.float32], state: int, *, short: bool) -> tuple[int, int, bool]:
        """The likeliest token among those allowed.

        Args:
            logits: of all tokens, [vocabulary].
            state: in which something may be chosen.
            short: there is no more room: allow only what leads towards the end, where least is made up.

        Returns:
            the token, the state after it, and whether there was a choice.
        """
        ids, states = self._towards_the_end(state) if short else self._allowed(state)
        best = int(logits[ids].argmax())
        return int(ids[best]), int(states[best]), len(ids) > 1

    def choose_among(self, likely: Mapping[int, float], state: int) -> tuple[int, int, bool] | None:
        """As `choose`, where somebody tells the likeliest tokens alone; None: none of them is allowed.

        Args:
            likely: how likely each is, by its id.
            state: in which something may be chosen.
        """
        ids, states = self._allowed(state)
        allowed = dict(zip(ids.tolist(), states.tolist(), strict=True))
        best = max((token for token in likely if token in allowed), key=lambda token: likely[token], default=None)
        return None if best is None else (best, allowed[best], len(allowed) > 1)

    def closing(self, state: int) -> list[int]:
        """Tokens that lead from a state to the end where least is made up; none from the end."""
        written: list[int] = []
        while not self.ended(state):
            ids, state = self.forced(state)
            written += ids
            if not self.ended(state):
                taken, states = self._towards_the_end(state)
                written.append(int(taken[0]))
                state = int(states[0])
        return written

    def part(self, state: int) -> int:
        """The part of the grammar that a state belongs to."""
        return self._machine.parts[state]

    def _pieces(self, state: int) -> list[bytes]:
        """The bytes that must follow a state, part by part."""
        pieces: list[tuple[int, bytearray]] = []
        for one in self._machine.chain(state):
            state = self._machine.after(state, bytes([one]))
            if not pieces or pieces[-1][0] != self.part(state):
                pieces.append((self.part(state), bytearray()))
            pieces[-1][1].append(one)
        return [bytes(piece) for _, piece in pieces]

    def _allowed(self, state: int) -> Taken:
        """Those that stay in the part of the grammar that their first byte is of: parts are cut into tokens apart."""
        if state not in self._taken:
            ids, states = self._vocabulary.taken(self._machine, state)
            firsts = (self._machine.after(state, self._vocabulary.bytes[one][:1]) for one in ids.tolist())
            inside = [self.part(first) == self.part(to) for first, to in zip(firsts, states.tolist(), strict=True)]
            self._taken[state] = ids[inside], states[inside]
        return self._taken[state]

    def _towards_the_end(self, state: int) -> Taken:
        if state not in self._closing:
            ids, states = self._allowed(state)
            nearer = self._machine.left[states] < self._machine.left[state]
            self._closing[state] = ids[nearer], states[nearer]
        return self._closing[state]
