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
from transformers import AutoTokenizer

import zoo
from factory import settings
from factory.row import Lineage, Row
from factory.students import causal, prompt
from factory.students.causal import WritingRecipe
from factory.students.export_causal import export
from factory.teacher import launch
from tests import tiny_llama
from zoo import engine_file
from zoo.form import Form
from zoo.manifest import ADAPTER, EXTRACTION, GENERATION

pytestmark = pytest.mark.real
THINGS, COLOURS = ["hat", "scarf", "wallet", "camera", "teapot", "violin"], ["red", "grey", "blue", "green"]
TEXTS = [f"A {colour} {thing} was left on the bus" for thing in THINGS for colour in COLOURS]
FIELDS = {"thing": Form("text"), "colour": Form("choice", values=tuple(COLOURS), required=True)}
ROOM, WRITTEN, RANK, KEY = 60, 12, 4, "a key for this test"
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
    base = _base(home)
    folders = {
        AUTHOR: _specialist(base, home / "author", name=AUTHOR, kind=GENERATION, labels=("answer",)),
        READER: _specialist(base, home / "reader", name=READER, kind=EXTRACTION, labels=tuple(FIELDS)),
    }
    python = settings.load().environments / "teacher/bin/python"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = engine_file.write(list(folders.values()), home / "engine.yaml", base=str(base), port=port)
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--config", str(file), "--dtype", "float32"]
    command += ["--enforce-eager", "--block-size", "32"]
    env = launch.environment(python, home, KEY) | {"VLLM_CPU_KVCACHE_SPACE": "1"}
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


def _base(home: Path) -> Path:
    """A language model that has learned how records are written: of a random one any rounding would tell."""
    untaught = tiny_llama.make(home / "untaught", TEXTS, hidden=64)  # heads as wide as vLLM takes them
    how: dict[str, Any] = {"rank": 0, "learning_rate": 1e-2, "epochs": 80, "max_new_tokens": ROOM, "fields": _FIELDS}
    recipe = WritingRecipe(str(untaught), tuple(FIELDS), 64, instruction="What?", **how)
    rows = []
    for text in TEXTS:
        _, colour, thing, *_ = text.split()
        record: dict[str, Any] = {"thing": thing, "colour": colour}
        rows.append(Row(text=text, record=record, origin="reviewed", lineage=Lineage(spec="s")))
    causal.train(causal.Answers, rows, rows[::5], recipe, home / "base")
    return home / "base"


_FIELDS = {name: {**vars(form), "values": list(form.values)} for name, form in FIELDS.items()}


def _specialist(base: Path, folder: Path, **sealed: Any) -> Path:
    """A specialist over the base, published with its adapter: of records one that changes little, of words a lot."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(9)
    reads = sealed["kind"] == EXTRACTION
    how: dict[str, Any] = {"r": RANK, "lora_alpha": 0.01 if reads else 2 * RANK, "target_modules": "all-linear"}
    drawn = LoraConfig(task_type=TaskType.CAUSAL_LM, init_lora_weights=False, **how)
    learned = get_peft_model(AutoModelForCausalLM.from_pretrained(base), drawn)
    learned.save_pretrained((folder / ADAPTER[0]).parent)
    learned.merge_and_unload().save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.save_pretrained(folder)
    told = prompt.make(tokenizer, "What?", ROOM, _FIELDS) if reads else prompt.make(tokenizer, "Say!", WRITTEN, None)
    prompt.write(folder, told)
    export(folder, folder)
    return tiny.seal(folder, **sealed, temperature=1.0, max_tokens=64, threshold=None)


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
    assert len(same) >= 0.8 * len(TEXTS), pairs  # two likely tokens may change places by rounding
    for one, other in same:
        assert other.score == pytest.approx(one.score, rel=1e-3) and one.complete == other.complete


def test_records_are_those_of_the_export_and_as_likely(served: Served) -> None:
    here: zoo.Extractor = zoo.load(served.folders[READER], weights="fp32")
    there: zoo.Extractor = zoo.load(served.folders[READER], engine=zoo.Engine(served.url, KEY))
    pairs = list(zip(here.predict(TEXTS), there.predict(TEXTS), strict=True))
    same = [(one, other) for one, other in pairs if one.values == other.values]
    assert len(same) >= 0.9 * len(TEXTS), pairs
    for one, other in same:
        assert other.complete and other.score == pytest.approx(one.score, rel=1e-2)
        assert other.scores == pytest.approx(one.scores, rel=1e-2)
    assert sum(one.complete and one.score > 0.3 for _, one in pairs) > len(TEXTS) / 2, "it has learned nothing"


def test_a_folder_as_published_opens_there_and_writes_as_torch(served: Served) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    base = served.folders["base"]
    model, tokenizer = (kind.from_pretrained(base) for kind in (AutoModelForCausalLM, AutoTokenizer))
    engine, same = zoo.Engine(served.url, KEY), 0
    for text in TEXTS[:8]:
        read = tokenizer(text, add_special_tokens=False).input_ids
        said = model.eval().generate(torch.tensor([read]), max_new_tokens=WRITTEN, do_sample=False, eos_token_id=1)
        wanted = [one for one in said[0].tolist()[len(read) :] if one != 1]
        same += engine.complete(str(base), read, most=WRITTEN, stop=[1]).ids == wanted
    assert same >= 7
