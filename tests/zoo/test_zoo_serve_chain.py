"""Chains that a file declares: what it may say, that they answer as chains in Python do, and how they are served."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from served import problem, serving

import zoo
from zoo.__main__ import main
from zoo.classifier import Classifier
from zoo.errors import BadInput, BrokenSpecialist
from zoo.manifest import SPANS
from zoo.serve import Limits
from zoo.tagger import Tagger

KITCHEN = {
    "format": 1,
    "name": "kitchen",
    "title": "What a recipe needs",
    "steps": [
        {"name": "mood", "asked": "finance/sentiment@1"},
        {"name": "things", "asked": "test/kitchen", "when": {"mood": ["negative", "neutral"]}},
        {"name": "food", "asked": "support/intent", "source": "things", "when": {"things": ["Food"]},
         "feed": "word9 {answer.Food} {text}"},
    ],
}  # fmt: skip
TEXTS = [f"word{number} word1 word2" for number in range(12)] + ["word9", "word3"]


@pytest.fixture
def declared(hub: Path, tmp_path: Path) -> Callable[..., Path]:
    """declared(change): the file of KITCHEN, with a change made to it."""
    tiny.make(hub / "test/kitchen/1.0.0", name="test/kitchen", kind=SPANS, labels=tiny.TYPES, threshold=None)

    def write(change: Callable[[dict[str, Any]], Any] = lambda value: None) -> Path:
        value = json.loads(json.dumps(KITCHEN))
        change(value)
        path = tmp_path / "kitchen.json"
        path.write_text(json.dumps(value))
        return path

    return write


def in_python(hub: Path) -> zoo.Chain:
    things = zoo.Step("things", zoo.load("test/kitchen", hub=hub), when={"mood": ["negative", "neutral"]})

    def feed(text: str, spans: list[zoo.Span]) -> str | None:
        food = ", ".join(span.text for span in spans if span.label == "Food")
        return f"word9 {food} {text}" if food else None

    food = zoo.Step("food", zoo.load("support/intent", hub=hub), source=things, feed=feed)
    return zoo.Chain(zoo.Step("mood", zoo.load("finance/sentiment@1", hub=hub)), things, food)


def states(found: list[zoo.Chained]) -> list[dict[str, tuple[str, Any, str]]]:
    return [{name: (one.state, one.answer, one.model) for name, one in each.steps.items()} for each in found]


def test_a_file_s_chain_answers_as_the_one_in_python(hub: Path, declared: Callable[..., Path]) -> None:
    found, expected = zoo.load_chain(declared(), hub=hub).predict(TEXTS), in_python(hub).predict(TEXTS)
    assert states(found) == states(expected)
    assert {one["food"].state for one in found} == {"answered", "skipped"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.update(format=2), "Upgrade the zoo"),
        (lambda one: one.update(name="Kitchen!"), "can't be called"),
        (lambda one: one.update(extra=1), "no key extra"),
        (lambda one: one.update(steps=[]), "needs a step"),
        (lambda one: one.update(steps=[3]), "must be a JSON object"),
        (lambda one: one["steps"][0].pop("asked"), "lacks asked"),
        (lambda one: one["steps"][0].update(asked="nonsense"), "not the name of a specialist"),
        (lambda one: one["steps"][0].update(asked="no/such"), "no specialist named"),
        (lambda one: one["steps"][1].update(name="mood", when={}), "Two steps are called mood"),
        (lambda one: one["steps"][1].update(when={"mood": []}), "must name labels"),
        (lambda one: one["steps"][1].update(when={"mood": ["angry"]}), "no label angry"),
        (lambda one: one["steps"][1].update(when={"moot": ["angry"]}), "no step 'moot'"),
        (lambda one: one["steps"][2].update(when={"things": ["Drink"]}), "no Drink"),
        (lambda one: one["steps"][2].update(feed="{answer.Drink}"), "no Drink"),
        (lambda one: one["steps"][2].update(feed="{answer.__class__}"), "no __class__"),
        (lambda one: one["steps"][2].update(feed="{0}"), "can't hold {0}"),
        (lambda one: one["steps"][0].update(feed="{answer}"), "can't hold {answer}"),
        (lambda one: one["steps"][0].update(source="food", when={"food": ["positive"]}), "need each other"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_file_can_t_say_is_told(
    hub: Path, declared: Callable[..., Path], change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    with pytest.raises(zoo.ZooError) as caught:
        zoo.load_chain(declared(change), hub=hub)
    assert said in str(caught.value)


async def test_it_is_served_and_each_step_is_recorded(hub: Path, declared: Callable[..., Path], tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    async with serving(["finance/sentiment@1"], hub=hub, chains=[declared()], audit=log) as client:
        listed = (await client.get("/v1/chains")).json()["chains"]
        assert (await client.get("/v1/chains/kitchen")).json() == listed[0]
        said = (await client.post("/v1/chains/kitchen/predict", json={"text": TEXTS})).json()
        one = (await client.post("/v1/chains/kitchen/predict", json={"text": TEXTS[0]})).json()
        served = (await client.get("/v1/specialists")).json()["specialists"]
        counts = (await client.get("/metrics")).text
        problem(await client.post("/v1/chains/none/predict", json={"text": "a"}), 404)
        assert problem(await client.post("/v1/chains/kitchen/predict", json={"text": ["a", " "]}), 422)
    assert [step["model"] for step in listed[0]["steps"]] == [
        "finance/sentiment@1.10.0", "test/kitchen@1.0.0", "support/intent@1.0.0"]  # fmt: skip
    assert [one["name"] for one in served] == ["finance/sentiment", "support/intent", "test/kitchen"]
    expected = in_python(hub).predict(TEXTS)
    for answer, chained in zip(said["answers"], expected, strict=True):
        for name, step in answer["steps"].items():
            outcome = chained[name]
            assert (step["state"], bool(step["why"]), step["model"]) == (
                outcome.state,
                bool(outcome.why),
                outcome.model,
            )
            if step["state"] == "answered":
                assert log.find(step["id"])["model"] == step["model"]
                if name == "things":
                    assert step["answer"] == {"spans": [vars(span) for span in outcome.answer]}
                else:
                    assert step["answer"]["label"] == outcome.answer.label
        assert answer["failed"] == []
    assert one["answers"][0]["steps"]["mood"]["answer"] == said["answers"][0]["steps"]["mood"]["answer"]
    assert 'zoo_requests_total{specialist="kitchen",status="200"} 2.0' in counts
    assert not log.verify().problems


async def test_a_step_that_fails_loses_no_other_and_no_room_is_told(
    hub: Path, declared: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise BrokenSpecialist("It is broken.", where=str(hub))

    monkeypatch.setattr(Tagger, "predict", broken)
    text = next(text for text in TEXTS if zoo.load("finance/sentiment@1", hub=hub).predict(text).label != "positive")
    limits = Limits(queue=64)
    async with serving([], hub=hub, chains=[declared()], limits=limits) as client:
        (said,) = (await client.post("/v1/chains/kitchen/predict", json={"text": text})).json()["answers"]
        assert {name: step["state"] for name, step in said["steps"].items()} == {
            "mood": "answered", "things": "failed", "food": "skipped"}  # fmt: skip
        assert said["failed"] == ["things"] and str(hub) not in json.dumps(said)
        client.app.state.service.shelf.get("finance/sentiment").batcher.waiting = 64  # type: ignore[attr-defined]
        answer = await client.post("/v1/chains/kitchen/predict", json={"text": [text] * 20})
        assert problem(answer, 503) and int(answer.headers["retry-after"]) >= 1
        counts = (await client.get("/metrics")).text
    assert 'zoo_shed_total{specialist="finance/sentiment"} 1.0' in counts, "a request, whose texts are 20"


async def test_its_steps_together_have_the_time_of_a_request(
    hub: Path, declared: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = next(one.text for one in in_python(hub).predict(TEXTS) if one["food"].state == "answered")
    really = Classifier.predict

    def slow(*args: Any, **how: Any) -> Any:
        time.sleep(1.4)
        return really(*args, **how)

    async with serving([], hub=hub, chains=[declared()], limits=Limits(seconds=2.0)) as client:
        monkeypatch.setattr(Classifier, "predict", slow)
        told = problem(await client.post("/v1/chains/kitchen/predict", json={"text": text}), 503)
        counts = (await client.get("/metrics")).text
    assert told["detail"].startswith("support/intent@1.0.0") and 'shed_total{specialist="support/intent"} 1.0' in counts


async def test_a_newer_version_that_a_chain_can_t_do_with_is_not_taken(
    hub: Path, declared: Callable[..., Path]
) -> None:
    async with serving([], hub=hub, chains=[declared()]) as client:
        tiny.make(
            hub / "test/kitchen/2.0.0", name="test/kitchen", version="2.0.0", kind=SPANS, labels=("Drink", "Tool")
        )
        changes = {one["name"]: one for one in (await client.post("/v1/admin/reload")).json()["specialists"]}
        assert changes["test/kitchen"]["after"] == "1.0.0" and "no Food" in changes["test/kitchen"]["problem"]["detail"]
        assert (await client.post("/v1/chains/kitchen/predict", json={"text": TEXTS})).status_code == 200
    async with serving(["finance/sentiment@2.0.0"], hub=hub, chains=[declared()]) as client:
        assert "asks finance/sentiment@1" in str(client.app.state.service.failed)  # type: ignore[attr-defined]
        assert (await client.get("/readyz")).status_code == 503


def test_the_command_line_names_the_file_and_the_step(
    hub: Path, declared: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = declared(lambda one: one["steps"][1].pop("asked"))
    assert main(["serve", "--chain", str(path), "--hub", str(hub)]) == 1
    assert f"{path}, step things" in capsys.readouterr().err
    with pytest.raises(BadInput, match="can't be read"):
        zoo.load_chain(path.with_name("missing.json"))
