"""An ONNX encoder in int8: weights rounded per channel, activations token by token, so that texts do not mix.

ONNX Runtime's dynamic quantization rounds all activations of a run by one scale. Some encoders answer a few tokens with
huge vectors (massive activations, Sun et al. 2024): before MPNet's feed-forward layers one token is 8 to 42 times the
others, which rounds these to next to nothing, and pushes the zero point so far that products saturate on processors
without VNNI. And what is rounded by its neighbours answers otherwise beside others. So each token is divided by its
largest value before a product with weights, and the product multiplied by it. What is left lies between -1 and 1, and
is rounded by a scale that is the same for every text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.runtime import INDEPENDENT

LEAST = 1e-9
"""A token of nothing but zeros is divided by this."""
STEPS, ZERO = 127, 128
"""From 0 to 1 in whole numbers of eight bits without a sign, and where 0 is among them."""


def to_int8(fp32: Path, out: Path) -> None:
    """Write the quantized model, of which the zoo may ask several texts at once (zoo.runtime.INDEPENDENT).

    Weights have a scale a channel: with one a tensor MiniLM lost 7.5 points, so 1.2 (findings/stack.md).

    Args:
        fp32: an ONNX file of opset 18 or later.
        out: the file to be written.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(fp32)
    by_token(model)
    rounded(model)
    quantize_dynamic(model, out, op_types_to_quantize=["Gather"], weight_type=QuantType.QInt8, per_channel=True)
    made = onnx.load(out)
    onnx.helper.set_model_props(made, dict([INDEPENDENT]))
    onnx.save(made, out)


def by_token(model: Any) -> None:
    """Scale what is multiplied with weights, token by token, and the products back; the model answers as before.

    Args:
        model: an onnx.ModelProto, changed in place.
    """
    import numpy as np
    from onnx import helper

    nodes, scaled = [], set()
    weights = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        if not _weighs(node, weights):
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
    constants = {"token/axis": np.array([-1], np.int64), "token/least": np.array(LEAST, np.float32)}
    _put(model, nodes, constants)


def rounded(model: Any) -> None:
    """Multiply whole numbers of eight bits where tokens between -1 and 1 are multiplied with weights.

    Args:
        model: as `by_token` leaves it, changed in place.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes, tokens = [], set()
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    constants: dict[str, Any] = {"unit/scale": np.array(1 / STEPS, np.float32), "unit/zero": np.array(ZERO, np.uint8)}
    for node in model.graph.node:
        if not _weighs(node, weights):
            nodes.append(node)
            continue
        (unit, weight), (product,) = node.input, node.output
        if unit not in tokens:
            tokens.add(unit)
            nodes.append(helper.make_node("QuantizeLinear", [unit, "unit/scale", "unit/zero"], [f"{unit}/whole"]))
        if f"{weight}/whole" not in constants:
            exact = numpy_helper.to_array(weights[weight])
            scale = np.maximum(np.abs(exact).max(axis=0), LEAST) / STEPS
            constants |= {
                f"{weight}/whole": np.round(exact / scale).astype(np.int8),
                f"{weight}/zero": np.zeros(len(scale), np.int8),
                f"{weight}/scale": (scale / STEPS).astype(np.float32),
            }
        given = [f"{unit}/whole", f"{weight}/whole", "unit/zero", f"{weight}/zero"]
        nodes += [
            helper.make_node("MatMulInteger", given, [f"{product}/whole"]),
            helper.make_node("Cast", [f"{product}/whole"], [f"{product}/cast"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{product}/cast", f"{weight}/scale"], [product]),
        ]
    _put(model, nodes, constants)


def _weighs(node: Any, weights: Any) -> bool:
    """Whether a node multiplies with weights."""
    return node.op_type == "MatMul" and node.input[1] in weights


def _put(model: Any, nodes: list[Any], constants: dict[str, Any]) -> None:
    """Put nodes in the place of a model's, and constants beside those of its own that are still used."""
    from onnx import numpy_helper

    graph = model.graph
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    made = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *made])
