"""Writing, judging and zero-shot over a loopback teacher: what is asked, what is believed, and what is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factory import spec as specs
from factory.errors import TeacherError
from factory.files import digest
from factory.generate import judge as judging
from factory.generate import pipeline
from factory.generate.judge import _codes
from factory.generate.pipeline import Answered, _tidy, _workplace
from factory.generate.plan import plan
from factory.generate.strategies import Material
from factory.generate.write import write
from factory.spec import Spec
from factory.stages.classifying import Classifying
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Request
from tests import shop

ENDPOINT = Endpoint("http://127.0.0.1:9/v1", "loopback", "loopback@1")
LETTERED = {f"label {number}": f"Definition {number}." for number in range(30)}


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    shop.make_specialist(tmp_path / "prompts" / "test" / "shop", tmp_path / "gold", {"unlabelled": None})
    return specs.load("test/shop", tmp_path / "prompts")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What is asked; `answer` gives the answers, without any process or server."""
    seen: list[Request] = []

    def ask(_: str, requests: list[Request], *__: Any) -> list[Answered]:
        seen.extend(requests)
        return [answer(request) for request in requests]

    monkeypatch.setattr("factory.generate.write.ask", ask)
    monkeypatch.setattr("factory.generate.judge.ask", ask)
    return seen


def answer(request: Request) -> Answered:
    prompt = request.messages[-1]["content"]
    if request.json_schema:
        reply = shop.teach(request.body("loopback"))
        if "LABEL: money" in prompt:
            reply = reply[: len(reply) // 2]  # cut off
        if "LABEL: account" in prompt:
            return Answered(None, None, "key", "it hung up")
        return Answered(reply, None, digest(prompt)[:8])
    if "gibberish" in prompt:
        return Answered("hm", None, "key")
    if "silence" in prompt:
        return Answered(None, None, "key", "it hung up")
    code = shop.teach(request.body("loopback"))
    shares = {code: 0.8} | {other: 0.2 / (len(request.choices or []) - 1) for other in request.choices or []}
    shares[code] = 0.8
    return Answered(code, [{token: math.log(share) for token, share in shares.items()}], "key")


def test_every_complete_row_is_kept_and_every_other_reply_accounted_for(spec: Spec, asked: list[Request]) -> None:
    cells = plan(spec, spec.budget("quick"))
    neighbours = {label: [other for other in spec.labels if other != label] for label in spec.labels}
    written = write(Material(spec, neighbours=neighbours), cells, ENDPOINT, Path("nowhere"))
    assert len(asked) == len(cells) == 9
    by_label = {label: sum(row.label == label for row in written.rows) for label in spec.labels}
    assert by_label["parcel"] == 12 and by_label["account"] == 0
    assert 3 <= by_label["money"] < 12  # at least the first row of each reply was complete
    reasons = {(entry["label"], entry["reason"]) for entry in written.failed}
    assert reasons == {("money", "not JSON: cut off or malformed"), ("account", "it hung up")}
    assert len(written.failed) == 6
    cell_ids = {cell.id: cell for cell in cells}
    for row in written.rows:
        assert row.attributes == cell_ids[row.lineage.cell].attributes
        assert row.lineage.teacher == "loopback@1" and row.lineage.spec == spec.identity
        assert row.lineage.prompt in {digest(request.messages) for request in asked}


def test_no_two_cells_ask_the_same_question(spec: Spec, asked: list[Request]) -> None:
    larger = spec.budget("quick").model_copy(update={"generate": 200})
    cells = plan(spec, larger)
    write(Material(spec), cells, ENDPOINT, Path("nowhere"))
    keys = [request.cache_key("loopback@1") for request in asked]
    assert len(set(keys)) == len(keys) == 50


def test_a_judge_is_read_off_its_first_token_and_its_failures_are_told(spec: Spec, asked: list[Request]) -> None:
    texts = ["my invoice is wrong", "where is the courier", "gibberish", "silence"]
    found, _ = judging.judge(spec, texts, [list(spec.labels)] * 4, ENDPOINT, Path("nowhere"))
    assert max(found[0].scores or {}, key=(found[0].scores or {}).__getitem__) == "money"
    assert max(found[1].scores or {}, key=(found[1].scores or {}).__getitem__) == "parcel"
    assert math.exp((found[0].scores or {})["money"]) == pytest.approx(0.8)
    assert [one.scores for one in found[2:]] == [None, None]
    assert [one.failure for one in found[2:]] == ["not one of the options: 'hm'", "it hung up"]
    assert {request.max_tokens for request in asked} == {1}
    assert {request.temperature for request in asked} == {0.0}


def test_a_shortlist_is_all_a_judge_sees(spec: Spec, asked: list[Request]) -> None:
    (found,), _ = judging.judge(spec, ["my invoice"], [["money", "parcel"]], ENDPOINT, Path("nowhere"))
    assert set(found.scores or {}) == {"money", "parcel"}
    assert "account" not in asked[0].messages[-1]["content"]


def test_zero_shot_believes_nothing_but_a_label(spec: Spec) -> None:
    student = Classifying()
    replies = ["money", " money\n", "Money, I think", ""]
    assert [student.read(spec, "any text", reply) for reply in replies] == ["money", "money", None, None]
    assert all(student.question(spec, "any text", policy).choices == list(spec.labels) for policy in (True, False))


def test_labels_told_apart_by_their_beginning_are_their_own_codes() -> None:
    assert _codes("any text", ["parcel", "money"]) == {"parcel": "parcel", "money": "money"}
    assert set(_codes("any text", ["card lost", "card late"])) == {"A", "B"}


def test_letters_are_drawn_anew_for_every_text_and_each_stands_for_one_label() -> None:
    labels = list(LETTERED)
    drawn = [_codes(f"text {number}", labels) for number in range(20)]
    assert all(sorted(codes.values()) == sorted(labels) and len(codes) == len(labels) for codes in drawn)
    assert len({codes["A"] for codes in drawn}) > 8
    assert _codes("text 1", labels) == _codes("text 1", labels)


@pytest.fixture
def teacher() -> Iterator[shop.Teacher]:
    started = shop.Teacher()
    yield started
    started.stop()


def question(number: int) -> Request:
    return Request([{"role": "user", "content": f"TEXT: my invoice {number}"}], choices=["money", "parcel"])


class Asleep:
    """A teacher that must not be started."""

    identity = "loopback@1"

    def reach(self) -> Endpoint:
        raise AssertionError("everything it is asked for is in the cache")


@pytest.mark.real
def test_a_pipeline_answers_in_order_and_what_is_known_is_not_asked(teacher: shop.Teacher, tmp_path: Path) -> None:
    endpoint = Endpoint(teacher.server.url, "loopback", "loopback@1")
    store = ReplyCache(tmp_path / "replies.db")
    known = {"text": "parcel", "finish_reason": "stop", "prompt_tokens": 1, "completion_tokens": 1}
    store.put(question(3).canonical("loopback@1"), {**known, "top_logprobs": None}, 1, 1)
    store.close()
    left = tmp_path / "pipeline-of-a-killed-run"
    left.mkdir()
    told: list[tuple[int, int]] = []
    requests = [question(number) for number in range(5)]
    found = pipeline.ask("test", requests, endpoint, tmp_path / "replies.db", 4, lambda *now: told.append(now))
    assert [one.text for one in found] == ["money", "money", "money", "parcel", "money"]
    assert [one.key for one in found] == [request.cache_key("loopback@1") for request in requests]
    assert len(teacher.asked) == 4
    assert told[-1] == (5, 5)
    assert [path.name for path in tmp_path.glob("pipeline-*")] == []
    assert pipeline.ask("test", requests, Asleep(), tmp_path / "replies.db", 4) == found
    assert len(teacher.asked) == 4


@pytest.mark.real
def test_a_teacher_that_goes_astray_stops_the_stage_and_keeps_what_it_said(
    teacher: shop.Teacher, tmp_path: Path
) -> None:
    endpoint = Endpoint(teacher.server.url, "loopback", "loopback@1")
    teacher.server.failures = ["html"] * 3
    requests = [question(number) for number in range(10)]
    with pytest.raises(TeacherError, match=r"did not answer 3 of 10 questions. .*nginx") as caught:
        pipeline.ask("test", requests, endpoint, tmp_path / "replies.db", 4)
    assert "run the same command again" in caught.value.fix
    assert len(teacher.asked) == 10
    assert all(one.text == "money" for one in pipeline.ask("test", requests, endpoint, tmp_path / "replies.db", 4))
    assert len(teacher.asked) == 13


def test_nothing_is_asked_where_there_is_nothing_to_ask(tmp_path: Path) -> None:
    assert pipeline.ask("test", [], ENDPOINT, tmp_path / "replies.db", 4) == []


def test_a_run_at_work_keeps_its_folder(tmp_path: Path) -> None:
    with _workplace(tmp_path) as one, _workplace(tmp_path) as two:
        (one / "job.json").write_text(json.dumps({}))
        left = tmp_path / "pipeline-of-a-killed-run"
        left.mkdir()
        (left / "job.json").write_text("{}")
        _tidy(tmp_path)
        assert (one / "job.json").exists() and two.is_dir() and not left.exists()
    assert list(tmp_path.iterdir()) == []
