"""How decisions come about where they are sets of spans (factory.stages.reading)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory.generate import marking
from factory.generate.asking import Said
from factory.hygiene import balance, spans
from factory.row import Row, Verdict
from factory.span import Span
from factory.stages.believing import BELIEVER, believed
from factory.stages.build import Build
from factory.stages.reading import Line, Pair, Way, precision_recall


class Spans(Way):
    """A teacher claims words and their types, which are sought in the text."""

    kind = "spans"
    asking, asked, decided = "mark up", "marked up", "marked"
    verdict = "marking"
    checks = (spans.NAME, balance.NAME)
    how = "rows people had marked before, marked up by the teacher alone; a row is right if all its spans are"
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

    def weighs(self, build: Build) -> dict[str, Any]:
        """See Way.weighs."""
        return {"believer": BELIEVER, "encoder": build.encoder_identity}

    def weighed(self, build: Build, rows: Sequence[Row]) -> tuple[list[Row], dict[str, Any]]:
        """See Way.weighed; by how far the teacher's marks are believed. People's marks that `replaced` moved are not
        its."""
        taught = {row.id for row in rows if row.origin in ("generated", "unlabelled") and row.lineage.teacher}
        meter = build.meter("how far to believe the teacher", "texts")
        found = believed(rows, taught, build.encoder, build.labels, meter)
        if found is None:
            return list(rows), {}
        weighed = [found.weighed(row) if row.id in taught else row for row in rows]
        return weighed, {"belief in the teacher's marks": found.sentence}

    def right(self, pair: Pair) -> bool:
        """See Way.right."""
        row, line = pair
        return set(row.spans or ()) == set(_marks(line))


def _marks(line: Line) -> tuple[Span, ...]:
    return tuple(Span.model_validate(one) for one in line["spans"])
