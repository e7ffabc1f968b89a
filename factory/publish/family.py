"""The family's table: every published specialist's card and main figures, copied from the hub into cards/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from factory.errors import FactoryError
from factory.evidence.records import AnyEvidence, Record, read_evidence
from factory.files import write_text
from factory.publish.package import CARD, EVIDENCE
from zoo.hub import open_hub
from zoo.names import Version

COLUMNS = ("student:int8", "teacher", "tfidf", "reviewed_only", "majority")


def collect(hub: str, names: Sequence[str], out: Path) -> Path:
    """Write `<vertical>/<task>.md`, the newest card of each published specialist, and README.md, the table.

    Args:
        hub: address of the hub, as the zoo knows it.
        names: the specialists to look for; those without a version are left out.
        out: the folder, cards/ of the checkout.

    Returns:
        The table's path.

    Raises:
        FactoryError: nothing is published.
    """
    shelf = open_hub(hub)
    held = [name for name in shelf.names() if name in names]
    if not held:
        raise FactoryError("Nothing is published yet.", where=hub, fix="Run `make run` first.")
    lines = [
        "# The family",
        "",
        "Accuracy on human-labelled rows with 95 % intervals, from the evidence published with each version",
        "(`python -m factory cards` writes this page). Opponents: the teacher zero-shot, TF-IDF on the same training",
        "rows, the student without synthetic rows, always the most frequent label.",
        "",
        f"| specialist | version | {' | '.join(COLUMNS)} |",
        f"|---|---|{'---|' * len(COLUMNS)}",
    ]
    for name in held:
        version = shelf.versions(name)[-1]
        lines.append(_line(name, version, shelf.pull(name, version), out))
    table = out / "README.md"
    write_text(table, "\n".join(lines) + "\n")
    return table


def _line(name: str, version: Version, folder: Path, out: Path) -> str:
    write_text(out / f"{name}.md", (folder / CARD).read_text(encoding="utf-8"))
    records = read_evidence(folder / EVIDENCE)
    figures = " | ".join(_accuracy(records, who) for who in COLUMNS)
    return f"| [{name}]({name}.md) | {version} | {figures} |"


def _accuracy(records: Sequence[AnyEvidence], who: str) -> str:
    for record in records:
        if isinstance(record, Record) and (record.who, record.metric) == (who, "accuracy"):
            interval = "" if record.low is None or record.high is None else f" ({record.low:.3f} to {record.high:.3f})"
            return f"{record.value:.3f}{interval}, n {record.n}"
    return "–"
