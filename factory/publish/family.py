"""The family's table and picture: every published specialist's card and main figures, copied from the hub to cards/."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from factory.errors import FactoryError
from factory.evidence.records import AnyEvidence, Record, read_evidence
from factory.files import write_text
from factory.publish import family_readme, package
from factory.publish.family_figures import STUDENT, Figure, read, write
from factory.publish.family_picture import picture
from factory.publish.hub import Hub
from factory.publish.package import CARD, EVIDENCE
from factory.publish.sound import said
from zoo.manifest import Manifest
from zoo.names import Version
from zoo.yanked import given

FIGURES, PICTURE = "family.csv", "family.svg"
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


_HEAD = """# The family

![Each specialist beside its teacher and the best baseline, with 95 % intervals](family.svg)

Figures on human-labelled rows with 95 % intervals, from the evidence published with each version. `python -m factory
cards` writes this page, family.csv, family.svg and the short table in the README.md above; a specialist that its hub
does not have keeps its line. Opponents: the teacher zero-shot, and shown people's rows like each text (few_shot);
TF-IDF and static vectors of words on the same training rows, the student without synthetic rows, always the most
frequent label; of spans, features of words and the words marked in the same rows; of records and answers what the
nearest of the same rows has; of records also values known from them, of answers also the text's longest question and
its first words. A version "by force" did not pass its gate; its card says why."""
BY_FORCE = ", by force"
"""Beside such a version's number."""


def collect(hub: Hub, names: Sequence[str], out: Path) -> Path:
    """Write `<vertical>/<task>.md`, the newest card of each published specialist; their figures into family.csv; and
    README.md, the table, and family.svg, the picture, of all figures there; and the short table into the checkout's
    README.md.

    What a hub does not have stays as another one had it: a version that was published does not change.

    Args:
        hub: where they are published; of a server papers alone are downloaded, no weights.
        names: the specialists to look for; those without a version, or with yanked ones alone, are left as they are.
            Figures of others are left out.
        out: the folder, cards/ of the checkout.

    Returns:
        The table's path.

    Raises:
        FactoryError: nothing is published.
        HubError: what is published can't be read, or is not what was published.
    """
    newest = {name: versions[-1] for name in names if (versions := given(hub, name))}
    if not newest:
        raise FactoryError("Nothing is published yet.", where=hub.address, fix="Run `make run` first.")
    figures = [one for one in read(out / FIGURES) if one.specialist in names and one.specialist not in newest]
    cards = {}
    for name, version in newest.items():
        with tempfile.TemporaryDirectory() as into:
            folder = hub.papers(name, version, Path(into))
            cards[name] = (folder / CARD).read_text(encoding="utf-8")
            figures += _figures(name, version, folder)
    for name, card in cards.items():
        write_text(out / f"{name}.md", card)
    write(out / FIGURES, figures)
    write_text(out / PICTURE, picture(figures, TITLES))
    table = out / "README.md"
    write_text(table, "\n".join([_HEAD, *_tables(figures)]) + "\n")
    family_readme.put(out.parent / "README.md", figures, TITLES, out.name)
    return table


def told_by(evidence: Sequence[AnyEvidence]) -> str:
    """The metric that a version with this evidence is told by first."""
    measured = {one.metric for one in evidence if isinstance(one, Record)}
    return next((name for name in reversed(COLUMNS) if name in measured), "accuracy")


def _figures(name: str, version: Version, folder: Path) -> list[Figure]:
    """Those of a published version, by the metric that its kind is told by."""
    evidence = read_evidence(folder / EVIDENCE)
    records = [one for one in evidence if isinstance(one, Record)]
    metric = told_by(evidence)
    with said():
        manifest = Manifest.read(folder)
    own, called = package.who(manifest), f"{version}{BY_FORCE}" if manifest.forced else str(version)
    found = []
    for who in COLUMNS[metric]:
        sought = (own if who == STUDENT else who, metric)
        one = next((one for one in records if (one.who, one.metric) == sought), None)
        if one:
            low, high = (None if end is None else round(end, 6) for end in (one.low, one.high))
            found.append(Figure(name, called, metric, who, round(one.value, 6), low, high, one.n))
    return found


def _tables(figures: Sequence[Figure]) -> Iterator[str]:
    for metric, columns in COLUMNS.items():
        lines: dict[str, dict[str, Figure]] = {}
        for one in sorted(figures, key=lambda one: one.specialist):
            if one.metric == metric:
                lines.setdefault(one.specialist, {})[one.who] = one
        if lines:
            head = f"| {TITLES[metric]} | version | {' | '.join(columns)} |"
            yield from ["", head, f"|---|---|{'---|' * len(columns)}"]
        for name, those in lines.items():
            version = next(iter(those.values())).version
            yield f"| [{name}]({name}.md) | {version} | {' | '.join(_said(those.get(who)) for who in columns)} |"


def _said(one: Figure | None) -> str:
    if one is None:
        return "–"
    interval = "" if one.low is None or one.high is None else f" ({one.low:.3f} to {one.high:.3f})"
    return f"{one.value:.3f}{interval}, n {one.n}"
