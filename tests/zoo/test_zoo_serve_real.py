"""The service as a process: clients at once, a version published and reloaded under load, and its end; and its page."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import tiny
import tiny_kinds
from large_model import LargeModel
from running import Running, running

import zoo
from zoo.__main__ import main
from zoo.manifest import SPANS
from zoo.serve.keys import KeyFile
from zoo.serve.server import listen

NAME = "finance/sentiment"


@pytest.mark.real
def test_a_version_is_swapped_under_load_and_the_end_is_a_good_one(hub: Path, publish: Callable[..., Path]) -> None:
    texts = [f"word{number} word{number + 1}" for number in range(30)]
    expected = {
        version: [answer.label for answer in zoo.load(f"{NAME}@{version}", hub=hub).predict(texts)]
        for version in ("2.0.0",)
    }
    expected["2.1.0"] = expected["2.0.0"]  # the same model
    stop, seen = threading.Event(), list[tuple[int, str]]()

    def client(number: int) -> None:
        with httpx.Client(base_url=service.url, timeout=30) as http:
            turn = number
            while not stop.is_set():
                turn = (turn + 1) % len(texts)
                answer = http.post(f"/v1/specialists/{NAME}/predict", json={"text": [texts[turn], texts[number]]})
                said = answer.json()
                version = said.get("version", "")
                seen.append((answer.status_code, version))
                labels = [one["label"] for one in said.get("answers", [])]
                assert labels == [expected[version][turn], expected[version][number]], said

    def wait(version: str) -> None:
        until = time.monotonic() + 30
        while sum(one == (200, version) for one in list(seen)) < 50:
            assert time.monotonic() < until and service.process.poll() is None, seen[-3:]
            time.sleep(0.02)

    with running(NAME, "--hub", str(hub)) as service, ThreadPoolExecutor(8) as threads:
        clients = [threads.submit(client, number) for number in range(8)]
        try:
            wait("2.0.0")
            publish(hub, NAME, "2.1.0")
            service.process.send_signal(signal.SIGHUP)
            wait("2.1.0")
        finally:
            stop.set()
        for one in clients:
            one.result()
        code, said = service.end()
    assert {status for status, _ in seen} == {200}
    assert code == 0, said
    assert "open: no API keys" in said and f"{NAME}@2.0.0 answers" in said and f"{NAME}@2.1.0 answers" in said


@pytest.mark.real
def test_what_is_asked_already_is_answered_before_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "slow"
    tiny.make(folder, name="test/slow", kind=SPANS, labels=tiny.TYPES)
    long = " ".join(["word1 word2 word9 word3"] * 900)
    with (
        running(str(folder), "--workers", "1") as service,
        httpx.Client(base_url=service.url, timeout=60) as http,
        ThreadPoolExecutor(4) as threads,
    ):
        path, body = "/v1/specialists/test/slow/predict", {"text": [long[:20_000]] * 4}
        asked = [threads.submit(http.post, path, json=body) for _ in range(4)]
        until = time.monotonic() + 30
        while "zoo_requests_open 4.0" not in http.get("/metrics").text:
            assert time.monotonic() < until and not all(one.done() for one in asked), "never four at once"
        code, _ = service.end()
        answers = [one.result() for one in asked]
    assert code == 0
    assert [answer.status_code for answer in answers] == [200] * 4
    assert all(len(answer.json()["answers"]) == 4 for answer in answers)


def test_no_answer_waits_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listening:
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_other_machines_need_keys_and_what_can_not_be_loaded_ends_it(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", NAME, "--hub", str(hub), "--host", "192.0.2.1"]) == 1
    said = capsys.readouterr().err
    assert "Without API keys" in said and "zoo keys add" in said
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", NAME, "--hub", str(hub), "--port", str(taken.getsockname()[1])]) == 1
    assert "--port" in capsys.readouterr().err
    assert main(["serve", NAME, "--hub", str(hub), "--queue", "3"]) == 1
    assert "queue" in capsys.readouterr().err


@pytest.mark.real
def test_what_can_not_be_loaded_at_the_start_ends_it(hub: Path) -> None:
    (hub / NAME / "2.0.0" / "tokenizer.json").write_text("{}")
    service = Running(NAME, "--hub", str(hub))
    code, said = service.wait()
    assert code == 1, said
    assert "tokenizer.json is not the file that was published" in said and "Traceback" not in said


@pytest.mark.real
def test_the_page_shows_answers_doubt_and_spans_as_text(tmp_path: Path, page: Any) -> None:
    hub = tmp_path / "hub"
    folder = tiny.make(hub / NAME / "1.0.0", threshold=0.7, risk=0.05)
    (folder / "README.md").write_text("---\nlicence: x\n---\n# The card of it\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    tiny.seal(folder, threshold=0.7, risk=0.05)
    kitchen = {"name": "test/kitchen", "kind": SPANS, "labels": tiny.TYPES, "title": "Things of a kitchen"}
    tiny.make(hub / "test/kitchen/1.0.0", **kitchen)
    model = zoo.load(NAME, hub=hub)
    answers = {text: model.predict(text) for text in (f"word{number}" for number in range(40))}
    sure = next(text for text, answer in answers.items() if not answer.unsure)
    unsure = next(text for text, answer in answers.items() if answer.unsure)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    shots = Path(os.environ.get("ZOO_SHOTS") or tmp_path)

    with running(NAME, "test/kitchen", "--hub", str(hub)) as service:
        page.goto(service.url)
        page.get_by_label("Specialist").select_option(NAME)
        page.get_by_label("Text").fill(sure)
        page.get_by_role("button", name="Ask").click()
        page.get_by_text(f"{answers[sure].label} ({100 * answers[sure].confidence:.1f} %)").wait_for()
        page.get_by_text("Of such answers at most 5.0 % are wrong").wait_for()
        page.screenshot(path=shots / "1-sure.png")
        page.get_by_label("Text").fill(unsure)
        page.get_by_role("button", name="Ask").click()
        page.get_by_text("Unsure: below the 70.0 %").wait_for()
        page.screenshot(path=shots / "2-unsure.png")

        page.get_by_label("Specialist").select_option("test/kitchen")
        page.get_by_label("Text").fill("\U0001f600 <b>word9</b> word1 word2 then word3 <img src=x onerror=alert(1)>")
        page.get_by_role("button", name="Ask").click()
        page.get_by_text("Sure: at or above").wait_for()
        assert [mark.split("Food")[0].split("Tool")[0] for mark in page.locator("mark").all_inner_texts()] == [
            "word1 word2",
            "word3",
        ]
        assert page.locator("#answer img, #answer b").count() == 0
        assert "<img src=x onerror=alert(1)>" in page.locator("#answer").inner_text()
        page.screenshot(path=shots / "3-spans.png")
        page.get_by_label("Text").fill("  ")
        page.get_by_role("button", name="Ask").click()
        page.get_by_text("The text is empty.").wait_for()
        assert [line for line in wrong if "422" not in line] == []

        page.get_by_label("Specialist").select_option(NAME)
        page.get_by_role("button", name="Read its card").click()
        page.get_by_role("heading", name="The card of it").wait_for()
        page.screenshot(path=shots / "4-card.png")
        page.get_by_role("link", name="Try it").click()
        page.get_by_label("Specialist").wait_for()
    assert all(url.startswith(service.url) for url in asked), "the page loads from elsewhere"


@pytest.mark.real
def test_the_page_shows_who_answered_and_why(tmp_path: Path, page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.seal(tiny.ask(tiny.make(tmp_path / "hub" / NAME / "1.0.0")), threshold=0.6)
    answers = {text: zoo.load(folder).predict(text) for text in (f"word{number}" for number in range(40))}
    sure = next(text for text, answer in answers.items() if not answer.unsure)
    unsure = next(text for text, answer in answers.items() if answer.unsure)
    said: list[str | int] = ["neutral", 503]
    monkeypatch.setenv("ZOO_FALLBACK_KEY", "secret")
    shots = Path(os.environ.get("ZOO_SHOTS") or tmp_path)
    with LargeModel(lambda body: said.pop(0)) as model:
        command = (NAME, "--hub", str(tmp_path / "hub"), "--fallback", model.url, "--fallback-model", "large-model")
        with running(*command, "--fallback-retries", "0") as service:
            page.goto(service.url)
            page.get_by_text("Where it is not sure, large-model is asked.").wait_for()
            for text, told, shot in (
                (sure, f"Answered by {NAME}@1.0.0.", "5-answered"),
                (unsure, "Answered by large-model.", "6-escalated"),
                (unsure, f"Nobody stands for this: ask a person. It is the best guess of {NAME}@1.0.0.", "7-down"),
            ):
                page.get_by_label("Text").fill(text)
                page.get_by_role("button", name="Ask").click()
                page.get_by_text(told).wait_for()
                page.screenshot(path=shots / f"{shot}.png")
            page.get_by_text("fallback_down").wait_for()
            code, told = service.end()
        assert [headers["Authorization"] for headers, _ in model.asked] == ["Bearer secret"] * 2
    assert code == 0 and "where it is not sure, large-model" in told and "secret" not in told


@pytest.mark.real
def test_the_page_shows_whose_spans_records_and_words_they_are(tmp_path: Path, page: Any) -> None:
    hub = tiny_kinds.make(tmp_path / "hub")["hub"]
    said = ['{"spans": [{"text": "word9", "type": "Tool"}]}', '{"who": "word9", "day": null}', '{"answer": "Hello"}']
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    shots = Path(os.environ.get("ZOO_SHOTS") or tmp_path)
    names = [f"test/{kind}" for kind in ("spans", "extraction", "generation")]
    with LargeModel(lambda body: said.pop(0) if said else 503) as model:
        command = [*names, "--hub", str(hub), "--fallback-model", "large-model", "--fallback-retries", "0"]
        for name in names:
            command += ["--fallback", f"{name}={model.url}"]
        with running(*command) as service:
            page.goto(service.url)
            seen = ("What has a score is the specialist's", '"who": "word9"', "Hello")
            for name, told in zip(names, seen, strict=True):
                page.get_by_label("Specialist").select_option(name)
                page.get_by_label("Text").fill("word1 word3 word9")
                page.get_by_role("button", name="Ask").click()
                page.get_by_text("Answered by large-model.").wait_for()
                assert told in page.locator("#answer").inner_text().replace("\n", "")
                page.screenshot(path=shots / f"8-{name.partition('/')[2]}.png")
            for name in names:
                page.get_by_label("Specialist").select_option(name)
                page.get_by_role("button", name="Ask").click()
                page.get_by_text(f"It is the best guess of {name}@1.0.0.").wait_for()
            page.screenshot(path=shots / "9-down.png")
    assert not wrong


@pytest.mark.real
def test_the_page_asks_for_a_key_where_one_is_needed(hub: Path, tmp_path: Path, page: Any) -> None:
    file = KeyFile(tmp_path / "keys.json")
    with running(NAME, "--hub", str(hub), "--keys", str(file.path)) as service:
        key = file.add("person", ["read", "predict"])
        page.goto(service.url)
        page.get_by_label("API key").fill("zoo_00000000_wrong")
        page.get_by_role("button", name="Use it").click()
        page.get_by_text("This API key is not known.").wait_for()
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Use it").click()
        page.get_by_label("Text").fill("word1")
        page.get_by_role("button", name="Ask").click()
        page.locator("#answer .said").wait_for()
        page.get_by_role("button", name="Read its card").click()
        page.get_by_text("# A card").wait_for()
        assert page.get_by_label("API key").is_hidden()
        code, said = service.end()
    assert code == 0 and "nobody may ask yet" in said
