"""What a student that writes records learns: their tokens; and by which of its values the epoch is chosen."""

from __future__ import annotations

from typing import Any

from factory.students import causal
from factory.students.causal import Causal, Example
from factory.students.lesson import TRAINER


class Records(causal.Answers):
    """A row's record, token by token.

    The epoch is chosen by values, not by the loss: that begins to rise after two or three epochs, as a model grows too
    sure of what it has wrong, while it goes on to find more fields (tagger.py chooses by spans for the same reason).
    """

    figure = "share of held-out values wrong"
    patience = 5
    trainer = TRAINER + 4  # records are cut into tokens as the zoo cuts them; the epoch is chosen by values

    def held_out(self, learner: Causal) -> tuple[Any, Any]:
        """The share of wrong ones among the values of a row, those that people or the teacher give or the model does.

        The model is told all that stands before a value, and its value is the likeliest token at each place. Values
        count alike, so a row weighs as many as it has, and the average is 1 - J, the Jaccard distance of all values;
        F1 is 2J / (1 + J).
        """
        import torch

        learner.model.eval()
        null = self._cutter.encode("null", add_special_tokens=False).ids[0]  # no other value begins like it
        wrong, weights = [], []
        for start in range(0, len(self.held_examples), self.batch):
            some = self.held_examples[start : start + self.batch]
            with torch.no_grad():
                likeliest = self.said(learner, some).argmax(-1).tolist()
            for one, tokens in zip(some, likeliest, strict=True):
                values = _values(one, tokens[len(tokens) - len(one.answer) :])
                claimed = [((there[0] != null) + (said[0] != null), there == said) for there, said in values]
                right = sum(1 for claims, same in claimed if claims and same)
                missed = sum(claims for claims, same in claimed if not same)  # one too many, one missing, or both
                wrong.append(missed / max(1, right + missed))
                weights.append(one.weight * (right + missed))
        return torch.tensor(wrong), torch.tensor(weights)


def _values(example: Example, tokens: list[int]) -> list[tuple[list[int], list[int]]]:
    """The tokens of each value that is learned, as they are in a row and as the model has them.

    Args:
        example: the row.
        tokens: the model's, at the places of the answer's.
    """
    found: dict[int, tuple[list[int], list[int]]] = {}
    places = zip(example.parts, example.learned, example.answer, tokens, strict=True)
    for part, learned, there, said in places:
        if learned and part % 2:  # names and values take turns (factory.students.prompt.record)
            mine, theirs = found.setdefault(part, ([], []))
            mine.append(there)
            theirs.append(said)
    return list(found.values())
