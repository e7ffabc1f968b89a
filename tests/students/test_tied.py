"""Embeddings tied to the output's weights, as int8 in one place; those that are not tied stay as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from factory.students.tied import quantize_tied

TOKENS = 50
IDS = np.array([[3, 49, 0], [7, 7, 1]])


def model(path: Path, width: int = 64, table: str = "embeddings") -> Path:
    """Reads embeddings, and multiplies them by a table turned: the same one, or another."""
    random = np.random.default_rng(1)
    nodes = [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["hidden"]),
        helper.make_node("Transpose", [table], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["hidden", "turned"], ["logits"]),
    ]
    tensors = [
        numpy_helper.from_array(random.normal(size=(TOKENS, width)).astype(np.float32), name)
        for name in sorted({"embeddings", table})
    ]
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", "tokens", TOKENS])]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    graph = helper.make_graph(nodes, "tied", inputs, outputs, tensors)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def logits(path: Path) -> NDArray[np.float32]:
    (said,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"input_ids": IDS})
    return np.asarray(said)


def test_tied_embeddings_are_read_and_multiplied_by_as_before(tmp_path: Path) -> None:
    path = model(tmp_path / "model.onnx")
    before = logits(path)
    quantize_tied(path)
    np.testing.assert_allclose(logits(path), before, atol=0.02 * np.abs(before).max())
    stored = {one.name: one.data_type for one in onnx.load(path).graph.initializer if TOKENS in one.dims}
    assert stored == {"tied.weights": TensorProto.UINT8, "tied.scale": TensorProto.FLOAT}


@pytest.mark.parametrize("other", [{"table": "others"}, {"width": 48}])
def test_others_stay_as_they_were(tmp_path: Path, other: dict[str, object]) -> None:
    path = model(tmp_path / "model.onnx", **other)
    before = path.read_bytes()
    quantize_tied(path)
    assert path.read_bytes() == before
