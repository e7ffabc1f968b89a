"""A specialist that writes, as one GGUF file: for llama.cpp, and whatever is built on it.

The format is GGUF 3 (ggml-org/ggml, docs/gguf.md), written by the `gguf` package. What a runtime is to be told around a
text stands in the file, too, as `zoo.prompt.before` and `zoo.prompt.after`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from factory.errors import FactoryError
from factory.files import explained
from factory.publish.sound import said
from factory.settings import Settings
from zoo.loader import inspect
from zoo.manifest import PROMPT, TOKENIZER, WRITING, Manifest
from zoo.prompt import Prompt

TYPES = ("f32", "f16", "q8_0")
_ARCHITECTURES = ("llama", "qwen2")
_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BLOCK = 32  # numbers that q8_0 rounds together


def written(reference: str, settings: Settings, out: Path, kind: str) -> str:
    """Write `<vertical>/<task>[@version]` of the hub; returns what was written, in a sentence. Raises as `write`."""
    with said():
        folder, manifest = inspect(reference, hub=settings.hub)
    write(folder, manifest, out, kind)
    return f"{out}: {manifest.id}, {kind}, {out.stat().st_size / 1e6:.1f} MB"


def write(folder: Path, manifest: Manifest, out: Path, kind: str = "q8_0") -> None:
    """Write a published specialist as a GGUF file.

    Args:
        folder: the specialist's: config.json, model.safetensors, tokenizer.json, prompt.json.
        manifest: of it.
        out: the file; appears whole.
        kind: of `TYPES`, how matrices are stored; vectors stay in f32.

    Raises:
        FactoryError: it does not write, or it has a model or a tokenizer that this does not know.
    """
    import gguf

    if manifest.kind not in WRITING:
        raise FactoryError(f"{manifest.id} does not write: it is of kind {manifest.kind}.", fix="Use its ONNX files.")
    config = json.loads((folder / "config.json").read_text())
    architecture = config.get("model_type")
    if architecture not in _ARCHITECTURES or _scaled(config):
        raise FactoryError(
            f"A model of type {architecture!r} can't be written as GGUF here.",
            where=str(folder / "config.json"),
            fix=f"Use ONNX, or llama.cpp's own converter. Here: {', '.join(_ARCHITECTURES)}, positions not scaled.",
        )
    part = out.with_name(f".{out.name}.part")
    with explained(part):
        writer = gguf.GGUFWriter(part, architecture)
        try:
            _about(writer, manifest, Prompt.read(folder / PROMPT), config, kind)
            _tokenizer(writer, folder / TOKENIZER, config)
            for name, values in _tensors(folder, config):
                data, stored = _stored(values, kind)
                writer.add_tensor(name, data, raw_dtype=stored)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()
        part.replace(out)


def _scaled(config: Mapping[str, Any]) -> bool:
    """Whether places of tokens are anything but plain rotations."""
    turns = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return turns.get("rope_type", turns.get("type", "default")) != "default" or bool(config.get("use_sliding_window"))


def _about(writer: Any, manifest: Manifest, prompt: Prompt, config: Mapping[str, Any], kind: str) -> None:
    import gguf

    heads = config["num_attention_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    turns = config.get("rope_parameters") or {}
    writer.add_name(manifest.name)
    writer.add_version(manifest.version)
    writer.add_description(manifest.title)
    writer.add_license(manifest.licence)
    writer.add_file_type(
        {
            "f32": gguf.LlamaFileType.ALL_F32,
            "f16": gguf.LlamaFileType.MOSTLY_F16,
            "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
        }[kind]
    )
    writer.add_string("zoo.prompt.before", prompt.before)
    writer.add_string("zoo.prompt.after", prompt.after)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_rope_freq_base(float(turns.get("rope_theta") or config.get("rope_theta") or 10_000.0))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_eos_token_id(prompt.stop[0])
    if len(prompt.stop) > 1:
        writer.add_eot_token_id(prompt.stop[1])


def _tokenizer(writer: Any, path: Path, config: Mapping[str, Any]) -> None:
    """Byte-level BPE, which is what llama.cpp calls `gpt2`."""
    import gguf

    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw["model"]["type"] != "BPE":
        raise FactoryError(
            f"A tokenizer of type {raw['model']['type']} can't be written as GGUF here.",
            where=str(path),
            fix="Use ONNX.",
        )
    tokens = [f"[PAD{number}]" for number in range(config["vocab_size"])]
    types = [gguf.TokenType.UNUSED] * len(tokens)
    for token, number in raw["model"]["vocab"].items():
        tokens[number], types[number] = token, gguf.TokenType.NORMAL
    for one in raw["added_tokens"]:
        tokens[one["id"]] = one["content"]
        types[one["id"]] = gguf.TokenType.CONTROL if one["special"] else gguf.TokenType.USER_DEFINED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_cut(raw.get("pre_tokenizer"), path))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in raw["model"]["merges"]])
    writer.add_add_bos_token(False)  # what stands before a text is in the prompt


def _cut(cutter: Mapping[str, Any] | None, path: Path) -> str:
    """How texts are cut before BPE, by the name that llama.cpp has for it."""
    steps = [] if cutter is None else cutter.get("pretokenizers", [cutter])
    kinds = [one["type"] for one in steps]
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True) and not steps[0]["add_prefix_space"]:
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] and steps[0]["individual_digits"] and steps[1].get("use_regex", True):
        return "smollm"
    if kinds == ["Split", "ByteLevel"] and steps[0]["pattern"] == {"Regex": _QWEN2} and not steps[1]["use_regex"]:
        return "qwen2"
    raise FactoryError(
        "This tokenizer cuts texts in a way that GGUF has no name for here.", where=str(path), fix="Use ONNX."
    )


def _tensors(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Names as GGUF has them, and values in float32, rows first."""
    import gguf
    from safetensors import safe_open

    architecture = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2}[config["model_type"]]
    names = gguf.get_tensor_name_map(architecture, config["num_hidden_layers"])
    heads = config["num_attention_heads"]
    with safe_open(folder / "model.safetensors", "pt") as tensors:  # torch, because numpy has no bfloat16
        for name in tensors.keys():  # noqa: SIM118  # it is no dictionary
            known = names.get_name(name, (".weight", ".bias"))
            if known is None:
                raise FactoryError(f"A tensor that GGUF has no name for: {name}.", where=str(folder), fix="Use ONNX.")
            if name == "lm_head.weight" and config.get("tie_word_embeddings"):
                continue
            values = tensors.get_tensor(name).float().numpy()
            if config["model_type"] == "llama" and ".self_attn." in name:
                if ".q_proj." in name:
                    values = _turned(values, heads)
                elif ".k_proj." in name:
                    values = _turned(values, config.get("num_key_value_heads") or heads)
            yield known, values


def _turned(values: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """Rows of each head as llama.cpp's Llama rotates them: pairs side by side, not half a head apart."""
    shape = values.shape
    return values.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def _stored(values: np.ndarray[Any, Any], kind: str) -> tuple[np.ndarray[Any, Any], Any]:
    import gguf

    if kind == "f32" or values.ndim < 2:
        return values.astype(np.float32), gguf.GGMLQuantizationType.F32
    if kind == "q8_0" and values.shape[-1] % _BLOCK == 0:
        return gguf.quantize(values, gguf.GGMLQuantizationType.Q8_0), gguf.GGMLQuantizationType.Q8_0
    return values.astype(np.float16), gguf.GGMLQuantizationType.F16
