"""A student small enough to make in a test, of real parts, and what else publishing needs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factory import spec as specs
from factory.dataset.build import build
from factory.dataset.version import DatasetVersion
from factory.evidence.records import (
    AnyEvidence,
    ClassFigures,
    Comparison,
    Confusion,
    Cost,
    Counterfactual,
    Coverage,
    Export,
    Footprint,
    GateLine,
    LabelPromise,
    Promise,
    Record,
    Reliability,
    Robustness,
    Slice,
    Speed,
    Training,
)
from factory.publish.card import render
from factory.publish.package import Trained, describe, package
from factory.row import Lineage, Row
from factory.services.hub.server import Running, running
from zoo.doubt import Doubt

SPEC = """
title: Mood of a note
purpose: Tell whether a note is glad, sad or calm.
not_for: [Judging people.]
kind: classification
text: a short note
question: How does the writer feel?
labels: {sad: The writer is sad., glad: The writer is glad., calm: Neither.}
attributes:
  tone: [plain, loud]
examples:
  - {text: 'a "glad" note', label: glad}
gold: test/mood
budgets:
  quick: {generate: 10, label: 10, review: 5}
  full: {generate: 10, label: 10, review: 5}
"""
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "sad", "glad", "calm", "note", "is"]


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ZOO_HUB", "ZOO_TOKEN", "HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "zoo-cache"))


@pytest.fixture
def spec(tmp_path: Path) -> specs.Spec:
    folder = tmp_path / "prompts" / "test" / "mood"
    folder.mkdir(parents=True)
    (folder / "spec.yaml").write_text(SPEC)
    for name in specs.COMPANIONS:
        (folder / name).write_text(f"{name} of mood\n")
    return specs.load("test/mood", tmp_path / "prompts")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of some thousand weights, never trained, in every form a specialist has."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForTokenClassification

    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(5)
    labels = ["sad", "glad", "calm"]
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        initializer_range=1.0,
    )
    network = BertForTokenClassification(config).eval()
    network.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            logits = self.network(input_ids=input_ids, attention_mask=attention_mask).logits
            mask = attention_mask.unsqueeze(-1).to(logits.dtype)
            return (logits * mask).sum(1) / mask.sum(1)

    (folder / "onnx").mkdir()
    shape = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        Mean(),
        (torch.ones(2, 5, dtype=torch.long),) * 2,
        str(folder / "onnx" / "model.onnx"),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": shape, "attention_mask": shape},
        dynamo=False,
    )
    quantize_dynamic(
        str(folder / "onnx" / "model.onnx"), str(folder / "onnx" / "model_int8.onnx"), weight_type=QuantType.QUInt8
    )
    return folder


@pytest.fixture
def trained(model: Path, tmp_path: Path, dataset: DatasetVersion) -> Trained:
    """The student, in a folder of the test's own."""
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    return Trained(folder, 16, 1.5, Doubt(0.6), {"dataset": dataset.version, "teacher": "teacher-1@abc"})


@pytest.fixture
def dataset(spec: specs.Spec, tmp_path: Path) -> DatasetVersion:
    rows = [
        Row(text=f"note {n}", label=["sad", "glad"][n % 2], origin="generated", lineage=Lineage(spec=spec.identity))
        for n in range(40)
    ]
    return build(rows, spec, tmp_path / "dataset")


@pytest.fixture
def evidence() -> list[AnyEvidence]:
    """One record of every kind, on all rows and on a sample."""
    all_rows: dict[str, Any] = {"rows": "ab" * 32, "n": 1000, "hardware": "2 cores, AVX512"}
    sample: dict[str, Any] = {**all_rows, "n": 200, "sample": "stratified 200 of 1000, seed 13"}
    own: dict[str, Any] = {**all_rows, "who": "student:int8", "what": "MiniLM | LoRA"}
    return [
        Record(**own, metric="accuracy", value=0.912, low=0.893, high=0.928),
        Record(**own, metric="macro_f1", value=0.9, low=0.88, high=0.92),
        Record(**own, metric="aurc", value=0.0123),
        Record(who="tfidf", **all_rows, metric="accuracy", value=0.8, low=0.77, high=0.82),
        Record(who="teacher", **sample, metric="accuracy", value=0.735, low=0.67, high=0.79),
        Comparison(
            who="student:int8", **sample, against="teacher", metric="accuracy",
            value=0.91, other=0.735, difference=0.175, low=0.11, high=0.24,
        ),
        ClassFigures(**own, label="sad", precision=0.9, recall=0.95, f1=0.924, support=500, predicted=510),
        ClassFigures(**own, label="glad", precision=0.8, recall=0.7, f1=0.747, support=300, predicted=260),
        Confusion(**own, gold="glad", predicted="sad", count=31, support=300),
        Coverage(**own, coverage=0.8, threshold=0.71, accepted=800, risk=0.03, low=0.02, high=0.045),
        Reliability(**own, bin=1, count=67, confidence=0.4321, right=0.388, low=0.28, high=0.51),
        Slice(
            **own, by="length", slice="over 9", figure="accuracy", value=0.8, low=0.77, high=0.83, method="", few=False,
        ),
        Slice(
            **{**own, "n": 12}, by="source", slice="fax", figure="accuracy", value=0.3, low=0.1, high=0.5, method="",
            few=True,
        ),
        Robustness(
            **{**sample, "who": "student:int8"}, perturbation="typos", how="one in 20", touched=150, figure="accuracy",
            value=0.85, untouched=0.9, difference=-0.05, low=-0.09, high=-0.01, method="",
        ),
        Counterfactual(
            **{**own, "n": 64, "sample": "of 64 rows that name any of them"}, probe="gender", group="women",
            beside="men", figure="accuracy", value=0.875, other=0.90625, difference=-0.03125, low=-0.0625,
            high=0.015625, changed=0.046875, changed_low=0.0161, changed_high=0.1290, method="", few=False,
        ),
        Counterfactual(
            **{**own, "n": 0}, probe="age", group="old", beside="young", figure="accuracy", method="", few=True,
        ),
        Promise(
            **own, risk=0.1, threshold=0.6, answers=1000, accepted=700, coverage=0.7, error=0.05, verdict="kept",
            sentence="70.0 % of 1000 answers are not: the promise was kept.",
        ),
        LabelPromise(**own, label="glad", risk=0.1, accepted=40, error=0.3, low=0.18, high=0.46, verdict="broken"),
        Export(
            **own, agreement=0.99, floor=0.9, published="int8", sentence="int8 gives 99.0 % of torch's answers.",
        ),
        Speed(**own, batch=1, p50_ms=4.04, p95_ms=4.96, p99_ms=6.13, rows_per_second=240.0),
        Footprint(**{**own, "n": 5}, disk_bytes=23_400_000, peak_bytes=171_250_000, load_seconds=0.75),
        Cost(**own, core_hours=1.25, price=None, currency="EUR", watt_hours=6.9, basis="one thread, 1 core"),
        Training(
            **{**own, "n": 800}, seconds=40.25, seconds_per_1000=50.3125, peak_bytes=1_200_000_000, threads=1,
            watt_hours=0.0625, basis="1 thread, a core each",
        ),
        GateLine(
            who="student:int8", **sample, requirement="accuracy better than teacher", passed=True,
            sentence="17.5 points.",
        ),
    ]  # fmt: skip


@pytest.fixture
def packed(
    trained: Trained, spec: specs.Spec, dataset: DatasetVersion, evidence: list[AnyEvidence], tmp_path: Path
) -> Callable[..., Path]:
    """packed(version, weights=...): a packaged specialist's folder; other `weights` are other content."""

    def make(version: str = "1.0.0", *, weights: bytes = b"") -> Path:
        if weights:
            (trained.folder / "model.safetensors").write_bytes(weights)
        manifest = describe(trained, spec, version)
        out = tmp_path / f"packed-{version}"
        package(
            trained,
            manifest,
            card=render(manifest, spec, dataset.manifest, evidence),
            evidence=[record.model_dump(mode="json") for record in evidence],
            out=out,
        )
        return out

    return make


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """An empty hub behind its server."""
    with running(tmp_path / "served") as hub:
        yield hub
