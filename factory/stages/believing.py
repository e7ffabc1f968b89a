"""How far a teacher's marks are believed: as far as people's rows bear them out.

The share of a teacher's rows that are right does not tell what they are worth to learn from: in one task its slips are
many and each another, in the next they are few and always the same, and these are learned. So people's rows are asked.
A cheap student, a linear head on the encoder's vectors of word pieces, learns them and the teacher's rows, these with
one weight after the other, and marks people's rows that it has not learned (cross-fitting). Of the beliefs that come
within one standard error of the best the least is taken (Breiman et al. 1984), perhaps none: what does not show is not
trusted. Where people's rows are few, a teacher that is any good shows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from factory.dataset.split import folds, without
from factory.evidence.intervals import paired, value_of
from factory.progress import Progress, silent
from factory.row import Row, Verdict
from factory.span import Spans, plain
from factory.students import probe, tagger
from factory.students.encoder import Encoder
from factory.students.probe import Array
from zoo import decoding
from zoo.windows import Pieces

BELIEVER = 3
"""The version of how it is done."""
BELIEFS = (1.0, 0.3, 0.1, 0.03, 0.0)
PARTS = 3
FEWEST = 20
"""People's rows below which nothing is known, and the teacher is believed."""
NAME = "belief"
"""The verdict on rows of a teacher that is not believed at all."""
MOST = 20_000
"""Pieces of the teacher's rows that are learned: of more, rows are drawn, and weigh for the others."""
ERRORS = 2 * 1.96
"""Standard errors in a 95 % interval."""


@dataclass(frozen=True)
class Believed:
    """How far, and what each belief came to.

    Attributes:
        value: the belief, one of BELIEFS.
        tried: belief to strict span F1 on people's rows that were not learned.
        rows: how many of these.
    """

    value: float
    tried: dict[float, float]
    rows: int

    def weighed(self, row: Row) -> Row:
        """A row of the teacher's with the weight that is left to it, and why it is dropped if that is none."""
        weight = round(row.weight * self.value, 4)
        if self.value:
            return row.model_copy(update={"weight": weight})
        why = "not believed: people's rows are marked no better with the teacher's rows than without"
        refusal = Verdict(check=NAME, passed=False, score=0.0, reason=why)
        return row.model_copy(update={"weight": weight, "verdicts": [*row.verdicts, refusal]})

    @property
    def sentence(self) -> str:
        """The same for a person."""
        each = ", ".join(f"{belief:g}: {100 * found:.1f}" for belief, found in self.tried.items())
        return f"{self.value:g} (span F1 on {self.rows} of people's rows that a linear head has not learned, {each})"


def believed(
    rows: Sequence[Row], taught: Collection[str], encoder: Encoder, labels: Sequence[str], progress: Progress = silent
) -> Believed | None:
    """How far a teacher is to be believed; None where too few of people's rows are there to tell, or all rest on
    one source.

    Args:
        rows: all that may be trained on, with the weights they would have if it were believed in full.
        taught: ids of those that the teacher marked.
        encoder: reads them.
        labels: the types of spans.
        progress: called with (texts read, texts).
    """
    people = [row for row in rows if row.origin == "reviewed" and not row.picked]
    marked = [row for row in rows if row.id in taught]
    parts = folds(people, PARTS)
    if len(people) < FEWEST or len(parts) < 2 or not marked:
        return None
    reader = tagger.Tagger(encoder)
    drawn = _drawn(marked, reader)
    share = len(drawn) / len(marked)
    seen = _Seen([*(row for row in rows if row.id not in taught), *drawn], reader, labels, progress)
    truths: list[Spans] = []
    said: dict[float, list[Spans]] = {belief: [] for belief in BELIEFS}
    for part in parts:
        asked, kept = {row.id for row in part}, {row.id for row in without(seen.rows, part)}
        left = [n for n, row in enumerate(seen.rows) if row.id in kept]
        told = [n for n, row in enumerate(seen.rows) if row.id in asked]
        truths += [seen.rows[n].spans or () for n in told]
        for belief, answers in said.items():
            weights = [row.weight * (belief / share if row.id in taught else 1.0) for row in seen.rows]
            answers += seen.marks(told, seen.head([n for n in left if weights[n]], weights))
    figures = {belief: value_of("span_f1", truths, answers) for belief, answers in said.items()}
    best = max(figures, key=lambda belief: figures[belief])
    near = [belief for belief in BELIEFS if _near(truths, said[best], said[belief])]
    return Believed(min(near), {belief: round(found, 4) for belief, found in figures.items()}, len(truths))


def _near(truths: Sequence[Spans], best: Sequence[Spans], other: Sequence[Spans]) -> bool:
    """Whether the best is ahead of the other by one standard error at most."""
    ahead = paired("span_f1", truths, best, other)
    return ahead.value <= (ahead.high - ahead.low) / ERRORS


def _drawn(rows: Sequence[Row], reader: tagger.Tagger) -> list[Row]:
    """So many rows that they have MOST pieces, in the order of their ids."""
    found, pieces = list[Row](), 0
    for row in sorted(rows, key=lambda one: one.id):
        if pieces >= MOST:
            break
        found.append(row)
        pieces += len(reader.cut(row.text).ids)
    return found


class _Seen:
    """Rows with their pieces' vectors [pieces, hidden] and tags [pieces, tags]."""

    def __init__(self, rows: Sequence[Row], reader: tagger.Tagger, labels: Sequence[str], progress: Progress) -> None:
        self.rows, self._labels = rows, labels
        texts = [row.text for row in rows]
        self._cuts: list[Pieces] = [reader.cut(text) for text in texts]
        self._vectors = reader.vectors(texts, progress)
        one = np.eye(len(decoding.tags(labels)), dtype=np.float32)
        self._tags = [
            one[tagger.tags_of(cut.places, row.spans or (), labels)] for cut, row in zip(self._cuts, rows, strict=True)
        ]

    def head(self, learned: Sequence[int], weights: Sequence[float]) -> tuple[Array, Array]:
        """A head fitted to some rows."""
        each = [np.full(len(self._tags[n]), weights[n], np.float32) for n in learned]
        vectors, tags = ([some[n] for n in learned] for some in (self._vectors, self._tags))
        return probe.fit(np.concatenate(vectors), np.concatenate(tags), np.concatenate(each))

    def marks(self, asked: Sequence[int], head: tuple[Array, Array]) -> list[Spans]:
        """What a head marks in some rows."""
        weight, bias = head
        logits = [self._vectors[n] @ weight.T + bias for n in asked]
        found = tagger.find([self.rows[n].text for n in asked], [self._cuts[n] for n in asked], logits, self._labels)
        return [plain(some) for some in found]
