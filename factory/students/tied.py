"""Embeddings that serve as the output's weights too, as int8 in blocks, stored once in an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Weights that share one scale."""


def quantize_tied(path: Path) -> None:
    """Quantize the embeddings of a model whose output multiplies by the same weights.

    ONNX Runtime's quantizers pass them by: to them they are no constant, but a table and its transpose. They become the
    weights of a `MatMulNBits`, whose rows are tokens, so that reading a token is taking its row.

    Args:
        path: an ONNX file, written anew; left as it is where there are no such weights, or blocks do not divide their
            width.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    graph = model.graph
    found = _tied(graph)
    if found is None or found[0].dims[1] % BLOCK:
        return
    table, reading, turning, product = found
    tokens, width = table.dims
    weights, scale = _blocks(numpy_helper.to_array(table))
    ids, embedded = reading.input[1], reading.output[0]
    read = [
        helper.make_node("Gather", ["tied.weights", ids], ["tied.row"]),  # [texts, tokens, blocks, BLOCK]
        helper.make_node("Cast", ["tied.row"], ["tied.row.float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Sub", ["tied.row.float", "tied.zero"], ["tied.row.signed"]),
        helper.make_node("Gather", ["tied.scale", ids], ["tied.row.scale"]),
        helper.make_node("Unsqueeze", ["tied.row.scale", "tied.last"], ["tied.row.scale.wide"]),
        helper.make_node("Mul", ["tied.row.signed", "tied.row.scale.wide"], ["tied.row.blocks"]),
        helper.make_node("Reshape", ["tied.row.blocks", "tied.shape"], [embedded]),
    ]
    written = helper.make_node(
        "MatMulNBits",
        [product.input[0], "tied.weights", "tied.scale"],
        [product.output[0]],
        domain="com.microsoft",
        K=width,
        N=tokens,
        bits=8,
        block_size=BLOCK,
        accuracy_level=4,
    )
    tensors = {
        "tied.weights": weights,
        "tied.scale": scale,
        "tied.zero": np.array(128, np.float32),
        "tied.last": np.array([-1], np.int64),
        "tied.shape": np.array([0, 0, width], np.int64),
    }
    kept = [node for node in graph.node if node not in (reading, turning, product)]
    del graph.node[:]
    graph.node.extend([*read, *kept, written])
    graph.initializer.remove(table)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in tensors.items())
    onnx.save(model, path)


def _tied(graph: Any) -> tuple[Any, Any, Any, Any] | None:
    """The table that gives both the first vectors and the logits; the nodes that read, turn and multiply by it."""
    tables = {tensor.name: tensor for tensor in graph.initializer if len(tensor.dims) == 2}
    makers = {name: node for node in graph.node for name in node.output}
    product = makers.get("logits")
    turning = makers.get(product.input[1]) if product is not None and product.op_type == "MatMul" else None
    if turning is None or turning.op_type != "Transpose" or turning.input[0] not in tables:
        return None
    users = [node for node in graph.node if turning.input[0] in node.input and node is not turning]
    if len(users) != 1 or users[0].op_type != "Gather":
        return None
    return tables[turning.input[0]], users[0], turning, product


def _blocks(table: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Weights [tokens, width] as uint8 [tokens, blocks, BLOCK], 128 for zero, and scales [tokens, blocks]."""
    blocks = table.reshape(len(table), -1, BLOCK)
    scale = np.abs(blocks).max(axis=2) / np.float32(127)
    scale = np.where(scale == 0, np.float32(1), scale).astype(np.float32)
    return (np.rint(blocks / scale[:, :, None]) + 128).astype(np.uint8), scale
