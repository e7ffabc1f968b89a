"""A text in other words: what is asked for, and which replies are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory import spec as specs
from factory.generate.paraphrase import WAYS, read, request
from factory.spec import Spec
from tests import shop

TEXT = "Where do I find the tracking number that you promised me?"


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    shop.make_specialist(tmp_path / "prompts" / "test" / "shop", tmp_path / "gold", {})
    return specs.load("test/shop", tmp_path / "prompts")


def reply(*texts: str) -> str:
    return json.dumps({"rows": [{"text": text} for text in texts]})


def test_the_text_is_asked_for_once_and_the_same_each_time(spec: Spec) -> None:
    asked = request(spec, TEXT)
    assert TEXT in asked.messages[-1]["content"] and asked.temperature == 0.0
    assert asked == request(spec, TEXT) and asked.max_tokens > 64
    assert asked.json_schema and asked.json_schema["properties"]["rows"]["maxItems"] == WAYS


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (reply("where  do I find the TRACKING number, that you promised me"), "the same words"),
        (reply("Where?", TEXT), "far shorter or longer than the text"),
        (reply("Where?"), "far shorter or longer than the text"),
        (reply(TEXT * 3), "far shorter or longer than the text"),
        (reply(), "no text"),
        ("Sure!", "not JSON: cut off or malformed"),
    ],
)
def test_what_is_none_is_not_taken(spec: Spec, said: str, failure: str) -> None:
    found = read(spec, TEXT, said)
    assert found.decision is None and failure in found.failure


def test_other_words_are_taken(spec: Spec) -> None:
    other = "You promised a tracking number; where can I look it up?"
    assert read(spec, TEXT, reply(other, "Where can I look up the number that I was promised?")).decision == other
    assert read(spec, TEXT, reply(TEXT, other)).decision == other
