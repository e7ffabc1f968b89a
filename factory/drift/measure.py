"""From a log and a version to findings: which tests can be made, what they say, and whether that is drift.

Drift is found where a test's p is below `ALPHA` over the number of tests made (Bonferroni), so that all of them
together raise a false alarm in at most one of twenty looks; and, of the tests of two samples, where the distance is at
least `LEAST`, because in a large log any difference is significant. The test of corrections has no such floor: a
promise is kept or broken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from factory.drift import shift
from factory.drift.reference import ALL, Reference, Stated
from factory.drift.sample import CONFIDENCE, CORRECTIONS, LABELS, TEXTS, Sample
from factory.drift.shift import Shift
from factory.drift.traffic import Traffic

ALPHA, LEAST, ENOUGH = 0.05, 0.1, 30
"""Chance of a false alarm of all tests together; the least distance that counts; answers or texts a side."""
Vectors = Callable[[Sequence[str]], NDArray[np.float32]]
"""From texts to vectors, [texts, hidden]."""
Verdict = Literal["drift", "none", "not tested"]
_Outcome = str | tuple[Shift, int, int]
"""Why a test was not made; or what it found, and how many there were on either side."""


@dataclass(frozen=True)
class Finding:
    """What came of one test.

    Attributes:
        test: its name.
        verdict: see `Verdict`.
        why: which test it was; or why it was not tested.
        distance, p: as factory.drift.shift has them; of corrections, the share known to be wrong. None: not tested.
        ours, theirs: how many there were on either side: of the version's own, and of production. Of corrections, how
            many answers somebody looked at, and how many there are.
    """

    test: str
    verdict: Verdict
    why: str
    distance: float | None = None
    p: float | None = None
    ours: int = 0
    theirs: int = 0


@dataclass(frozen=True)
class Drift:
    """All findings.

    Attributes:
        specialist: `<vertical>/<task>@<version>`.
        dataset: the dataset version that it was trained on.
        against, production: what was compared, for people.
        first, last: when the first and the last decision was made.
        alpha, least: what the verdicts rest on.
        looked_at, wrong: decisions that people corrected or confirmed, and of these those that were wrong.
        others: decisions of other versions, which were passed over, by version.
        findings: a test each.
    """

    specialist: str
    dataset: str
    against: str
    production: str
    first: str
    last: str
    alpha: float
    least: float
    looked_at: int
    wrong: int
    others: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def found(self) -> bool:
        """Whether any test found drift."""
        return any(one.verdict == "drift" for one in self.findings)

    @property
    def tested(self) -> bool:
        """Whether anything could be tested."""
        return any(one.verdict != "not tested" for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON can say it."""
        return {**asdict(self), "drift": self.found}


def measure(
    reference: Reference, traffic: Traffic, vectors: Vectors, *, alpha: float = ALPHA, least: float = LEAST
) -> Drift:
    """Compare production with what the version was made from.

    Args:
        reference: the version.
        traffic: its decisions.
        vectors: called only where texts can be compared.
        alpha: the chance of a false alarm of all tests together.
        least: the smallest distance that counts.
    """
    ours, theirs = reference.sample, traffic.sample
    outcomes = {
        LABELS: _compared(LABELS, ours, theirs, shift.labels, ours.labels, theirs.labels),
        CONFIDENCE: _compared(CONFIDENCE, ours, theirs, shift.confidence, ours.confidences, theirs.confidences),
        TEXTS: _compared(
            TEXTS, ours, theirs, lambda a, b: shift.texts(vectors(a), vectors(b)), *_drawn(ours.texts, theirs.texts)
        ),
        CORRECTIONS: _corrected(reference.stated, traffic),
    }
    level = alpha / max(1, sum(not isinstance(one, str) for one in outcomes.values()))
    manifest, people = reference.manifest, traffic.corrections
    return Drift(
        specialist=manifest.id,
        dataset=reference.dataset,
        against=ours.what,
        production=theirs.what,
        first=traffic.first,
        last=traffic.last,
        alpha=alpha,
        least=least,
        looked_at=people.looked_at,
        wrong=people.wrong,
        others=traffic.others,
        findings=tuple(_judged(name, one, level, least) for name, one in outcomes.items()),
    )


def _compared(
    test: str, ours: Sample, theirs: Sample, by: Callable[[Any, Any], Shift], a: Sequence[Any], b: Sequence[Any]
) -> _Outcome:
    for side in (ours, theirs):
        if why := side.lacks.get(test):
            return why
    if min(len(a), len(b)) < ENOUGH:
        return f"{len(a)} against {len(b)}, and {ENOUGH} on either side are needed"
    return by(a, b), len(a), len(b)


def _drawn(ours: Sequence[str], theirs: Sequence[str]) -> list[list[str]]:
    """As many texts of either side as the smaller one has, each once.

    Drawn first and counted once then: of a large sample more of the texts that repeat are left out than of a small one.
    """
    size, rng = min(len(ours), len(theirs), 2 * shift.LARGEST), np.random.default_rng(0)
    return [sorted({side[place] for place in rng.permutation(len(side))[:size]}) for side in (ours, theirs)]


def _corrected(stated: Stated | None, traffic: Traffic) -> _Outcome:
    """Are more answers known to be wrong than may be? Nobody looks at all of them, so that there are more in truth."""
    if why := traffic.sample.lacks.get(CORRECTIONS):
        return why
    people = traffic.corrections
    if not people.looked_at:
        return "nobody corrected or confirmed an answer"
    if stated is None:
        return "nothing was promised of its answers"
    if stated.of == ALL:
        n, wrong = traffic.decisions, people.wrong
    else:
        n, wrong = people.sure, people.sure_wrong
    if n < ENOUGH:
        return f"{n} {stated.of}, and {ENOUGH} are needed"
    from scipy.stats import binom

    method = f"{wrong} of {n} {stated.of} are known to be wrong; {stated.how}; binomial test"
    return Shift(wrong / n, float(binom.sf(wrong - 1, n, stated.error)), method), people.looked_at, n


def _judged(test: str, outcome: _Outcome, level: float, least: float) -> Finding:
    if isinstance(outcome, str):
        return Finding(test, "not tested", outcome)
    found, ours, theirs = outcome
    unlikely, far = found.p < level, found.distance >= least or test == CORRECTIONS
    note = f"; not by chance, but nearer than {least}" if unlikely and not far else ""
    verdict: Verdict = "drift" if unlikely and far else "none"
    return Finding(test, verdict, found.method + note, found.distance, found.p, ours, theirs)
