"""Where a system is weak: its main figure on parts of the gold rows that can be told apart without asking it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import Known, Truth
from factory.evidence.intervals import BOOTSTRAP, WILSON, Metric, bootstrap, wilson
from factory.evidence.predictions import Predictions
from factory.evidence.records import Slice
from factory.evidence.saying import Saying

FEW = 30
"""With fewer rows a slice tells little, and says so."""
MOST = 20
"""A key of the gold file with more values than this names rows rather than kinds of rows."""
DECISIONS = {"id", "text", "label", "entities", "record", "field", "answer"}
"""Keys of a gold file's lines that are not about where a row is from."""
Groups = Mapping[str, Mapping[str, str]]
"""What rows are told apart by: a name to (row id to group)."""


def groups(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """What a gold file's own keys tell rows apart by: `source` (up to a `#`), and others of two to MOST values.

    Values with fewer than FEW rows are one group, `others`.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for line in lines:
        for key in line.keys() - DECISIONS:
            if (value := _plain(line[key])) is not None:
                found[key][line["id"]] = value.partition("#")[0] if key == "source" else value
    kept = {}
    for key in sorted(found):
        counts = Counter(found[key].values())
        if 2 <= len(counts) <= MOST:
            kept[key] = {row: value if counts[value] >= FEW else "others" for row, value in found[key].items()}
    return kept


def measure(
    predictions: Predictions, metric: Metric, texts: Mapping[str, str], told: Groups, circumstances: Circumstances
) -> list[Slice]:
    """A system's figure on each slice: thirds by length of text; how much people found; and by `told`.

    A slice in which people found nothing has no figure and is left out, and so is what does not tell rows apart.

    Args:
        predictions: its answers.
        metric: the figure; accuracy has Wilson's interval, others the bootstrap's.
        texts: the gold rows' texts, by id.
        told: see groups.
        circumstances: written into the records.
    """
    ids = [item.id for item in predictions.items]
    found: dict[str, Mapping[str, str]] = {
        "length": _thirds({one: len(texts[one]) for one in ids}),
        "found by people": {item.id: _count(item.gold) for item in predictions.items},
        **told,
    }
    records = []
    for by, group in found.items():
        members: dict[str, list[str]] = defaultdict(list)
        for one in ids:
            if group.get(one):
                members[group[one]].append(one)
        if len(members) > 1:
            records += [_slice(predictions.on(rows), by, name, metric, circumstances) for name, rows in members.items()]
    return [one for one in records if one is not None]


def _slice(part: Predictions, by: str, name: str, metric: Metric, circumstances: Circumstances) -> Slice | None:
    n = len(part.items)
    if part.kind in ("spans", "extraction") and all(_count(gold) == "" for gold in part.gold):
        return None
    one = wilson(sum(part.rights), n) if metric == "accuracy" else bootstrap(metric, part.gold, part.predicted)
    return Slice(
        **{**Saying(part, circumstances).common, "sample": f"{by}: {name}"},
        by=by,
        slice=name,
        figure=metric,
        **vars(one),
        method=WILSON if metric == "accuracy" else BOOTSTRAP,
        few=n < FEW,
    )


def _thirds(lengths: Mapping[str, int]) -> dict[str, str]:
    """Row to the third of the rows it belongs to; rows of one length are all in one."""
    ranked = sorted(lengths.values())
    first, second = (ranked[max(0, len(ranked) * part // 3 - 1)] for part in (1, 2))

    def name(length: int) -> str:
        if length <= first:
            return f"up to {first} characters"
        return f"{first + 1} to {second} characters" if length <= second else f"over {second} characters"

    return {row: name(length) for row, length in lengths.items()}


def _count(gold: Truth) -> str:
    """How many spans or fields people found in a text; empty where none, or where it is not what they were asked."""
    if isinstance(gold, tuple | Known):
        n, unit = (len(gold.record), "field") if isinstance(gold, Known) else (len(gold), "span")
        return {0: "", 1: f"one {unit}", 2: f"two {unit}s"}.get(n, f"three {unit}s or more")
    return ""


def _plain(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(sorted(value)) or "none"
    return str(value) if isinstance(value, str | int) and value != "" else None
