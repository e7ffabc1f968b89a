"""Training learns, goes on after a kill as if nothing had been, and keeps its best epoch; exports answer alike."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import DataError, SpecError
from factory.evidence import calibration
from factory.files import read_json
from factory.row import Row, write_rows
from factory.stages.model import as_trained
from factory.students.classifier import ContrastRecipe, Labels, contrast, targets, train
from factory.students.encoder import Encoder
from factory.students.export import FP32, INT8, difference, export
from factory.students.lesson import PATIENCE

LABELS = ("parcel", "money")
HELD = 48  # rows from here are held out


@pytest.fixture
def recipe(encoder: Path) -> ContrastRecipe:
    return ContrastRecipe(str(encoder), LABELS, max_tokens=24, rank=2, learning_rate=5e-3, epochs=3)


@pytest.fixture(scope="module")
def trained(encoder: Path, rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    recipe = ContrastRecipe(str(encoder), LABELS, max_tokens=24, rank=2, learning_rate=5e-3, epochs=3)
    train(rows[:HELD], rows[HELD:], recipe, out)
    return out


def accuracy(folder: Path, rows: list[Row]) -> float:
    logits = Encoder.load(folder, LABELS, 24).predict_logits([row.text for row in rows])
    return float(np.mean([LABELS[best] == row.label for best, row in zip(logits.argmax(1), rows, strict=True)]))


def test_two_labels_are_learned_and_nothing_of_a_restart_is_left(trained: Path, rows: list[Row]) -> None:
    assert accuracy(trained, rows[HELD:]) >= 0.9
    assert not (trained / "checkpoint").exists()
    history = read_json(trained / "training.json")
    assert len(history["epochs"]) == 3
    assert history["rows"] == HELD
    assert "/" not in history["recipe"]["encoder"]  # no path of this machine


def test_the_model_opens_without_any_code_of_ours(trained: Path) -> None:
    from transformers import AutoModelForTokenClassification

    model = AutoModelForTokenClassification.from_pretrained(trained)
    assert model.config.id2label == {0: "parcel", 1: "money"}
    assert not [name for name, _ in model.named_parameters() if "lora" in name]


class Stop(Exception):  # noqa: N818
    """What a test interrupts training with."""


@pytest.mark.parametrize("moment", [1, 4, 8])
def test_interrupted_training_ends_with_the_same_bytes(
    trained: Path, recipe: ContrastRecipe, rows: list[Row], tmp_path: Path, moment: int
) -> None:
    """Three batches an epoch: within the first epoch, within the second, within the third."""

    def interrupt(done: int, total: int) -> None:
        assert total == 9
        if done == moment:
            raise Stop

    with pytest.raises(Stop):
        train(rows[:HELD], rows[HELD:], recipe, tmp_path, interrupt)
    assert not (tmp_path / "training.json").exists()
    seen: list[int] = []
    train(rows[:HELD], rows[HELD:], recipe, tmp_path, lambda done, _: seen.append(done))
    assert seen[0] == (moment - 1) // 3 * 3 + 1  # finished epochs are not done again
    assert (tmp_path / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    assert (tmp_path / "training.json").read_bytes() == (trained / "training.json").read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
from factory.row import read_rows
from factory.students.classifier import ContrastRecipe, train
encoder, file, out, held = sys.argv[1:]
rows = read_rows(Path(file))
def kill(done, total):
    if done == 5:
        os.kill(os.getpid(), signal.SIGKILL)
recipe = ContrastRecipe(encoder, ("parcel", "money"), max_tokens=24, rank=2, learning_rate=5e-3, epochs=3)
train(rows[:int(held)], rows[int(held):], recipe, Path(out), kill)
"""


def test_killed_training_ends_with_the_same_bytes(
    trained: Path, recipe: ContrastRecipe, rows: list[Row], tmp_path: Path
) -> None:
    write_rows(tmp_path / "rows.jsonl", rows)
    out = tmp_path / "out"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, recipe.encoder, str(tmp_path / "rows.jsonl"), str(out), str(HELD)],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr.decode()
    assert (out / "checkpoint" / "history.json").exists()
    train(rows[:HELD], rows[HELD:], recipe, out)
    assert (out / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


def test_training_ends_early_and_keeps_the_best_epoch(
    encoder: Path, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Labels, "within", 0.0)
    wrong = [row.model_copy(update={"label": LABELS[row.label == "parcel"], "soft": None}) for row in rows[HELD:]]
    recipe = ContrastRecipe(str(encoder), LABELS, max_tokens=24, rank=2, learning_rate=5e-3, epochs=20)
    train(rows[:HELD], wrong, recipe, tmp_path)  # the better it learns, the worse it does on these
    losses = [epoch["held_out"] for epoch in read_json(tmp_path / "training.json")["epochs"]]
    assert len(losses) < 20
    assert len(losses) - 1 - losses.index(min(losses)) == PATIENCE
    heads = [head["held_out"] for head in read_json(tmp_path / "training.json")["heads"]]
    assert heads[0] == pytest.approx(min(losses), abs=1e-3)  # the one that was trained
    assert tempered(tmp_path, wrong) == pytest.approx(min(heads), abs=1e-3)


def test_a_later_epoch_is_kept_that_is_hardly_worse(encoder: Path, rows: list[Row], tmp_path: Path) -> None:
    recipe = ContrastRecipe(str(encoder), LABELS, max_tokens=24, rank=2, learning_rate=5e-3, epochs=6)
    train(rows[:HELD], rows[HELD:], recipe, tmp_path)
    said = read_json(tmp_path / "training.json")
    history, kept = said["epochs"], said["kept"]
    least = min(history, key=lambda epoch: epoch["held_out"])
    assert all(epoch["held_out"] > least["held_out"] + least["error"] for epoch in history[kept + 1 :])
    assert history[kept]["held_out"] <= least["held_out"] + least["error"]
    assert kept > history.index(least), "or this test shows nothing"
    assert said["heads"][0]["held_out"] == pytest.approx(history[kept]["held_out"], abs=1e-3)


def tempered(folder: Path, rows: list[Row]) -> float:
    """The loss of a model's answers at their best temperature."""
    logits = Encoder.load(folder, LABELS, 24).predict_logits([row.text for row in rows])
    weights, wanted = np.array([row.weight for row in rows]), targets(rows, LABELS)
    scores = np.log(calibration.probabilities(logits, calibration.temperature(logits, wanted, weights)))
    return float(-((wanted * scores).sum(axis=1) * weights).sum() / weights.sum())


def test_the_head_that_fits_held_out_rows_best_is_published(trained: Path, rows: list[Row]) -> None:
    heads = read_json(trained / "training.json")["heads"]
    assert heads[0]["penalty"] == 0 and len({head["penalty"] for head in heads}) == len(heads) > 2
    assert tempered(trained, rows[HELD:]) == pytest.approx(min(head["held_out"] for head in heads), abs=1e-3)


@pytest.mark.parametrize(("frozen", "penalty"), [(True, 1e-2), (False, 1e-2), (False, 0.0)])
def test_a_head_can_have_a_penalty_that_was_chosen_before(
    encoder: Path, recipe: ContrastRecipe, rows: list[Row], tmp_path: Path, frozen: bool, penalty: float
) -> None:
    recipe = dataclasses.replace(recipe, frozen=frozen, epochs=1)
    train(rows[:HELD], rows[HELD:], recipe, tmp_path / "chosen")
    train(rows[:HELD], rows[HELD:], dataclasses.replace(recipe, penalty=penalty), tmp_path / "given")
    heads = "epochs" if frozen else "heads"
    chosen, given = (read_json(tmp_path / name / "training.json")[heads] for name in ("chosen", "given"))
    assert len(chosen) > 1 and [one["penalty"] for one in given] == [penalty]
    assert given == [one for one in chosen if one["penalty"] == penalty]
    found = as_trained(recipe, tmp_path / "chosen").penalty
    assert found == min(chosen, key=lambda one: one["held_out"])["penalty"]
    assert as_trained(recipe, tmp_path / "given").penalty == penalty


def apart(folder: Path, rows: list[Row]) -> float:
    """How much nearer texts are to those of their label than to others, in cosines."""
    vectors = Encoder.load(folder, LABELS, 24).vectors([row.text for row in rows])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    same = np.array([[one.label == other.label for one in rows] for other in rows])
    return float((unit @ unit.T)[same].mean() - (unit @ unit.T)[~same].mean())


def test_contrast_draws_texts_of_a_label_together(
    encoder: Path, recipe: ContrastRecipe, rows: list[Row], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(recipe, rank=0, epochs=8)
    for share in (0.0, 0.9):
        train(rows[:HELD], rows[HELD:], dataclasses.replace(recipe, contrast=share), tmp_path / str(share))
    assert apart(encoder, rows) < apart(tmp_path / "0.0", rows) < apart(tmp_path / "0.9", rows) / 2
    assert accuracy(tmp_path / "0.9", rows[HELD:]) >= 0.9


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(0, 99))
def test_contrast_is_of_texts_that_have_company(labels: list[int], seed: int) -> None:
    vectors = torch.tensor(np.random.default_rng(seed).normal(size=(len(labels), 5)), requires_grad=True)
    found = contrast(vectors, torch.eye(4, dtype=torch.float64)[labels])
    alone = [labels.count(label) == 1 for label in labels]
    assert [value == 0 for value in found.tolist()] == [one or len(labels) == 2 for one in alone]
    assert bool((found >= 0).all())
    found.sum().backward()
    assert bool(torch.isfinite(vectors.grad).all())


def test_contrast_is_as_its_paper_has_it() -> None:
    """Khosla et al. 2020, equation 2, for three texts written out; and soft labels attract by their likeness."""
    unit = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), dim=-1)
    near, far = float(unit[0] @ unit[1]) / 0.1, float(unit[0] @ unit[2]) / 0.1
    wanted = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    expected = -np.log(np.exp(near) / (np.exp(near) + np.exp(far)))
    found = contrast(3 * unit, wanted)  # their length says nothing
    assert float(found[0]) == pytest.approx(expected, abs=1e-5) and float(found[2]) == 0.0
    soft = torch.tensor([[0.8, 0.2], [0.9, 0.1], [0.3, 0.7]])
    both = np.array([0.8 * 0.9 + 0.2 * 0.1, 0.8 * 0.3 + 0.2 * 0.7])
    each = -np.log(np.exp([near, far]) / np.exp([near, far]).sum())
    assert float(contrast(unit, soft)[0]) == pytest.approx(float(both @ each / both.sum()), abs=1e-5)


def test_what_is_read_while_training_is_what_is_read_after(trained: Path, rows: list[Row]) -> None:
    model, texts = Encoder.load(trained, LABELS, 24), [row.text for row in rows[:8]]
    model.model.eval()
    with torch.no_grad():
        logits, vectors = model.read(texts)
    assert np.allclose(logits, model.predict_logits(texts), atol=1e-5)
    assert np.allclose(vectors, model.vectors(texts), atol=1e-5)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, HELD), (HELD, HELD)])
def test_nothing_to_train_on_is_told(
    recipe: ContrastRecipe, rows: list[Row], tmp_path: Path, first: int, last: int
) -> None:
    with pytest.raises(DataError, match="both are needed"):
        train(rows[first:last] if first else [], rows[HELD:] if last else [], recipe, tmp_path)


def test_an_encoder_that_reads_less_at_once_is_refused(recipe: ContrastRecipe, rows: list[Row], tmp_path: Path) -> None:
    far = dataclasses.replace(recipe, max_tokens=8192)
    with pytest.raises(SpecError, match=r"student.max_tokens is 8192, and this student reads \d+ at once"):
        train(rows[:HELD], rows[HELD:], far, tmp_path)


def test_targets_are_distributions(rows: list[Row]) -> None:
    found = targets([*rows, rows[1].model_copy(update={"soft": {"parcel": 0.2, "money": 0.2}})], LABELS)
    assert np.allclose(found.sum(axis=1), 1.0)
    assert found[0].tolist() == [1.0, 0.0]
    assert found[-1].tolist() == [0.5, 0.5]


def test_an_encoder_gives_the_same_vectors_in_any_company(encoder: Path, rows: list[Row]) -> None:
    loaded = Encoder.load(encoder, LABELS, 24)
    texts = [row.text for row in rows]
    together = loaded.vectors(texts)
    assert together.shape == (60, 32)
    assert np.allclose(together[7], loaded.vectors([texts[7]])[0], atol=1e-5)
    assert np.allclose(together[::-1], loaded.vectors(texts[::-1]), atol=1e-5)


def test_an_encoder_stored_in_half_precision_computes_in_single(encoder: Path, rows: list[Row], tmp_path: Path) -> None:
    whole = Encoder.load(encoder, LABELS, 24)
    expected = whole.vectors([rows[0].text])
    whole.model.half().save_pretrained(tmp_path)
    whole.tokenizer.save_pretrained(tmp_path)
    stored = Encoder.load(tmp_path, LABELS, 24)
    assert {str(parameter.dtype) for parameter in stored.model.parameters()} == {"torch.float32"}
    assert np.allclose(stored.vectors([rows[0].text]), expected, atol=1e-2)


def test_no_texts_make_no_vectors_of_the_right_width(encoder: Path) -> None:
    loaded = Encoder.load(encoder, LABELS, 24)
    assert loaded.vectors([]).shape == (0, 32)
    assert loaded.predict_logits([]).shape == (0, 2)


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    export(trained, LABELS, 24, out)
    return out


def ask(file: Path, folder: Path, texts: list[str]) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    batch = Encoder.load(folder, LABELS, 24).tokens(texts)
    return np.asarray(session.run(["logits"], {name: value.cpu().numpy() for name, value in batch.items()})[0])


@pytest.mark.parametrize("size", [1, 3, 12])
def test_the_fp32_export_answers_as_torch_does_in_batches_of_any_size(
    exported: Path, trained: Path, rows: list[Row], size: int
) -> None:
    texts = [row.text for row in rows[HELD : HELD + size]] + ["box", "the bill " * 30][: size - 1]
    reference = Encoder.load(trained, LABELS, 24).predict_logits(texts)
    found = difference(reference, ask(exported / FP32, trained, texts))
    assert found["largest_probability_difference"] < 1e-3
    assert found["same_label"] == 1.0


def test_the_int8_export_is_smaller_and_mostly_agrees(exported: Path, trained: Path, rows: list[Row]) -> None:
    texts = [row.text for row in rows]
    reference = Encoder.load(trained, LABELS, 24).predict_logits(texts)
    one_by_one = np.concatenate([ask(exported / INT8, trained, [text]) for text in texts])
    assert difference(reference, one_by_one)["same_label"] > 0.9
    assert (exported / INT8).stat().st_size < (exported / FP32).stat().st_size


def test_where_both_say_nothing_no_answer_is_counted() -> None:
    quiet, loud = [9.0, 0.0], [0.0, 9.0]
    one, other = np.array([quiet] * 8 + [loud] * 2, np.float32), np.array([quiet] * 9 + [loud], np.float32)
    assert difference(one, other)["same_label"] == pytest.approx(0.9)
    assert difference(one, other, silent=0)["same_label"] == 0.5
    assert difference(one[:8], other[:8], silent=0)["same_label"] == 1.0


def test_a_difference_is_seen() -> None:
    one, other = np.array([[2.0, 0.0]], np.float32), np.array([[0.0, 2.0]], np.float32)
    assert difference(one, one + 5)["largest_probability_difference"] == pytest.approx(0.0, abs=1e-6)
    assert difference(one, other) == {
        "largest_probability_difference": pytest.approx(0.7616, abs=1e-3),
        "same_label": 0,
    }
