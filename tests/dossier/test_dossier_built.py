"""The dossier of a specialist that was really built, and its page in a browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NAME, Factory
from tests.dossier.conftest import swap

pytestmark = pytest.mark.real


def test_a_built_specialist_has_papers_that_hold(built: Factory, page: Any, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    made = built.run("dossier", NAME, "--out", str(folder))
    assert made.returncode == 0, made.stdout
    checked = built.run("dossier", "verify", str(folder))
    assert checked.returncode == 0, checked.stdout
    assert f"Compared with {NAME}@1.0.0 on the hub." in checked.stdout
    assert "Not found" not in (folder / "annex-iv.md").read_text()
    assert str(built.home) not in "".join(path.read_text() for path in folder.rglob("*") if path.is_file())

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("link", name="Risk sheet").first.click()
    assert page.get_by_role("heading", name="The promise").is_visible()
    assert page.get_by_role("heading", name="2(g) Validation and testing").count() == 1
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert {url.partition("#")[0] for url in asked} == {(folder / "index.html").as_uri()}


def test_a_file_swapped_for_that_of_another_dossier_is_found(built: Factory, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    assert built.run("dossier", NAME, "--out", str(folder)).returncode == 0
    shutil.copyfile(folder / "records" / "locks" / "app.lock", folder / "records" / "locks" / "teacher.lock")
    swap(folder / "records" / "specialist" / "evidence.jsonl", '"n": ', '"n": 1')
    found = built.run("dossier", "verify", str(folder))
    assert found.returncode == 1 and "Traceback" not in found.stdout
    assert "dossier.json: files.records/locks/teacher.lock" in found.stdout
    assert "records/specialist/evidence.jsonl: sha256, as the published manifest has it" in found.stdout
