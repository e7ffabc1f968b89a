"""A folder as models that write are published opens in vLLM, with an adapter over it, and writes what torch writes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from factory import settings
from factory.teacher import launch
from tests import tiny_llama

pytestmark = pytest.mark.real
TEXTS = ["It's my umbrella, and 12 of them.", "Who has seen a grey cat?", "The shop was closed.", "Is it lost?"]
WRITTEN, RANK, KEY = 12, 4, "a key for this test"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of heads as wide as vLLM takes them, drawn so that what was read makes a difference."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tiny_llama.make(tmp_path_factory.mktemp("base"), TEXTS * 5)
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    torch.manual_seed(4)
    shape = {"vocab_size": size, "hidden_size": 64, "intermediate_size": 64, "max_position_embeddings": 512}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 1}
    config = LlamaConfig(**shape, **heads, tie_word_embeddings=True, initializer_range=0.3, bos_token_id=None)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapter(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of peft's, over the folder, as if it had learned something."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(9)
    how = LoraConfig(
        task_type=TaskType.CAUSAL_LM, r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", init_lora_weights=False
    )
    learned = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), how)
    out = tmp_path_factory.mktemp("adapter")
    learned.save_pretrained(out)
    return out


@pytest.fixture(scope="module")
def client(folder: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """vLLM with the folder as `base` and the adapter over it as `learned`."""
    home = tmp_path_factory.mktemp("home")
    python = settings.load().environments / "teacher/bin/python"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*launch.command(python, folder, "base", port), "--dtype", "float32", "--max-model-len", "256"]
    command += ["--enable-lora", "--max-lora-rank", "8", "--lora-modules", f"learned={adapter}"]
    env = launch.environment(python, folder, home, KEY) | {"VLLM_CPU_KVCACHE_SPACE": "1"}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=home, stdout=log, stderr=log, start_new_session=True)
    headers = {"Authorization": f"Bearer {KEY}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as client:
            until = time.monotonic() + 600
            while not _well(client):
                assert process.poll() is None and time.monotonic() < until, (home / "log").read_text()[-4000:]
                time.sleep(1)
            yield client
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _well(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def by_torch(model: Any, folder: Path, text: str) -> list[int]:
    """The tokens that it writes; as words they would be half letters."""
    import torch
    from transformers import AutoTokenizer

    read = AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False).input_ids
    said = model.eval().generate(torch.tensor([read]), max_new_tokens=WRITTEN, do_sample=False, eos_token_id=None)
    tokens: list[int] = said[0].tolist()[len(read) :]
    return tokens


def test_vllm_writes_as_torch_with_and_without_an_adapter(client: httpx.Client, folder: Path, adapter: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    served = {one["id"] for one in client.get("/v1/models").json()["data"]}
    assert served == {"base", "learned"}
    models = {"base": AutoModelForCausalLM.from_pretrained(folder)}
    models["learned"] = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder), adapter)
    said: dict[str, list[list[int]]] = {}
    for name, model in models.items():
        wanted = [by_torch(model, folder, text) for text in TEXTS]
        how = {"temperature": 0, "max_tokens": WRITTEN, "ignore_eos": True, "return_token_ids": True}
        asked = [client.post("/v1/completions", json={"model": name, "prompt": text, **how}).json() for text in TEXTS]
        said[name] = [one["choices"][0]["token_ids"] for one in asked]
        same = sum(one == other for one, other in zip(said[name], wanted, strict=True))
        assert same >= len(TEXTS) - 1, (said[name], wanted)  # two likely tokens may change places by rounding
    assert said["base"] != said["learned"]
