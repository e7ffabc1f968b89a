"""How soon a canary's candidate is rolled back, and how often wrongly, by how often it really fails or disagrees.

    python benchmarks/rollout.py [RUNS]                   default: 400

Simulated, with a seed: a candidate's texts count against it at a steady rate, up to 3,000 of them, and the test of
zoo.rollout.sequential looks after each at the default level (alpha 5 %, shared by two bounds). `rolled_back` is the
share of runs in which it ever says that the rate is beyond the bound: at a rate within the bound each is a mistake.
`median` and `p95` are the texts that took, of those runs. `single_look` is the share that an exact binomial test at the
same level would have rolled back, made for one look and made after every text. Results go to
benchmarks/results/rollout.csv, a line a bound and rate.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import numpy as np
from scipy.stats import binom

from benchmarks.parts.table import save
from zoo.rollout import sequential

RESULTS = Path(__file__).parent / "results" / "rollout.csv"
KEY = ("bound", "rate")
RATES = {0.1: (0.05, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5), 0.01: (0.005, 0.01, 0.02, 0.05, 0.2, 1.0)}
LEVEL, TEXTS = 0.05 / 2, 3000


def main(runs: int) -> None:
    """Simulate and write the table."""
    for bound, rates in RATES.items():
        for rate in rates:
            counted = np.random.default_rng(0).random((runs, TEXTS)) < rate
            ends = [end for row in counted if (end := first(row.tolist(), bound))]
            looks = np.arange(1, TEXTS + 1)
            naive = (binom.sf(counted.cumsum(axis=1) - 1, looks, bound) <= LEVEL).any(axis=1)
            row = {
                "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
                "bound": bound,
                "rate": rate,
                "runs": runs,
                "rolled_back": f"{len(ends) / runs:.3f}",
                "median": f"{np.median(ends):.0f}" if ends else "",
                "p95": f"{np.percentile(ends, 95):.0f}" if ends else "",
                "single_look": f"{naive.mean():.3f}",
            }
            save(RESULTS, KEY, row)


def first(row: list[bool], bound: float) -> int:
    """After how many texts the evidence is enough; 0: never."""
    counted = 0
    for looks, one in enumerate(row, 1):
        counted += one
        if one and sequential.beyond(counted, looks, bound) >= 1 / LEVEL:  # it only grows when one counts
            return looks
    return 0


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
