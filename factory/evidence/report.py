"""The report a person reads, in HTML and Markdown. It computes nothing: every figure in it is printed from a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment

from factory import template as templates
from factory.evidence import plots
from factory.evidence.intervals import Interval
from factory.evidence.promise import FEWEST
from factory.evidence.records import (
    AnyEvidence,
    ClassFigures,
    Comparison,
    Confusion,
    Cost,
    Counterfactual,
    Coverage,
    Footprint,
    GateLine,
    LabelPromise,
    Learned,
    Promise,
    Record,
    Reliability,
    Robustness,
    Rung,
    Seeds,
    Slice,
    SpanMistakes,
    Speed,
    Training,
)
from factory.evidence.robustness import REWORDED
from factory.files import write_text

METRICS = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "micro_f1": "Micro-F1",
    "span_f1": "Span F1",
    "span_precision": "Precision",
    "span_recall": "Recall",
    "relaxed_f1": "Relaxed F1",
    "relaxed_precision": "Relaxed precision",
    "relaxed_recall": "Relaxed recall",
    "texts_right": "Texts all right",
    "field_f1": "Field F1",
    "field_precision": "Precision",
    "field_recall": "Recall",
    "exact_f1": "Exact F1",
    "exact_precision": "Exact precision",
    "exact_recall": "Exact recall",
    "records_right": "Records all right",
    "rouge_l": "ROUGE-L",
    "rouge_1": "ROUGE-1",
    "rouge_2": "ROUGE-2",
    "alike": "Alike",
    "length": "Length",
    "copied": "Copied",
    "foreign": "With something that the text lacks",
    "answered": "Answered",
    "ece": "Calibration error (ECE)",
    "brier": "Brier score",
    "aurc": "Area under the risk-coverage curve",
}
FIRST = ("accuracy", "macro_f1", "span_f1", "relaxed_f1", "field_f1", "exact_f1", "rouge_l", "rouge_1", "rouge_2")
"""The figures that systems are told apart by; those are told that were measured."""
KINDS = {"span_f1": "spans", "field_f1": "extraction", "rouge_l": "generation"}
"""A figure to the kind that alone has it."""
BESIDE = {
    "spans": ("span_precision", "span_recall"),
    "extraction": ("field_precision", "field_recall", "records_right"),
    "generation": ("alike", "copied", "foreign"),
}
"""Kind to the columns that follow."""
NAMES = {
    "teacher": "Teacher, zero-shot",
    "teacher:weaker prompt": "Teacher, the weaker of two prompts",
    "few_shot": "Teacher, shown people's rows like each text",
    "tfidf": "TF-IDF, same rows",
    "static": "Static word vectors, same rows",
    "reviewed_only": "Student, reviewed rows only",
    "unpruned": "Student with all of its layers",
    "majority": "Most frequent label",
    "features": "Word features, same rows",
    "lexicon": "Words marked in the same rows",
    "nearest": "Nearest of the same rows",
    "frequent": "Values known from the same rows",
    "lead": "First words of the text",
    "question": "Longest question of the text",
}


@dataclass(frozen=True)
class Report:
    """What is printed.

    Attributes:
        name: `support/intent`.
        title, purpose: as the spec says them.
        candidate: `who` in the records stands for what would be published.
        evidence: every record; the report sorts them into tables.
        data: sections about the training data: title to (name to figure or words), in order.
        version: of the specialist, if it has one by now.
        notes: sentences a reader must not miss: a forced publication, a sample instead of all rows.
        checks: what worth.json of the stage `review` says of the checks of hygiene; empty: no such section.
        judges: what judges.json of the stage `review` says of the spec's judges; empty: no such section.
        proposed: proposals.json of the stage `review`: what people would change in the policy; empty: no such section.
        judge: what judge.json of the stage `review` says of drops on the judge's word; empty: no such section.
    """

    name: str
    title: str
    purpose: str
    candidate: str
    evidence: Sequence[AnyEvidence]
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version: str = ""
    notes: Sequence[str] = ()
    checks: Mapping[str, Any] = field(default_factory=dict)
    judges: Mapping[str, Any] = field(default_factory=dict)
    judge: Mapping[str, Any] = field(default_factory=dict)
    proposed: Sequence[Mapping[str, Any]] = ()


def write(folder: Path, report: Report) -> tuple[Path, Path]:
    """Write report.html and report.md; returns their paths."""
    html, markdown = folder / "report.html", folder / "report.md"
    write_text(html, render(report, "report.html.jinja"))
    write_text(markdown, render(report, "report.md.jinja"))
    return html, markdown


def render(report: Report, template: str) -> str:
    """A report through one of the templates in cards/; HTML is escaped."""
    seen = view(report)
    return environment().get_template(template).render(report=report, view=seen, pictures=pictures(seen)) + "\n"


def environment() -> Environment:
    """The templates of cards/ and the filters that say figures in words; HTML is escaped."""
    found = templates.environment()
    found.filters |= {
        "percent": templates.percent,
        "points": points,
        "band": band,
        "number": number,
        "megabytes": megabytes,
        "cell": templates.cell,
        "metric": metric,
        "who": who,
    }
    return found


def pictures(seen: Mapping[str, Any]) -> dict[str, str]:
    """What of a view can be drawn, by name, as SVG; empty where it has no records to draw."""
    found = dict.fromkeys(("coverage", "reliability", "confusions", "learned"), "")
    if seen["coverage"]:
        unit = "Spans" if seen["kind"] == "spans" else "Answers"
        found["coverage"] = plots.coverage(seen["coverage"], seen["promise"], unit)
    if seen["reliability"]:
        found["reliability"] = plots.reliability(seen["reliability"])
    if seen["confusions"]:
        found["confusions"] = plots.confusion(seen["confusions"], seen["classes"])
    if seen["learned"]:
        found["learned"] = plots.learning(seen["learned"])
    return found


def view(report: Report) -> dict[str, Any]:
    """The records by the tables they go into, each in its reading order. Sorting is all that happens here."""

    def of(kind: type[Any], who: str | None = None) -> list[Any]:
        return [one for one in report.evidence if isinstance(one, kind) and who in (None, one.who)]

    gate: list[GateLine] = of(GateLine)
    own: dict[str, Record] = {one.metric: one for one in of(Record, report.candidate)}
    classes: list[ClassFigures] = of(ClassFigures, report.candidate)
    measured, robust = {one.metric for one in of(Record)}, of(Robustness, report.candidate)
    return {
        "kind": next((kind for name, kind in KINDS.items() if name in measured), "classification"),
        "columns": [name for name in FIRST if name in measured],
        "beside": [name for names in BESIDE.values() for name in names if name in measured],
        "mistakes": of(SpanMistakes, report.candidate),
        "gate": gate,
        "passed": bool(gate) and all(line.passed for line in gate),
        "systems": systems(of(Record), report.candidate),
        "comparisons": of(Comparison),
        "classes": sorted(classes, key=lambda one: (one.f1, -one.support, one.label)),
        "confusions": [one for one in of(Confusion, report.candidate)][:15],
        "coverage": sorted(of(Coverage, report.candidate), key=lambda one: -one.coverage),
        "reliability": of(Reliability, report.candidate),
        "learned": of(Learned, report.candidate),
        "rungs": of(Rung, report.candidate),
        "seeds": of(Seeds, report.candidate),
        "slices": sorted(of(Slice, report.candidate), key=lambda one: (one.few, one.value, one.by, one.slice)),
        "robustness": sorted((r for r in robust if r.perturbation != REWORDED), key=lambda one: one.difference),
        "reworded": [r for r in robust if r.perturbation == REWORDED],
        "counterfactuals": of(Counterfactual, report.candidate),
        "promise": of(Promise, report.candidate),
        "fewest": FEWEST,
        "label_promises": of(LabelPromise, report.candidate),
        "calibration": [own[name] for name in ("ece", "brier", "aurc") if name in own],
        "headline": own,
        "speed": of(Speed),
        "footprint": of(Footprint, report.candidate),
        "cost": of(Cost),
        "training": of(Training, report.candidate),
        "circumstances": unique((one.hardware, one.commit, one.created) for one in report.evidence if one.created),
        "rows": unique((one.rows, one.n, one.sample) for one in of(Record)),
        "judges": [judged(one) for one in report.judges.get("judges", ())],
        "checks": [checked(one) for one in report.checks.get("checks", ())],
    }


def checked(one: Mapping[str, Any]) -> dict[str, Any]:
    """A check as worth.json tells of it, its shares with intervals as the templates' filters take them."""
    return {**one, **{name: interval(one[name]) for name in ("precision", "recall")}}


def judged(one: Mapping[str, Any]) -> dict[str, Any]:
    """A judge as judges.json tells of it, the same way; `n` rows of people."""
    found = {"accuracy": interval(one["accuracy"]), "n": (one["accuracy"] or {"n": 0})["n"]}
    return {"kappa": None, **one, **found}


def interval(one: Mapping[str, Any] | None) -> Interval | None:
    """A share and its interval out of a file."""
    return Interval(one["value"], one["low"], one["high"]) if one else None


def systems(records: Sequence[Record], candidate: str) -> list[dict[str, Any]]:
    """One entry a system and set of rows: its records by metric; the candidate first, then as recorded."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in records:
        entry = found.setdefault((one.who, one.rows), {"who": one.who, "what": one.what, "n": one.n, "metrics": {}})
        entry["sample"] = one.sample
        entry["metrics"][one.metric] = one
    return sorted(found.values(), key=lambda entry: entry["who"] != candidate)


def unique(values: Iterable[Any]) -> list[Any]:
    """Each value once, in order."""
    return list(dict.fromkeys(values))


def metric(name: str) -> str:
    """A metric's name for people."""
    return METRICS.get(name, name)


def who(name: str) -> str:
    """A system's name for people."""
    return NAMES.get(name, name.replace("student:", "Student, ").replace("_", " "))


def points(value: float | None) -> str:
    """A difference of shares in points: 0.041 as `+4.1`."""
    return "–" if value is None else f"{100 * value:+.1f}".replace("-", "−")


def band(record: Any) -> str:
    """A record's interval in per cent: `79.1–83.2`; empty where it has none."""
    return "" if record.low is None or record.high is None else f"{100 * record.low:.1f}–{100 * record.high:.1f}"


def number(value: float) -> str:
    """Three figures that matter, no more, and thousands set apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def megabytes(size: int) -> str:
    """Bytes as `23.4 MB`, a million bytes each."""
    return f"{size / 1e6:,.1f} MB"
