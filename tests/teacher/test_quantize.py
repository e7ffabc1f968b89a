"""Int8 weights: close to what they were, and nothing else touched."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from factory.teacher.quantize import to_int8

LINEAR = "model.layers.0.mlp.up_proj.weight"


def test_linear_layers_become_int8_within_half_a_step_and_the_rest_stays(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weight = torch.randn(8, 16) * torch.logspace(-3, 1, 8)[:, None]  # rows of very different size: one scale each
    weight[3] = 0.0
    kept = {
        "model.embed_tokens.weight": torch.randn(10, 16),
        "model.layers.0.input_layernorm.weight": torch.randn(16),
        "model.layers.0.self_attn.q_proj.bias": torch.randn(16),
    }
    save_file({LINEAR: weight}, tmp_path / "model-00001-of-00002.safetensors")
    save_file(kept, tmp_path / "model-00002-of-00002.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    to_int8(tmp_path)
    assert [path.name for path in tmp_path.glob("*.safetensors*")] == ["model.safetensors"]
    found = load_file(tmp_path / "model.safetensors")
    assert set(found) == {LINEAR, f"{LINEAR}_scale", *kept}
    assert all(torch.equal(found[name], tensor) for name, tensor in kept.items())
    scale = found[f"{LINEAR}_scale"].float()
    assert found[LINEAR].dtype == torch.int8
    # half a step of rounding, and the scale itself is kept in bfloat16 (8 bits): 127 steps of 2**-8 more
    assert ((found[LINEAR] * scale - weight).abs() <= scale * (0.5 + 127 / 256)).all()
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["model_type"] == "qwen2"
    assert config["quantization_config"]["format"] == "int-quantized"
