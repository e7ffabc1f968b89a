"""An endpoint asked over HTTP: what is sent, what of a reply counts, and every way in which there is none."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from large_model import LargeModel

import zoo
from zoo.errors import BadInput, BrokenSpecialist, NoQuestion, Tampered, Unanswered
from zoo.manifest import Manifest
from zoo.question import FILE, Question

LABELS = tiny.LABELS
QUESTION = Question((("system", ("Be brief.",)), ("user", ("Text: ", None, "\nLabel:"))), LABELS, one_line=True)


def endpoint(url: str, **how: object) -> zoo.Endpoint:
    return zoo.Endpoint(url, "large", **{"timeout": 5.0, **how})  # type: ignore[arg-type]


def test_what_is_sent() -> None:
    with LargeModel(lambda body: "positive") as model:
        asked = endpoint(model.url + "/", key="secret", read_price=2.0, write_price=5.0, options={"seed": 7})
        reply = asked.ask(QUESTION, "two\nlines {text} null")
        headers, body = model.asked[0]
    assert reply == ("positive", pytest.approx((100 * 2.0 + 10 * 5.0) / 1e6))
    assert headers["Authorization"] == "Bearer secret" and "secret" not in repr(asked)
    assert body == {
        "model": "large",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Text: two lines {text} null\nLabel:"},
        ],
        "temperature": 0,
        "max_tokens": 64,
        "structured_outputs": {"choice": list(LABELS)},
        "seed": 7,
    }


def test_a_reply_that_is_no_label_is_held_to_its_schema_and_has_room_for_its_text() -> None:
    schema = {"type": "object", "required": ["spans"]}
    question = Question(QUESTION.messages, schema=schema, tokens=(100, 2.5))
    with LargeModel(lambda body: 400 if "response_format" in body else '{"spans": []}') as model:
        asked = endpoint(model.url, write_price=1e6)
        assert asked.ask(question, "one two three").text == '{"spans": []}'
        assert asked.ask(QUESTION, "x").text == '{"spans": []}'
        assert asked.ask(question, "x").text == '{"spans": []}'
    first, second, labels, third = (body for _, body in model.asked)
    held = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}
    assert first["response_format"] == held and first["max_tokens"] == 64 + 108
    assert "response_format" not in second and "response_format" not in third
    assert "structured_outputs" in labels, "what was refused of one form is not refused of the other"
    assert asked.most(question, "one two three") == 64 + 108


def test_an_option_of_none_leaves_a_key_out() -> None:
    with LargeModel(lambda body: "positive") as model:
        endpoint(model.url, options={"max_tokens": None, "max_completion_tokens": 500}).ask(QUESTION, "x")
        body = model.asked[0][1]
    assert "max_tokens" not in body and body["max_completion_tokens"] == 500


def test_a_server_that_refuses_to_be_guided_is_asked_without_from_then_on() -> None:
    with LargeModel(lambda body: 400 if "structured_outputs" in body else "positive") as model:
        asked = endpoint(model.url)
        assert [asked.ask(QUESTION, "x").text for _ in range(2)] == ["positive"] * 2
        assert ["structured_outputs" in body for _, body in model.asked] == [True, False, False]


def test_one_text_that_is_refused_either_way_does_not_end_guidance() -> None:
    with LargeModel(lambda body: 400 if "long" in body["messages"][-1]["content"] else "positive") as model:
        asked = endpoint(model.url)
        with pytest.raises(Unanswered, match="HTTP 400") as refused:
            asked.ask(QUESTION, "long")
        assert (refused.value.reason, refused.value.again, refused.value.down) == ("fallback_refused", False, False)
        asked.ask(QUESTION, "x")
        assert "structured_outputs" in model.asked[-1][1]


@pytest.mark.parametrize(
    ("how", "reason", "again", "billed", "says"),
    [
        (500, "fallback_down", True, False, "HTTP 500: .*made to fail with 500"),
        (429, "fallback_down", True, False, "HTTP 429"),
        (401, "fallback_down", False, False, r"HTTP 401.*Bearer \*\*\*"),
        ("drop", "fallback_down", True, True, "RemoteDisconnected"),
        ("moved", "fallback_down", False, False, "redirects are not followed"),
        ("page", "fallback_invalid", False, True, "no chat completion"),
        ("cut", "fallback_invalid", False, True, "no chat completion"),
        ("deep", "fallback_invalid", False, True, "no chat completion"),
        ("empty", "fallback_invalid", False, True, "without words"),
        ("huge", "fallback_invalid", False, True, "more than 1048576 bytes"),
    ],
)
def test_no_reply(how: str | int, reason: str, again: bool, billed: bool, says: str) -> None:
    with LargeModel(lambda body: how) as model, pytest.raises(Unanswered, match=says) as found:
        endpoint(model.url, key="secret").ask(QUESTION, "x")
    assert (found.value.reason, found.value.again, found.value.billed) == (reason, again, billed)
    assert "secret" not in str(found.value)
    assert len(model.asked) == 1


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_whoever_is_slow_is_cut_off(how: str) -> None:
    with LargeModel(lambda body: how) as model:
        begun = time.perf_counter()
        with pytest.raises(Unanswered, match=r"no whole reply within 0\.3 seconds") as found:
            endpoint(model.url, timeout=0.3).ask(QUESTION, "x")
        assert time.perf_counter() - begun < 3
    assert (found.value.reason, found.value.again, found.value.billed) == ("fallback_down", True, True)


def test_nobody_there() -> None:
    with LargeModel(lambda body: "x") as model:
        url = model.url
    with pytest.raises(Unanswered, match="ConnectionRefusedError") as found:
        endpoint(url).ask(QUESTION, "x")
    assert not found.value.billed


def test_tokens_that_are_not_told_cost_the_most() -> None:
    asked = endpoint("http://127.0.0.1:1/v1", read_price=1.0, write_price=1.0)
    assert asked._read(b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": -1}}').cost is None
    assert asked.most(QUESTION, "é" * 1000) > 2000 / 1e6


@pytest.mark.parametrize(
    "how",
    [
        {"url": "localhost:80"},
        {"url": "file:///etc/passwd"},
        {"url": "http://user:pass@host/v1"},
        {"url": "http://host:80000/v1"},
        {"url": "http://host:port/v1"},
        {"url": "http://[::1/v1"},
        {"key": "a\r\nHost: b"},
        {"timeout": 0},
        {"max_tokens": 0.5},
        {"read_price": -1},
    ],
)
def test_settings_that_can_not_be(how: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        zoo.Endpoint(**{"url": "http://127.0.0.1/v1", "model": "m", **how})  # type: ignore[arg-type]


@given(st.text())
def test_a_text_is_never_read_as_a_part(text: str) -> None:
    question = dataclasses.replace(QUESTION, one_line=False)
    assert question.chat(text)[1]["content"] == f"Text: {text}\nLabel:"


def test_ask_json_is_checked(copy: Path) -> None:
    with pytest.raises(NoQuestion, match=r"it holds no ask\.json") as missing:
        Question.read(copy, Manifest.read(copy))
    assert "give a function as fallback" in missing.value.fix
    tiny.ask(copy)
    manifest = zoo.verify(tiny.seal(copy))
    assert Question.read(copy, manifest).chat("x")[-1]["content"] == "Which mood? x"
    text = (copy / FILE).read_text()
    (copy / FILE).write_text(text.replace("mood", "moon"))
    with pytest.raises(Tampered):
        Question.read(copy, manifest)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"reply": "spans"},
        {"choices": ["negative"]},
        {"messages": [{"role": "user", "content": ["no place"]}]},
        {"messages": [{"role": "user", "content": [None, 7]}]},
        {"messages": [{"role": 1, "content": [None]}]},
        {"messages": 3},
    ],
)
def test_an_ask_json_of_another_shape_is_refused(copy: Path, changes: dict[str, object]) -> None:
    tiny.ask(copy)
    value = json.loads((copy / FILE).read_text())
    (copy / FILE).write_text(json.dumps({**value, **changes}))
    with pytest.raises(BrokenSpecialist, match=r"ask\.json can't be read"):
        Question.read(copy, Manifest.read(tiny.seal(copy)))
