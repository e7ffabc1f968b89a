"""A specialist that writes, made in a test: a byte-level tokenizer, and a graph that keeps what it has read.

Its model knows which token follows which, as it is told (`after`), and finds the rest by what it has read, all of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tiny
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from zoo.manifest import GENERATION, PROMPT, WEIGHTS

START, END = "<|start|>", "<|end|>"
MERGES = ("l l", "a w", ": Ġ", 'Ġ "', '" ,', '" :', "n u", "nu ll", "Ġ null")
PROMPT_JSON = {"before": f"{START}Answer!\n", "after": f"{END}\n", "stop": [1], "max_new_tokens": 24}


def tokenizer() -> Tokenizer:
    """Every byte, some merges, and two control tokens: START is 0, END is 1."""
    merges = [(left, right) for left, _, right in (one.partition(" ") for one in MERGES)]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [START, END, *letters, *(left + right for left, right in merges)]
    made = Tokenizer(BPE({name: place for place, name in enumerate(names)}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, special=True) for name in (START, END)])
    return made


def graph(after: Mapping[str, str], size: int, *, seed: int = 3) -> onnx.ModelProto:
    """logits = what follows the last token, and a little of the mean of all that was read and where."""
    random = np.random.default_rng(seed)
    known = tokenizer().get_vocab()
    follows = np.zeros((size, size), np.float32)
    for one, other in after.items():
        follows[known[one], known[other]] = 9
    nodes = [
        helper.make_node("Gather", ["embedding", "input_ids"], ["embedded"]),
        helper.make_node("Unsqueeze", ["embedded", "one"], ["keys"]),  # [texts, 1 head, tokens, size]
        helper.make_node("Concat", ["past_key_values.0.key", "keys"], ["present.0.key"], axis=2),
        helper.make_node("Cast", ["position_ids"], ["places"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["places", "ends"], ["values"]),  # [texts, 1 head, tokens, 1]
        helper.make_node("Concat", ["past_key_values.0.value", "values"], ["present.0.value"], axis=2),
        helper.make_node("Add", ["present.0.value", "some"], ["weights"]),
        helper.make_node("Div", ["present.0.key", "weights"], ["weighted"]),
        helper.make_node("ReduceMean", ["weighted"], ["mean"], axes=[2], keepdims=0),  # [texts, 1, size]
        helper.make_node("MatMul", ["mean", "mix"], ["mixed"]),
        helper.make_node("Gather", ["embedded", "last"], ["newest"], axis=1),
        helper.make_node("MatMul", ["newest", "follows"], ["next"]),
        helper.make_node("Add", ["mixed", "next"], ["logits"]),
        helper.make_node("Identity", ["attention_mask"], ["mask"]),
    ]
    constants = {
        "embedding": np.eye(size, dtype=np.float32),
        "mix": random.normal(size=(size, size)).astype(np.float32),
        "follows": follows,
        "one": np.array([1], np.int64),
        "ends": np.array([1, 3], np.int64),
        "last": np.array([-1], np.int64),
        "some": np.array([2], np.float32),
    }
    wide = {"key": size, "value": 1}
    inputs = [
        *(
            helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", tokens])
            for name, tokens in (("input_ids", "new"), ("attention_mask", "all"), ("position_ids", "new"))
        ),
        *(
            helper.make_tensor_value_info(f"past_key_values.0.{part}", TensorProto.FLOAT, ["texts", 1, "past", width])
            for part, width in wide.items()
        ),
    ]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", 1, size]),
        *(
            helper.make_tensor_value_info(f"present.0.{part}", TensorProto.FLOAT, ["texts", 1, "all", width])
            for part, width in wide.items()
        ),
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "author", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    return model


def make(folder: Path, *, after: Mapping[str, str], prompt: Mapping[str, Any] = PROMPT_JSON, **changes: Any) -> Path:
    """Write a whole specialist into the folder; `changes` override the manifest's values. Returns the folder."""
    (folder / "onnx").mkdir(parents=True)
    made = tokenizer()
    fp32, int8 = (folder / WEIGHTS[name] for name in ("fp32", "int8"))
    onnx.save(graph(after, made.get_vocab_size()), str(fp32))
    quantize_dynamic(str(fp32), str(int8), weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
    made.save(str(folder / "tokenizer.json"))
    (folder / PROMPT).write_text(json.dumps(prompt))
    values = {"kind": GENERATION, "labels": ("answer",), "name": "test/author", "max_tokens": 40, "temperature": 1.0}
    return tiny.seal(folder, **{**values, "threshold": None, **changes})
