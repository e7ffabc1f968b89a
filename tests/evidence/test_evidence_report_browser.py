"""The report in a real browser: its page never scrolls sideways, and no interval is broken between its ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory.evidence.circumstances import Circumstances
from factory.evidence.evaluate import measure
from factory.evidence.predictions import answers
from factory.evidence.report import Report, write
from factory.row import Gold, Span
from tests.browser import page

pytestmark = pytest.mark.real
__all__ = ["page"]  # the fixture

GOLD = [Gold(id=f"g{n}", text="x" * 20, spans=(Span(start=0, end=3, label="Food"),)) for n in range(90)]
NOTED = Circumstances("a processor, 2 cores, 24 GiB, no GPU", "abc123def456", "2026-01-01T00:00:00+00:00")
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN = """[...document.querySelectorAll(".n small")].filter(one => {
    const words = document.createRange();
    words.selectNodeContents(one);
    return /\\d–\\d/.test(one.textContent) && words.getClientRects().length > 1;
}).map(one => one.textContent)"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A report on spans, which has the most columns, of systems of which there is much to say."""
    said = [row.spans if n % 3 else () for n, row in enumerate(GOLD)]
    what, sample = (
        "a model with a long name@sha256:78c0197b6159, zero-shot by the policy",
        "stratified 90 of 1000, seed 13",
    )
    found = [answers(who, GOLD, said, what=what, sample=sample) for who in ("student:int8", "teacher")]
    records = [record for one in found for record in measure(one, NOTED)]
    return write(tmp_path, Report("test/kitchen", "Kitchen", "Tests.", "student:int8", records))[0]


@pytest.mark.parametrize("width", [1180, 400])
def test_an_interval_stays_in_one_line_and_the_page_as_wide_as_its_window(page: Any, file: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(file.as_uri())
    assert page.locator(".n small", has_text="–").count() >= 8
    assert page.evaluate(BROKEN) == []
    assert page.evaluate(WIDER) <= 0
