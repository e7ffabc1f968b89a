"""The model card: records, manifest and spec, for people. It sorts and groups; it computes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from factory.dataset.card import COUNTED
from factory.errors import GateError
from factory.evidence.promise import FEWEST
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
    Seeds,
    Slice,
    SpanMistakes,
    Speed,
    Training,
)
from factory.evidence.robustness import REWORDED
from factory.publish import package
from factory.span import strip
from factory.spec import Spec
from factory.template import fill
from zoo.manifest import CLASSIFICATION, EXTRACTION, GENERATION, SPANS, WRITING, Manifest
from zoo.remote_hub import TAG

METRICS = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "span_f1": "span F1",
    "span_precision": "precision",
    "span_recall": "recall",
    "relaxed_f1": "relaxed F1",
    "field_f1": "field F1",
    "field_precision": "precision",
    "field_recall": "recall",
    "exact_f1": "exact F1",
    "records_right": "records all right",
    "rouge_l": "ROUGE-L",
    "rouge_1": "ROUGE-1",
    "rouge_2": "ROUGE-2",
    "copied": "copied",
    "foreign": "with something that the text lacks",
    "ece": "calibration error",
    "brier": "Brier score",
    "answered": "answered",
}
"""The columns of the card's tables; evidence.jsonl holds every metric."""
INDEXED = {
    "accuracy": "accuracy",
    "macro_f1": "f1",
    "span_f1": "f1",
    "span_precision": "precision",
    "span_recall": "recall",
    "field_f1": "f1",
    "field_precision": "precision",
    "field_recall": "recall",
    "rouge_l": "rouge",
    "rouge_1": "rouge",
    "rouge_2": "rouge",
}
"""Metrics that go into the model-index, by the names the Hub has for them."""

PIPELINES = {
    CLASSIFICATION: "text-classification",
    SPANS: "token-classification",
    EXTRACTION: "text-generation",
    GENERATION: "text-generation",
}
"""Kind of task to what the Hub calls it."""

Kind = TypeVar("Kind", bound=AnyEvidence)


@dataclass(frozen=True)
class Table:
    """Figures measured on the same rows.

    Attributes:
        n: how many rows.
        sample: which rows, `all` or a sample's description.
        metrics: the columns.
        rows: (who, what, a record or None for each metric).
    """

    n: int
    sample: str
    metrics: list[str]
    rows: list[tuple[str, str, list[Record | None]]]


def render(
    manifest: Manifest,
    spec: Spec,
    dataset: Mapping[str, Any],
    evidence: Sequence[AnyEvidence],
) -> str:
    """README.md of a specialist.

    Args:
        manifest: of the specialist, as `factory.publish.package.describe` makes it.
        spec: for words: purpose, limits, policy.
        dataset: the manifest of the dataset version it was trained on.
        evidence: every record there is.

    Raises:
        GateError: no figure of the published weights, or a failed gate although `manifest.forced` is not set.
    """
    from huggingface_hub import ModelCard

    who = package.who(manifest)
    own = [record for record in _of(Record, evidence) if record.who == who]
    if not own:
        raise GateError(
            f"There is no figure for {who}, and a card makes no claim without one.",
            where=manifest.id,
            fix="Run the evidence stage first.",
        )
    failed = [line for line in _of(GateLine, evidence) if not line.passed]
    if failed and not manifest.forced:
        raise GateError(
            f"The gate failed: {failed[0].sentence}",
            where=manifest.id,
            fix="Improve the data or the student; --force publishes with the failure on the card.",
        )
    robust = [one for one in _of(Robustness, evidence) if one.who == who]
    values = {
        "metadata": _metadata(manifest, spec, own),
        "manifest": manifest,
        "spec": spec,
        "dataset": dataset,
        "who": who,
        "exports": _of(Export, evidence),
        "failed": failed,
        "gate": _of(GateLine, evidence),
        "tables": _tables(_of(Record, evidence)),
        "comparisons": _of(Comparison, evidence),
        "classes": sorted((c for c in _of(ClassFigures, evidence) if c.who == who), key=lambda c: (c.f1, c.label)),
        "of_spans": manifest.kind == SPANS,
        "writes": manifest.kind in WRITING,
        "mistakes": [m for m in _of(SpanMistakes, evidence) if m.who == who],
        "confusions": sorted((c for c in _of(Confusion, evidence) if _mistake(c, who)), key=lambda c: -c.count)[:10],
        "coverages": sorted((c for c in _of(Coverage, evidence) if c.who == who), key=lambda c: -c.coverage),
        "reliability": [r for r in _of(Reliability, evidence) if r.who == who],
        "seeds": [s for s in _of(Seeds, evidence) if s.who == who],
        "slices": sorted((s for s in _of(Slice, evidence) if s.who == who), key=lambda s: (s.few, s.value, s.slice)),
        "robustness": sorted((r for r in robust if r.perturbation != REWORDED), key=lambda r: r.difference),
        "reworded": [r for r in robust if r.perturbation == REWORDED],
        "counterfactuals": [c for c in _of(Counterfactual, evidence) if c.who == who],
        "promise": [p for p in _of(Promise, evidence) if p.who == who],
        "fewest": FEWEST,
        "label_promises": [p for p in _of(LabelPromise, evidence) if p.who == who],
        "speeds": _of(Speed, evidence),
        "footprint": [f for f in _of(Footprint, evidence) if f.who == who],
        "costs": _of(Cost, evidence),
        "training": [t for t in _of(Training, evidence) if t.who == who],
        "example": json.dumps(_example(spec)),
        "metric_names": METRICS,
        "counted": COUNTED,
    }
    return f"{ModelCard(fill('model_card.md.jinja', values)).content.strip()}\n"


def _example(spec: Spec) -> str:
    """A text of the spec's, without tags."""
    if not spec.examples:
        return f"Replace this with {spec.text}."
    text = spec.examples[0].text
    return strip(text, spec.labels)[0] if spec.kind == "spans" else text


def _metadata(manifest: Manifest, spec: Spec, own: Sequence[Record]) -> str:
    """The YAML a hub reads, with the model-index."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type=PIPELINES[manifest.kind],
            dataset_type=spec.gold.replace("/", "-"),
            dataset_name=f"{spec.gold}, rows labelled by people ({record.sample}, n = {record.n})",
            dataset_split="validation",
            dataset_revision=record.rows,
            metric_type=INDEXED[record.metric],
            metric_name=METRICS[record.metric],
            metric_value=record.value,
        )
        for record in own
        if record.metric in INDEXED
    ]
    return ModelCardData(
        language=manifest.language,
        license=manifest.licence,
        library_name="onnx",
        pipeline_tag=PIPELINES[manifest.kind],
        tags=[TAG, "onnx", PIPELINES[manifest.kind], "synthetic-data", manifest.name.split("/")[0]],
        model_name=manifest.name,
        eval_results=results or None,
    ).to_yaml()


def _tables(records: Sequence[Record]) -> list[Table]:
    """One table for each set of rows measured on, largest first; nobody is compared across them."""
    tables, records = [], [record for record in records if record.metric in METRICS]
    for n, sample in sorted({(record.n, record.sample) for record in records}, key=lambda key: (-key[0], key[1])):
        group = [record for record in records if (record.n, record.sample) == (n, sample)]
        metrics = sorted({record.metric for record in group}, key=list(METRICS).index)
        rows = [
            (name, what, [_last(r for r in group if (r.who, r.metric) == (name, metric)) for metric in metrics])
            for name, what in {record.who: record.what for record in group}.items()
        ]
        tables.append(Table(n, sample, metrics, rows))
    return tables


def _last(records: Any) -> Record | None:
    found = list(records)
    return found[-1] if found else None


def _mistake(confusion: Confusion, who: str) -> bool:
    return confusion.who == who and confusion.gold != confusion.predicted and confusion.count > 0


def _of(kind: type[Kind], evidence: Sequence[AnyEvidence]) -> list[Kind]:
    return [record for record in evidence if isinstance(record, kind)]
