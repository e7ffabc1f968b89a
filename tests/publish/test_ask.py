"""ask.json: what a large model is told about a text is what a judge was told, and it is sealed like any other file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from factory import settings
from factory import spec as specs
from factory.dataset.version import DatasetVersion
from factory.evidence.records import AnyEvidence
from factory.generate import judge
from factory.publish.ask import told
from factory.publish.card import render
from factory.publish.package import Trained, content, describe, package
from factory.stages.model import OF_KIND
from factory.teacher.chat import Request
from zoo.question import FILE, Question

PROMPTS = settings.load().prompts
SPECS = {name: specs.load(name, PROMPTS) for name in specs.names(PROMPTS)}
CLASSIFIERS = sorted(name for name, spec in SPECS.items() if spec.kind == "classification")


def read(text: str, labels: list[str], folder: Path) -> Question:
    """The question as the zoo reads it."""
    (folder / FILE).write_text(text, encoding="utf-8")
    files = zoo.manifest.describe_files(folder)
    raw = {name: "x" for name in ("title", "licence")} | {"language": "en", "created": "2026-01-01", "max_tokens": 8}
    for name in (zoo.manifest.TOKENIZER, zoo.manifest.WEIGHTS["int8"]):
        files[name] = zoo.manifest.FileEntry("0" * 64, 1)
    manifest: Any = zoo.Manifest(name="a/b", version="1.0.0", labels=tuple(labels), files=files, **raw)  # type: ignore[arg-type]
    return Question.read(folder, manifest)


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Question]:
    """What the house's classifiers ask, by name."""
    found = {}
    for name in CLASSIFIERS:
        text = told(lambda text, spec=SPECS[name]: judge.question(spec, text, True))
        found[name] = read(text, list(SPECS[name].labels), tmp_path_factory.mktemp("ask"))
    return found


@given(name=st.sampled_from(CLASSIFIERS), text=st.text("a \n\"'{}%<é", max_size=40).filter(lambda text: text.strip()))
def test_it_asks_what_the_judge_asks(questions: dict[str, Question], name: str, text: str) -> None:
    asked = judge.question(SPECS[name], text, True)
    assert questions[name].chat(text) == asked.messages
    assert list(questions[name].choices) == asked.choices


def of(template: Callable[[str], str]) -> Callable[[str], Request]:
    return lambda text: Request([{"role": "user", "content": template(text)}], choices=["a", "b"])


def test_a_template_that_keeps_lines_is_told_from_one_that_joins_them() -> None:
    assert not json.loads(told(of(lambda text: f"<{text}>")))["one_line"]
    joined = json.loads(told(of(lambda text: f"<{text}> again: {text}".replace("\n", " "))))
    assert joined["one_line"] and joined["messages"][0]["content"] == ["<", None, "> again: ", None, ""]


@pytest.mark.parametrize(
    "template",
    [
        lambda text: "no text",
        lambda text: text[:1],
        lambda text: text.replace("\n", " / "),
        lambda text: text + text[0],
    ],
)
def test_what_is_not_words_with_a_place_is_left_out(template: Callable[[str], str]) -> None:
    assert told(of(template)) == ""


@pytest.mark.parametrize("name", sorted(SPECS.keys() - set(CLASSIFIERS)))
@pytest.mark.parametrize("policy", [True, False])
@pytest.mark.parametrize("words", [1, 40, 300])
def test_what_gives_no_labels_asks_for_json_as_its_teacher_was(name: str, policy: bool, words: int) -> None:
    asks = partial(OF_KIND[SPECS[name].kind].question, SPECS[name], policy=policy)
    question = Question._of(json.loads(told(asks)), ())
    text = " ".join(["word"] * words)
    asked = asks(text)
    assert question.chat(text) == asked.messages
    assert question.room(text) >= asked.max_tokens
    if words == 300:
        assert question.schema == asked.json_schema


def test_a_question_without_choices_or_schema_is_left_out() -> None:
    assert told(lambda text: Request([{"role": "user", "content": text}])) == ""


def test_it_is_published_and_sealed_and_another_policy_is_another_content(
    trained: Trained, spec: specs.Spec, dataset: DatasetVersion, evidence: list[AnyEvidence], tmp_path: Path
) -> None:
    ask = told(lambda text: Request([{"role": "user", "content": text}], choices=list(spec.labels)))
    asking = dataclasses.replace(trained, risk=0.1, ask=ask)
    manifest = describe(asking, spec, "1.0.0")
    card = render(manifest, spec, dataset.manifest, evidence)
    sealed = package(asking, manifest, card=card, evidence=[], out=tmp_path / "out")
    assert content(sealed) == content(manifest) != content(describe(trained, spec, "1.0.0"))
    specialist: zoo.Classifier = zoo.load(tmp_path / "out")
    assert specialist.manifest.risk == 0.1
    assert Question.read(specialist.folder, specialist.manifest).chat("a sad note")[0]["content"] == "a sad note"
    assert "ask.json" in card and "ask.json" not in render(
        describe(trained, spec, "1.0.0"), spec, dataset.manifest, evidence
    )
