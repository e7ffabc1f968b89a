"""What sets two dataset versions apart, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from factory.dataset.split import Split
from factory.dataset.version import SPLITS, DatasetVersion, seen
from factory.row import Row

Placed = tuple[Row, Split]
SHOWN = 3
"""Examples a kind of difference."""
_WIDE = 100
_DECISIONS = {"label", "spans", "record", "answer"}


@dataclass(frozen=True)
class Change:
    """A text that both versions hold, and not alike.

    Attributes:
        before, after: the row and its split in either.
        parts: what differs, see `factory.dataset.version.seen`; never `text`.
    """

    before: Placed
    after: Placed
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Diff:
    """Every difference, rows by id.

    Attributes:
        before, after: the versions.
        removed, added: rows of which only one version holds the text.
        changed: rows of which both do.
        same: how many rows are alike in both.
    """

    before: DatasetVersion
    after: DatasetVersion
    removed: list[Placed]
    added: list[Placed]
    changed: list[Change]
    same: int

    def records(self) -> Iterator[dict[str, Any]]:
        """One JSON object a difference: `change` (removed, added, changed), `id`, `parts`, `before`, `after`."""
        for placed in self.removed:
            yield {"change": "removed", "id": placed[0].id, "parts": [], "before": _record(placed), "after": None}
        for placed in self.added:
            yield {"change": "added", "id": placed[0].id, "parts": [], "before": None, "after": _record(placed)}
        for one in self.changed:
            before, after = _record(one.before), _record(one.after)
            parts = {"id": one.after[0].id, "parts": list(one.parts)}
            yield {"change": "changed", **parts, "before": before, "after": after}


def diff(before: DatasetVersion, after: DatasetVersion) -> Diff:
    """Compare two versions by what a version is made of: nothing differs if and only if they have one name and labels.

    A row is its text, so a text with another label is one changed row, not two.
    """
    a, b = _rows(before), _rows(after)
    changed = []
    for row_id in sorted(set(a) & set(b)):
        here, there = seen(*a[row_id]), seen(*b[row_id])
        parts = tuple(part for part in here if here[part] != there[part])
        if parts:
            changed.append(Change(a[row_id], b[row_id], parts))
    return Diff(
        before,
        after,
        removed=[a[row_id] for row_id in sorted(set(a) - set(b))],
        added=[b[row_id] for row_id in sorted(set(b) - set(a))],
        changed=changed,
        same=len(set(a) & set(b)) - len(changed),
    )


def text(found: Diff) -> str:
    """The differences for a person: counts, by label and by origin, and a few examples of each kind."""
    a, b = found.before, found.after
    parts = Counter(part for one in found.changed for part in one.parts)
    which = ", ".join(f"{part} {count}" for part, count in parts.most_common())
    lines = [
        *_table(f"{a.name}", [f"{a.version}", f"{b.version}"], [
            ("rows", [sum(a.manifest["splits"].values()), sum(b.manifest["splits"].values())]),
            ("only there", [len(found.removed), len(found.added)]),
        ]),
        f"  in both    {found.same + len(found.changed)}: {found.same} alike, {len(found.changed)} not"
        + (f" ({which})" if which else ""),
    ]  # fmt: skip
    lines += _made_with(a.manifest, b.manifest)
    for title, key in (("By label", _label), ("By origin", _origin)):
        lines += ["", *_by(found, title, key)]
    for title, rows in ((f"Only in {a.version}", found.removed), (f"Only in {b.version}", found.added)):
        lines += _examples(title, [(_label(placed), placed[0]) for placed in rows])
    relabelled = [one for one in found.changed if _DECISIONS & set(one.parts)]
    lines += _examples(
        "With another label", [(f"{_said(one.before)} -> {_said(one.after)}", one.after[0]) for one in relabelled]
    )
    others = [one for one in found.changed if not _DECISIONS & set(one.parts)]
    lines += _examples("With the same label, but not alike", [(", ".join(o.parts), o.after[0]) for o in others])
    if not (found.removed or found.added or found.changed):
        lines += ["", "Their rows are the same."]
    return "\n".join(lines)


def _rows(version: DatasetVersion) -> dict[str, Placed]:
    return {row.id: (row, split) for split in SPLITS for row in version.rows(split)}


def _record(placed: Placed) -> dict[str, Any]:
    row, split = placed
    return {**row.to_json(), "split": split}


def _label(placed: Placed) -> str:
    return placed[0].stratum


def _said(placed: Placed) -> str:
    """A row's decision in a word, or an answer in some."""
    answer = placed[0].answer
    return _label(placed) if answer is None else _short(answer)


def _origin(placed: Placed) -> str:
    return placed[0].origin


def _made_with(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """What the manifests say differently of how the versions were made."""
    pairs = [("labels", a["labels"], b["labels"]), ("teachers", a["teachers"], b["teachers"])]
    pairs += [(name, sha[:12], b["prompts"].get(name, "")[:12]) for name, sha in a["prompts"].items()]
    pairs += [("spec", a["spec"], b["spec"])]

    def said(value: Any) -> str:
        return ", ".join(value) if isinstance(value, list) else str(value)

    return [f"  {name}: {said(one)} -> {said(other)}" for name, one, other in pairs if one != other]


def _by(found: Diff, title: str, key: Callable[[Placed], str]) -> list[str]:
    """Counts per value of a key."""
    sides = [
        Counter(map(key, _rows(found.before).values())),
        Counter(map(key, _rows(found.after).values())),
        Counter(map(key, found.removed)),
        Counter(map(key, found.added)),
        Counter(key(one.before) for one in found.changed if key(one.before) != key(one.after)),
        Counter(key(one.after) for one in found.changed if key(one.before) != key(one.after)),
    ]
    heads = [found.before.version, found.after.version, "removed", "added", "changed from", "changed to"]
    names = sorted({name for side in sides for name in side})
    return _table(title, heads, [(name, [side[name] for side in sides]) for name in names])


def _table(title: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]) -> list[str]:
    wide = max(len(title), *(len(name) + 2 for name, _ in rows)) if rows else len(title)
    widths = [max(len(head), 7) for head in heads]
    lines = [title.ljust(wide) + "".join(f"  {head:>{width}}" for head, width in zip(heads, widths, strict=True))]
    for name, values in rows:
        cells = "".join(f"  {value:>{width}}" for value, width in zip(values, widths, strict=True))
        lines.append(f"  {name}".ljust(wide) + cells)
    return lines


def _examples(title: str, rows: Sequence[tuple[str, Row]]) -> list[str]:
    if not rows:
        return []
    shown = [f"  {row.id}  {note}: {_short(row.text)}" for note, row in rows[:SHOWN]]
    more = [f"  ... and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return ["", title, *shown, *more]


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _WIDE else line[: _WIDE - 1] + "…"
