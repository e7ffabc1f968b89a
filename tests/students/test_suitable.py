"""What can't be trained or exported is told by a model's configuration alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factory.errors import SpecError
from factory.students import classifier, export_causal, suitable
from factory.students.causal import Causal, WritingRecipe
from tests import tiny_encoder, tiny_llama

TEXTS = ["the parcel is late", "the money is gone"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> classifier.ContrastRecipe:
    made = tiny_encoder.make(tmp_path_factory.mktemp("encoder"), TEXTS, layers=3)
    return classifier.ContrastRecipe(str(made), ("a", "b"), max_tokens=24)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> WritingRecipe:
    made = tiny_llama.make(tmp_path_factory.mktemp("llama"), TEXTS, layers=3)
    return WritingRecipe(str(made), ("answer",), 24)


def test_what_an_encoder_can_do_passes_and_what_it_can_not_is_told(encoder: classifier.ContrastRecipe) -> None:
    suitable.check(encoder)
    suitable.check(replace(encoder, layers=2))
    with pytest.raises(SpecError, match="this student has 3"):
        suitable.check(replace(encoder, layers=3))
    with pytest.raises(SpecError, match=r"student\.max_tokens is 8192"):
        suitable.check(replace(encoder, max_tokens=8192))


def test_a_model_too_large_for_its_export_is_told_before_it_is_trained(
    llama: WritingRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(weights.numel() for weights in Causal.load(llama.encoder).model.parameters())
    monkeypatch.setattr(export_causal, "LARGEST", 4 * size)
    suitable.check(llama)
    monkeypatch.setattr(export_causal, "LARGEST", 4 * size - 1)
    with pytest.raises(SpecError, match="Train a smaller model"):
        suitable.check(llama)
    suitable.check(replace(llama, layers=2))


def test_a_mentor_of_another_family_is_told(llama: WritingRecipe, tmp_path: Path) -> None:
    other = tiny_llama.make(tmp_path, ["an other text of other words"])
    suitable.check(replace(llama, mentor=llama.encoder))
    with pytest.raises(SpecError, match="other tokens"):
        suitable.check(replace(llama, mentor=str(other)))
