"""Adapters over 4-bit weights: refused where they can't be trained, and merged into the weights as they came.

Without a GPU coarsely rounded weights stand in for those of 4 bits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from factory.errors import FactoryError
from factory.row import Lineage, Row
from factory.stages.model import method_of
from factory.students import causal, quantized
from factory.students.causal import Causal, WritingRecipe
from tests import tiny_llama

ROWS = [
    Row(text=f"a {colour} hat", answer=f"{colour}?", origin="reviewed", lineage=Lineage(spec="s"))
    for colour in ("red", "blue", "green", "grey")
]
RANK = 2


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> WritingRecipe:
    llama = tiny_llama.make(tmp_path_factory.mktemp("llama"), [row.text for row in ROWS])
    changes = {"learning_rate": 1e-2, "epochs": 2, "instruction": "What?", "max_new_tokens": 12}
    return WritingRecipe(str(llama), ("answer",), 48, rank=RANK, quantized=True, **changes)


@pytest.mark.parametrize(("gpu", "said"), [(False, "need a CUDA GPU"), (True, "need bitsandbytes")])
def test_without_what_it_needs_nothing_is_trained(
    recipe: WritingRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: bool, said: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(quantized, "find_spec", lambda name: None)
    with pytest.raises(FactoryError, match=said) as caught:
        causal.train(causal.Answers, ROWS, ROWS, recipe, tmp_path)
    assert caught.value.where == "student.recipe: qlora" and "say lora" in caught.value.fix
    assert not list(tmp_path.glob("**/*.safetensors"))


def test_what_was_learned_goes_into_the_weights_as_they_came(
    recipe: WritingRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rounded(source: Path | str, device: str) -> Any:
        model = Causal.load(source, device).model
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_((weight * 50).round() / 50)
        return model

    monkeypatch.setattr(quantized, "check", lambda: None)
    monkeypatch.setattr(quantized, "load", rounded)
    causal.train(causal.Answers, ROWS, ROWS, recipe, tmp_path / "qlora")
    causal.train(causal.Answers, ROWS, ROWS, replace(recipe, quantized=False), tmp_path / "lora")
    assert [method_of(tmp_path / name) for name in ("qlora", "lora")] == ["qlora", "lora"]
    before, after, other = (
        dict(Causal.load(folder, "cpu").model.named_parameters())
        for folder in (recipe.encoder, tmp_path / "qlora", tmp_path / "lora")
    )
    changed = [name for name, weight in before.items() if not torch.equal(weight, after[name])]
    assert len(changed) == 14 and all("proj" in name for name in changed)
    assert all(torch.linalg.matrix_rank(after[name] - before[name], atol=1e-5) <= RANK for name in changed)
    assert not all(torch.equal(after[name], other[name]) for name in changed)
