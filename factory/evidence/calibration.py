"""Confidences that mean what they say, and a threshold above which a model may answer alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from factory.evidence.clusters import correlation, design_effect
from factory.evidence.metrics import Floats
from zoo.doubt import Doubt

LOWEST, HIGHEST = 0.05, 20.0
_GOLDEN = (5**0.5 - 1) / 2


def temperature(logits: Any, gold: Any, weights: Any = None) -> float:
    """The temperature that makes softmax(logits / T) fit held-out rows best (Guo et al. 2017).

    Minimises the negative log-likelihood, which is convex in 1/T, by golden-section search over T in [0.05, 20]. Log
    probabilities do as logits. Fit it on rows that the model was not trained on, and measure it on others.

    Args:
        logits: [n, labels].
        gold: index of the right label, [n]; or a distribution over labels for each row, [n, labels].
        weights: of the rows, [n], not negative; None: all weigh alike.

    Raises:
        ValueError: no rows, shapes that do not fit, or logits that are not finite.
    """
    values, wanted = _checked(logits, gold)
    counts = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)

    def loss(inverse: float) -> float:
        scaled = values * inverse
        top = scaled.max(axis=1, keepdims=True)
        spread = np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0]
        return float(counts @ (spread - (scaled * wanted).sum(axis=1)) / len(counts))

    low, high = 1.0 / HIGHEST, 1.0 / LOWEST
    while high - low > 1e-5:
        step = _GOLDEN * (high - low)
        if loss(high - step) <= loss(low + step):
            high = low + step
        else:
            low = high - step
    return 2.0 / (low + high)


def probabilities(logits: Any, temperature: float = 1.0) -> Floats:
    """softmax(logits / temperature), [n, labels]."""
    scaled: Floats = np.asarray(logits, dtype=np.float64) / temperature
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Floats = weights / weights.sum(axis=1, keepdims=True)
    return result


@dataclass(frozen=True)
class Threshold:
    """Answers with `confidence` or more may be trusted up to a risk.

    Attributes:
        confidence: the threshold.
        coverage: share of the held-out rows it accepts.
        risk: share of wrong answers among those.
        bound: upper bound of the risk on new rows like these.
    """

    confidence: float
    coverage: float
    risk: float
    bound: float

    @property
    def sentence(self) -> str:
        """What is promised, for a person."""
        return f"of the surest {100 * self.coverage:.0f} % of answers at most {100 * self.bound:.1f} % are wrong"


@dataclass(frozen=True)
class Thresholds:
    """Those of labels that have one of their own, and what all other answers share.

    Attributes:
        common: of all answers whose label has none; None where none could be shown.
        own: label to its threshold.
    """

    common: Threshold | None
    own: Mapping[str, Threshold] = field(default_factory=dict)

    @property
    def doubt(self) -> Doubt:
        """The same for whoever answers."""
        edge = round(self.common.confidence, 4) if self.common else None
        return Doubt(edge, {label: round(one.confidence, 4) for label, one in self.own.items()})

    @property
    def sentence(self) -> str:
        """What is promised, for a person."""
        if not self.own:
            return self.common.sentence if self.common else "nothing"
        each = "; ".join(f"{label}: {one.sentence}" for label, one in self.own.items())
        return f"{each}; the others: {self.common.sentence if self.common else 'nothing'}"


LEVELS = 20
FIRST, MOST = 3, 160
"""About a third of the rows is tried first, but no more than so many."""


def threshold(
    confidence: Any, correct: Any, risk: float, *, texts: Sequence[int] | None = None, failure: float = 0.05
) -> Threshold | None:
    """The lowest confidence from which answers are wrong at most `risk` of the time; None where none can be shown.

    The promise holds for new rows drawn like these, with probability 1 - failure over the draw of these. Fixed-sequence
    testing as in Learn then Test (Angelopoulos et al. 2021): coverages are tried in an order that is fixed beforehand,
    from few of the surest rows on in steps of 1 / LEVELS of all rows, each by the upper bound of Clopper and Pearson
    (1934) at `failure`, and the first that fails ends it. So the last one that passed is not paid for by the number of
    those tried. It begins with about a third of the rows, or 160: of fewer, hardly one may be wrong, and where people
    err, or disagree, one soon is among the surest, too. With few rows it begins where none may be wrong, or says None:
    for a risk of 10 % it takes 29, none of them wrong.

    Several answers to one text may err together. Then they count as fewer, and so do the wrong ones among them: both
    are divided by the design effect (Korn and Graubard 1998), whose correlation is that of all answers, since among the
    surest too few are wrong to tell; and it begins as much later.

    Args:
        confidence: of the answers to rows that the model has not learned, [n].
        correct: whether they were right, [n].
        risk: the share of wrong answers that is tolerable, in (0, 1).
        texts: which text each answers, [n]; None: each another one.
        failure: the chance that the promise is wrong.
    """
    sure: Floats = np.asarray(confidence, dtype=np.float64)
    right = np.asarray(correct, dtype=bool)
    asked = np.arange(len(sure)) if texts is None else np.asarray(texts)
    if sure.ndim != 1 or not len(sure) or not sure.shape == right.shape == asked.shape:
        raise ValueError("confidence, correct and texts must be lists of the same length, at least 1")
    correlated = correlation(~right, asked)
    effect = design_effect(asked, correlated)
    ranked, found = np.sort(sure)[::-1], None
    place = math.ceil(effect * _beginning(int(len(sure) / effect), risk, failure))
    while place <= len(sure):
        edge = float(ranked[place - 1])
        accepted = sure >= edge  # ties at the edge are accepted all together, as they will be in use
        n, wrong = int(accepted.sum()), int((accepted & ~right).sum())
        effect = design_effect(asked[accepted], correlated)
        bound = upper(wrong / effect, n / effect, failure)
        if bound > risk:
            break
        found = Threshold(edge, n / len(sure), wrong / n, bound)
        if place == len(sure):
            break
        place = min(len(sure), place + max(1, len(sure) // LEVELS))
    return found


def by_label(
    confidence: Any,
    correct: Any,
    labels: Sequence[str],
    risk: float,
    *,
    texts: Sequence[int] | None = None,
    failure: float = 0.05,
) -> Thresholds:
    """A threshold for every label whose answers are enough to show one, and another for all the rest.

    So the promise is kept label by label where rows allow (Mondrian: Vovk, Gammerman and Shafer 2005, 4.5), where a
    common threshold keeps it on average and may break it for one. How many answers are enough does not depend on what
    is right: twice as many as `threshold` takes at least. A label for which none is shown is among the rest, so what is
    promised of these is promised after a look at which they are.

    Args:
        confidence, correct, risk, texts, failure: as for `threshold`.
        labels: what the answers say, [n].
    """
    sure, right, said = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=bool), np.asarray(labels)
    asked = np.arange(len(said)) if texts is None else np.asarray(texts)

    def shown(its: Any) -> Threshold | None:
        return threshold(sure[its], right[its], risk, texts=asked[its], failure=failure)

    least, own = math.ceil(math.log(failure) / math.log(1.0 - risk)), {}  # that show it with none of them wrong
    for label in sorted(set(labels)):
        its = said == label
        found = shown(its) if its.sum() >= 2 * least else None
        if found:
            own[label] = found
    rest = ~np.isin(said, list(own))
    return Thresholds(shown(rest) if rest.any() else None, own)


def upper(wrong: float, n: float, failure: float = 0.05) -> float:
    """The upper bound, at 1 - failure, of the share of which `wrong` of n drawn were seen (Clopper, Pearson 1934)."""
    from scipy.special import betaincinv

    return 1.0 if wrong >= n else float(betaincinv(wrong + 1, n - wrong, 1.0 - failure))


def _beginning(rows: int, risk: float, failure: float) -> int:
    """How many of the surest rows are tried first; it does not depend on what is right.

    They are the fewest that let as many wrong ones pass as a third of the rows, or MOST, would.
    """
    found, enough = 0, 1
    for wrong in range(rows):
        while enough <= rows and upper(wrong, enough, failure) > risk:
            enough += 1
        if enough > min(rows / FIRST, MOST):
            break
        found = enough
    return found or enough


def _checked(logits: Any, gold: Any) -> tuple[Floats, Floats]:
    """Logits and the distribution wanted of each row, both [n, labels]."""
    values: Floats = np.asarray(logits, dtype=np.float64)
    right = np.asarray(gold)
    if values.ndim != 2 or right.shape[:1] != values.shape[:1] or not len(right):
        raise ValueError("logits must be [n, labels] and gold [n] or [n, labels], n at least 1")
    if not np.isfinite(values).all():
        raise ValueError("logits must be finite")
    if right.ndim == 2:
        if right.shape != values.shape:
            raise ValueError("gold must be [n] or [n, labels]")
        return values, np.asarray(right, dtype=np.float64)
    right = right.astype(np.int64)
    if right.min() < 0 or right.max() >= values.shape[1]:
        raise ValueError("gold must be indices of labels")
    return values, np.eye(values.shape[1])[right]
