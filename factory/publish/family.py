"""The family's table: every published specialist's card and main figures, copied from the hub into cards/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from factory.errors import FactoryError
from factory.evidence.records import AnyEvidence, Record, read_evidence
from factory.files import write_text
from factory.publish import package
from factory.publish.package import CARD, EVIDENCE
from zoo.hub import open_hub
from zoo.manifest import Manifest
from zoo.names import Version
from zoo.yanked import given

STUDENT = "student"
COLUMNS = {
    "accuracy": (STUDENT, "teacher", "few_shot", "tfidf", "static", "reviewed_only", "majority"),
    "span_f1": (STUDENT, "teacher", "few_shot", "features", "reviewed_only", "lexicon"),
    "field_f1": (STUDENT, "teacher", "few_shot", "nearest", "reviewed_only", "frequent"),
    "rouge_l": (STUDENT, "teacher", "few_shot", "nearest", "reviewed_only", "question", "lead"),
}
"""The figure of each kind of specialist, and whose it is told of; a student's on the weights loaded by default."""
TITLES = {
    "accuracy": "accuracy",
    "span_f1": "span F1 (strict)",
    "field_f1": "field F1 (normalised)",
    "rouge_l": "ROUGE-L",
}


def collect(hub: str, names: Sequence[str], out: Path) -> Path:
    """Write `<vertical>/<task>.md`, the newest card of each published specialist, and README.md, the table.

    Args:
        hub: address of the hub, as the zoo knows it.
        names: the specialists to look for; those without a version, or with yanked ones alone, are left out.
        out: the folder, cards/ of the checkout.

    Returns:
        The table's path.

    Raises:
        FactoryError: nothing is published.
    """
    shelf = open_hub(hub)
    newest: dict[str, Version] = {}
    for name in shelf.names():
        if name in names and (versions := given(shelf, name)):
            newest[name] = versions[-1]
    if not newest:
        raise FactoryError("Nothing is published yet.", where=hub, fix="Run `make run` first.")
    lines = [
        "# The family",
        "",
        "Figures on human-labelled rows with 95 % intervals, from the evidence published with each version",
        "(`python -m factory cards` writes this page). Opponents: the teacher zero-shot, and shown people's rows",
        "like each text (few_shot); TF-IDF and static vectors of words on the same training rows, the student without",
        "synthetic rows, always the most frequent label; of spans, features of words and the words marked in the same",
        "rows; of records and answers what the nearest of the same rows has; of records also values known from them,",
        "of answers also the text's longest question and its first words.",
    ]
    found: dict[str, list[str]] = {metric: [] for metric in COLUMNS}
    for name, version in newest.items():
        metric, line = _line(name, version, shelf.pull(name, version), out)
        found[metric].append(line)
    for metric, those in found.items():
        if those:
            columns = COLUMNS[metric]
            head = f"| {TITLES[metric]} | version | {' | '.join(columns)} |"
            lines += ["", head, f"|---|---|{'---|' * len(columns)}", *those]
    table = out / "README.md"
    write_text(table, "\n".join(lines) + "\n")
    return table


def _line(name: str, version: Version, folder: Path, out: Path) -> tuple[str, str]:
    write_text(out / f"{name}.md", (folder / CARD).read_text(encoding="utf-8"))
    records = read_evidence(folder / EVIDENCE)
    measured = {record.metric for record in records if isinstance(record, Record)}
    metric = next((name for name in reversed(COLUMNS) if name in measured), "accuracy")
    own = package.who(Manifest.read(folder))
    figures = " | ".join(_figure(records, own if who == STUDENT else who, metric) for who in COLUMNS[metric])
    return metric, f"| [{name}]({name}.md) | {version} | {figures} |"


def _figure(records: Sequence[AnyEvidence], who: str, metric: str) -> str:
    for record in records:
        if isinstance(record, Record) and (record.who, record.metric) == (who, metric):
            interval = "" if record.low is None or record.high is None else f" ({record.low:.3f} to {record.high:.3f})"
            return f"{record.value:.3f}{interval}, n {record.n}"
    return "–"
