"""A specialist small enough to make in a test, of real parts: a tokenizers file and ONNX graphs ONNX Runtime runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from zoo import decoding
from zoo.manifest import SPANS, WEIGHTS, Manifest, describe_files

WORDS = [f"word{number}" for number in range(40)]
LABELS = ("negative", "neutral", "positive")
GOOD, BAD = "word1 word2", "word3"
TYPES = ("Food", "Tool")
TAGS = {"word1": "B-Food", "word2": "I-Food", "word3": "B-Tool"}
"""What the tiny specialist of kind spans knows."""


def graph(labels: int, *, seed: int = 7) -> onnx.ModelProto:
    """logits = masked mean over tokens of embedding[input_ids] @ weights: the pooling the factory's export does."""
    random = np.random.default_rng(seed)
    embedding = random.normal(size=(len(WORDS) + 2, 16)).astype(np.float32)
    weights = random.normal(size=(16, labels)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["embedding", "input_ids"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "weights"], ["token_logits"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        helper.make_node("Mul", ["token_logits", "wide_mask"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "tokens_axis"], ["total"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "tokens_axis"], ["count"], keepdims=1),
        helper.make_node("Div", ["total", "count"], ["logits"]),
    ]
    constants = [
        numpy_helper.from_array(embedding, "embedding"),
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([-1], dtype=np.int64), "last"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "tokens_axis"),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels])
    return _checked(helper.make_graph(nodes, "tiny", inputs, [output], constants))


def tagging_graph() -> onnx.ModelProto:
    """Logits of a tag for every token: sure of the words of TAGS, and that all others are outside."""
    names = decoding.tags(TYPES)
    wanted = [0, 0, *(names.index(TAGS.get(word, "O")) for word in WORDS)]
    nodes = [
        helper.make_node("Gather", ["embedding", "input_ids"], ["hidden"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        helper.make_node("Mul", ["hidden", "wide_mask"], ["masked"]),
        helper.make_node("MatMul", ["masked", "weights"], ["logits"]),
    ]
    constants = [
        numpy_helper.from_array(np.eye(len(names), dtype=np.float32)[wanted], "embedding"),
        numpy_helper.from_array(6 * np.eye(len(names), dtype=np.float32), "weights"),
        numpy_helper.from_array(np.array([-1], dtype=np.int64), "last"),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "tokens", len(names)])
    return _checked(helper.make_graph(nodes, "tiny", inputs, [output], constants))


def _checked(body: onnx.GraphProto) -> onnx.ModelProto:
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def make(folder: Path, **changes: Any) -> Path:
    """Write a whole specialist into the folder; `changes` override the manifest's values. Returns the folder."""
    (folder / "onnx").mkdir(parents=True)
    fp32 = folder / WEIGHTS["fp32"]
    onnx.save(tagging_graph() if changes.get("kind") == SPANS else graph(len(changes.get("labels", LABELS))), str(fp32))
    # MatMul alone, so that activations are quantized when the model runs, as a transformer's are.
    int8 = str(folder / WEIGHTS["int8"])
    quantize_dynamic(str(fp32), int8, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
    vocabulary = {"[PAD]": 0, "[UNK]": 1, **{word: place for place, word in enumerate(WORDS, 2)}}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=32)  # the zoo must not obey this
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("# A card\n")
    return seal(folder, **changes)


def seal(folder: Path, **changes: Any) -> Path:
    """Write the manifest of what the folder holds now. Returns the folder."""
    values: dict[str, Any] = {
        "name": "finance/sentiment",
        "version": "1.0.0",
        "title": "Sentiment of financial news",
        "language": "en",
        "labels": LABELS,
        "max_tokens": 12,
        "temperature": 1.5,
        "threshold": 0.5,
        "licence": "Apache-2.0",
        "created": "2026-11-22",
        "lineage": {"dataset": "abc"},
        "files": describe_files(folder),
    }
    Manifest(**{**values, **changes}).write(folder)
    return folder


def ask_json(folder: Path) -> Path:
    """Write what a large model is asked of which JSON comes; seal the folder after. Returns the folder."""
    said = [{"role": "system", "content": ["JSON only."]}, {"role": "user", "content": ["What is there? Text: ", None]}]
    form = {"reply": "json", "schema": {"type": "object"}, "tokens": [40, 2.0]}
    (folder / "ask.json").write_text(json.dumps({"format": 1, **form, "one_line": False, "messages": said}))
    return folder


def ask(folder: Path, labels: tuple[str, ...] = LABELS) -> Path:
    """Write what a large model is asked; seal the folder after. Returns the folder."""
    said = [{"role": "system", "content": ["One word."]}, {"role": "user", "content": ["Which mood? ", None]}]
    value = {"format": 1, "reply": "choice", "choices": list(labels), "one_line": True, "messages": said}
    (folder / "ask.json").write_text(json.dumps(value))
    return folder
