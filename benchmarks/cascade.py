"""What a cascade answers on gold rows, beside the specialist and the large model alone; what it costs, and saves.

    python benchmarks/cascade.py [SPEC[@VERSION] ...] [--hub HUB] [--sample 200] [--shots 200] [--url URL --model MODEL]

The specialist (default: finance/complaint and support/intent) is loaded from the hub and asked about all gold rows. The
large model is asked about a stratified sample of them, one question after the other, what the specialist's `ask.json`
says, and a zoo.Cascade of both about the same rows, so that they compare. With --shots it is asked once more,
after those of so many of people's rows (a stratified sample of reviewed.jsonl, without what is too like gold)
that are most like each text (zoo.shots).
Without --url it is the spec's teacher, as builds start it; with one, any server of OpenAI's chat protocol
(FACTORY_TEACHER_KEY is its key). Replies and the seconds they took are kept in FACTORY_HOME/benchmarks/cascade.db:
stopped anywhere, the same command goes on.

Of every system: its kind's first metric (accuracy, strict span F1, field F1, ROUGE-L), where a reply that is no answer
is a wrong one; the shares answered by the specialist, passed on, and left unsure at the end; the error among answers,
which are the texts not left unsure (one of which any span, or any field, is wrong is); seconds, core-seconds (of a
model on this machine: of all cores) and price a text; and what is saved of each against the large model alone. A text's
seconds in a cascade are the specialist's and, if it was passed on, those of the reply. `promise`: whether the error
among the specialist's sure answers to all gold rows keeps the risk it states (factory.evidence.promise).
Results: benchmarks/results/cascade.csv, a line a spec, model, sample and system.
"""

from __future__ import annotations

import argparse
import datetime
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import zoo
from benchmarks.parts.escalated import Escalated, decided
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.evidence import evaluate, promise
from factory.evidence.circumstances import hardware, here
from factory.evidence.intervals import Interval, Metric, bootstrap, wilson
from factory.evidence.predictions import Predictions, answers
from factory.evidence.sample import describe, sample
from factory.gold import Gold, gold_of
from factory.hygiene import check, contamination
from factory.progress import Meter
from factory.review.simulated import reviewed
from factory.row import Lineage, Row
from factory.settings import Settings
from factory.stages import Build
from factory.stages.model import OF_KIND
from factory.teacher.cache import ReplyCache
from zoo.fallback import unpromised
from zoo.kinds import kind_of
from zoo.question import Question
from zoo.shots import Shots

RESULTS = Path(__file__).parent / "results" / "cascade.csv"
SPECS = ["finance/complaint", "support/intent"]
KEY = ("spec", "specialist", "large_model", "shots", "rows", "system", "unpromised")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", metavar="SPEC[@VERSION]", default=SPECS)
    parser.add_argument("--hub", help="default: FACTORY_HUB")
    parser.add_argument("--sample", type=int, default=200, help="gold rows for the large model; 0: all (default 200)")
    about = "people's rows that the large model may be shown, a second time; 0: it is asked without (default 0)"
    parser.add_argument("--shots", type=int, default=0, help=about)
    parser.add_argument("--url", help="of the large model, up to /v1; default: the spec's teacher")
    parser.add_argument("--model", help="as the server calls it; default: the spec's teacher")
    parser.add_argument("--read-price", type=float, default=0.0, help="of a million tokens of questions, in any money")
    parser.add_argument("--write-price", type=float, default=0.0, help="of a million tokens of replies")
    about = "where the specialist promises nothing: escalate (default), answer, or the confidence to answer from"
    parser.add_argument("--unpromised", type=unpromised, default="escalate", metavar="HOW", help=about)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    if asked.url:
        where = replace(where, teacher_url=asked.url)
    for name in asked.specs:
        for line in _lines(name, where, asked):
            save(asked.out, KEY, line)


@dataclass
class _Measured:
    """A system's answers to gold rows.

    Attributes:
        answered: by the specialist, text by text.
        unsure: left so at the end.
        seconds: of each; None: not known.
        core_seconds, price: of a text, on average; None: not known, or no price was given.
    """

    said: Predictions
    answered: list[bool]
    unsure: list[bool]
    seconds: list[float | None]
    core_seconds: float | None
    price: float | None


def _lines(name: str, where: Settings, asked: argparse.Namespace) -> list[dict[str, Any]]:
    specialist = zoo.load(name, hub=asked.hub or where.hub)
    spec = specs.load(specialist.name, where.prompts)
    if asked.model:
        spec = spec.model_copy(update={"teacher": spec.teacher.model_copy(update={"model": asked.model})})
    cache = ReplyCache(where.home / "benchmarks" / "cascade.db")
    try:
        with Build(spec, "full", where) as build:
            bench = _Bench(specialist, build.gold, build.teacher, asked, local=not where.teacher_url)
            question = Question.read(specialist.folder, specialist.manifest)
            large = Escalated(lambda text: question, bench.kind, build.endpoint, cache)
            lines = [*bench.beside(large, 0), *bench.alone(large)]
            if asked.shots:
                rows = _people(build, asked.shots)
                near = Shots(rows, specialist, bench.kind).near
                shown = Escalated(lambda text: question.after(near(text)), bench.kind, build.endpoint, cache)
                lines += bench.beside(shown, len(rows))
            return lines
    finally:
        cache.close()


def _people(build: Build, count: int) -> list[tuple[str, Any]]:
    """Texts that people labelled, and what they said: a sample of so many, without those that a build would drop
    because they are too like a gold text."""
    found = sample(gold_of(build.spec, build.settings.gold, "reviewed.jsonl"), count)
    rows = [reviewed(row, Lineage(spec=build.spec.identity)) for row in found]
    verdicts = contamination.check(rows, check.context(build.spec, build.gold))
    return [(row.text, _right(row)) for row, verdict in zip(rows, verdicts, strict=True) if verdict.passed]


def _right(row: Row) -> Any:
    """What people said, as the zoo takes it."""
    if row.spans is not None:
        return [zoo.Mark(one.label, one.start, one.end, row.text[one.start : one.end]) for one in row.spans]
    return row.answer if row.answer is not None else row.record if row.record is not None else row.label


class _Bench:
    """The systems side by side on one spec's gold rows."""

    def __init__(
        self, specialist: Any, gold: list[Gold], model: str, asked: argparse.Namespace, *, local: bool
    ) -> None:
        self.kind = kind_of(specialist.manifest, specialist.folder)
        self.metric: Metric = OF_KIND[specialist.manifest.kind].metrics[0]
        self.specialist, self.gold, self.model, self.asked = specialist, gold, model, asked
        self.rows, self.named = sample(gold, asked.sample), describe(gold, asked.sample)
        self._prices = (asked.read_price / 1e6, asked.write_price / 1e6)
        self._cores = (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()) or 1
        self._local = local
        self._at = here()

    def beside(self, large: Escalated, shots: int) -> list[dict[str, Any]]:
        """A line of the large model, which is asked now, and one of the cascade; it may be shown so many rows."""
        large.ask([row.text for row in self.rows], Meter(f"{self.specialist.name}: ask the large model", "replies"))
        theirs = self._large(large)
        systems = (("large model", theirs), ("cascade", self._cascade(large)))
        return [self._line(name, one, theirs, shots) for name, one in systems]

    def alone(self, large: Escalated) -> list[dict[str, Any]]:
        """Lines of the specialist, beside a large model that has been asked."""
        theirs = self._large(large)
        systems = (("specialist", self._specialist(self.gold, "all")), ("specialist, on the sample", self._sampled))
        return [self._line(name, one, theirs, "") for name, one in systems]

    @cached_property
    def _sampled(self) -> _Measured:
        return self._specialist(self.rows, self.named)

    def _specialist(self, rows: list[Gold], named: str) -> _Measured:
        self.specialist.predict([row.text for row in rows[:20]])  # the first answers of a process are slower
        found, seconds = [], list[float | None]()
        how = {"scores": True} if isinstance(self.specialist, zoo.Classifier) else {}
        for row in rows:
            begun = time.perf_counter()
            found.append(self.specialist.predict(row.text, **how))
            seconds.append(time.perf_counter() - begun)
        decisions = [decided(self.kind.held(one)) for one in found]
        said = answers("specialist", rows, decisions, scores=list(map(_scores, found)), sample=named)
        sure = [not self.kind.unsure(one) for one in found]
        spent = statistics.fmean(one for one in seconds if one is not None)
        return _Measured(said, sure, [not one for one in sure], seconds, spent, 0.0)

    def _large(self, large: Escalated) -> _Measured:
        found = [large.said(row.text) for row in self.rows]
        seconds = [one.seconds for one in found]
        said = answers("large model", self.rows, [decided(one.content) for one in found], sample=self.named)
        known = [one for one in seconds if one is not None]
        spent = self._cores * statistics.fmean(known) if known and self._local else None
        read, write = self._prices
        price = statistics.fmean(read * one.read + write * one.written for one in found) if any(self._prices) else None
        none = [one.content is None for one in found]
        return _Measured(said, [False] * len(found), none, seconds, spent, price)

    def _cascade(self, large: Escalated) -> _Measured:
        cascade: zoo.Cascade[Any] = zoo.Cascade(self.specialist, large, unpromised=self.asked.unpromised, retries=0)
        found = cascade.predict([row.text for row in self.rows])
        own = [one.reason == "answered" for one in found]
        seconds, spent, price = list[float | None](), 0.0, 0.0
        read, write = self._prices
        for row, answered, first in zip(self.rows, own, self._sampled.seconds, strict=True):
            more = None if answered else large.said(row.text)
            later = 0.0 if more is None else more.seconds
            seconds.append(None if first is None or later is None else first + later)
            spent += (first or 0.0) + self._cores * (later or 0.0)
            price += read * more.read + write * more.written if more else 0.0
        said = answers("cascade", self.rows, [decided(self.kind.held(one)) for one in found], sample=self.named)
        count = len(found)
        each = price / count if any(self._prices) else None
        return _Measured(
            said, own, [one.unsure for one in found], seconds, spent / count if self._local else None, each
        )

    def _interval(self, said: Predictions) -> Interval:
        if self.metric == "accuracy":
            return wilson(sum(said.rights), len(said.rights))
        return bootstrap(self.metric, said.gold, said.predicted)

    def _line(self, system: str, one: _Measured, large: _Measured, shots: int | str) -> dict[str, Any]:
        right = [item.right for item in one.said.items]
        whole = self._interval(one.said)
        stands = [good for good, unsure in zip(right, one.unsure, strict=True) if not unsure]
        error = wilson(stands.count(False), len(stands)) if stands else None
        manifest = self.specialist.manifest
        verdict = ""
        if system == "specialist" and manifest.risk is not None:
            verdict = promise.measure(one.said, manifest.risk, manifest.doubt, self._at).verdict
        other = system not in ("specialist", "large model")
        over = evaluate.compare(one.said, large.said, self._at, self.metric) if other else None
        known = [second for second in one.seconds if second is not None]
        mean = statistics.fmean(known) if known else None
        theirs = [second for second in large.seconds if second is not None]
        return {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "spec": manifest.name,
            "specialist": manifest.version,
            "large_model": self.model,
            "shots": shots,
            "rows": one.said.sample,
            "system": system,
            "unpromised": self.asked.unpromised if system == "cascade" and not manifest.doubt.promises else "",
            "n": len(right),
            "metric": self.metric,
            "value": _of(whole.value),
            "low": _of(whole.low),
            "high": _of(whole.high),
            "points_over_large_model": _of(over and 100 * over.difference, 2),
            "points_low": _of(over and 100 * over.low, 2),
            "points_high": _of(over and 100 * over.high, 2),
            "answered_by_specialist": _of(sum(one.answered) / len(right)),
            "passed_on": _of(1 - sum(one.answered) / len(right) if system == "cascade" else None),
            "left_unsure": _of(sum(one.unsure) / len(right)),
            "stated_risk": _of(manifest.risk, 2),
            "error_among_answers": _of(error and error.value),
            "error_low": _of(error and error.low),
            "error_high": _of(error and error.high),
            "promise": verdict,
            "seconds_a_text": _of(mean, 5),
            "core_seconds_a_text": _of(one.core_seconds, 5),
            "price_a_text": _of(one.price, 8),
            "seconds_saved": _of(_saved(mean, statistics.fmean(theirs) if theirs else None)),
            "core_seconds_saved": _of(_saved(one.core_seconds, large.core_seconds)),
            "price_saved": _of(_saved(one.price, large.price)),
            "hardware": hardware(),
        }


def _scores(answer: Any) -> Any:
    """An answer's, as evidence has them: of every label; of each span; or the one of a record or words."""
    if isinstance(answer, list):
        return [one.score for one in answer]
    if isinstance(answer, zoo.Answer):
        return answer.scores
    return (answer.score if answer.complete else 0.0,)


def _saved(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else 1 - ours / theirs


def _of(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
