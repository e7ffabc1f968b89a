"""A pruned model makes of a text what the whole one had made of it after as many layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factory.errors import SpecError
from factory.row import Row
from factory.students import causal, classifier, pruning
from factory.students.causal import Causal, WritingRecipe
from factory.students.encoder import Encoder
from tests import tiny_encoder, tiny_llama
from tests.students.conftest import SUBJECTS

LABELS = tuple(SUBJECTS)
TEXTS = ["hello the parcel was lost", "please help the bill looks odd"]


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Path:
    return tiny_encoder.make(tmp_path_factory.mktemp("deep"), [row.text for row in rows], layers=3)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Path:
    return tiny_llama.make(tmp_path_factory.mktemp("llama"), [row.text for row in rows], layers=3)


@pytest.mark.parametrize("layers", [1, 2])
def test_an_encoder_ends_where_it_was_cut(deep: Path, layers: int) -> None:
    import torch

    whole, cut = (Encoder.load(deep, LABELS, 24) for _ in range(2))
    pruning.keep(cut.model, layers)
    batch = whole.tokens(TEXTS)
    whole.model.eval(), cut.model.eval()
    with torch.no_grad():
        between = whole.model(**batch, output_hidden_states=True).hidden_states[layers]
        last = cut.model(**batch, output_hidden_states=True).hidden_states[-1]
    assert torch.allclose(between, last, atol=1e-6)
    assert cut.model.config.num_hidden_layers == layers


@pytest.mark.parametrize("layers", [1, 2])
def test_a_language_model_says_what_its_head_reads_there(llama: Path, layers: int) -> None:
    import torch

    whole, cut = (Causal.load(llama) for _ in range(2))
    pruning.keep(cut.model, layers)
    ids = torch.tensor([whole.tokenizer(TEXTS[0]).input_ids])
    with torch.no_grad():
        between = whole.model(ids, output_hidden_states=True).hidden_states[layers]
        read = whole.model.lm_head(whole.model.model.norm(between))
        assert torch.allclose(read, cut.model(ids).logits, atol=1e-5)


def test_a_pruned_student_learns_and_opens_as_any_other(deep: Path, rows: list[Row], tmp_path: Path) -> None:
    recipe = classifier.ContrastRecipe(str(deep), LABELS, max_tokens=24, rank=2, learning_rate=5e-3, epochs=3, layers=1)
    classifier.train(rows[:40], rows[40:], recipe, tmp_path)
    opened = Encoder.load(tmp_path, LABELS, 24)
    assert opened.model.config.num_hidden_layers == 1 and len(opened.model.base_model.encoder.layer) == 1
    said = opened.predict_logits([row.text for row in rows[40:]]).argmax(1)
    assert sum(LABELS[one] == row.label for one, row in zip(said, rows[40:], strict=True)) > 14


def test_a_pruned_language_model_does_so_too(llama: Path, rows: list[Row], tmp_path: Path) -> None:
    answered = [row.model_copy(update={"answer": row.label, "label": "", "soft": None}) for row in rows]
    recipe = WritingRecipe(str(llama), ("answer",), 48, rank=2, epochs=1, instruction="Which?", layers=2)
    causal.train(causal.Answers, answered[:40], answered[40:], recipe, tmp_path)
    assert len(Causal.load(tmp_path).model.model.layers) == 2


@pytest.mark.parametrize("layers", [3, 7])
def test_no_more_layers_can_be_kept_than_there_are(deep: Path, rows: list[Row], tmp_path: Path, layers: int) -> None:
    recipe = classifier.ContrastRecipe(str(deep), LABELS, max_tokens=24, layers=layers)
    with pytest.raises(SpecError, match=f"student.layers is {layers}, and this student has 3"):
        classifier.train(rows[:40], rows[40:], recipe, tmp_path)


def test_none_said_is_all_kept(deep: Path) -> None:
    encoder = Encoder.load(deep, LABELS, 24)
    pruning.keep(encoder.model, replace(classifier.ContrastRecipe(str(deep), LABELS, max_tokens=24)).layers)
    assert len(encoder.model.base_model.encoder.layer) == 3
