"""A service whose specialists have a fallback: who answered and why; a slow or dead one holds up nobody else."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import tiny
import tiny_kinds
from large_model import LargeModel
from served import NAME, ask, problem, serving, until

import zoo
from zoo.__main__ import main
from zoo.errors import BadInput
from zoo.fallback import Fallback
from zoo.serve import Limits, app
from zoo.serve.batcher import Full
from zoo.serve.escalating import Escalating
from zoo.serve.trial import Trial

TEXTS = [f"word{number}" for number in range(30)]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of a specialist that is sure of about half of TEXTS, and a larger one."""
    root = tmp_path_factory.mktemp("cascades")
    for version in ("1.0.0", "1.1.0"):
        tiny.seal(tiny.ask(tiny.make(root / NAME / version)), version=version, threshold=0.6)
    tiny.make(root / "finance/larger/1.0.0", name="finance/larger", threshold=0.01)
    return root


@pytest.fixture(scope="module")
def guesses(hub: Path) -> dict[str, zoo.Answer]:
    found = dict(zip(TEXTS, zoo.load(NAME, hub=hub).predict(TEXTS), strict=True))
    assert 5 <= sum(one.unsure for one in found.values()) <= 25
    return found


def by_text(body: dict[str, Any]) -> str:
    """A label that depends on the text, so that a mix-up shows."""
    return tiny.LABELS[number_in(body) % 3]


def number_in(body: dict[str, Any]) -> int:
    return int(re.findall(r"word(\d+)", body["messages"][-1]["content"])[-1])


def large(model: LargeModel, **how: Any) -> dict[str, Fallback]:
    return {"": Fallback(model.url, model="large", **{"retries": 0, **how})}


async def test_it_says_who_answered_and_why_and_that_is_recorded_and_counted(
    hub: Path, guesses: dict[str, zoo.Answer], tmp_path: Path
) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    with LargeModel(by_text) as model:
        fallbacks = {NAME: Fallback(model.url, model="large", key="secret", read_price=1.0)}
        async with serving([NAME, "finance/larger"], hub=hub, audit=log, fallbacks=fallbacks) as client:
            said = (await ask(client, NAME, TEXTS, scores=True)).json()
            alone = (await ask(client, NAME, TEXTS[0])).json()
            described = (await client.get(f"/v1/specialists/{NAME}")).json()
            counts = (await client.get("/metrics")).text
    for number, (one, guess) in enumerate(zip(said["answers"], guesses.values(), strict=True)):
        found = (one["label"], one["confidence"], one["unsure"], one["reason"], one["tier"])
        if guess.unsure:
            assert found == (tiny.LABELS[number % 3], None, False, "unsure_escalated", "large")
        else:
            assert found == (guess.label, guess.confidence, False, "answered", f"{NAME}@1.1.0")
        assert one["seconds"] > 0 and max(one["scores"], key=one["scores"].get) == guess.label
    assert (alone["answers"][0]["label"], alone["answers"][0]["scores"]) == (said["answers"][0]["label"], None)
    records = [log.find(id) for id in said["ids"]]
    assert [(one["reason"], one["tier"], one["answer"]["label"]) for one in records] == [
        (one["reason"], one["tier"], one["label"]) for one in said["answers"]
    ]
    assert {one["model"] for one in records} == {f"{NAME}@1.1.0"} and not log.verify().problems
    asked = sum(guess.unsure for guess in guesses.values()) + guesses[TEXTS[0]].unsure
    assert described["fallback"] == "large"
    assert f'zoo_decisions_total{{reason="unsure_escalated",specialist="{NAME}"}} {asked}.0' in counts
    assert f'zoo_decisions_total{{reason="answered",specialist="{NAME}"}} {31 - asked}.0' in counts
    assert f'zoo_fallback_calls{{fallback="large",specialist="{NAME}"}} {asked}.0' in counts
    assert f'zoo_fallback_circuit{{fallback="large",specialist="{NAME}"}} 0.0' in counts
    assert {headers["Authorization"] for headers, _ in model.asked} == {"Bearer secret"}


async def test_every_kind_has_a_fallback_where_it_is_named(tmp_path: Path) -> None:
    hub = tiny_kinds.make(tmp_path / "hub")["hub"]
    said = {"spans": '{"spans": [{"text": "word9", "type": "Tool"}]}', "extraction": '{"who": "word9"}'}
    said["generation"] = '{"answer": "Hello"}'
    names = [f"test/{kind}" for kind in said]
    log = zoo.AuditLog(tmp_path / "log")
    with ExitStack() as running:
        models = {kind: running.enter_context(LargeModel(lambda body, kind=kind: said[kind])) for kind in said}
        behind = {f"test/{kind}": Fallback(model.url, model=f"large-{kind}") for kind, model in models.items()}
        async with serving(names, hub=hub, audit=log, fallbacks=behind) as client:
            found = [(await ask(client, name, "word1 word3 word9")).json() for name in names]
        async with serving(names, hub=hub, fallbacks={"": behind["test/spans"]}) as client:
            alone = [(await ask(client, name, "word1 word3 word9")).json() for name in names]
    for kind, whole in zip(said, found, strict=True):
        (one,) = whole["answers"]
        assert (one["unsure"], one["reason"], one["tier"]) == (False, "unsure_escalated", f"large-{kind}")
        assert "detail" not in one and log.find(whole["ids"][0])["tier"] == f"large-{kind}"
    spans, record, words = (whole["answers"][0] for whole in found)
    assert [(one["label"], one["text"], one["score"] is None) for one in spans["spans"]] == [
        ("Food", "word1", False), ("Tool", "word9", True),
    ]  # fmt: skip
    assert (record["values"], record["score"], record["scores"]) == ({"who": "word9"}, None, None)
    assert (words["text"], words["score"]) == ("Hello", None)
    assert not any("reason" in whole["answers"][0] for whole in alone), "one for all others is of classifiers"


async def test_who_waits_for_a_fallback_holds_no_worker_and_no_more_wait_than_may(
    hub: Path, guesses: dict[str, zoo.Answer]
) -> None:
    sure = [text for text, guess in guesses.items() if not guess.unsure]
    doubted = [text for text, guess in guesses.items() if guess.unsure][:5]
    go = threading.Event()

    def held(body: dict[str, Any]) -> str:
        assert go.wait(20)
        return by_text(body)

    with LargeModel(held) as model:
        limits, fallbacks = Limits(workers=1, escalations=2), large(model, concurrency=2)
        async with serving([NAME], hub=hub, limits=limits, fallbacks=fallbacks) as client:
            first = [asyncio.create_task(ask(client, NAME, text)) for text in doubted[:2]]
            await until(lambda: len(model.asked) == 2)
            rest = [asyncio.create_task(ask(client, NAME, text)) for text in doubted[2:]]
            await until(lambda: any(one.done() for one in rest))  # the third finds no room behind two that wait
            busy = [one.result().json()["answers"][0] for one in rest if one.done()]
            assert [(one["reason"], one["unsure"]) for one in busy] == [("fallback_busy", True)]
            for text in sure:  # all workers, of which there is one, go on
                answer = (await asyncio.wait_for(ask(client, NAME, text), 10)).json()["answers"][0]
                assert (answer["label"], answer["reason"]) == (guesses[text].label, "answered")
            assert not any(one.done() for one in first) and len(model.asked) == model.most == 2
            assert f'zoo_fallback_queue_texts{{fallback="large",specialist="{NAME}"}} 2.0' in (
                (await client.get("/metrics")).text
            )
            go.set()
            reasons = [(await one).json()["answers"][0]["reason"] for one in [*first, *rest]]
    assert reasons.count("unsure_escalated") == 4 and model.most == 2


@pytest.mark.parametrize("how", ["drop", "hang", 503])
async def test_a_fallback_that_is_down_is_an_honest_abstention(
    hub: Path, guesses: dict[str, zoo.Answer], how: str | int
) -> None:
    with LargeModel(lambda body: how) as model:
        # What hangs is cut off by the request's time, before its own.
        fallbacks = large(model, timeout=20, failures=3, concurrency=30)
        limits = Limits(seconds=1.0 if how == "hang" else 9.0)
        async with serving([NAME], hub=hub, limits=limits, fallbacks=fallbacks) as client:
            begun = time.monotonic()
            answered = await ask(client, NAME, TEXTS)
            took = time.monotonic() - begun
            counts = (await client.get("/metrics")).text
            again = (await ask(client, NAME, TEXTS)).json()["answers"]
    assert answered.status_code == 200 and took < 10
    for one, guess in zip(answered.json()["answers"], guesses.values(), strict=True):
        assert (one["label"], one["unsure"], one["tier"]) == (guess.label, guess.unsure, f"{NAME}@1.1.0")
        assert one["reason"] in (("fallback_down", "circuit_open") if guess.unsure else ("answered",))
    assert 'reason="fallback_down"' in counts
    if how != "hang":
        assert f'zoo_fallback_circuit{{fallback="large",specialist="{NAME}"}} 2.0' in counts
        assert {one["reason"] for one in again} == {"answered", "circuit_open"}


async def test_a_log_that_is_held_holds_no_request_longer_than_its_time(
    hub: Path, guesses: dict[str, zoo.Answer], tmp_path: Path
) -> None:
    doubted = [text for text, guess in guesses.items() if guess.unsure]
    log = zoo.AuditLog(tmp_path / "log", timeout=6.0)
    cascade = zoo.Cascade(zoo.load(NAME, hub=hub), lambda text: "neutral")
    async with serving([cascade], audit=log, limits=Limits(seconds=1.5)) as client:
        with log._storage._locked(time.monotonic()):  # type: ignore[attr-defined]
            begun = time.monotonic()
            held = await asyncio.gather(*(ask(client, NAME, text) for text in doubted * 3))
            took = time.monotonic() - begun
            busy = [one.name for one in threading.enumerate() if "zoo-recording" in one.name]
        after = await ask(client, NAME, doubted[0])
    assert {answer.status_code for answer in held} == {503} and took < 4 and len(busy) == 2
    assert int(held[0].headers["retry-after"]) >= 1
    assert log.find(after.json()["ids"][0])["reason"] == "unsure_escalated"
    assert log.verify().problems == () and log.verify().decisions == 3, "nothing that nobody waited for was begun"


async def test_no_more_decisions_wait_to_be_recorded_than_may(
    hub: Path, guesses: dict[str, zoo.Answer], tmp_path: Path
) -> None:
    doubted = [text for text, guess in guesses.items() if guess.unsure][:5]
    log = zoo.AuditLog(tmp_path / "log")
    made = Escalating(zoo.Cascade(zoo.load(NAME, hub=hub), lambda text: "neutral"), Limits(queue=2, texts=2), log)
    asked: list[asyncio.Task[Any]] = []
    with log._storage._locked(time.monotonic()):  # type: ignore[attr-defined]
        for text in doubted:  # two in threads, two wait, and the last finds no room
            asked.append(
                asyncio.create_task(made.decide([text], made.guess([text]), asyncio.get_running_loop().time() + 9))
            )
            await until(lambda: made._recording.waiting == max(0, len(asked) - 2) or asked[-1].done())
        with pytest.raises(Full):
            await asked.pop()
    said = [one for found in await asyncio.gather(*asked) for one in found]
    made.close()
    assert [log.find(one.id)["tier"] for one in said] == ["<lambda>"] * 4


async def test_what_hangs_leaves_time_to_record_what_is_said_without_it(
    hub: Path, guesses: dict[str, zoo.Answer], tmp_path: Path
) -> None:
    doubted = next(text for text, guess in guesses.items() if guess.unsure)
    log = zoo.AuditLog(tmp_path / "log")
    with LargeModel(lambda body: "hang") as model:
        limits, behind = Limits(seconds=3.0), large(model, timeout=20)
        async with serving([NAME], hub=hub, audit=log, limits=limits, fallbacks=behind) as client:
            said = (await ask(client, NAME, doubted)).json()
    assert said["answers"][0]["reason"] == log.find(said["ids"][0])["reason"] == "fallback_down"


async def test_a_reload_keeps_what_was_spent(
    tmp_path: Path, hub: Path, guesses: dict[str, zoo.Answer], publish: Callable[..., Path]
) -> None:
    mine = tmp_path / "mine"
    tiny.seal(tiny.ask(publish(mine, NAME, "1.0.0")), threshold=1.0)
    with LargeModel(by_text) as model:
        async with serving([NAME], hub=mine, fallbacks=large(model, calls=3)) as client:
            assert (await ask(client, NAME, TEXTS[:2])).json()["answers"][1]["reason"] == "unsure_escalated"
            tiny.seal(tiny.ask(publish(mine, NAME, "1.1.0")), version="1.1.0", threshold=1.0)
            (change,) = (await client.post("/v1/admin/reload")).json()["specialists"]
            assert (change["after"], change["problem"]) == ("1.1.0", None)
            said = (await ask(client, NAME, TEXTS[:3])).json()["answers"]
    assert sorted(one["reason"] for one in said) == ["budget_spent", "budget_spent", "unsure_escalated"]


@pytest.mark.parametrize("name", [NAME, f"{NAME}@1.1.0", Trial(f"{NAME}@1.0.0", f"{NAME}@1.1.0")], ids=str)
async def test_a_reload_reads_rows_again_and_loads_nothing_for_that(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | Trial
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\nword1,neutral\n")
    fallbacks = {"": Fallback("http://127.0.0.1:9/v1", model="large", shots={"": file})}
    async with serving([name], hub=hub, fallbacks=fallbacks) as client:
        shelf = client.app.state.service.shelf  # type: ignore[attr-defined]
        before = shelf.get(NAME)
        monkeypatch.setattr("zoo.serve.shelf.load", None)

        async def reloaded() -> Any:
            return (await client.post("/v1/admin/reload")).json()["specialists"][0]["problem"]

        assert await reloaded() is None and shelf.get(NAME) is before
        file.write_text("text,label\nword2,positive\n")
        assert await reloaded() is None
        after = shelf.get(NAME)
        assert after.specialist.rows == (("word2", "positive"),)
        assert after.specialist.specialist is before.specialist.specialist
        file.write_text("text,label\nword2,odd\n")
        assert "can't be shown" in (await reloaded())["detail"] and shelf.get(NAME) is after


async def test_a_reload_follows_a_specialist_that_is_a_fallback(tmp_path: Path, guesses: dict[str, zoo.Answer]) -> None:
    doubted = next(text for text, guess in guesses.items() if guess.unsure)
    hub = tmp_path / "hub"
    tiny.make(hub / NAME / "1.0.0", threshold=0.6)
    tiny.make(hub / "finance/larger/1.0.0", name="finance/larger", threshold=0.01)
    behind = {NAME: Fallback("finance/larger")}
    async with serving([NAME], hub=hub, fallbacks=behind) as client:
        shelf = client.app.state.service.shelf  # type: ignore[attr-defined]
        before = shelf.get(NAME)
        await client.post("/v1/admin/reload")
        assert shelf.get(NAME) is before
        tiny.make(hub / "finance/larger/1.1.0", name="finance/larger", version="1.1.0", threshold=0.01)
        (change,) = (await client.post("/v1/admin/reload")).json()["specialists"]
        assert (change["after"], change["problem"]) == ("1.0.0", None)
        assert (await ask(client, NAME, doubted)).json()["answers"][0]["tier"] == "finance/larger@1.1.0"
        assert shelf.get(NAME).specialist.specialist is before.specialist.specialist
        counts = (await client.get("/metrics")).text
    assert f'zoo_fallback_calls{{fallback="finance/larger@1.1.0",specialist="{NAME}"}}' in counts
    assert 'fallback="finance/larger@1.0.0"' not in counts
    assert f'zoo_reloads_total{{outcome="changed",specialist="{NAME}"}} 1.0' in counts


async def test_a_canary_with_a_fallback_compares_the_versions_and_asks_once(
    hub: Path, guesses: dict[str, zoo.Answer], tmp_path: Path
) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    trial = Trial(f"{NAME}@1.0.0", f"{NAME}@1.1.0", share=0.5)
    with LargeModel(by_text) as model:
        async with serving([trial], hub=hub, audit=log, fallbacks=large(model)) as client:
            said = (await ask(client, NAME, TEXTS)).json()
            counts = (await client.get("/metrics")).text
    assert set(said["by"]) == {f"{NAME}@1.0.0", f"{NAME}@1.1.0"}
    assert [log.find(id)["model"] for id in said["ids"]] == said["by"]
    second = said["by"].count(f"{NAME}@1.1.0")
    assert f'outcome="compared",specialist="{NAME}"}} {second}.0' in counts
    doubted = sum(guess.unsure for guess in guesses.values())
    assert [one["reason"] for one in said["answers"]].count("unsure_escalated") == doubted == len(model.asked)
    for one, by in zip(said["answers"], said["by"], strict=True):
        assert one["tier"] == (by if one["reason"] == "answered" else "large")


async def test_a_cascade_that_is_made_already_and_a_larger_specialist_by_name(
    hub: Path, guesses: dict[str, zoo.Answer]
) -> None:
    doubted = next(text for text, guess in guesses.items() if guess.unsure)
    cascade = zoo.Cascade(zoo.load(NAME, hub=hub), lambda text: "neutral")
    async with serving([cascade]) as client:
        assert (await ask(client, NAME, doubted)).json()["answers"][0]["tier"] == "<lambda>"
    named = {NAME: Fallback("finance/larger@1.0.0")}
    async with serving([NAME, "finance/larger"], hub=hub, fallbacks=named) as client:
        said = (await ask(client, NAME, doubted)).json()["answers"][0]
        assert (said["tier"], said["reason"]) == ("finance/larger@1.0.0", "unsure_escalated")
        assert 0 < said["confidence"] <= 1
        larger = (await ask(client, "finance/larger", doubted)).json()["answers"][0]
        assert set(larger) == {"label", "confidence", "unsure", "scores"}
        problem(await ask(client, NAME, [doubted, ""]), 422)


async def test_a_fallback_that_can_t_be_is_told_at_the_start(hub: Path) -> None:
    async with serving([f"{NAME}@1.0.0"], hub=hub, fallbacks={"no/such": Fallback("finance/larger")}) as client:
        failed = client.app.state.service.failed  # type: ignore[attr-defined]
    assert "fallback for no/such" in str(failed)
    shots = Fallback("http://x/v1", model="m", shots={"no/such": "rows.csv"})
    async with serving([f"{NAME}@1.0.0"], hub=hub, fallbacks={NAME: shots}) as client:
        assert "a file of rows for no/such" in str(client.app.state.service.failed)  # type: ignore[attr-defined]
    async with serving(["finance/larger"], hub=hub, fallbacks={"": Fallback("http://x/v1", model="m")}) as client:
        assert "holds no ask.json" in str(client.app.state.service.failed)  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="escalations"):
        app([NAME], hub=hub, limits=Limits(escalations=0))


def test_the_command_line_refuses_what_can_t_be(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (["--fallback", "http://x/v1"], "--fallback-model"),
        (["--fallback", "a/b", "--fallback", "a/c"], "two fallbacks for all"),
        (["--fallback", "a/b", "--fallback-calls", "3"], "not a specialist"),
        (["--fallback", "http://x/v1", "--fallback-shots", "a", "--fallback-shots", "b"], "two files of rows for any"),
        (["--fallback", "http://x/v1", "--fallback-model", "m", "--fallback-shots", "day=1/r.jsonl"], "day=1/r.jsonl"),
        (["--fallback", "http://x/v1", "--fallback-model", "m", "--fallback-pause", "-1"], "pause must be"),
    ):
        assert main(["serve", NAME, "--hub", str(hub), *arguments]) == 1
        assert said in capsys.readouterr().err
