"""What a model that writes is given: the specialist's own words before and after the text, and when it stops.

`prompt.json` in the specialist's folder, sealed by the manifest like every other file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import BrokenSpecialist
from zoo.form import Form

FIX = "Train and publish the specialist again."


@dataclass(frozen=True)
class Prompt:
    """What a model that writes is told.

    Attributes:
        before, after: stand around every text, control tokens such as `<|im_start|>` included.
        stop: ids of the tokens that end an answer.
        max_new_tokens: an answer is cut here.
        fields: of `extraction`, name to what a value looks like, in the order of writing.
    """

    before: str
    after: str
    stop: tuple[int, ...]
    max_new_tokens: int
    fields: Mapping[str, Form] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Prompt:
        """Read a prompt.json; raises BrokenSpecialist saying what is wrong with it."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise BrokenSpecialist(f"The prompt is not JSON: {error}.", where=str(path), fix=FIX) from error
        except OSError as error:
            raise BrokenSpecialist(f"The prompt can't be read: {error}.", where=str(path), fix=FIX) from error
        try:
            return cls._of(raw)
        except (KeyError, TypeError, ValueError) as error:
            why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise BrokenSpecialist(f"The prompt is not as it must be: {why}.", where=str(path), fix=FIX) from error

    @classmethod
    def _of(cls, raw: Any) -> Prompt:
        if not isinstance(raw, dict):
            raise TypeError("it is not a JSON object")
        before, after, stop, most = raw["before"], raw["after"], raw["stop"], raw["max_new_tokens"]
        if not (isinstance(before, str) and isinstance(after, str)):
            raise TypeError("before and after are texts")
        if not (isinstance(stop, list) and stop and all(type(one) is int and one >= 0 for one in stop)):
            raise TypeError("stop is a list of token ids, one or more")
        if type(most) is not int or most < 1:
            raise TypeError("max_new_tokens is a whole number from 1")
        fields = raw.get("fields", {})
        if not isinstance(fields, dict):
            raise TypeError("fields is an object")
        return cls(before, after, tuple(stop), most, {name: Form.of(name, one) for name, one in fields.items()})


class Frame:
    """A prompt in tokens: what stands before and after every text, and how a text is fitted between.

    The three are cut into tokens apart, without what a tokenizer adds of itself: so what stands before is the same for
    all texts, no text can run into the words around it, and control tokens written in a text are words like others.

    Args:
        prompt: in words.
        tokenizer: a `tokenizers.Tokenizer` that neither truncates nor pads; from here on it takes no word for a control
            token.
        max_tokens: what before, text and after may be together.
        where: the prompt's file, for errors.

    Raises:
        BrokenSpecialist: the prompt leaves no room for a text.
    """

    def __init__(self, prompt: Prompt, tokenizer: Any, max_tokens: int, where: str = "") -> None:
        tokenizer.encode_special_tokens = False
        self.before, self.after = (
            tuple(tokenizer.encode(words, add_special_tokens=False).ids) for words in (prompt.before, prompt.after)
        )
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._room = max_tokens - len(self.before) - len(self.after)
        if self._room < 1:
            raise BrokenSpecialist(
                f"The prompt is {len(self.before) + len(self.after)} tokens long and leaves no room for a text: "
                f"max_tokens is {max_tokens}.",
                where=where,
                fix=FIX,
            )

    def rest(self, text: str) -> list[int]:
        """The tokens after `before`: the text's, cut at its end to fit, and `after`."""
        return [*self.words(text)[: self._room], *self.after]

    def ids(self, text: str) -> list[int]:
        """All that the model is given; an answer's tokens (`words`) come next."""
        return [*self.before, *self.rest(text)]

    def words(self, text: str) -> Sequence[int]:
        """A text's tokens, all of them, no control tokens among them."""
        found: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return found
