"""Two real models judge on this machine: vLLM is started with the first, stopped, and started with the second."""

from __future__ import annotations

import dataclasses
import os
import socket
from pathlib import Path

import pytest

from factory import settings
from factory.files import read_json, read_jsonl
from factory.row import read_rows
from factory.teacher import weights
from tests.conftest import Factory

pytestmark = pytest.mark.real

NAME = "test/two"


def another(model: Path, folder: Path) -> Path:
    """A model like this one that thinks differently: the same weights with noise on the last layers' norms."""
    import torch
    from safetensors.torch import load_file, save_file

    folder.mkdir()
    for path in model.iterdir():
        if path.suffix != ".safetensors" and path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    noise = torch.Generator().manual_seed(7)
    [file] = model.glob("*.safetensors")
    tensors = load_file(file)
    for name, tensor in tensors.items():
        if name.endswith("norm.weight"):
            drawn = torch.randn(tensor.shape, generator=noise)
            tensors[name] = (tensor * (1 + 0.2 * drawn)).to(tensor.dtype)
    save_file(tensors, folder / file.name, metadata={"format": "pt"})
    return folder


def test_one_after_the_other(factory: Factory, tmp_path: Path) -> None:
    usual = settings.load()
    first = weights.resolve("smollm2-135m-instruct", usual)
    second = another(first, tmp_path / "smollm2-noisy")
    made = dataclasses.replace(factory, home=tmp_path / "home", prompts=tmp_path / "prompts")
    budget = {"generate": 0, "label": 12, "judge": 24, "review": 30, "epochs": 1}
    made.specialist(
        NAME,
        teacher={"model": str(first)},
        judges=[str(second), str(first)],
        budgets={"quick": budget, "full": budget},
    )
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    here = {"FACTORY_TEACHER_URL": "", "FACTORY_TEACHER_PORT": port}
    here["FACTORY_ENVIRONMENTS"] = os.environ.get("FACTORY_ENVIRONMENTS", str(usual.environments))
    ended = made.run("build", NAME, "--until", "review", **here)
    assert ended.returncode == 0, ended.stdout

    stages = made.home / "builds" / NAME
    [judged], [reviewed] = (list((stages / stage).glob("[!.]*")) for stage in ("judge", "review"))
    names = [weights.identity(str(model), usual) for model in (first, second)]
    lines = read_jsonl(judged / "judgements.jsonl")
    assert [line["judge"] for line in lines] == [names[0]] * 24 + [names[1]] * 24
    assert all(line["scores"] for line in lines), "constrained to a label, both can be read"
    said = read_json(reviewed / "judges.json")
    assert [one["judge"] for one in said["judges"]] == names
    assert said["pairs"][0]["n"] == 24
    rows = [row for part in ("kept", "dropped") for row in read_rows(reviewed / f"{part}.jsonl")]
    scores = [one.score for row in rows for one in row.verdicts if one.check == "disagreement" and one.score]
    assert len(scores) == 24 and all(0 < score < 1 for score in scores), "they never think exactly the same"
    log = (made.home / "logs" / "teacher.log").read_text(errors="replace")
    assert log.index(names[0]) < log.index(names[1])
