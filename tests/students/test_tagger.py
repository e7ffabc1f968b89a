"""A tagger learns spans, goes on after a kill as if nothing had been, reads long texts; exports answer alike."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from factory.evidence import spans as figures
from factory.files import read_json
from factory.row import Lineage, Row, Span
from factory.span import Spans
from factory.students import tagger
from factory.students.encoder import Encoder
from factory.students.export import FP32, INT8, difference, export
from factory.students.lesson import Recipe, average
from tests import kitchen, tiny_encoder
from zoo import decoding

LABELS = tuple(kitchen.WORDS)
HELD = 84  # rows from here are held out


def marked(number: int) -> Row:
    text, spans = kitchen.sample(list(kitchen.MIDDLES)[number % 4], number)
    return Row(text=text, spans=spans, origin="reviewed", lineage=Lineage(spec="s"))


@pytest.fixture(scope="module")
def kitchen_rows() -> list[Row]:
    return [marked(number * 7 % 112) for number in range(112)]


@pytest.fixture(scope="module")
def kitchen_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder.make(tmp_path_factory.mktemp("encoder"), kitchen.every_text(), hidden=64)


@pytest.fixture(scope="module")
def recipe(kitchen_encoder: Path) -> Recipe:
    return Recipe(str(kitchen_encoder), LABELS, max_tokens=16, rank=2, learning_rate=5e-3, epochs=3)


@pytest.fixture(scope="module")
def trained(recipe: Recipe, kitchen_rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    tagger.train(kitchen_rows[:HELD], kitchen_rows[HELD:], recipe, out)
    return out


def opened(folder: Path, max_tokens: int = 16) -> tagger.Tagger:
    return tagger.Tagger(Encoder.load(folder, decoding.tags(LABELS), max_tokens))


def found(reader: tagger.Tagger, texts: list[str]) -> list[set[tuple[int, int, str]]]:
    spans = tagger.find(texts, map(reader.cut, texts), reader.logits(texts), LABELS)
    return [{one[:3] for one in some} for some in spans]


def wanted(row: Row) -> set[tuple[int, int, str]]:
    return {(span.start, span.end, span.label) for span in row.spans or ()}


def test_spans_are_learned(trained: Path, kitchen_rows: list[Row]) -> None:
    held = kitchen_rows[HELD:]
    answers = found(opened(trained), [row.text for row in held])
    assert np.mean([answer == wanted(row) for answer, row in zip(answers, held, strict=True)]) > 0.8
    assert any(answers) and not all(answers)


def test_long_texts_are_read_to_their_end(trained: Path, kitchen_rows: list[Row]) -> None:
    """Sixteen tokens at once; ten notes in one text are more than a hundred."""
    text = " ".join(row.text for row in kitchen_rows[HELD : HELD + 10])
    reader = opened(trained)
    assert len(reader.windows(reader.cut(text))) > 8
    (answer,) = found(reader, [text])
    there = {(span.start, span.end, span.label) for span in kitchen.spans_of(text)}
    assert len(answer & there) / len(there) > 0.8 and max(end for _, end, _ in answer) > len(text) * 0.8


def test_rows_longer_than_a_window_are_trained_on_whole(recipe: Recipe, kitchen_encoder: Path) -> None:
    row = marked(2)
    lesson = tagger.Tags([row], [row], recipe, Encoder.load(kitchen_encoder, decoding.tags(LABELS), 16))
    assert len(lesson.examples) > 1
    pieces = len(lesson.tagger.cut(row.text).ids)
    assert {place for one in lesson.examples for place in range(one.window.start, one.window.stop)} == set(
        range(pieces)
    )


def test_pieces_are_tagged_by_the_spans_they_touch(trained: Path) -> None:
    text = "the red onion , the oven"
    spans = (Span(start=4, end=13, label="Food"), Span(start=20, end=24, label="Tool"))
    reader = opened(trained)
    tags = [decoding.tags(LABELS)[tag] for tag in tagger.tags_of(reader.cut(text).places, spans, LABELS)]
    assert tags == ["O", "B-Food", "I-Food", "O", "O", "B-Tool"]


class Stop(Exception):  # noqa: N818
    """What a test interrupts training with."""


@pytest.mark.parametrize("rank", [2, 0])
@pytest.mark.parametrize("moment", [2, 14])
def test_interrupted_training_ends_with_the_same_bytes(
    trained: Path, recipe: Recipe, kitchen_rows: list[Row], tmp_path: Path, moment: int, rank: int
) -> None:
    """Within the first epoch, within the second; with adapters, and where all weights are trained."""
    recipe = dataclasses.replace(recipe, rank=rank)
    if not rank:
        trained = tmp_path / "whole"
        tagger.train(kitchen_rows[:HELD], kitchen_rows[HELD:], recipe, trained)

    def interrupt(done: int, total: int) -> None:
        if done == moment:
            raise Stop

    with pytest.raises(Stop):
        tagger.train(kitchen_rows[:HELD], kitchen_rows[HELD:], recipe, tmp_path / "out", interrupt)
    assert not (tmp_path / "out" / "training.json").exists()
    tagger.train(kitchen_rows[:HELD], kitchen_rows[HELD:], recipe, tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    assert (tmp_path / "out" / "training.json").read_bytes() == (trained / "training.json").read_bytes()


def test_a_row_counts_its_weight(recipe: Recipe, kitchen_rows: list[Row], kitchen_encoder: Path) -> None:
    rows = [row.model_copy(update={"weight": 0.25 if n else 1.0}) for n, row in enumerate(kitchen_rows[:2])]
    encoder = Encoder.load(kitchen_encoder, decoding.tags(LABELS), 64)
    lesson = tagger.Tags(rows, rows, recipe, encoder)
    losses, weights = lesson.losses(encoder, [0, 1])
    sizes = [len(lesson.tagger.cut(row.text).ids) for row in rows]
    assert len(losses) == len(weights) == sum(sizes)
    assert weights.tolist() == [1.0] * sizes[0] + [0.25] * sizes[1]


def test_the_epoch_is_chosen_by_strict_f1(recipe: Recipe, kitchen_rows: list[Row], trained: Path) -> None:
    held = [
        *kitchen_rows[HELD:],
        kitchen_rows[HELD].model_copy(update={"spans": (Span(start=0, end=2, label="Tool"),)}),
    ]
    encoder = opened(trained).encoder
    wrong, weights = tagger.Tags(kitchen_rows[:2], held, recipe, encoder).held_out(encoder)
    answers = found(opened(trained), [row.text for row in held])
    counts = figures.by_row([row.spans or () for row in held], [plain_of(some) for some in answers])
    alike = 1 - average(wrong, weights)
    assert 0 < alike < 1 and weights.tolist() == [
        len({*(row.spans or ())} | {*plain_of(some)}) for row, some in zip(held, answers, strict=True)
    ]
    assert 2 * alike / (1 + alike) == pytest.approx(float(figures.total(counts).f1()))


def plain_of(said: set[tuple[int, int, str]]) -> Spans:
    return tuple(Span(start=start, end=end, label=label) for start, end, label in sorted(said))


def test_of_held_out_rows_without_spans_none_is_wrong(recipe: Recipe, kitchen_rows: list[Row], trained: Path) -> None:
    nothing = [row for row in kitchen_rows if not row.spans][:1]
    wrong, weights = tagger.Tags(kitchen_rows[:2], nothing, recipe, opened(trained).encoder).held_out(
        opened(trained).encoder
    )
    assert wrong.tolist() == weights.tolist() == [0.0] and average(wrong, weights) == 0.0


def test_any_transformers_opens_it(trained: Path, kitchen_rows: list[Row]) -> None:
    from transformers import pipeline

    ask = pipeline("token-classification", model=str(trained), aggregation_strategy="first")
    reader = opened(trained, 64)
    for row in kitchen_rows[HELD : HELD + 8]:
        said = {(one["start"], one["end"], one["entity_group"]) for one in ask(row.text)}
        assert [said] == found(reader, [row.text])
    assert read_json(trained / "config.json")["id2label"]["1"] == "B-Food"


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    export(trained, decoding.tags(LABELS), 16, out, pooled=False)
    return out


@pytest.mark.parametrize(("name", "same", "far"), [(FP32, 1.0, 1e-3), (INT8, 0.9, 1.0)])
def test_exports_answer_as_torch_does(
    exported: Path, trained: Path, kitchen_rows: list[Row], name: str, same: float, far: float
) -> None:
    reader = opened(trained)
    session = onnxruntime.InferenceSession(str(exported / name), providers=["CPUExecutionProvider"])
    for row in kitchen_rows[:5]:
        cut = reader.cut(row.text)
        window = reader.windows(cut)[0]
        batch = {key: value.cpu().numpy() for key, value in reader.batch([window]).items()}
        said = session.run(["logits"], batch)[0][0, 1:-1]
        torch_says = reader.logits([row.text])[0][: window.stop - 3]
        parity = difference(torch_says, said[: len(torch_says)])
        assert parity["same_label"] >= same and parity["largest_probability_difference"] < far
