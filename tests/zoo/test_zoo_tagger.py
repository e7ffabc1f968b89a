"""A specialist that marks spans, from a folder: what it answers with, texts of any length, the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny

import zoo
from zoo.__main__ import main
from zoo.errors import BadInput, BrokenSpecialist
from zoo.manifest import SPANS

TEXT = "word9 word1  word2, word3 word8"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("tagger") / "kitchen", name="test/kitchen", kind=SPANS, labels=tiny.TYPES)


@pytest.fixture(params=["int8", "fp32"])
def tagger(folder: Path, request: pytest.FixtureRequest) -> zoo.Tagger:
    found = zoo.load(folder, weights=request.param)
    assert isinstance(found, zoo.Tagger)
    return found


def test_it_answers_with_typed_spans(tagger: zoo.Tagger) -> None:
    food, tool = tagger.predict(TEXT)
    assert (food.label, food.start, food.end, food.text) == ("Food", 6, 18, "word1  word2")
    assert (tool.label, tool.start, tool.end, tool.text) == ("Tool", 20, 25, "word3")
    assert 0.5 < food.score < 1 and not food.unsure


def test_many_texts_are_answered_in_order_and_nothing_is_an_answer(tagger: zoo.Tagger) -> None:
    assert tagger.predict(["word7", TEXT, "?"]) == [[], tagger.predict(TEXT), []]
    assert tagger.predict([]) == []


def test_a_long_text_is_read_to_its_end(tagger: zoo.Tagger) -> None:
    words = 400
    assert words > 20 * tagger.manifest.max_tokens
    text = " ".join("word1" if place % 7 == 0 else "word9" for place in range(words))
    assert [span.start for span in tagger.predict(text)] == [6 * place for place in range(0, words, 7)]


def test_spans_below_the_threshold_are_unsure(folder: Path, tmp_path: Path) -> None:
    sure = zoo.load(folder)
    assert isinstance(sure, zoo.Tagger)
    score = sure.predict(TEXT)[0].score
    doubting = tiny.make(tmp_path / "doubting", kind=SPANS, labels=tiny.TYPES, threshold=score + 0.001)
    found = zoo.load(doubting)
    assert isinstance(found, zoo.Tagger) and all(span.unsure for span in found.predict(TEXT))
    own = {sure.predict(TEXT)[0].label: score - 0.001}
    trusting = zoo.load(tiny.seal(doubting, kind=SPANS, labels=tiny.TYPES, threshold=1.0, thresholds=own))
    assert isinstance(trusting, zoo.Tagger) and not trusting.predict(TEXT)[0].unsure


@pytest.mark.parametrize("bad", ["", "  ", "\ud800", ["word1", ""], None])
def test_bad_input_is_named(tagger: zoo.Tagger, bad: object) -> None:
    with pytest.raises(BadInput):
        tagger.predict(bad)  # type: ignore[call-overload]


def test_a_model_that_gives_other_numbers_is_broken(tmp_path: Path) -> None:
    other = tiny.make(tmp_path / "other", kind=SPANS, labels=("Food", "Tool", "Cook"))
    with pytest.raises(BrokenSpecialist, match="7 numbers a piece"):
        zoo.load(other)


def test_predict_prints_columns_or_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = zoo.load(folder)
    assert isinstance(found, zoo.Tagger)
    food, tool = found.predict(TEXT)
    assert main(["predict", str(folder), TEXT, "word7"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    spans = f"Food 6:18 word1 word2 {food.score:.4f}; Tool 20:25 word3 {tool.score:.4f}"
    assert first == f"{spans}\tword9 word1 word2, word3 word8" and second == "none\tword7"
    assert main(["predict", str(folder), TEXT, "--jsonl"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line == {"text": TEXT, "spans": [vars(food), vars(tool)]}
