"""A service that holds a roll-out: it is served, recorded and described as a specialist is."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
from served import NAME, ask, serving

import zoo
from zoo.errors import BadInput
from zoo.manifest import SPANS
from zoo.serve import app

TEXTS = [f"word{number}" for number in range(40)]


def versions(hub: Path) -> list[zoo.Classifier]:
    return [zoo.load(f"{NAME}@{version}", hub=hub) for version in ("1.0.0", "1.2.0")]


async def test_a_canary_is_served_and_says_who_answered(hub: Path, tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    current, candidate = versions(hub)
    canary = zoo.Canary(current, candidate, share=0.5, log=log)
    async with serving([canary, "support/intent"], hub=hub, audit=log) as client:
        said = (await ask(client, NAME, TEXTS, scores=True)).json()
        assert [one["label"] for one in said["answers"]] == [one.label for one in current.predict(TEXTS)]
        assert said["version"] == "1.0.0" and set(said["by"]) == {f"{NAME}@1.0.0", f"{NAME}@1.2.0"}
        assert [log.find(id)["model"] for id in said["ids"]] == said["by"]
        assert (await ask(client, "support/intent", TEXTS)).json()["by"] is None
        canary.promote(who="me")
        promoted = (await ask(client, NAME, TEXTS)).json()
        assert (promoted["version"], promoted["by"]) == ("1.2.0", None)
        described = (await client.get(f"/v1/specialists/{NAME}")).json()
        assert described["version"] == "1.2.0" and "zoo.Canary" in described["follows"]
        assert "A card" in (await client.get(described["card"])).text
        assert (await client.post("/v1/admin/reload")).json()["specialists"][0]["after"] == "1.2.0"


async def test_a_shadow_and_a_specialist_that_is_loaded_are_served(hub: Path, tmp_path: Path) -> None:
    shadow = zoo.Shadow(*versions(hub))
    tagger = zoo.load(tiny.make(tmp_path / "tagger", name="test/span", kind=SPANS, labels=tiny.TYPES))
    async with serving([shadow, tagger]) as client:
        said = (await ask(client, NAME, TEXTS)).json()
        assert (said["version"], said["by"], len(said["answers"])) == ("1.0.0", None, 40)
        assert (await ask(client, "test/span", "word1 word2")).json()["answers"][0]["spans"]
    assert shadow.wait(20) and shadow.compared.compared == 40


def test_one_that_is_loaded_counts_under_its_name(hub: Path) -> None:
    with pytest.raises(BadInput, match="not several of finance/sentiment"):
        app([versions(hub)[0], f"{NAME}@2"], hub=hub)
