"""vLLM as an engine: one base, an adapter a specialist, started with what `zoo engine` writes; and folders as published
open there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import tiny

import zoo
from factory import settings
from factory.students import prompt
from factory.students.export_causal import export
from factory.teacher import launch
from tests import tiny_llama
from zoo import engine_file
from zoo.form import Form
from zoo.guide import Guide
from zoo.manifest import ADAPTER, EXTRACTION, GENERATION
from zoo.record_ebnf import record_ebnf
from zoo.record_grammar import record_automaton

pytestmark = pytest.mark.real
TEXTS = ["It's my umbrella, and 12 of them.", "Who has seen a grey cat?", "The shop was closed.", "Is it lost?"]
FIELDS = {
    "free": Form("boolean"),
    "day": Form("date", values=("never",)),
    "kind": Form("choice", values=("cat", "shöp"), many=True),
    "term": Form("duration", required=True),
}
EVERY = {**FIELDS, "sum": Form("number", required=True), "who": Form("quote", many=True), "note": Form("text")}
WRITTEN, RANK, KEY = 12, 4, "a key for this test"
AUTHOR, READER = "test/author", "test/reader"


@dataclass
class Served:
    """A running vLLM.

    Attributes:
        url: up to /v1.
        folders: of the specialists, by name, and of the `base`.
    """

    url: str
    folders: dict[str, Path]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    base = _base(home / "base")
    folders = {
        AUTHOR: _specialist(base, home / "author", 9, name=AUTHOR, kind=GENERATION, labels=("answer",)),
        READER: _specialist(base, home / "reader", 7, name=READER, kind=EXTRACTION, labels=tuple(FIELDS)),
    }
    python = settings.load().environments / "teacher/bin/python"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = engine_file.write(list(folders.values()), home / "engine.yaml", base=str(base), port=port)
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--config", str(file), "--dtype", "float32"]
    command += ["--enforce-eager", "--block-size", "32", "--generation-config", "vllm"]
    env = launch.environment(python, base, home, KEY) | {"VLLM_CPU_KVCACHE_SPACE": "1"}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=home, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 600
        while not _well(f"http://127.0.0.1:{port}"):
            assert process.poll() is None and time.monotonic() < until, (home / "log").read_text()[-4000:]
            time.sleep(1)
        yield Served(f"http://127.0.0.1:{port}/v1", {**folders, "base": base})
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _base(folder: Path) -> Path:
    """A Llama of heads as wide as vLLM takes them, drawn so that what was read makes a difference."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tiny_llama.make(folder, TEXTS * 5)
    torch.manual_seed(4)
    shape = {"hidden_size": 64, "intermediate_size": 64, "max_position_embeddings": 512, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": True}
    marks = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}
    size = len(AutoTokenizer.from_pretrained(folder))
    config = LlamaConfig(vocab_size=size, **shape, **heads, **marks, initializer_range=0.3)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def _specialist(base: Path, folder: Path, seed: int, **sealed: Any) -> Path:
    """A specialist over the base, as if it had learned something; it is published with its adapter."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(seed)
    how: dict[str, Any] = {
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "target_modules": "all-linear",
        "init_lora_weights": False,
    }
    learned = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base), LoraConfig(task_type=TaskType.CAUSAL_LM, **how)
    )
    learned.save_pretrained((folder / ADAPTER[0]).parent)
    learned.merge_and_unload().save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.save_pretrained(folder)
    fields = None
    if sealed["kind"] == EXTRACTION:
        fields = {name: {**vars(form), "values": list(form.values)} for name, form in FIELDS.items()}
    prompt.write(folder, prompt.make(tokenizer, "Say what there is.", 100 if fields else WRITTEN, fields))
    export(folder, folder)
    return tiny.seal(folder, **sealed, temperature=1.0, max_tokens=120, threshold=None)


def _well(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def test_words_are_those_of_the_export_and_as_likely(served: Served) -> None:
    here: zoo.Writer = zoo.load(served.folders[AUTHOR], weights="fp32")
    there: zoo.Writer = zoo.load(served.folders[AUTHOR], engine=zoo.Engine(served.url, KEY))
    pairs = list(zip(here.predict(TEXTS), there.predict(TEXTS), strict=True))
    same = [(one, other) for one, other in pairs if one.text == other.text]
    assert len(same) >= len(TEXTS) - 1, pairs  # two likely tokens may change places by rounding
    for one, other in same:
        assert other.score == pytest.approx(one.score, rel=1e-3) and one.complete == other.complete


def test_records_are_those_of_the_export_and_as_likely(served: Served) -> None:
    here: zoo.Extractor = zoo.load(served.folders[READER], weights="fp32")
    there: zoo.Extractor = zoo.load(served.folders[READER], engine=zoo.Engine(served.url, KEY))
    pairs = list(zip(here.predict(TEXTS), there.predict(TEXTS), strict=True))
    same = [(one, other) for one, other in pairs if one.values == other.values]
    assert len(same) >= len(TEXTS) - 1, pairs
    for one, other in same:
        assert other.complete and other.score == pytest.approx(one.score, rel=1e-3)
        assert other.scores == pytest.approx(one.scores, rel=1e-3)
    assert any(one.values for one, _ in pairs)


def test_what_is_written_by_the_grammar_for_engines_is_in_the_zoo_s_own(served: Served) -> None:
    engine, guide = zoo.Engine(served.url, KEY), Guide(record_automaton(EVERY), _cutter(served.folders["base"]))
    for place, text in enumerate(TEXTS * 3):
        ids = guide._vocabulary.cut(f"{text} {place}".encode())
        said = engine.complete(f"{READER}@1.0.0", ids, most=150, stop=[1], grammar=record_ebnf(EVERY))
        steps = guide.replayed(said.ids)
        assert len(steps) == len(said.ids) > 10, guide.said(said.ids)
        assert guide.ended(steps[-1].state) == said.stopped


def _cutter(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return prompt.cutter(AutoTokenizer.from_pretrained(folder))


def test_a_folder_as_published_opens_there_and_writes_as_torch(served: Served) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (kind.from_pretrained(served.folders["base"]) for kind in (AutoModelForCausalLM, AutoTokenizer))
    how = {"model": str(served.folders["base"]), "temperature": 0, "max_tokens": WRITTEN, "ignore_eos": True}
    same = 0
    for text in TEXTS:
        read = tokenizer(text, add_special_tokens=False).input_ids
        said = model.eval().generate(torch.tensor([read]), max_new_tokens=WRITTEN, do_sample=False, eos_token_id=None)
        body = {**how, "prompt": text, "return_token_ids": True}
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = httpx.post(f"{served.url}/completions", json=body, headers=headers, timeout=120).json()
        same += answer["choices"][0]["token_ids"] == said[0].tolist()[len(read) :]
    assert same >= len(TEXTS) - 1
