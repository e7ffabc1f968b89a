"""How decisions come about where they are sets of spans (factory.stages.reading)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory.generate import marking
from factory.generate.asking import Said
from factory.hygiene import balance, spans
from factory.row import Verdict
from factory.span import Span
from factory.stages.build import Build
from factory.stages.reading import Line, Pair, Way, precision_recall

ENOUGH = 20
"""Rows that people decided and the teacher, too, below which nothing is known of how far it is to be believed."""


class Spans(Way):
    """A teacher claims words and their types, which are sought in the text."""

    kind = "spans"
    asking, asked, decided = "mark up", "marked up", "marked"
    verdict = "marking"
    checks = (spans.NAME, balance.NAME)
    how = "rows people had marked before, marked up by the teacher alone; a row is right if all its spans are"
    weighs = "the share of people's rows that the teacher marks as they did"
    request, read = staticmethod(marking.request), staticmethod(marking.read)

    def tally(self, said: Sequence[Said[Any]]) -> dict[str, Any]:
        """See Way.tally."""
        return {
            "spans": sum(len(one.decision or ()) for one in said),
            "claims refused": sum(len(one.beside.get("refused", ())) for one in said),
        }

    def told(self, line: Line) -> Verdict:
        """The score is how many claims were refused."""
        refused = "; ".join(one["reason"] for one in line["refused"])
        return Verdict(check=self.verdict, passed=True, score=float(len(line["refused"])), reason=refused)

    def agreement(self, build: Build, pairs: Sequence[Pair]) -> dict[str, Any]:
        """Precision, recall and F1 of exact spans with their type."""
        both = [(set(row.spans or ()), set(_marks(line))) for row, line in pairs]
        right = sum(len(people & teacher) for people, teacher in both)
        there, claimed = (sum(len(pair[side]) for pair in both) for side in (0, 1))
        if not claimed or not there:
            return {}
        precision, recall, f1 = precision_recall(right, claimed, there)
        return {
            "teacher's spans that people marked": precision,
            "people's spans that the teacher found": recall,
            "teacher's F1 on people's spans": f1,
        }

    def belief(self, pairs: Sequence[Pair]) -> float:
        """See Way.belief; the chance that all marks of a row are right, and none is missing."""
        return sum(map(self.right, pairs)) / len(pairs) if len(pairs) >= ENOUGH else 1.0

    def right(self, pair: Pair) -> bool:
        """See Way.right."""
        row, line = pair
        return set(row.spans or ()) == set(_marks(line))


def _marks(line: Line) -> tuple[Span, ...]:
    return tuple(Span.model_validate(one) for one in line["spans"])
