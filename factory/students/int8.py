"""An ONNX encoder in int8: weights per channel, activations at run time, token by token.

ONNX Runtime rounds all activations of a text by one scale. Some encoders answer a few tokens with huge vectors (massive
activations, Sun et al. 2024): before MPNet's feed-forward layers one token is 8 to 42 times the others, which rounds
these to next to nothing, and pushes the zero point so far that products saturate on processors without VNNI. So each
token is divided by its largest value before a product with weights, and the product multiplied by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

LEAST = 1e-9
"""A token of nothing but zeros is divided by this."""


def to_int8(fp32: Path, out: Path) -> None:
    """Write the quantized model. Weights have a scale a channel: with one a tensor MiniLM lost 7.5 points, so 1.2
    (findings/stack.md).

    Args:
        fp32: an ONNX file of opset 18 or later.
        out: the file to be written.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(fp32)
    by_token(model)
    quantize_dynamic(model, out, weight_type=QuantType.QInt8, per_channel=True)


def by_token(model: Any) -> None:
    """Scale what is multiplied with weights, token by token, and the products back; the model answers as before.

    Args:
        model: an onnx.ModelProto, changed in place.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    graph, nodes, scaled = model.graph, [], set()
    weights = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in weights:
            nodes.append(node)
            continue
        (tokens, _), (product,) = node.input, node.output
        size, largest, unit = (f"{tokens}/{part}" for part in ("size", "largest", "unit"))
        if tokens not in scaled:  # queries, keys and values are made from the same
            scaled.add(tokens)
            nodes += [
                helper.make_node("Abs", [tokens], [size]),
                helper.make_node("ReduceMax", [size, "token/axis"], [f"{tokens}/largest_or_zero"], keepdims=1),
                helper.make_node("Max", [f"{tokens}/largest_or_zero", "token/least"], [largest]),
                helper.make_node("Div", [tokens, largest], [unit]),
            ]
        node.input[0], node.output[0] = unit, f"{product}/unit"
        nodes += [node, helper.make_node("Mul", [f"{product}/unit", largest], [product])]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([-1], np.int64), "token/axis"),
            numpy_helper.from_array(np.array(LEAST, np.float32), "token/least"),
        ]
    )
    del graph.node[:]
    graph.node.extend(nodes)
