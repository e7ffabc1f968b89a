"""A score for every row that two judges read; a row is dropped for it only where the spec says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from factory.hygiene import disagreement
from factory.hygiene.check import Context
from factory.hygiene.explain import explain
from factory.row import Origin
from factory.spec_hygiene import Hygiene
from tests.hygiene.hygiene_rows import row

Make = Callable[..., Context]
DIVIDED = {"big@1": np.array([0.9, 0.05, 0.05], np.float32), "small@2": np.array([0.1, 0.8, 0.1], np.float32)}
UNITED = {"big@1": np.array([0.9, 0.05, 0.05], np.float32), "small@2": np.array([0.8, 0.1, 0.1], np.float32)}


def context(make: Make, most: float | None, **opinions: dict[str, NDArray[np.float32]]) -> Context:
    said = {row(text).id: given for text, given in opinions.items()}
    known = make()
    spec = known.spec.model_copy(update={"judges": list(DIVIDED), "hygiene": Hygiene(disagreement=most)})
    return replace(known, spec=spec, opinions=said)


def test_without_a_threshold_the_score_is_kept_and_nothing_is_dropped(make_context: Make) -> None:
    known = context(make_context, None, divided=DIVIDED, united=UNITED, alone={"big@1": DIVIDED["big@1"]})
    divided, united, alone, unread = disagreement.check([row(t) for t in ("divided", "united", "alone", "no")], known)
    assert divided.passed and united.passed
    assert 0.0 < (united.score or 0.0) < 0.05 < 0.4 < (divided.score or 0.0) < 1.0
    assert divided.reason == "big@1 says card_arrival (0.90); small@2 says neutral (0.80)"
    for one in (alone, unread):
        assert one.passed and one.score is None and one.reason.startswith("not asked")
    life = explain(row("divided", verdicts=[divided]))
    assert "disagreement" in life and "small@2 says neutral (0.80)" in life


@pytest.mark.parametrize(
    ("origin", "passed"), [("generated", False), ("unlabelled", False), ("reviewed", True), ("example", True)]
)
def test_a_threshold_drops_what_no_person_labelled(make_context: Make, origin: Origin, passed: bool) -> None:
    known = context(make_context, 0.4, divided=DIVIDED, united=UNITED)
    divided, united = disagreement.check([row("divided", origin=origin), row("united", origin=origin)], known)
    assert divided.passed is passed and united.passed
    assert passed or divided.reason.startswith("judges disagree: 0.56, 0.40 is allowed; big@1 says")
