"""How decisions come about where they are sets of spans (factory.stages.reading)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory.generate.limits import Limits, Spent
from factory.generate.marking import Marking, mark_up
from factory.hygiene import spans
from factory.progress import Progress
from factory.row import Verdict
from factory.span import Span
from factory.stages.build import Build
from factory.stages.reading import Line, Pair, Way, precision_recall


class Spans(Way):
    """A teacher claims words and their types, which are sought in the text."""

    kind = "spans"
    asking, asked, decided = "mark up", "marked up", "marked"
    verdict = "marking"
    checks = (spans.NAME,)
    beyond = ()
    how = "rows people had marked before, marked up by the teacher alone; a row is right if all its spans are"

    def ask(self, build: Build, texts: Sequence[str], meter: Progress, limits: Limits, before: Spent) -> list[Marking]:
        """See Way.ask."""
        return mark_up(build.spec, texts, build.endpoint, build.settings.replies, meter, limits, before)

    def line(self, answer: Marking) -> dict[str, Any]:
        """`spans`, null where the reply could not be used, and `refused` claims."""
        return {
            "spans": None if answer.spans is None else [span.model_dump() for span in answer.spans],
            "refused": [{"text": r.claim.text, "type": r.claim.label, "reason": r.reason} for r in answer.refused],
        }

    def tally(self, answers: Sequence[Marking]) -> dict[str, Any]:
        """See Way.tally."""
        return {
            "spans": sum(len(one.spans or ()) for one in answers),
            "claims refused": sum(len(one.refused) for one in answers),
        }

    def usable(self, line: Line) -> bool:
        """See Way.usable."""
        return line["spans"] is not None

    def decision(self, line: Line) -> tuple[dict[str, Any], Verdict]:
        """The spans; the verdict's score is how many claims were refused."""
        refused = "; ".join(one["reason"] for one in line["refused"])
        verdict = Verdict(check=self.verdict, passed=True, score=float(len(line["refused"])), reason=refused)
        return {"spans": _marks(line)}, verdict

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

    def right(self, pair: Pair) -> bool:
        """See Way.right."""
        row, line = pair
        return set(row.spans or ()) == set(_marks(line))


def _marks(line: Line) -> tuple[Span, ...]:
    return tuple(Span.model_validate(one) for one in line["spans"])
