"""What a teacher is shown beside a question: rows like the text, as turns that its own replies could be."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from factory import settings
from factory import spec as specs
from factory.generate import shots
from factory.publish.ask import told
from factory.row import Lineage, Row
from factory.span import Span
from factory.stages.model import OF_KIND
from factory.teacher.chat import Request
from zoo import kinds
from zoo.question import Question

SPECS = {name: specs.load(name, settings.load().prompts) for name in specs.names(settings.load().prompts)}


def row(text: str, **decision: object) -> Row:
    return Row(text=text, origin="reviewed", lineage=Lineage(spec="s"), **({"label": "a"} | decision))  # type: ignore[arg-type]


def ask(text: str) -> Request:
    chat = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": f"Which?\nA, B\n\nText: {text}\nLabel:"},
    ]
    return Request(chat, max_tokens=24, choices=["A", "B"])


def these(vectors: list[Any]) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """An encoder that has these vectors for whatever it is asked."""

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        assert len(texts) == len(vectors)
        return np.array(vectors, np.float32)

    return encode


def test_turns_of_a_chat_that_says_once_what_is_asked() -> None:
    asked = shots.question(ask, "now", [("then\n\nText: there", "B"), ("soon", "A")])
    assert [(turn["role"], turn["content"]) for turn in asked.messages] == [
        ("system", "Be short."),
        ("user", "Which?\nA, B\n\nText: then\n\nText: there\nLabel:"),
        ("assistant", "B"),
        ("user", "Text: soon\nLabel:"),
        ("assistant", "A"),
        ("user", "Text: now\nLabel:"),
    ]
    assert (asked.max_tokens, asked.choices) == (24, ["A", "B"])


def test_the_zoo_asks_so_too() -> None:
    """What a card says of a teacher that is shown rows, an application with rows of its own may expect."""
    shown = [("then", "B"), ("soon", "A")]
    carried = Question._of(json.loads(told(ask)), ("A", "B"))
    assert carried.after(shown).chat("now") == list(shots.question(ask, "now", shown).messages)
    for spec in SPECS.values():
        labels = tuple(spec.labels) if spec.kind == "classification" else ()
        known = [("a first text", "a reply"), ("a second", "{}")]
        for policy in (False, True):
            asked = partial(OF_KIND[spec.kind].question, spec, policy=policy)
            carried = Question._of(json.loads(told(asked)), labels)
            assert carried.after(known).chat("one more") == list(shots.question(asked, "one more", known).messages)


def test_with_nothing_to_show_it_is_the_question_itself() -> None:
    assert shots.question(ask, "a text", []) == ask("a text")


def test_the_likest_comes_last() -> None:
    rows, vectors = [row(name) for name in "abc"], np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    found = shots.choose(rows, ["x", "y"], these([*vectors, [2, 0.1], [0, 3]]))
    assert [[one.text for one in some] for some in found] == [["b", "c", "a"], ["a", "c", "b"]]


def test_a_text_is_not_shown_with_its_own_answer() -> None:
    rows, vectors = [row(name) for name in "abc"], np.eye(3, dtype=np.float32)
    found = shots.choose(rows, ["a", "b"], these([*vectors, *vectors[:2]]))
    assert [[one.text for one in some] for some in found] == [["c", "b"], ["c", "a"]]


@given(words=st.lists(st.integers(1, 600), max_size=30), seed=st.integers(0, 99))
def test_few_and_short_and_the_likest_of_those_that_are_not_too_long(words: list[int], seed: int) -> None:
    rows = [row(f"{number} " + "w " * (long - 1)) for number, long in enumerate(words)]
    vectors = np.random.default_rng(seed).normal(size=(len(rows), 3)).astype(np.float32)
    asked = np.array([[1, 2, 3]], np.float32)
    [shown] = shots.choose(rows, ["asked"], these([*vectors, *asked]))
    lengths = [len(one.text.split()) for one in shown]
    assert len(shown) <= shots.MOST and sum(lengths) <= shots.WORDS
    near = np.argsort(-(vectors @ asked[0]) / np.linalg.norm(vectors, axis=1), kind="stable")
    fit = [rows[place] for place in near if words[place] <= shots.WORDS]
    assert shown[::-1] == fit[: len(shown)]
    left = fit[len(shown) :]
    assert not left or len(shown) == shots.MOST or sum(lengths) + len(left[0].text.split()) > shots.WORDS


DECISIONS = {
    "classification": lambda spec: {"label": list(spec.labels)[-1]},
    "spans": lambda spec: {"label": "", "spans": (Span(start=4, end=9, label=next(iter(spec.labels))),)},
    "extraction": lambda spec: {"label": "", "record": {next(iter(spec.fields)): "New York"}},
    "generation": lambda spec: {"label": "", "answer": "What is “naïve” care?"},
}


KINDS: dict[str, Callable[[specs.Spec], Any]] = {
    "classification": lambda spec: kinds.Labels(tuple(spec.labels)),
    "spans": lambda spec: kinds.Spans(tuple(spec.labels)),
    "extraction": lambda spec: kinds.Records(spec.fields),
    "generation": lambda spec: kinds.Answers(tuple(spec.labels)),
}
"""As the zoo takes what people said."""


@pytest.mark.parametrize("name", SPECS)
def test_what_is_shown_is_a_reply_that_would_be_read(name: str) -> None:
    spec = SPECS[name]
    text = "The words of New York, in naïve care"
    known = row(text, **DECISIONS[spec.kind](spec))
    student = OF_KIND[spec.kind]
    shown = student.reply(spec, known)
    read = student.read(spec, text, shown)
    assert read == {"classification": known.label, "spans": known.spans, "generation": known.answer}.get(
        spec.kind, known.record
    )
    zoo_kind, right = KINDS[spec.kind](spec), known.spans or known.record or known.answer or known.label
    assert zoo_kind.reply(zoo_kind.take(text, [vars(one) for one in right] if known.spans else right)) == shown
    asked = shots.question(lambda some: student.question(spec, some, False), "any text", [(text, shown)])
    assert [turn["role"] for turn in asked.messages] == ["system", "user", "assistant", "user"]
    assert asked.messages[2]["content"] == shown and spec.question in asked.messages[1]["content"]
    assert spec.question not in asked.messages[3]["content"] and "any text" in asked.messages[3]["content"]
