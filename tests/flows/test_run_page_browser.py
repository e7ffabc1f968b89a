"""The pages of Prefect as a person sees them after a build, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from factory.stages import STAGES
from tests.flows.world import World

pytestmark = pytest.mark.real


def test_the_run_and_its_figures(world: World, page: Any) -> None:
    spec = world.specialist("test/seen")
    ended = world.run(spec)
    assert ended.returncode == 0, ended.stdout
    (run,) = world.runs(spec)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shots = world.settings.home / "screenshots"
    shots.mkdir()

    page.goto(world.page_of(run))
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
