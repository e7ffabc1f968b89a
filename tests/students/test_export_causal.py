"""ONNX exports of a causal model beside torch: read in parts or at once, and what they write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from factory.errors import FactoryError
from factory.students import export_causal
from factory.students.export import FP32, INT8
from zoo.decoder import Decoder

PROMPT = [3, 41, 59, 26, 5, 35, 8, 9, 32]
VOCABULARY = 300  # so large that the exporter does not turn the tied table beforehand, as it turns small ones


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal model of Llama's architecture, drawn at random, and its exports beside it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(2)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,  # each takes the exporter seconds
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        initializer_range=0.4,  # so that what was read before makes a difference
        tie_word_embeddings=True,
    )
    folder = tmp_path_factory.mktemp("causal")
    LlamaForCausalLM(config).save_pretrained(folder)
    export_causal.export(folder, folder)
    return folder


@pytest.fixture(scope="module")
def torchs(folder: Path) -> tuple[list[int], NDArray[np.float32]]:
    """The prompt and what torch writes after it, likeliest first; and the logits after each of these tokens."""
    import torch
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        ids = model.generate(torch.tensor([PROMPT]), max_new_tokens=12, do_sample=False, eos_token_id=None)
        return ids[0].tolist(), model(ids).logits[0].numpy()


def test_fp32_writes_as_torch_does(folder: Path, torchs: tuple[list[int], Any]) -> None:
    wanted, logits = torchs
    decoder = Decoder(folder / FP32)
    ids, found = list(PROMPT), []
    said, read = decoder.read(ids, decoder.nothing)
    while len(ids) < len(wanted):
        found.append(said)
        ids.append(int(said.argmax()))
        said, read = decoder.read(ids[-1:], read)
    assert ids == wanted
    np.testing.assert_allclose(found, logits[len(PROMPT) - 1 : -1], atol=1e-3)


def test_int8_finds_tokens_about_as_likely(folder: Path, torchs: tuple[list[int], Any]) -> None:
    ids, logits = torchs
    decoder = Decoder(folder / INT8)
    said, read = decoder.read(ids[:-1], decoder.nothing)
    last, _ = decoder.read(ids[-1:], read)
    assert np.corrcoef(said, logits[-2])[0, 1] > 0.99 and np.corrcoef(last, logits[-1])[0, 1] > 0.99


def test_int8_stores_the_tied_embeddings_once(folder: Path) -> None:
    tensors = onnx.load(folder / INT8).graph.initializer
    assert [list(one.dims) for one in tensors if VOCABULARY in one.dims and len(one.dims) > 2] == [[VOCABULARY, 1, 32]]
    assert not [one.name for one in tensors if one.data_type == onnx.TensorProto.FLOAT and np.prod(one.dims) > 1024]


def test_a_model_too_large_for_one_file_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_causal, "LARGEST", 1000)
    with pytest.raises(FactoryError, match="one ONNX file holds"):
        export_causal.export(folder, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_cache_is_named_layer_by_layer() -> None:
    wanted = ["present.0.key", "present.0.value", "present.1.key", "present.1.value"]
    assert export_causal.cache_names("present", 2) == wanted
