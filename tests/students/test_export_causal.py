"""ONNX exports of causal models beside torch: read in parts or at once, and what they write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from factory.students.export import FP32, INT8
from factory.students.export_causal import export
from zoo.decoder import Decoder

SIZES = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.4,  # so that what was read before makes a difference
}
PROMPT = [3, 141, 59, 26, 5, 35, 89, 79, 32]


def torch_model(name: str) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(2)
    if name == "llama":
        return LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=True)).eval()
    return Qwen2ForCausalLM(Qwen2Config(**SIZES, tie_word_embeddings=False)).eval()


@pytest.mark.parametrize("name", ["llama", "qwen2"])
def test_exports_read_and_write_as_torch_does(tmp_path: Path, name: str) -> None:
    import torch

    model = torch_model(name)
    model.save_pretrained(tmp_path / "model")
    export(tmp_path / "model", tmp_path)
    with torch.no_grad():
        written = model.generate(torch.tensor([PROMPT]), max_new_tokens=20, do_sample=False, eos_token_id=None)
    written = written[0].tolist()
    with torch.no_grad():
        wanted = model(torch.tensor([written])).logits[0].numpy()
    decoder = Decoder(tmp_path / FP32)
    found, ids = [], list(PROMPT)
    logits, read = decoder.read(ids, decoder.nothing)
    while len(ids) < len(written):
        found.append(logits)
        ids.append(int(logits.argmax()))
        logits, read = decoder.read(ids[-1:], read)
    assert ids == written
    np.testing.assert_allclose(found, wanted[len(PROMPT) - 1 : -1], atol=1e-3)
    int8 = Decoder(tmp_path / INT8)
    logits, read = int8.read(written[:-1], int8.nothing)
    logits, _ = int8.read(written[-1:], read)
    assert np.corrcoef(logits, wanted[-1])[0, 1] > 0.99
    wide = [
        t for t in onnx.load(tmp_path / INT8).graph.initializer if SIZES["vocab_size"] in t.dims and len(t.dims) > 2
    ]
    assert len(wide) == 1, "the output's weights are int8 in blocks, and tied ones are stored once"
