"""A service with an audit log: what it answers is recorded first, and can be corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny
from served import ask, problem, serving

import zoo
from zoo.errors import Unrecorded
from zoo.manifest import SPANS


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kinds")
    tiny.make(root / "test/label/1.0.0", name="test/label")
    tiny.make(root / "test/span/1.0.0", name="test/span", kind=SPANS, labels=tiny.TYPES)
    return root


async def test_every_answer_is_recorded_and_can_be_corrected(hub: Path, tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log", keep_text=True)
    async with serving(["test/label", "test/span"], hub=hub, audit=log) as client:
        said = (await ask(client, "test/label", ["word1 word2", "word3"])).json()
        spans = (await ask(client, "test/span", "word1 word2")).json()
        problem(await ask(client, "test/label", ["word1", ""]), 422)
        for id, text, answer in zip(said["ids"], ("word1 word2", "word3"), said["answers"], strict=True):
            record = log.find(id)
            assert (record["model"], record["text"]) == ("test/label@1.0.0", text)
            assert record["answer"]["label"] == answer["label"] and record["answer"]["scores"]

        async def correct(id: str, **body: Any) -> Any:
            return await client.post(f"/v1/decisions/{id}/corrections", json=body)

        right = next(label for label in tiny.LABELS if label != said["answers"][0]["label"])
        corrected = await correct(said["ids"][0], right=right, who="r-17", note="sarcasm")
        assert corrected.status_code == 201 and log.find(corrected.json()["id"])["right"] == {"label": right}
        marked = [{"label": tiny.TYPES[0], "start": 0, "end": 5}]
        assert (await correct(spans["ids"][0], right=marked, who="r-17")).status_code == 201
        problem(await correct(spans["ids"][0], right="a label", who="r-17"), 422)
        problem(await correct("99-000000000000", right=right, who="r-17"), 404)
        problem(await correct(said["ids"][0], right=right, who=""), 422)
    found = log.verify()
    assert (found.decisions, found.corrections, found.problems) == (3, 2, ())


async def test_what_can_t_be_recorded_is_not_answered(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = zoo.AuditLog(tmp_path / "log")

    def full(*_: Any) -> None:
        raise Unrecorded("The disk is full.", where=str(tmp_path))

    monkeypatch.setattr(log._chain, "append", full)
    async with serving(["test/label"], hub=hub, audit=log) as client:
        told = problem(await ask(client, "test/label", "word1"), 503)
    assert str(tmp_path) not in str(told)


async def test_without_a_log_nothing_is_said_of_one(hub: Path) -> None:
    async with serving(["test/label"], hub=hub) as client:
        assert (await ask(client, "test/label", "word1")).json()["ids"] is None
        told = problem(await client.post("/v1/decisions/1-0/corrections", json={"right": "x", "who": "r"}), 404)
    assert "--audit" in told["fix"]
