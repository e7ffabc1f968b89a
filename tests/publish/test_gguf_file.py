"""A specialist that writes, as a GGUF file: llama.cpp cuts texts as its tokenizer does and writes what torch writes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from factory.errors import FactoryError
from factory.publish import gguf_file
from tests import tiny_llama
from tests.llama_cpp import complete, serving
from zoo.manifest import CLASSIFICATION, GENERATION, PROMPT, TOKENIZER, WEIGHTS, FileEntry, Manifest

pytestmark = pytest.mark.real
TEXTS = ["It's my umbrella, and 12 of them.", "  two  spaces\n\nand 3 lines"]
TEXTS += ["caf\u00e9 \U0001f600 \u65e5\u672c", "x=1;\t\ty"]
BEFORE, AFTER = "<|user|>", "<|end|><|assistant|>"
WRITTEN = 16
ABOUT = Manifest(
    name="test/lost",
    version="1.0.0",
    title="Answers about things that were lost",
    kind=GENERATION,
    language="en",
    labels=("answer",),
    max_tokens=64,
    temperature=1.0,
    threshold=None,
    licence="Apache-2.0",
    created="2026-01-31T00:00:00+00:00",
    lineage={"dataset": "d-000000000000"},
    files={name: FileEntry("0" * 64, 1) for name in (*WEIGHTS.values(), TOKENIZER, PROMPT)},
)


@pytest.fixture(scope="module", params=["llama", "qwen2"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of this architecture, drawn so that what was read makes a difference, and its tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    folder = tiny_llama.make(tmp_path_factory.mktemp(request.param), TEXTS * 5)
    kind, network = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM)}[request.param]
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    torch.manual_seed(4)
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2}
    shape = {"vocab_size": size, "hidden_size": 64, "intermediate_size": 96, "max_position_embeddings": 256}
    tied = request.param == "llama"
    config = kind(**heads, **shape, tie_word_embeddings=tied, initializer_range=0.3, rope_theta=50_000.0)
    network(config).save_pretrained(folder)
    said = {"before": BEFORE, "after": AFTER, "stop": [1], "max_new_tokens": WRITTEN}
    (folder / "prompt.json").write_text(json.dumps(said))
    return folder


def by_torch(folder: Path, text: str) -> tuple[list[int], list[int]]:
    """The tokens of a prompt, and what the model writes after them."""
    import torch
    from transformers import AutoModelForCausalLM

    # As the zoo does, by tokenizer.json alone; AutoTokenizer goes by the architecture, too.
    read = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False).ids
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    said = model.generate(torch.tensor([read]), max_new_tokens=WRITTEN, do_sample=False, eos_token_id=None)
    return read, said[0].tolist()[len(read) :]


@pytest.mark.parametrize("kind", gguf_file.TYPES)
def test_llama_cpp_reads_and_writes_as_torch_does(folder: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "lost.gguf"
    gguf_file.write(folder, ABOUT, file, kind)
    assert [path.name for path in tmp_path.iterdir()] == ["lost.gguf"]
    alike = []
    with serving(file) as client:
        for text in TEXTS:
            prompt = f"{BEFORE}{text}{AFTER}"
            read, written = by_torch(folder, prompt)
            asked = {"content": prompt, "parse_special": True, "add_special": False}
            assert client.post("/tokenize", json=asked).json()["tokens"] == read
            said = complete(client, prompt, WRITTEN, ignore_eos=True)["tokens"]
            alike.append(sum(one == other for one, other in zip(said, written, strict=True)))
    # Two all but equally likely tokens may change places by rounding (llama.cpp keeps what it has read in f16).
    assert sum(alike) >= (0.4 if kind == "q8_0" else 0.8) * WRITTEN * len(TEXTS), alike


def test_the_file_says_whose_it_is_and_what_stands_around_a_text(folder: Path, tmp_path: Path) -> None:
    import gguf

    gguf_file.write(folder, ABOUT, tmp_path / "lost.gguf")
    fields = gguf.GGUFReader(tmp_path / "lost.gguf").fields
    said = {name: fields[f"general.{name}"].contents() for name in ("name", "version", "description", "license")}
    assert said == {"name": ABOUT.name, "version": "1.0.0", "description": ABOUT.title, "license": "Apache-2.0"}
    assert (fields["zoo.prompt.before"].contents(), fields["zoo.prompt.after"].contents()) == (BEFORE, AFTER)
    assert fields["tokenizer.ggml.eos_token_id"].contents() == 1


def test_what_can_t_be_written_is_told_and_nothing_is_left(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    with pytest.raises(FactoryError, match="does not write"):
        gguf_file.write(folder, dataclasses.replace(ABOUT, kind=CLASSIFICATION, labels=("a", "b")), out)

    def changed(name: str, change: Any) -> Path:
        copy = tmp_path / "copy"
        copy.mkdir(exist_ok=True)
        for path in folder.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        value = json.loads((copy / name).read_text())
        change(value)
        (copy / name).write_text(json.dumps(value))
        return copy

    with pytest.raises(FactoryError, match="type 'gpt_neox'"):
        gguf_file.write(changed("config.json", lambda config: config.update(model_type="gpt_neox")), ABOUT, out)
    scaled = {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10_000.0}
    with pytest.raises(FactoryError, match="can't be written as GGUF"):
        gguf_file.write(changed("config.json", lambda config: config.update(rope_parameters=scaled)), ABOUT, out)
    cutter = {"type": "Whitespace"}
    with pytest.raises(FactoryError, match="has no name for"):
        gguf_file.write(changed("tokenizer.json", lambda raw: raw.update(pre_tokenizer=cutter)), ABOUT, out)
    assert not list(tmp_path.glob("*.gguf")) and not list(tmp_path.glob(".*.part"))
