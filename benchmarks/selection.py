"""What a reviewed row is worth by how it was selected: the factory's selection against random draws, on gold.

    python benchmarks/selection.py [--spec SPEC ...] [--seeds 20] [--ways random doubt herding]

Reviewers are simulated from reviewed.jsonl, whose labels nobody sees before they are asked for. In rounds, up to 50,
100, 200 and 400 reviewed rows, the committee (the labels' definitions and the rows reviewed so far; no teacher is
asked) gives every other row a soft label, and `factory.review.select` chooses the next ones with the spec's own audit
slice. Then a linear probe on the frozen encoder's vectors, which has learnt the definitions and what was reviewed, is
measured on all of validation.jsonl. `random` draws all rows, `doubt` selects without vectors, `herding` as a build
does. Every seed draws another audit slice. The interval is a paired bootstrap over seeds and gold rows at once, of the
points gained over `random`. Results: benchmarks/results/selection.csv, a line a spec, way and number of rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.generate import committee
from factory.gold import Gold, read_gold
from factory.review.select import select
from factory.row import Lineage, Row
from factory.settings import Settings
from factory.spec import Spec
from factory.stages import Build

RESULTS = Path(__file__).parent / "results" / "selection.csv"
SPECS = ["finance/sentiment", "support/intent", "legal/clause", "medical/section"]
ROUNDS = (50, 100, 200, 400)
WAYS = ("random", "doubt", "herding")
KEY = ("spec", "way", "reviewed")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", action="append", help=f"<vertical>/<task>, several times; default {', '.join(SPECS)}")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=WAYS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.spec or SPECS:
        bench = _Bench(specs.load(name, where.prompts), where)
        right = {
            way: [bench.right(way, seed) for seed in range(asked.seeds)]
            for way in dict.fromkeys(("random", *asked.ways))
        }
        for way, number in ((way, number) for way in right for number in bench.rounds):
            mine = np.stack([one[number] for one in right[way]])
            gained, low, high = _gain(mine, np.stack([one[number] for one in right["random"]]))
            line = {
                "spec": name,
                "way": way,
                "reviewed": number,
                "audit": bench.spec.review.audit,
                "seeds": asked.seeds,
                "gold": mine.shape[1],
                "accuracy": f"{100 * mine.mean():.2f}",
                "points_gained": f"{gained:.2f}",
                "low": f"{low:.2f}",
                "high": f"{high:.2f}",
                "points_gained_per_100_rows": f"{100 * gained / number:.2f}",
            }
            save(asked.out, KEY, line)


class _Bench:
    """One spec's pool of reviewed rows and its gold.

    Attributes:
        rounds: numbers of reviewed rows that leave at least a third of the pool to choose from.
    """

    def __init__(self, spec: Spec, where: Settings) -> None:
        self.spec = spec
        encoder = Build(spec, "full", where).encoder
        pool, gold = (_read(spec, where, name) for name in ("reviewed", "validation"))
        number, lineage = {label: place for place, label in enumerate(spec.labels)}, Lineage(spec=spec.identity)
        unseen = next(iter(spec.labels))  # until the committee votes
        self._rows = [Row(text=one.text, label=unseen, origin="unlabelled", lineage=lineage) for one in pool]
        self._place = {row.id: place for place, row in enumerate(self._rows)}
        self._pool, self._gold = (np.array([number[one.label] for one in some]) for some in (pool, gold))
        self._vectors = encoder.vectors([one.text for one in (*pool, *gold)])
        self._labels = encoder.vectors(committee.label_texts(spec))
        self._known = dict(zip(self._place, self._vectors, strict=False))
        self.rounds = [reviewed for reviewed in ROUNDS if 3 * reviewed <= 2 * len(pool)]

    def right(self, way: str, seed: int) -> dict[int, NDArray[np.bool_]]:
        """Number of reviewed rows to whether the student that learned from them is right on each gold row."""
        known: dict[int, int] = {}
        people = committee.people(self._vectors, self._labels, known)
        found = {}
        for reviewed in self.rounds:
            shown = select(
                self._decided(known, people),
                reviewed - len(known),
                1.0 if way == "random" else self.spec.review.audit,
                seed,
                vectors=self._known if way == "herding" else None,
            )
            known |= {place: int(self._pool[place]) for place in (self._place[one.row.id] for one in shown)}
            people = committee.people(self._vectors, self._labels, known)
            found[reviewed] = people[len(self._rows) :].argmax(axis=1) == self._gold
        return found

    def _decided(self, known: Mapping[int, int], people: committee.Array) -> list[Row]:
        """The pool with what people said of some rows, and what the committee thinks of the others."""
        labels, rows = list(self.spec.labels), sorted(known)
        definitions = committee.definitions(self._vectors, self._labels)
        voters = committee.Voters({"definitions": definitions, "people": people})
        p = committee.fit(voters.take(rows), np.array([known[row] for row in rows], np.int64)).vote(voters)
        return [
            row.model_copy(update={"label": labels[known[place]], "origin": "reviewed"})
            if place in known
            else row.model_copy(update={"label": labels[int(said.argmax())], "soft": self._soft(said)})
            for place, (row, said) in enumerate(zip(self._rows, p, strict=False))
        ]

    def _soft(self, probabilities: committee.Array) -> dict[str, float]:
        return dict(zip(self.spec.labels, map(float, probabilities), strict=True))


def _read(spec: Spec, where: Settings, name: str) -> list[Gold]:
    return read_gold(where.gold / spec.gold / f"{name}.jsonl", spec.labels)


def _gain(mine: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Points gained and their 95 % interval: a paired bootstrap over seeds and gold rows [seeds, gold] at once."""
    apart = 100.0 * (mine.astype(np.float32) - other)
    draw = np.random.default_rng(0)
    seeds, gold = apart.shape
    means = [
        apart[draw.integers(seeds, size=seeds)].mean(axis=0)[draw.integers(gold, size=gold)].mean() for _ in range(2000)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(apart.mean()), float(low), float(high)


if __name__ == "__main__":
    main()
