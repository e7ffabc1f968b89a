"""The pages of Prefect as a person sees them after a build, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import World

from factory.stages import STAGES

pytestmark = pytest.mark.real

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: apt-get install chromium"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def test_the_run_and_its_figures(world: World, page: Any) -> None:
    spec = world.specialist("test/seen")
    ended = world.run(spec)
    assert ended.returncode == 0, ended.stdout
    (run,) = world.runs(spec)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shots = world.settings.home / "screenshots"
    shots.mkdir()

    page.goto(world.prefect.run_url(run["id"]))
    page.get_by_text(f"{spec} quick").first.wait_for()
    page.get_by_text("Completed").first.wait_for()
    page.get_by_text(STAGES[0]).first.wait_for()
    page.wait_for_timeout(3000)  # the graph is drawn
    page.screenshot(path=shots / "1-run.png")
    page.locator(".p-tab", has_text="Task Runs").click()
    page.get_by_text(STAGES[-1], exact=True).last.wait_for()
    page.screenshot(path=shots / "2-stages.png")
    page.locator(".p-tab", has_text="Artifacts").click()
    page.get_by_text("test-seen-where").last.wait_for()
    page.screenshot(path=shots / "3-artifacts.png")
    page.get_by_text("test-seen-evaluate", exact=True).last.click()
    page.get_by_text("gate passed").first.wait_for()
    page.screenshot(path=shots / "4-figures.png")
    assert all(url.startswith((world.prefect.url, "data:", "blob:")) for url in asked), "the page loads from elsewhere"
