"""Rounded token by token, a text's small tokens survive a huge one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from factory.students.int8 import STEPS, by_token, rounded, to_int8
from zoo.runtime import INDEPENDENT

WIDTH = 64


@pytest.fixture
def model() -> Any:
    """Twice the same tokens times weights, and these two times each other."""
    rng = np.random.default_rng(3)
    weights = [numpy_helper.from_array(rng.normal(size=(WIDTH, WIDTH)).astype(np.float32), name) for name in "ab"]
    nodes = [
        helper.make_node("MatMul", ["tokens", "a"], ["left"]),
        helper.make_node("MatMul", ["tokens", "b"], ["right"]),
        helper.make_node("Transpose", ["right"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["left", "turned"], ["both"]),
    ]
    shape = ["texts", "length", WIDTH]
    outputs = [helper.make_tensor_value_info("left", TensorProto.FLOAT, shape)]
    outputs += [helper.make_tensor_value_info("both", TensorProto.FLOAT, ["texts", "length", "length"])]
    tokens = helper.make_tensor_value_info("tokens", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "products", [tokens], outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def tokens(huge: float) -> np.ndarray:
    """One text of eight tokens; the first has a huge value, the last is nothing but zeros."""
    found = np.random.default_rng(5).normal(size=(1, 8, WIDTH)).astype(np.float32)
    found[0, 0, 9] = -huge
    found[0, -1] = 0
    return found


def ask(model: bytes | Path, given: np.ndarray) -> list[np.ndarray]:
    source = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    return [np.asarray(one) for one in session.run(None, {"tokens": given})]


@pytest.mark.parametrize("huge", [1.0, 1e4])
def test_scaled_by_token_a_model_answers_as_before(model: Any, huge: float) -> None:
    before = ask(model.SerializeToString(), tokens(huge))
    by_token(model)
    onnx.checker.check_model(model)
    for one, other in zip(before, ask(model.SerializeToString(), tokens(huge)), strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-3 * np.abs(one).max())


def test_a_huge_token_does_not_round_the_others_away(model: Any, tmp_path: Path) -> None:
    fp32, int8, naive = (tmp_path / name for name in ("fp32.onnx", "int8.onnx", "naive.onnx"))
    onnx.save(model, fp32)
    to_int8(fp32, int8)
    quantize_dynamic(fp32, naive, weight_type=QuantType.QInt8, per_channel=True)
    exact = ask(fp32, tokens(1e3))[0][0, 1:]

    def error(file: Path) -> float:
        return float(np.linalg.norm(ask(file, tokens(1e3))[0][0, 1:] - exact) / np.linalg.norm(exact))

    assert error(int8) < 0.05 < 0.5 < error(naive)


@pytest.mark.parametrize("huge", [1.0, 1e4])
def test_a_text_is_answered_as_if_it_were_alone_in_its_run(model: Any, tmp_path: Path, huge: float) -> None:
    fp32, int8, naive = (tmp_path / name for name in ("fp32.onnx", "int8.onnx", "naive.onnx"))
    onnx.save(model, fp32)
    to_int8(fp32, int8)
    quantize_dynamic(fp32, naive, weight_type=QuantType.QInt8, per_channel=True)
    text, other = tokens(1.0), 100 * tokens(huge)

    def moved(file: Path) -> float:
        alone, beside = ask(file, text)[0][0], ask(file, np.concatenate([text, other]))[0][0]
        return float(np.abs(alone - beside).max() / np.abs(alone).max())

    assert moved(int8) < 1e-5 < 1e-2 < moved(naive)
    session = onnxruntime.InferenceSession(str(int8), providers=["CPUExecutionProvider"])
    key, value = INDEPENDENT
    assert session.get_modelmeta().custom_metadata_map[key] == value


@given(st.integers(1, 6), st.integers(0, 2**31), st.sampled_from([1e-6, 1.0, 1e6]))
def test_a_product_is_as_near_as_its_steps_allow(count: int, seed: int, size: float) -> None:
    """Of `width` products each is off by half a step of the token and half a step of the weight at most."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(WIDTH, 5)).astype(np.float32)
    made = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMul", ["tokens", "w"], ["out"])], "product",
            [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["length", WIDTH])],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["length", 5])],
            [numpy_helper.from_array(weights, "w")],
        ),
        opset_imports=[helper.make_opsetid("", 20)], ir_version=10,
    )  # fmt: skip
    by_token(made)
    rounded(made)
    onnx.checker.check_model(made)
    vectors = (size * rng.normal(size=(count, WIDTH))).astype(np.float32)
    (said,) = ask(made.SerializeToString(), vectors)
    largest, columns = np.abs(vectors).max(axis=1, keepdims=True), np.abs(weights).max(axis=0, keepdims=True)
    bound = WIDTH * largest * columns * (1 / STEPS + 1 / (4 * STEPS**2))
    assert (np.abs(said - vectors @ weights) <= bound * 1.001).all()
