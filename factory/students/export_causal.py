"""ONNX exports of a causal language model that keeps what it has read: fp32 and int8.

Inputs and outputs have the names that optimum, transformers.js and onnxruntime know: `input_ids`, `attention_mask`,
`position_ids` and `past_key_values.<layer>.key|value` in, `logits` and `present.<layer>.key|value` out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factory.errors import SpecError
from factory.students.encoder import quiet
from factory.students.export import FP32, INT8
from factory.students.tied import BLOCK, quantize_tied

EXPORTER = 1
"""Raised when the code here and in tied.py makes other exports of the same model."""
LARGEST = 2**31 - 2**20
"""Bytes one ONNX file can have: protobuf's limit, less what is not weights."""


def export(model: Path, out: Path) -> None:
    """Write onnx/model.onnx and onnx/model_int8.onnx under `out`.

    Both graphs take `input_ids` and `position_ids` (int64 [texts, tokens]), `attention_mask` (int64 [texts, past +
    tokens]) and for every layer key and value of what was read before (float32 [texts, heads, past, head size]; past
    may be 0). They give `logits` of the last token alone (float32 [texts, 1, vocabulary]: those of a prompt's other
    tokens serve nobody) and every layer's key and value with the tokens added.

    int8 is weights in blocks of 32 (`MatMulNBits`), not dynamic and per channel as encoders' is: SmolLM2's activations
    have outliers that one scale a tensor cannot hold, and where the processor has no VNNI, and its products of int8
    saturate, dynamic int8 answered with nonsense. In blocks SmolLM2-135M's likeliest next token was torch's 96 times of
    100, and the mean KL divergence from torch 0.005 (AVX2, ten questions): close, not the same, so a student's figures
    must be measured on int8. (Activations left as floats, accuracy level 1, wrote 28 times slower.) Embeddings that
    serve as the output's weights too are stored once.

    Args:
        model: a folder with a causal language model as transformers reads it, safetensors, adapters merged; of an
            architecture whose attention is over all that was read (Llama, Qwen2).
        out: a folder.

    Raises:
        SpecError: the model is too large for one ONNX file.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with quiet():
        causal = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    check_size(sum(weights.numel() for weights in causal.parameters()), model)  # tied ones are counted once
    (out / "onnx").mkdir(parents=True, exist_ok=True)
    arguments, shapes = _example(causal.config)
    layers = causal.config.num_hidden_layers
    with quiet():
        torch.onnx.export(
            _graph(causal).eval(),
            arguments,
            out / FP32,
            input_names=["input_ids", "attention_mask", "position_ids", *cache_names("past_key_values", layers)],
            output_names=["logits", *cache_names("present", layers)],
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        _quantize(out / FP32, out / INT8)


def check_size(numbers: int, source: Path | str) -> None:
    """See that a model of so many weights can be exported; raises SpecError where one ONNX file can't hold them."""
    size = 4 * numbers
    if size > LARGEST:
        raise SpecError(
            f"The model's weights are {size / 1e9:.1f} GB as float32; one ONNX file holds {LARGEST / 1e9:.1f} GB.",
            where=f"student.base: {source}",
            fix="Train a smaller model.",
        )


def _quantize(source: Path, to: Path) -> None:
    """int8 weights in blocks, each with a scale; products in integers, activations with a scale a block too."""
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantizer = MatMulNBitsQuantizer(onnx.load(source), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4)
    quantizer.process()
    quantizer.model.save_model_to_file(str(to), False)
    quantize_tied(to)


def cache_names(prefix: str, layers: int) -> list[str]:
    """`<prefix>.<layer>.key` and `.value` of every layer, in order."""
    return [f"{prefix}.{layer}.{part}" for layer in range(layers) for part in ("key", "value")]


def _example(config: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments to trace the graph with, and which of their dimensions vary."""
    import torch

    heads = config.num_key_value_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    texts, tokens, past = 2, 3, 5  # all different, and none 0 or 1, which torch.export takes for constants
    free = torch.export.Dim.DYNAMIC
    each, cached = {0: free, 1: free}, {0: free, 2: free}
    arguments = (
        torch.zeros(texts, tokens, dtype=torch.int64),
        torch.ones(texts, past + tokens, dtype=torch.int64),
        torch.arange(past, past + tokens).expand(texts, tokens).contiguous(),
        # Tensors of their own: what is one object here would be one input there.
        [tuple(torch.zeros(texts, heads, past, width) for _ in "kv") for _ in range(config.num_hidden_layers)],
    )
    shapes = {
        "input_ids": each,
        "attention_mask": each,
        "position_ids": each,
        "past": [(cached, cached)] * config.num_hidden_layers,
    }
    return arguments, shapes


def _graph(causal: Any) -> Any:
    import torch
    from transformers import DynamicCache

    class Graph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.causal = causal

        def forward(self, input_ids: Any, attention_mask: Any, position_ids: Any, past: Any) -> Any:
            said = self.causal(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=DynamicCache(past),
                use_cache=True,
                logits_to_keep=1,
            )
            return said.logits, [part for layer in said.past_key_values.layers for part in (layer.keys, layer.values)]

    return Graph()
