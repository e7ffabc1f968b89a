"""Do two samples come from one distribution? Three published tests, each with a distance between 0 and 1.

- `labels`: Pearson's chi-square test of homogeneity. Its p is by Monte Carlo over tables with the same margins
  (Patefield 1981), because rare labels are too few for the asymptotic one. Together with `confidence` it is black-box
  shift detection (Lipton et al. 2018; Rabanser et al. 2019, "Failing Loudly").
- `confidence`: the two-sample Kolmogorov-Smirnov test.
- `texts`: a classifier two-sample test (Lopez-Paz & Oquab 2017; Rabanser et al. 2019): logistic regression learns, on
  half of the vectors, to tell the samples apart; if it does so on the other half better than a coin (binomial test),
  they are not alike.

Many texts make any small difference significant, so each test has a distance beside its p, and all three are bounds on,
or estimates of, the same thing: the total variation distance, the share of one side that the other has no match for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 9999
LARGEST = 1000
"""Texts a side that the classifier is given; more only cost time."""


@dataclass(frozen=True)
class Shift:
    """What a test found.

    Attributes:
        distance: 0, alike, to 1, nothing in common.
        p: how probable so large a difference is between two samples of one distribution.
        method: the test, for people.
    """

    distance: float
    p: float
    method: str


def labels(ours: Sequence[str], theirs: Sequence[str], seed: int = 0) -> Shift:
    """Chi-square by Monte Carlo; the distance is half the sum of the shares' differences."""
    from scipy.stats import random_table

    names = sorted({*ours, *theirs})
    place = {name: number for number, name in enumerate(names)}
    table: NDArray[np.int64] = np.stack(
        [np.bincount([place[one] for one in side], minlength=len(names)) for side in (ours, theirs)]
    )
    shares = table / table.sum(axis=1, keepdims=True)
    distance = min(1.0, 0.5 * float(np.abs(shares[0] - shares[1]).sum()))  # rounding may say a little more
    method = f"chi-square, Monte Carlo of {RESAMPLES} tables"
    if len(names) == 1:
        return Shift(0.0, 1.0, method)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(rows, columns) / table.sum()

    def statistic(tables: NDArray[Any]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = ((tables - expected) ** 2 / expected).sum(axis=(-2, -1))
        return found

    drawn = statistic(random_table(rows, columns, seed=np.random.default_rng(seed)).rvs(RESAMPLES))
    larger = int((drawn >= statistic(table) * (1 - 1e-12)).sum())  # sums in another order differ in the last digits
    return Shift(distance, (larger + 1) / (RESAMPLES + 1), method)


def confidence(ours: Sequence[float], theirs: Sequence[float]) -> Shift:
    """Kolmogorov-Smirnov; the distance is its D, the largest difference of the two distribution functions."""
    from scipy.stats import ks_2samp

    found = ks_2samp(ours, theirs)
    return Shift(float(found.statistic), float(found.pvalue), "two-sample Kolmogorov-Smirnov")


def texts(ours: NDArray[np.float32], theirs: NDArray[np.float32], seed: int = 0) -> Shift:
    """A classifier that tells them apart; the distance is by how much it beats a coin: 2 * accuracy - 1, at least 0.

    Args:
        ours, theirs: vectors, [texts, hidden], at least 4 each; of the larger side as many are drawn as there
            are on the smaller.
        seed: of what is drawn.
    """
    from scipy.stats import binom
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(seed)
    size = min(len(ours), len(theirs), LARGEST) // 2 * 2
    sides = [side[rng.permutation(len(side))[:size]] for side in (ours, theirs)]
    half = size // 2
    learned, asked = (np.concatenate([side[part] for side in sides]) for part in (slice(half), slice(half, None)))
    truth = np.repeat([0, 1], half)
    judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(learned, truth)
    right = int((judge.predict(asked) == truth).sum())
    return Shift(
        max(0.0, 2.0 * right / size - 1.0),
        float(binom.sf(right - 1, size, 0.5)),
        f"domain classifier on {half} texts a side, asked about {half} others",
    )
