"""A specialist that writes, from a folder: answers, long texts, what is wrong with a prompt, the command line."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tiny
import tiny_causal
from tiny_causal import END, PROMPT_JSON

import zoo
from zoo.__main__ import main
from zoo.decoder import Decoder
from zoo.errors import BadInput, BrokenSpecialist, Tampered
from zoo.manifest import PROMPT, WEIGHTS

HI = {"Ċ": "H", "H": "i", "i": END}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_causal.make(tmp_path_factory.mktemp("writer") / "hi", after=HI)


@pytest.fixture(params=["int8", "fp32"])
def writer(folder: Path, request: pytest.FixtureRequest) -> zoo.Writer:
    found = zoo.load(folder, weights=request.param)
    assert isinstance(found, zoo.Writer)
    return found


def test_it_writes_until_it_stops(writer: zoo.Writer) -> None:
    said = writer.predict("law")
    assert (said.text, said.complete, said.unsure) == ("Hi", True, False)
    assert 0.5 < said.score < 1


def test_many_texts_are_answered_one_by_one_and_threads_share_it(writer: zoo.Writer) -> None:
    texts = [f"text {number}" for number in range(12)]
    alone = [writer.predict(text) for text in texts]
    assert len({said.score for said in alone}) > 1, "all texts look the same to this model"
    assert writer.predict(texts) == alone and writer.predict([]) == []
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(writer.predict, texts)) == alone


def test_a_text_is_cut_at_its_end_and_the_prompt_never(writer: zoo.Writer) -> None:
    prompt = len(tiny_causal.tokenizer().encode(PROMPT_JSON["before"] + PROMPT_JSON["after"]).ids)
    room = writer.manifest.max_tokens - prompt
    assert writer.predict("x" * 500) == writer.predict("x" * room) != writer.predict("x" * (room - 1))
    assert writer.predict("x" * 500).text == "Hi"  # it follows on what stands after the text


def test_control_tokens_in_a_text_are_words(writer: zoo.Writer) -> None:
    frame = writer._frame
    assert 1 not in frame.words(END) and frame.ids("a")[0] == 0 and frame.rest("a")[-2] == 1


def test_what_was_read_in_parts_is_as_read_at_once(folder: Path) -> None:
    decoder = Decoder(folder / WEIGHTS["fp32"])
    at_once, _ = decoder.read([5, 6, 7, 8], decoder.nothing)
    _, read = decoder.read([5, 6], decoder.nothing)
    _, read = decoder.read([7], read)
    in_parts, _ = decoder.read([8], read)
    other, _ = decoder.read([8], decoder.nothing)
    np.testing.assert_allclose(in_parts, at_once, atol=1e-5)
    assert np.abs(other - at_once).max() > 0.01


def test_an_answer_without_end_is_cut_and_unsure(tmp_path: Path) -> None:
    said = zoo.load(tiny_causal.make(tmp_path / "on", after={"Ċ": "H", "H": "H"})).predict("law")
    assert said.text == "H" * PROMPT_JSON["max_new_tokens"] and said.unsure and not said.complete


def test_below_the_threshold_it_is_unsure(tmp_path: Path) -> None:
    assert zoo.load(tiny_causal.make(tmp_path / "doubt", after=HI, threshold=0.9999)).predict("law").unsure


def test_temperature_makes_it_less_sure(folder: Path, tmp_path: Path) -> None:
    warm = zoo.load(tiny_causal.make(tmp_path / "warm", after=HI, temperature=3.0)).predict("law")
    cold = zoo.load(folder).predict("law")
    assert warm.text == cold.text and warm.score < cold.score


@pytest.mark.parametrize("bad", ["", "  ", "\ud800", ["word1", ""], None])
def test_bad_input_is_named(writer: zoo.Writer, bad: object) -> None:
    with pytest.raises(BadInput):
        writer.predict(bad)  # type: ignore[call-overload]


def test_a_batch_size_says_nothing_to_it(folder: Path) -> None:
    with pytest.raises(BadInput, match="one text at a time"):
        zoo.load(folder, batch_size=8)


def test_another_prompt_is_refused(tmp_path: Path) -> None:
    folder = tiny_causal.make(tmp_path / "w", after=HI)
    prompt = folder / PROMPT
    prompt.write_text(prompt.read_text().replace("Answer", "answer"))
    with pytest.raises(Tampered, match=r"prompt\.json"):
        zoo.load(folder)
    prompt.unlink()
    with pytest.raises(Tampered, match=r"prompt\.json"):
        zoo.load(folder)
    with pytest.raises(BrokenSpecialist, match=r"naming prompt\.json"):
        tiny.seal(folder, kind="generation", labels=("answer",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stop": []}, "stop is a list"),
        ({"stop": [9999]}, "stops at"),
        ({"before": None}, "texts"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"before": "long " * 40}, "leaves no room"),
    ],
)
def test_what_is_wrong_with_a_prompt_is_told(tmp_path: Path, change: dict[str, object], said: str) -> None:
    folder = tiny_causal.make(tmp_path / "bad", after=HI, prompt={**PROMPT_JSON, **change})
    with pytest.raises(BrokenSpecialist, match=said):
        zoo.load(folder)


def test_predict_prints_columns_or_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = zoo.load(folder).predict("law")
    assert main(["predict", str(folder), "law"]) == 0
    assert capsys.readouterr().out == f"Hi\t{said.score:.4f}\tno promise\tlaw\n"
    assert main(["predict", str(folder), "law", "--jsonl"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line == {"text": "law", "answer": "Hi", "score": said.score, "unsure": False, "complete": True}
