"""What a plan's cells yielded: rows asked for, written, kept, and dropped with the reason; and how varied they are.

Rows count once for their strategy, once for their label, once for each of their attributes, and once for each pair of
label and attribute value. Of a label's figures nothing is hidden: asked = what never came + written (or less, where a
teacher wrote more than it was asked for), written = kept + dropped.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from factory.files import digest
from factory.generate.diversity import Array, distinct, nearest, openings, spread
from factory.generate.strategies.cell import Cell
from factory.generate.write import asked_of, strategy_of
from factory.row import Row

SAMPLE = 400
"""Texts of a group that are measured, at most: figures depend on how many texts there are, so groups are cut alike."""
SHARED = 30
"""Groups of fewer texts do not make the others smaller; their figures say how many texts they are of."""


@dataclass
class Yield:
    """What came of the cells with one value, or with one label and one value.

    Attributes:
        axis: `strategy`, `label` or an attribute.
        value: one of its values.
        label: the label, where it is of one label only; else empty.
        asked: rows.
        written: rows that could be read.
        kept: rows that passed every check.
        dropped: check and category of reason to rows.
    """

    axis: str
    value: str
    label: str = ""
    asked: int = 0
    written: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


def yields(cells: Iterable[Cell], kept: Iterable[Row], dropped: Iterable[Row]) -> list[Yield]:
    """A table of what cells yielded; only generated rows count.

    Args:
        cells: every cell asked for, or meant to be.
        kept, dropped: rows after cleaning; a dropped row's last verdict says why.
    """
    found: dict[tuple[str, str, str], Yield] = {}

    def at(axis: str, value: str, label: str) -> Yield:
        return found.setdefault((axis, value, label), Yield(axis, value, label))

    for cell in cells:
        for label, count in cell.asks.items():
            for key in _keys(label, cell.strategy, cell.attributes):
                at(*key).asked += count
    for row in kept:
        if row.origin == "generated":
            for one in (at(*key) for key in _of(row)):
                one.written, one.kept = one.written + 1, one.kept + 1
    for row in dropped:
        if row.origin == "generated":
            why = _why(row)
            for one in (at(*key) for key in _of(row)):
                one.written += 1
                one.dropped[why] = one.dropped.get(why, 0) + 1
    axes = {axis: place for place, axis in enumerate(dict.fromkeys(axis for axis, _, _ in found))}
    return sorted(found.values(), key=lambda one: (bool(one.label), axes[one.axis], one.value, one.label))


def groups(rows: Sequence[Row], vectors: Array) -> dict[str, tuple[list[str], Array]]:
    """Kept rows' texts and vectors: `generated` and, of several, each strategy's; `real` and `reviewed`."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.origin == "generated":
            places["generated"].append(place)
            places[f"generated: {strategy_of(row)}"].append(place)
        elif row.origin in ("unlabelled", "reviewed"):
            places["real" if row.origin == "unlabelled" else "reviewed"].append(place)
    strategies = [name for name in places if ":" in name]
    if len(strategies) == 1:
        del places[strategies[0]]
    return {name: ([rows[place].text for place in found], vectors[found]) for name, found in sorted(places.items())}


def diversity(found: dict[str, tuple[list[str], Array]]) -> list[dict[str, Any]]:
    """How varied each group of texts is, and how far it is from the others: a line a group.

    Groups are measured on samples of one size, drawn by the texts' hashes; the last columns give each group's median
    cosine distance to the nearest text of the group so named (of its own: to the nearest other).
    """
    sizes = [len(texts) for texts, _ in found.values() if len(texts) >= SHARED]
    size = min([SAMPLE, *sizes])
    drawn = {name: _sample(texts, vectors, size) for name, (texts, vectors) in found.items() if texts}
    lines = []
    for name, (texts, vectors) in drawn.items():
        common = openings(texts).most_common(1)
        line: dict[str, Any] = {
            "texts": name,
            "of": len(found[name][0]),
            "measured": len(texts),
            "words": round(sum(len(text.split()) for text in texts) / len(texts), 1),
            "distinct-1": round(distinct(texts, 1), 3),
            "distinct-2": round(distinct(texts, 2), 3),
            "commonest opening": round(common[0][1] / len(texts), 3),
            "spread": _round(spread(vectors)),
        }
        for other in ("generated", "real", "seed", "reviewed"):
            if other in drawn:
                line[f"to {other}"] = _distance(vectors, drawn[other][1], itself=name == other)
        lines.append(line)
    return lines


def markdown(table: Sequence[Yield], varied: Sequence[dict[str, Any]], title: str) -> str:
    """The report for people: totals by value, the thinnest crossings of label and value, and diversity."""
    parts = [f"# Coverage: {title}\n"]
    for axis in dict.fromkeys(one.axis for one in table if not one.label):
        lines = [_line(one) for one in table if one.axis == axis and not one.label]
        parts.append(_table([axis, "asked", "written", "kept", "of asked", "dropped for"], lines))
    crossings = [one for one in table if one.label and one.asked]
    thin = sorted(crossings, key=lambda one: (one.kept / one.asked, -one.asked, one.label, one.axis, one.value))[:15]
    lines = [[f"{one.label}, {one.axis}", *_line(one)] for one in thin]
    parts.append("## Thinnest\n")
    parts.append(_table(["label and axis", "value", "asked", "written", "kept", "of asked", "dropped for"], lines))
    if varied:
        heads = list(dict.fromkeys(head for line in varied for head in line))
        parts.append("## Diversity\n\nHigher is more varied; `to` is the distance to the nearest text of that group.\n")
        parts.append(_table(heads, [[str(line.get(head, "")) for head in heads] for line in varied]))
    return "\n".join(parts)


def to_json(table: Sequence[Yield], varied: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """As coverage.json holds it."""
    return {"yields": [asdict(one) for one in table], "diversity": list(varied)}


def _keys(label: str, strategy: str, attributes: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    yield "strategy", strategy, ""
    yield "label", label, ""
    yield "strategy", strategy, label
    for axis, value in attributes.items():
        if axis not in ("strategy", "types", "fields"):  # told above
            yield axis, value, ""
            yield axis, value, label


def _of(row: Row) -> Iterator[tuple[str, str, str]]:
    return _keys(asked_of(row), strategy_of(row), row.attributes)


def _why(row: Row) -> str:
    verdict = next((verdict for verdict in row.verdicts if not verdict.passed), None)
    return f"{verdict.check}: {verdict.reason.split(':', 1)[0]}" if verdict else "unknown"


def _sample(texts: Sequence[str], vectors: Array, size: int) -> tuple[list[str], Array]:
    places = sorted(range(len(texts)), key=lambda place: digest(texts[place]))[:size]
    return [texts[place] for place in places], vectors[places]


def _distance(vectors: Array, others: Array, *, itself: bool) -> float | None:
    if len(others) < (2 if itself else 1):
        return None
    return _round(float(np.median(nearest(vectors, others, itself=itself))))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _line(one: Yield) -> list[str]:
    reasons = Counter(one.dropped).most_common(3)
    share = f"{one.kept / one.asked:.0%}" if one.asked else "-"
    why = ", ".join(f"{reason} {count}" for reason, count in reasons)
    return [one.value, str(one.asked), str(one.written), str(one.kept), share, why]


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)
