"""The site as files in a real browser: on a phone, by keyboard, without a network, in light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory.publish.hub import open_hub
from factory.site.make import make
from tests.browser import page
from tests.site.family import NAME, built, declared, evidence, publish, settings_in, waits
from zoo.names import Version

pytestmark = pytest.mark.real
__all__ = ["page"]  # the fixture

LONG = "a label with a rather long name that somebody has chosen"
OVERFLOWS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUSED = "(() => { const one = document.activeElement; return [one.tagName, (one.textContent || '').trim()] })()"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    where = settings_in(tmp_path)
    declared(where)
    for version, value in (("1.0.0", 0.88), ("1.1.0", 0.9), ("1.2.0", 0.7)):
        publish(where, version, evidence(value), labels=("sad", "glad", LONG))
    publish(where, "1.0.0", evidence(0.7), name="test/a_rather_long_name_of_a_task", title="Word" * 30)
    built(where, "1.1.0", ["glad", "sad"], ["sad", "glad"], ["sad", "glad"])
    open_hub(where.hub).yank(NAME, Version(1, 2, 0), "it takes https://example.org/" + "x" * 80 + " for a note")
    waits(where)
    return make(where)[0]


def visit(page: Any, index: Path) -> list[str]:
    """Record what the page asks for outside of the folder and what it complains of; returns the list it goes to."""
    trouble: list[str] = []
    root = index.parent.as_uri()
    page.on("request", lambda one: one.url.startswith((root, "data:")) or trouble.append(one.url))
    page.on("console", lambda one: one.type in ("error", "warning") and trouble.append(one.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(index.as_uri())
    return trouble


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_asks_nobody(page: Any, index: Path, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 640})
    trouble = visit(page, index)
    for path in sorted(index.parent.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate(OVERFLOWS) <= 0, path
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate(OVERFLOWS) <= 0, f"{path}, with all tables open"
    assert trouble == []


def test_by_keyboard_alone_to_a_specialist_and_its_tables(page: Any, index: Path) -> None:
    trouble = visit(page, index)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == ["A", "Skip to the content"]
    assert page.locator(".skip").bounding_box()["y"] >= 0, "it is shown while it has the focus"
    outline = (
        "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"
    )
    assert page.evaluate(outline) == "solid3px"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == ["A", NAME]:
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{NAME}/index.html")
    assert page.locator("h1").inner_text() == "Mood of a note"
    page.locator("summary", has_text="Risk by coverage").focus()
    page.keyboard.press("Enter")
    assert page.locator("table", has_text="Confidence from").is_visible()
    page.go_back()
    assert page.locator("h1").inner_text() == "The family"
    assert trouble == []


def test_what_a_screen_reader_is_told(page: Any, index: Path) -> None:
    visit(page, index)
    page.goto((index.parent / NAME / "index.html").as_uri())
    for role, name in (
        ("navigation", "Site"),
        ("navigation", "On this page"),
        ("region", "Versions"),
        ("img", "Share right, with 95 % interval, by mean confidence, in bins of equal mass"),
        ("rowheader", "1.1.0 2026-01-02"),
        ("columnheader", "Accuracy"),
        ("link", "Report of 1.1.0"),
    ):
        assert page.get_by_role(role, name=name, exact=True).count() >= 1, (role, name)
    for landmark in ("banner", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    assert "yanked: it takes" in page.get_by_role("region", name="Versions").inner_text()
