"""How accuracy grows with rows: reviewed ones, and a build's synthetic ones, by hard labels and by soft ones.

    python benchmarks/learning.py [--spec SPEC ...] [--seeds 3] [--learner frozen tfidf static student]
    python benchmarks/learning.py --spec SPEC --built [--budget full]

Without `--built` rows are reviewed.jsonl's: 50, 100, 200, 400 and all, stratified samples that every seed draws anew.
With it they are the dataset of the spec's build (built if need be): 0, 25, 50 and 100 % of the rows whose labels nobody
gave, each share drawn anew by every seed, on top of all reviewed ones and without them (`reviewed` is 0: the student on
synthetic rows alone); once with the dataset's soft labels, once with the likeliest label alone. The last line of
reviewed rows alone is the student without synthetic rows.

Learners: the ladder's frozen rung (default), TF-IDF (default), static vectors, and the spec's student, which takes its
minutes each time. All are measured on all of validation.jsonl; intervals are bootstraps over gold rows, each row's mean
over seeds. `soft_ahead` is the paired difference from the same rows with hard labels, in points. Results:
benchmarks/results/learning.csv, a line a spec, rows and learner.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.parts.remembering import Remembering
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.dataset.split import split
from factory.dataset.version import open_version
from factory.errors import FactoryError
from factory.evidence import intervals
from factory.evidence.circumstances import here
from factory.evidence.sample import sample
from factory.gold import Gold, gold_of
from factory.row import Lineage, Row
from factory.stages import Build
from factory.stages.model import recipe_of, recipes_of, student_of
from factory.students import ladder
from factory.students.baselines import Tfidf
from factory.students.classifier import Labels
from factory.students.static import Static

RESULTS = Path(__file__).parent / "results" / "learning.csv"
SPECS = ["finance/sentiment", "support/intent", "legal/clause"]
KEY = ("spec", "rows_from", "learner", "reviewed", "synthetic", "labels")
REVIEWED = (50, 100, 200, 400)
SHARES = (0.25, 0.5, 1.0)
PEOPLE = ("reviewed", "example")
"""Origins of rows whose label a person gave."""
SEED = 13


@dataclass(frozen=True)
class Point:
    """Rows of a curve: so many reviewed and synthetic ones, and whether only their likeliest labels are told."""

    reviewed: int
    synthetic: int
    hard: bool = False


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn from every point's rows and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", action="append", help=f"<vertical>/<task>, several times; default {', '.join(SPECS)}")
    parser.add_argument("--built", action="store_true", help="the rows of the spec's build, in place of reviewed.jsonl")
    parser.add_argument("--budget", default="full", help="of the build, and of the student's epochs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--learner", nargs="*", choices=list(LEARNERS), default=["frozen", "tfidf"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.spec or SPECS:
        spec = specs.load(name, where.prompts)
        if spec.kind != "classification":
            raise FactoryError(f"{name} is no classification, and these learners label texts.", fix="Name another.")
        with Build(spec, asked.budget, where) as build:
            bench = _Bench(build, asked.built)
            for learner in asked.learner:
                for line in bench.curve(learner, asked.seeds):
                    save(asked.out, KEY, line)


class _Bench:
    """One spec's rows and gold."""

    def __init__(self, build: Build, built: bool) -> None:
        self.build, self.texts = build, [row.text for row in build.gold]
        self.encoder = Remembering.load(build.base_source, build.labels, build.spec.student.max_tokens)
        if built:
            version = open_version(build.run("dataset").path)
            rows, self.rows_from = [*version.rows("train"), *version.rows("held_out")], version.version
        else:
            lineage = Lineage(spec=build.spec.identity)
            pool = gold_of(build.spec, build.settings.gold, "reviewed.jsonl")
            rows = [Row(text=one.text, label=one.label, origin="reviewed", lineage=lineage) for one in pool]
            self.rows_from = "reviewed"
        self._by_id = {row.id: row for row in rows}
        self.people, self.machine = (
            [
                Gold(id=row.id, text=row.text, label=row.label)
                for row in self._by_id.values()
                if (row.origin in PEOPLE) == by_people
            ]
            for by_people in (True, False)
        )

    def points(self) -> list[Point]:
        """From few rows to many; hard labels before soft ones."""
        people, machine = len(self.people), len(self.machine)
        if not machine:
            return [Point(number, 0) for number in (*(one for one in REVIEWED if one < people), people)]
        alone = [Point(people, 0)] if people else []
        return alone + [
            Point(reviewed, round(share * machine), hard)
            for reviewed in dict.fromkeys((0, people))
            for share in SHARES
            for hard in (True, False)
        ]

    def rows(self, point: Point, seed: int) -> list[Row]:
        """A point's rows as a seed draws them, from all strata alike."""
        drawn = [*_some(self.people, point.reviewed, seed), *_some(self.machine, point.synthetic, seed)]
        found = [self._by_id[one.id] for one in drawn]
        return [row.model_copy(update={"soft": None}) for row in found] if point.hard else found

    def curve(self, learner: str, seeds: int) -> Iterator[dict[str, Any]]:
        """A line for every point."""
        found: dict[Point, list[list[str]]] = {}
        for point in self.points():
            rows = [self.rows(point, SEED + number) for number in range(seeds)]
            found[point] = [LEARNERS[learner](self, some, SEED + number) for number, some in enumerate(rows)]
            hard = found.get(replace(point, hard=True)) if point.synthetic and not point.hard else None
            yield self._line(learner, point, len(rows[0]), found[point], hard)

    def frozen(self, rows: Sequence[Row], seed: int) -> list[str]:
        """What the frozen encoder with a head says of gold; rows held out choose the head, as in a build."""
        (recipe,) = ladder.recipes(recipe_of(self.build), ["frozen"])
        Labels(*_split(rows), recipe, self.encoder).settle(self.encoder)
        return self._likeliest(self.encoder.predict_logits(self.texts))

    def tfidf(self, rows: Sequence[Row], seed: int) -> list[str]:
        """What TF-IDF with logistic regression says of gold."""
        return Tfidf(rows).predict(self.texts)

    def static(self, rows: Sequence[Row], seed: int) -> list[str]:
        """What static vectors with logistic regression say of gold."""
        return self._likeliest(Static(rows, self.build.labels, self.encoder).predict_proba(self.texts))

    def student(self, rows: Sequence[Row], seed: int) -> list[str]:
        """What the student says of gold, trained as the spec says."""
        student, recipes = student_of(self.build), [replace(one, seed=seed) for one in recipes_of(self.build)]
        learned, held = _split(rows)
        with tempfile.TemporaryDirectory() as folder:
            ladder.climb(
                recipes,
                lambda recipe, out: student.fit(learned, held, recipe, out, self.build.meter("train", "steps")),
                Path(folder),
            )
            answers, _ = student.alone(Path(folder), recipes[0], self.texts)
        return [str(label) for label in answers]

    def _likeliest(self, scores: Any) -> list[str]:
        return [self.build.labels[int(best)] for best in scores.argmax(axis=1)]

    def _line(
        self,
        learner: str,
        point: Point,
        rows: int,
        answers: Sequence[Sequence[str]],
        hard: Sequence[Sequence[str]] | None,
    ) -> dict[str, Any]:
        gold = [row.label for row in self.build.gold]
        right = np.array([[a == b for a, b in zip(gold, said, strict=True)] for said in answers], float)
        found, by_seed = intervals.mean(list(right.mean(axis=0))), [float(one) for one in right.mean(axis=1)]
        ahead = None
        if hard is not None:
            theirs = np.array([[a == b for a, b in zip(gold, said, strict=True)] for said in hard], float)
            ahead = intervals.mean(list(100 * (right - theirs).mean(axis=0)))
        return {
            "spec": self.build.spec.name,
            "rows_from": self.rows_from,
            "encoder": "" if learner == "tfidf" else self.build.base_identity.partition("@")[0],
            "learner": learner,
            "reviewed": point.reviewed,
            "synthetic": point.synthetic,
            "labels": "hard" if point.hard or not point.synthetic else "soft",
            "rows": rows,
            "seeds": len(answers),
            "gold": len(gold),
            "accuracy": f"{found.value:.4f}",
            "low": f"{found.low:.4f}",
            "high": f"{found.high:.4f}",
            "accuracy_sd": f"{stdev(by_seed):.4f}" if len(by_seed) > 1 else "",
            "macro_f1": f"{mean(intervals.value_of('macro_f1', gold, said) for said in answers):.4f}",
            "soft_ahead": f"{ahead.value:.2f}" if ahead else "",
            "soft_low": f"{ahead.low:.2f}" if ahead else "",
            "soft_high": f"{ahead.high:.2f}" if ahead else "",
            **vars(here()),
        }


LEARNERS: Mapping[str, Callable[[_Bench, Sequence[Row], int], list[str]]] = {
    "frozen": _Bench.frozen,
    "tfidf": _Bench.tfidf,
    "static": _Bench.static,
    "student": _Bench.student,
}


def _some(pool: Sequence[Gold], number: int, seed: int) -> list[Gold]:
    """So many, from all strata; `sample` takes 0 for all."""
    return sample(pool, number, seed) if number else []


def _split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """What is learned and what is held out."""
    placed = split(rows)
    learned, held = ([row for row in rows if placed[row.id] == part] for part in ("train", "held_out"))
    return learned, held


if __name__ == "__main__":
    main()
