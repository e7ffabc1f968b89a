"""A specialist that answers in words of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

from zoo.author import Author, Odds
from zoo.manifest import GENERATION
from zoo.specialist import check_texts


@dataclass(frozen=True)
class Written:
    """What a writer says to a text.

    Attributes:
        text: the answer, without white space around it; it may be empty.
        score: how likely the model found its words, 0 to 1: the geometric mean of its tokens' calibrated probabilities.
        unsure: the score is below the specialist's threshold, or the answer is not complete: better ask a person, or a
            larger model.
        complete: whether the model came to an end by itself; what is longer than its prompt allows is cut.
    """

    text: str
    score: float
    unsure: bool
    complete: bool


class Writer(Author):
    """A loaded specialist that writes; see Author. Long texts are cut to the manifest's max_tokens."""

    KIND = GENERATION

    @overload
    def predict(self, text: str) -> Written: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...]) -> list[Written]: ...

    def predict(self, text: str | list[str] | tuple[str, ...]) -> Written | list[Written]:
        """Answer a text, or each text of a list.

        Args:
            text: one text, or a list of any length; what does not fit beside the prompt is cut off at its end.

        Returns:
            a Written for a text; a list of them, in the texts' order, for a list.

        Raises:
            BadInput: not a text, an empty one, or one that is not Unicode; names its place in the list.
        """
        if isinstance(text, str):
            return self.predict([text])[0]
        check_texts(text)
        return [self._write(one, place) for place, one in enumerate(text)]

    def _write(self, text: str, place: int) -> Written:
        logits, read = self._begin(text, place)
        odds, ids = Odds(self.manifest.temperature), list[int]()
        while True:
            token = int(logits.argmax())
            odds.add(logits, token)
            complete = token in self._prompt.stop
            if complete:
                break
            ids.append(token)
            if len(ids) == self._prompt.max_new_tokens:
                break
            logits, read = self._decoder.read([token], read)
        said = self._tokenizer.decode(ids, skip_special_tokens=True).strip()
        return Written(said, odds.mean, self._unsure(odds.mean, complete), complete)
