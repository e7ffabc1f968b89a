"""A service that holds a roll-out: it is served, recorded and described as a specialist is."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
from served import NAME, ask, serving

import zoo
from zoo.__main__ import main
from zoo.audit.reading import events
from zoo.audit.record import ROLLOUT
from zoo.errors import BadInput
from zoo.manifest import SPANS
from zoo.serve import app
from zoo.serve.trial import with_trials

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


async def test_two_versions_are_rolled_out_by_name(hub: Path, tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    names = ["support/intent", f"{NAME}@1.0.0"]
    served = with_trials(names, shadows=[f"{NAME}@1.2.0"], canaries=[], share=0.5)
    async with serving(served, hub=hub, audit=log) as client:
        said = (await ask(client, NAME, TEXTS)).json()
        assert (said["version"], said["by"]) == ("1.0.0", None)
        described = (await client.get(f"/v1/specialists/{NAME}")).json()
        assert described["follows"] == f"{NAME}@1.0.0, beside it {NAME}@1.2.0"
        changes = (await client.post("/v1/admin/reload")).json()["specialists"]
        assert [(one["before"], one["after"]) for one in changes] == [("1.0.0", "1.0.0")] * 2
    (told,) = [one for _, one in events(log.folder, ROLLOUT)]
    assert (told["what"], told["compared"]) == ("compared", 40), "told when the service ends"

    canary = with_trials(names, shadows=[], canaries=[f"{NAME}@1.2.0"], share=0.5, errors=0.1, disagreement=0.2)
    assert str(canary[1]) == f"{NAME}@1.0.0, 50 % by {NAME}@1.2.0"
    async with serving(canary, hub=hub) as client:
        said = (await ask(client, NAME, TEXTS)).json()
        second = said["by"].count(f"{NAME}@1.2.0")
        counts = (await client.get("/metrics")).text
        assert f'zoo_rolled_back{{candidate="1.2.0",specialist="{NAME}"}} 0.0' in counts
        client.app.state.service.shelf.get(NAME).specialist.roll_back(who="me")  # type: ignore[attr-defined]
        assert f'zoo_rolled_back{{candidate="1.2.0",specialist="{NAME}"}} 1.0' in (await client.get("/metrics")).text
    assert 0 < second < 40
    for outcome, count in (("compared", second), ("different", 0), ("failed", 0)):
        labels = f'candidate="1.2.0",outcome="{outcome}",specialist="{NAME}"'
        assert f"zoo_rollout_texts{{{labels}}} {count:.1f}" in counts


def test_a_candidate_follows_what_is_served_and_no_two_follow_one(capsys: pytest.CaptureFixture[str]) -> None:
    newer = f"{NAME}@1.2.0"
    for names, how, says in (
        (["support/intent"], {"shadows": [newer]}, "is not among what is served"),
        (["./folder"], {"canaries": [newer]}, "is not among what is served"),
        ([NAME], {"shadows": [newer], "canaries": [newer]}, "has a candidate already"),
    ):
        with pytest.raises(BadInput, match=says):
            with_trials(names, **{"shadows": [], "canaries": [], "share": 0.1, **how})  # type: ignore[arg-type]
    assert main(["serve", "support/intent", "--shadow", newer]) == 1
    assert "is not among what is served" in capsys.readouterr().err
