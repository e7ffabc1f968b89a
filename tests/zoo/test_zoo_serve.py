"""The service through its app: what it answers with, what it says is wrong, what it sheds and counts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import tiny
import tiny_causal
from served import NAME, PREDICT, Held, ask, problem, serving, until

import zoo
from zoo.classifier import Classifier
from zoo.errors import BrokenSpecialist
from zoo.manifest import SPANS
from zoo.serve import Limits


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with a specialist of each kind."""
    root = tmp_path_factory.mktemp("kinds")
    tiny.make(root / "test/label/1.0.0", name="test/label")
    tiny.make(root / "test/span/1.0.0", name="test/span", kind=SPANS, labels=tiny.TYPES)
    words = {"Ċ": "H", "H": "i", "i": tiny_causal.END}
    tiny_causal.make(root / "test/words/1.0.0", after=words, name="test/words")
    fields = {"law": {"type": "text"}, "free": {"type": "boolean", "required": True}}
    prompt = {**tiny_causal.PROMPT_JSON, "fields": fields, "max_new_tokens": 60}
    folder = root / "test/record/1.0.0"
    tiny_causal.make(folder, after={}, prompt=prompt, kind="extraction", labels=("law", "free"), name="test/record")
    return root


async def test_each_kind_answers_as_the_zoo_does(kinds: Path) -> None:
    texts = ["word1 word2", "word3"]
    async with serving(["test/label", "test/span", "test/words", "test/record"], hub=kinds) as client:
        answers = {}
        for name in ("label", "span", "words", "record"):
            got = await ask(client, f"test/{name}", texts)
            assert got.status_code == 200, got.text
            said = got.json()
            assert (said["specialist"], said["version"]) == (f"test/{name}", "1.0.0")
            answers[name] = said["answers"]
            one = (await ask(client, f"test/{name}", texts[0])).json()["answers"]
            assert one == said["answers"][:1], "one text is answered as a list of one"
        with_scores = (await ask(client, "test/label", texts, scores=True)).json()["answers"]
    alone = {name: zoo.load(f"test/{name}", hub=kinds).predict(texts) for name in answers}
    assert answers["label"] == [{**vars(answer), "scores": None} for answer in alone["label"]]
    assert [answer["scores"] for answer in with_scores] == [
        pytest.approx(answer.scores)
        for answer in zoo.load("test/label", hub=kinds).predict(texts, scores=True)  # type: ignore[call-arg]
    ]
    assert answers["span"] == [{"spans": [vars(span) for span in found]} for found in alone["span"]]
    assert answers["span"][0]["spans"], "nothing was found"
    assert answers["words"] == [vars(answer) for answer in alone["words"]]
    assert answers["record"] == [vars(answer) for answer in alone["record"]]


async def test_they_are_listed_described_and_their_cards_shown(hub: Path) -> None:
    card = "---\nlicence: x\n---\n# A card\n\n<script>alert(1)</script> | [a](javascript:b) ![i](http://x/i)\n\n|a|b|\n|-|-|\n|1|2|\n"
    folder = hub / "support/intent/1.0.0"
    (folder / "README.md").write_text(card)
    tiny.seal(folder, name="support/intent", risk=0.05)
    async with serving(["support/intent", f"{NAME}@1"], hub=hub) as client:
        listed = (await client.get("/v1/specialists")).json()["specialists"]
        assert [(one["name"], one["version"], one["follows"]) for one in listed] == [
            (NAME, "1.10.0", f"{NAME}@1"),
            ("support/intent", "1.0.0", "support/intent"),
        ]
        intent = (await client.get("/v1/specialists/support/intent")).json()
        assert intent == listed[1]
        assert (intent["kind"], intent["threshold"], intent["risk"]) == ("classification", 0.5, 0.05)
        assert (await client.get(intent["card"])).text == card
        page = await client.get(intent["card"] + ".html")
    assert "<h1>A card</h1>" in page.text and "<td>1</td>" in page.text
    assert "&lt;script&gt;" in page.text and "<script" not in page.text
    assert 'href="javascript' not in page.text and "<img" not in page.text and "licence" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_what_is_wrong_with_a_text_is_said_with_its_place_and_costs_others_nothing(hub: Path) -> None:
    async with serving([NAME], hub=hub, limits=Limits(workers=1)) as client:
        texts: list[Any] = [
            "word1",
            ["word2", " "],
            ["word3", "\u200b"],
            ["word4", 5],
            "word5",
            ["word6"] * 65,
            "x" * 20_001,
        ]
        good, empty, unread, number, also, many, long = await asyncio.gather(
            *(ask(client, NAME, text) for text in texts)
        )
        assert good.status_code == also.status_code == 200
        assert problem(empty, 422)["where"] == "text 1"
        assert problem(number, 422)["where"] == "text 1"
        assert unread.status_code == 200  # an unknown word is one, too
        assert "64" in problem(many, 422)["detail"] and "20000" in problem(long, 422)["detail"]
        surrogate = b'{"text": "\\ud800"}'
        kind = {"content-type": "application/json"}
        assert problem(await client.post(PREDICT.format(NAME), content=surrogate, headers=kind), 422)
        broken = await client.post(PREDICT.format(NAME), content=b'{"text": ', headers=kind)
        assert problem(broken, 422)["detail"] == "The body is not JSON."
        assert problem(await client.post(PREDICT.format(NAME), content=b"hi"), 422)["fix"]
        for strange in (b"[" * 100_000, b'{"text": "\xff"}'):
            assert problem(await client.post(PREDICT.format(NAME), content=strange, headers=kind), 400)
        assert problem(await client.post(PREDICT.format(NAME), json={"text": "a", "x": 1}), 422)["where"] == "x"
        assert (await ask(client, NAME, [])).json()["answers"] == []


async def test_unknown_places_are_problems_too(hub: Path) -> None:
    async with serving([NAME], hub=hub) as client:
        assert NAME in problem(await ask(client, "no/such", "a"), 404)["fix"]
        assert problem(await client.get("/nothing"), 404)
        assert problem(await client.put("/healthz"), 405)
        assert problem(await client.get("/page/..%2fservice.py"), 404)


async def test_what_finds_no_room_is_shed_and_the_service_stays_awake(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    limits = Limits(workers=1, queue=4, texts=4, batch=2)
    async with serving([NAME], hub=hub, limits=limits) as client:
        first = asyncio.create_task(ask(client, NAME, "word1"))
        await until(lambda: held.calls)
        rest = [asyncio.create_task(ask(client, NAME, f"word{number}")) for number in range(2, 12)]
        await until(lambda: sum(task.done() for task in rest) == 6)
        shed = [task.result() for task in rest if task.done()]
        for answer in shed:
            assert "more to do" in problem(answer, 503)["detail"] and int(answer.headers["retry-after"]) >= 1
        assert (await client.get("/healthz")).status_code == 200
        assert "zoo_queue_texts" in (await client.get("/metrics")).text
        held.go.set()
        answers = await asyncio.gather(first, *rest)
        assert [answer.status_code for answer in answers].count(200) == 5
        assert [len(call) for call in held.calls] == [1, 2, 2]
        said = (await client.get("/metrics")).text
    for line in (
        f'zoo_requests_total{{specialist="{NAME}",status="200"}} 5.0',
        f'zoo_requests_total{{specialist="{NAME}",status="503"}} 6.0',
        f'zoo_shed_total{{specialist="{NAME}"}} 6.0',
        f'zoo_texts_total{{specialist="{NAME}"}} 5.0',
        f'zoo_batch_texts_count{{specialist="{NAME}"}} 3.0',
        f'zoo_request_seconds_count{{specialist="{NAME}"}} 11.0',
        f'zoo_queue_texts{{specialist="{NAME}"}} 0.0',
        f'zoo_specialist{{specialist="{NAME}",version="2.0.0"}} 1.0',
    ):
        assert line in said, line


async def test_metrics_count_the_unsure_and_no_made_up_names(hub: Path) -> None:
    texts = [f"word{number}" for number in range(20)]
    unsure = sum(answer.unsure for answer in zoo.load(NAME, hub=hub).predict(texts))
    assert 0 < unsure < 20
    async with serving([NAME], hub=hub) as client:
        await ask(client, NAME, texts)
        await ask(client, "made/up", "word1")
        said = (await client.get("/metrics")).text
    assert f'zoo_unsure_total{{specialist="{NAME}"}} {unsure:.1f}' in said
    assert 'zoo_requests_total{specialist="",status="404"} 1.0' in said and "made" not in said


async def test_a_failure_of_the_service_tells_clients_nothing_of_its_inside(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving([NAME], hub=hub) as client:

        def broken(specialist: Classifier, *_: Any) -> None:
            raise BrokenSpecialist("It is broken.", where=str(specialist.folder))

        monkeypatch.setattr(Classifier, "logits", broken)
        assert str(hub) not in json.dumps(problem(await ask(client, NAME, "word1"), 503))
        monkeypatch.setattr(Classifier, "logits", lambda *_: 1 / 0)
        answer = await ask(client, NAME, "word1")
        assert "division" not in json.dumps(problem(answer, 500))
        assert 'status="500"} 1.0' in (await client.get("/metrics")).text


async def test_the_description_is_whole(hub: Path) -> None:
    async with serving([NAME], hub=hub) as client:
        said = (await client.get("/v1/openapi.json")).json()
    predict = said["paths"]["/v1/specialists/{vertical}/{task}/predict"]["post"]
    assert set(predict["responses"]) == {"200", "400", "401", "403", "404", "408", "413", "422", "429", "503"}
    answer = predict["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(answer["discriminator"]["mapping"]) == {"classification", "spans", "extraction", "generation"}
    assert predict["security"], "that a key may be needed is not said"
    for path, operations in said["paths"].items():
        for operation in operations.values():
            assert operation["summary"] and operation["description"], path
            for status, response in operation["responses"].items():
                (kind,) = response["content"]
                assert response["content"][kind]["schema"], (path, status)
                assert (kind == "application/problem+json") == (int(status) >= 400), (path, status)
