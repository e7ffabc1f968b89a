"""From two samples to a verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from factory.drift import say
from factory.drift.measure import ALPHA, Drift, measure
from factory.drift.reference import ALL, SURE, Reference, Stated
from factory.drift.sample import CONFIDENCE, CORRECTIONS, LABELS, TEXTS, Sample
from factory.drift.traffic import Corrections, Traffic
from zoo.manifest import Manifest

LOOKS = 200


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Of texts that are numbers: the numbers, and their squares."""
    values = np.array([float(text) for text in texts], np.float32)
    return np.stack([values, values**2], axis=1)


def sample(rng: np.random.Generator, size: int, *, moved: float = 0.0, labels: float = 0.0) -> Sample:
    """Of production; a share of the texts is others, a share of the answers another label."""
    return Sample(
        f"{size} decisions",
        labels=np.where(rng.random(size) < labels, "a", rng.choice(["a", "b", "c"], size)).tolist(),
        confidences=rng.beta(8, 2, size).tolist(),
        texts=[str(value) for value in rng.normal(size=size) + 5.0 * (rng.random(size) < moved)],
    )


def reference(ours: Sample, stated: Stated | None = None) -> Reference:
    manifest = Manifest.__new__(Manifest)  # its name and version are all that is read
    object.__setattr__(manifest, "name", "test/shop")
    object.__setattr__(manifest, "version", "1.0.0")
    return Reference(manifest, "d-0123456789ab", ours, stated)


def traffic(theirs: Sample, corrections: Corrections = Corrections()) -> Traffic:  # noqa: B008  (frozen)
    return Traffic(theirs, len(theirs.labels), "2026-01-01T00:00", "2026-01-08T00:00", corrections, {})


def verdicts(drift: Drift) -> dict[str, str]:
    return {one.test: one.verdict for one in drift.findings}


def test_all_tests_together_cry_wolf_no_oftener_than_stated() -> None:
    alarms = 0
    for seed in range(LOOKS):
        rng = np.random.default_rng(seed)
        ours, theirs = sample(rng, 150), sample(rng, 300)
        alarms += measure(reference(ours), traffic(theirs), vectors, least=0.0).found
    assert binom.sf(alarms - 1, LOOKS, ALPHA) > 0.001, f"{alarms} of {LOOKS}"


@pytest.mark.parametrize(("how", "test"), [({"moved": 0.5}, TEXTS), ({"labels": 0.5}, LABELS)])
def test_what_has_shifted_is_named(how: dict[str, float], test: str) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        drift = measure(reference(sample(rng, 300)), traffic(sample(rng, 400, **how)), vectors)
        assert verdicts(drift)[test] == "drift"
        assert verdicts(drift)[CONFIDENCE] == "none"
        assert say.verdict(drift) == f"DRIFT in {test}. Not tested: corrections."


def test_a_shift_too_small_to_matter_is_told_and_is_none() -> None:
    rng = np.random.default_rng(0)
    drift = measure(reference(sample(rng, 20_000)), traffic(sample(rng, 20_000, labels=0.08)), vectors)
    found = next(one for one in drift.findings if one.test == LABELS)
    assert found.verdict == "none" and found.p is not None and found.p < 0.01
    assert "not by chance, but nearer than 0.1" in found.why


def test_what_cannot_be_tested_is_said() -> None:
    rng = np.random.default_rng(0)
    theirs = Sample("12 decisions", ["a"] * 12, [0.9] * 12, [], {TEXTS: "the log holds no text of 12 of 12 decisions"})
    drift = measure(reference(sample(rng, 300)), traffic(theirs), vectors)
    assert set(verdicts(drift).values()) == {"not tested"} and not drift.found and not drift.tested
    assert "300 against 12, and 30 on either side are needed" in say.table(drift)
    assert "the log holds no text of 12 of 12 decisions" in say.table(drift)
    assert say.verdict(drift) == "Nothing could be tested, so nothing is known."


def test_texts_that_repeat_count_once() -> None:
    rng = np.random.default_rng(0)
    ours = sample(rng, 400)
    theirs = Sample("decisions", texts=ours.texts[:40] * 20)
    drift = measure(reference(ours), traffic(theirs), vectors)
    found = next(one for one in drift.findings if one.test == TEXTS)
    assert found.verdict == "none" and found.theirs <= 40


@pytest.mark.parametrize(
    ("stated", "corrections", "verdict"),
    [
        (Stated(0.05, SURE, "promised"), Corrections(40, 20, 1000, 20), "none"),
        (Stated(0.05, SURE, "promised"), Corrections(100, 90, 1000, 80), "drift"),
        (Stated(0.05, ALL, "measured"), Corrections(40, 39, 0, 0), "drift"),
        (Stated(0.05, ALL, "measured"), Corrections(40, 4, 0, 0), "none"),
        (Stated(0.05, SURE, "promised"), Corrections(), "not tested"),
        (Stated(0.05, SURE, "promised"), Corrections(3, 3, 20, 3), "not tested"),
        (None, Corrections(40, 39, 300, 39), "not tested"),
    ],
)
def test_corrections_against_what_was_promised(stated: Stated | None, corrections: Corrections, verdict: str) -> None:
    rng = np.random.default_rng(0)
    drift = measure(reference(sample(rng, 300), stated), traffic(sample(rng, 300), corrections), vectors)
    assert verdicts(drift)[CORRECTIONS] == verdict
    assert f"looked at {corrections.looked_at} answers, of which {corrections.wrong} were wrong" in say.table(drift)
