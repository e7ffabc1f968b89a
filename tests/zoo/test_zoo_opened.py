"""A folder that the factory published opens without the zoo, and says there what it says in the zoo."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

import zoo
from tests.conftest import NAME, Factory
from zoo.manifest import WEIGHTS, Manifest

pytestmark = pytest.mark.real
TEXTS = 40


@pytest.fixture(scope="module")
def folder(built: Factory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built.in_int8(tmp_path_factory.mktemp("opened") / "home").home / "hub" / NAME / "1.0.0"


@pytest.fixture(scope="module")
def texts(built: Factory) -> list[str]:
    return [row.text for row in built.gold_rows()[:TEXTS]]


def expected(folder: Path, texts: list[str], weights: str) -> tuple[list[str], np.ndarray[Any, Any]]:
    """The zoo's labels, and its probabilities [texts, labels]."""
    specialist = zoo.load(folder, weights=weights)
    assert isinstance(specialist, zoo.Classifier)
    said = specialist.predict(texts, scores=True)
    assert len({one.label for one in said}) > 1
    return [one.label for one in said], np.array([[one.scores[label] for label in specialist.labels] for one in said])


def probabilities(folder: Path, logits: Any) -> np.ndarray[Any, Any]:
    """As the manifest's temperature has them."""
    scaled = np.asarray(logits, np.float64) / Manifest.read(folder).temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_in_transformers(folder: Path, texts: list[str]) -> None:
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForTokenClassification.from_pretrained(folder)
    batch = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
    with torch.no_grad():
        logits = model.eval()(**batch).logits
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = (logits * mask).sum(1) / mask.sum(1)
    labels, scores = expected(folder, texts, "fp32")
    assert [model.config.id2label[int(place)] for place in mean.argmax(1)] == labels
    assert probabilities(folder, mean) == pytest.approx(scores, abs=1e-4)


@pytest.mark.parametrize("weights", list(WEIGHTS))
def test_in_onnxruntime_and_tokenizers(folder: Path, texts: list[str], weights: str) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    session = onnxruntime.InferenceSession(folder / WEIGHTS[weights], providers=["CPUExecutionProvider"])
    logits = []
    for text in texts:
        one = tokenizer.encode(text)
        given = {"input_ids": np.array([one.ids]), "attention_mask": np.array([one.attention_mask])}
        logits.append(session.run(["logits"], given)[0][0])
    labels, scores = expected(folder, texts, weights)
    config = json.loads((folder / "config.json").read_text())
    assert [config["id2label"][str(np.argmax(one))] for one in logits] == labels
    assert probabilities(folder, logits) == pytest.approx(scores, abs=1e-4)


@pytest.mark.parametrize("weights", list(WEIGHTS))
def test_in_transformers_js(folder: Path, texts: list[str], weights: str, npm: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    script = Path(__file__).with_name("plain_transformers.mjs")
    command = ["node", script, folder, tmp_path / "texts.json", weights, "64"]
    ended = subprocess.run(command, cwd=npm, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    labels, scores = expected(folder, texts, weights)
    found = probabilities(folder, said["answers"])
    if weights == "fp32":
        assert [said["labels"][str(place)] for place in found.argmax(axis=1)] == labels
        assert found == pytest.approx(scores, abs=1e-3)
    else:  # processors without VNNI round 8-bit products otherwise in one of the two runtimes
        same = [said["labels"][str(place)] == label for place, label in zip(found.argmax(axis=1), labels, strict=True)]
        assert sum(same) >= 0.9 * TEXTS


def test_in_peft_it_learns_on_and_only_an_adapter_is_kept(folder: Path, texts: list[str], tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, PeftModel, TaskType, get_peft_model
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")

    def opened() -> Any:
        return AutoModelForTokenClassification.from_pretrained(folder).eval()

    def logits(model: Any) -> Any:
        with torch.no_grad():
            return model.eval()(**batch).logits

    torch.manual_seed(1)
    how = LoraConfig(task_type=TaskType.TOKEN_CLS, r=2, target_modules=["query", "value"], modules_to_save=[])
    learning = get_peft_model(opened(), how)
    before = logits(opened())
    assert torch.allclose(logits(learning), before, atol=1e-6)
    steps = torch.optim.SGD([one for one in learning.parameters() if one.requires_grad], lr=1.0)
    for _ in range(3):
        steps.zero_grad()
        learning.train()(**batch, labels=torch.zeros_like(batch["input_ids"])).loss.backward()
        steps.step()
    learning.save_pretrained(tmp_path / "adapter")
    after = logits(learning)
    assert not torch.allclose(after, before, atol=1e-3)
    again = PeftModel.from_pretrained(opened(), tmp_path / "adapter")
    assert torch.allclose(logits(again), after, atol=1e-5)
    kept = sum(path.stat().st_size for path in (tmp_path / "adapter").glob("*.safetensors"))
    assert kept < (folder / "model.safetensors").stat().st_size / 4
