"""ONNX exports of a trained student, fp32 and int8, checked against torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.students.encoder import Encoder, mean_over_tokens, quiet
from factory.students.int8 import to_int8

EXPORTER = 3
"""Raised when the code here and in int8.py makes other exports of the same model, as TRAINER is of training."""
FP32 = "onnx/model.onnx"
INT8 = "onnx/model_int8.onnx"


def export(model: Path, outputs: Sequence[str], max_tokens: int, out: Path, *, pooled: bool = True) -> None:
    """Write onnx/model.onnx and onnx/model_int8.onnx under `out`.

    Both graphs take `input_ids` and `attention_mask` (int64 [texts, tokens]) and give `logits` (float32): [texts,
    outputs], averaged over tokens, or [texts, tokens, outputs].

    Args:
        model: a folder that `students.training.train` wrote.
        outputs: what the logits stand for, in order.
        max_tokens: how many tokens the model is given at once.
        out: a folder.
        pooled: whether logits are averaged over tokens.
    """
    import torch

    encoder = Encoder.load(model, outputs, max_tokens, device="cpu")
    encoder.model.eval()
    batch = encoder.tokens(["one short text", "another text that is a little longer than the first"])
    (out / "onnx").mkdir(parents=True, exist_ok=True)
    tokens = torch.export.Dim("tokens", min=2, max=max(3, max_tokens))
    texts = torch.export.Dim("texts", min=1)
    shape = {0: texts, 1: tokens}
    with quiet():
        torch.onnx.export(
            _graph(encoder.model, pooled).eval(),
            (batch["input_ids"], batch["attention_mask"]),
            out / FP32,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": shape, "attention_mask": shape},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        to_int8(out / FP32, out / INT8)


def difference(
    reference: NDArray[np.float32], candidate: NDArray[np.float32], silent: int | None = None
) -> dict[str, float]:
    """How far an export is from torch: largest difference of a probability, and share of equal answers.

    Args:
        reference: logits [n, outputs] by torch.
        candidate: logits [n, outputs] by the export.
        silent: the output that says nothing, such as a tagger's O; where both give it, no answer is counted.
    """
    ours, theirs = reference.argmax(1), candidate.argmax(1)
    answers = (ours != silent) | (theirs != silent)
    return {
        "largest_probability_difference": float(np.abs(_softmax(reference) - _softmax(candidate)).max()),
        "same_label": float((ours == theirs)[answers].mean()) if answers.any() else 1.0,
    }


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[np.float32] = exponent / exponent.sum(axis=1, keepdims=True)
    return result


def _graph(model: Any, pooled: bool) -> Any:
    import torch

    class Graph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            logits = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
            return mean_over_tokens(logits, attention_mask) if pooled else logits

    return Graph()
