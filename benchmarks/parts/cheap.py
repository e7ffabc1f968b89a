"""The cheap students that strategies of writing are measured by: linear probes on a frozen encoder's vectors."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from factory.evidence.intervals import Metric
from factory.generate.strategies import STRATEGIES
from factory.hygiene import check
from factory.hygiene import run as hygiene
from factory.progress import Progress, silent
from factory.row import Row
from factory.span import plain
from factory.spec_kind import WRITES
from factory.stages import Build
from factory.stages.ballot import Ballot, voted
from factory.stages.spans import Spans
from factory.students import probe, tagger
from factory.students.classifier import targets
from factory.students.encoder import Encoder


class Cheap(ABC):
    """One kind's: what becomes of its rows, and how good a probe on them is.

    Args:
        host: a build of the spec, for its gold rows and its encoder.

    Attributes:
        metric: the figure.
        strategies: the strategies that write rows of this kind.
        gold: what people said of all gold rows.
        encoder: what all builds share; it encodes a text once.
    """

    metric: ClassVar[Metric]
    strategies: ClassVar[tuple[str, ...]]
    gold: Sequence[Any]
    encoder: Any

    @abstractmethod
    def __init__(self, host: Build) -> None: ...

    @abstractmethod
    def budget(self, label: int, judge: int) -> dict[str, int]:
        """`label` and `judge` of a budget that wants so many real texts, and may have so many judged."""

    @abstractmethod
    def rows(self, build: Build, cleaned: Path, judged: Path) -> list[Row]:
        """The rows a build would make its dataset of, from the folders of `clean` and `judge`; nobody is asked."""

    @abstractmethod
    def answers(self, rows: Sequence[Row]) -> Sequence[Any]:
        """What a probe that was fitted to these rows says of all gold rows."""


class OfLabels(Cheap):
    """A probe on texts' vectors."""

    metric = "accuracy"
    strategies = tuple(name for name in STRATEGIES if not any(name in ways for ways in WRITES.values()))

    def __init__(self, host: Build) -> None:
        self._labels, self.gold = host.labels, [row.label for row in host.gold]
        self.encoder = _Encoder(host.encoder)
        self._vectors = self.encoder.vectors([row.text for row in host.gold])

    def budget(self, label: int, judge: int) -> dict[str, int]:
        """As asked for: the committee labels what the teacher does not."""
        return {"label": label, "judge": judge}

    def rows(self, build: Build, cleaned: Path, judged: Path) -> list[Row]:
        """See Cheap.rows."""
        ballot = Ballot(build, cleaned, judged)
        _, rows = ballot.decide(ballot.rows)
        kept = hygiene.run(rows, check.context(build.spec, build.gold), ("consistency",)).kept
        return [voted(row) for row in kept]

    def answers(self, rows: Sequence[Row]) -> Sequence[Any]:
        """See Cheap.answers."""
        weights = np.array([row.weight for row in rows], np.float32)
        vectors = self.encoder.vectors([row.text for row in rows])
        weight, bias = probe.fit(vectors, targets(rows, self._labels), weights)
        return [self._labels[int(best)] for best in (self._vectors @ weight.T + bias).argmax(axis=1)]


class OfSpans(Cheap):
    """A probe on word pieces' vectors, whose tags are decoded as a student's are."""

    metric = "span_f1"
    strategies = WRITES["spans"]

    def __init__(self, host: Build) -> None:
        self._labels, self._texts = host.labels, [row.text for row in host.gold]
        self.gold = [row.spans or () for row in host.gold]
        self.encoder, self._way = host.encoder, Spans()
        self._tagger = _Tagger(host.encoder)

    def budget(self, label: int, judge: int) -> dict[str, int]:
        """No text that the teacher can't be asked about, which would be no row; and nothing asked about people's."""
        return {"label": min(label, judge), "judge": min(label, judge)}

    def rows(self, build: Build, cleaned: Path, judged: Path) -> list[Row]:
        """See Cheap.rows."""
        rows, _ = self._way.decide(build, cleaned, judged)
        sound = [row for row in rows if hygiene.sound(row)]
        kept = hygiene.run(sound, check.context(build.spec, build.gold), self._way.checks).kept
        return [row for row in self._way.weighed(build, kept)[0] if hygiene.sound(row)]

    def answers(self, rows: Sequence[Row]) -> Sequence[Any]:
        """See Cheap.answers."""
        weight, bias = probe.fit(*tagger.seen_pieces(self._tagger, rows, self._labels, most=sys.maxsize))
        logits = [one @ weight.T + bias for one in self._tagger.vectors(self._texts)]
        found = tagger.find(self._texts, map(self._tagger.cut, self._texts), logits, self._labels)
        return [plain(some) for some in found]


OF_KIND: dict[str, type[Cheap]] = {"classification": OfLabels, "spans": OfSpans}


class _Once:
    """Vectors of texts, each text's computed once: most rows are the same in every measurement."""

    def __init__(self, vectors: Callable[[Sequence[str]], Sequence[Any]]) -> None:
        self._vectors, self._known = vectors, dict[str, Any]()

    def __call__(self, texts: Sequence[str]) -> list[Any]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._vectors(new), strict=True))
        return [self._known[text] for text in texts]


class _Encoder:
    def __init__(self, encoder: Encoder) -> None:
        self._once = _Once(encoder.vectors)

    def vectors(self, texts: Sequence[str]) -> Any:
        return np.stack(self._once(texts))


class _Tagger(tagger.Tagger):
    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self._once = _Once(super().vectors)

    def vectors(self, texts: Sequence[str], progress: Progress = silent) -> list[Any]:
        return self._once(texts)
