"""From a log to rows that the factory reads: what people corrected, and what specialists were not sure of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from zoo.audit import reading
from zoo.audit.record import CORRECTION, DECISION
from zoo.audit.storage import Place, Storage
from zoo.errors import BadInput, CannotWrite, unwritable
from zoo.manifest import CLASSIFICATION, EXTRACTION, GENERATION, SPANS
from zoo.names import check_name

REVIEWED, UNLABELLED = "reviewed.jsonl", "unlabelled.jsonl"
_WITHOUT_TEXT, _MISPLACED = "without_text", "misplaced"
_AS_GOLD = {CLASSIFICATION: ("label", "label"), EXTRACTION: ("values", "record"), GENERATION: ("words", "answer")}
"""Of a kind: the key of what is right in the log, and in a row of human-labelled text."""


@dataclass(frozen=True)
class Exported:
    """What became of the decisions that were wanted.

    Attributes:
        reviewed, unlabelled: rows written.
        without_text: not written, as their texts were not kept.
        misplaced: nor these, as their corrected spans do not fit the text that was kept: it was masked, or is shorter.
    """

    reviewed: int
    unlabelled: int
    without_text: int
    misplaced: int


def export(log: Place | Storage, out: Path, *, unsure: bool, corrected: bool) -> Exported:
    """See zoo.AuditLog.export."""
    right = {one["of"]: one for _, one in reading.events(log, CORRECTION)}
    counts: Counter[str] = Counter()
    with _writable(out), ExitStack() as stack:
        sheets = _Sheets(out, stack)
        for id, decision in reading.events(log, DECISION):
            said = right.get(id)
            if not (corrected if said else unsure and decision["answer"]["unsure"]):
                continue
            row = _row(id, decision, said)
            if isinstance(row, str):
                counts[row] += 1
                continue
            name = REVIEWED if said else UNLABELLED
            sheets.write(decision["model"].partition("@")[0], name, row)
            counts[name] += 1
        sheets.done()
    return Exported(counts[REVIEWED], counts[UNLABELLED], counts[_WITHOUT_TEXT], counts[_MISPLACED])


def _row(id: str, decision: Mapping[str, Any], said: Mapping[str, Any] | None) -> dict[str, Any] | str:
    """A row as the factory's readers want it, or why there is none."""
    if "text" not in decision:
        return _WITHOUT_TEXT
    text, source = decision["text"], f"audit: {decision['model']}"
    if said is None:
        return {"id": id, "text": text, "source": source}
    kind, right = decision["answer"]["kind"], said["right"]
    if kind == SPANS:
        if decision["masked"] or any(span["end"] > len(text) for span in right["spans"]):
            return _MISPLACED
        found = [(one["label"], one["start"], one["end"]) for one in right["spans"]]
        entities = [{"type": what, "start": start, "end": end, "text": text[start:end]} for what, start, end in found]
        what = {"entities": entities}
    else:
        key, gold = _AS_GOLD[kind]
        what = {gold: right[key]}
    return {"id": id, "text": text, **what, "reviewer": said["who"], "source": source}


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        known = unwritable(error, str(out))
        raise known or CannotWrite(f"The rows can't be written: {error}.", where=str(out)) from error


class _Sheets:
    """Files that are written row by row, and appear whole."""

    def __init__(self, out: Path, stack: ExitStack) -> None:
        self._out, self._stack = out, stack
        self._open: dict[Path, TextIO] = {}

    def write(self, specialist: str, name: str, row: Mapping[str, Any]) -> None:
        """Add a row to a specialist's file."""
        path = self._out / check_name(specialist) / name
        if path not in self._open:
            if path.exists():
                fix = "Give a folder of its own to every export; nothing that is there is replaced."
                raise BadInput("There is a file of this name already.", where=str(path), fix=fix)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{name}.part")
            self._stack.callback(part.unlink, missing_ok=True)
            self._open[path] = self._stack.enter_context(part.open("w", encoding="utf-8"))
        self._open[path].write(json.dumps(row, ensure_ascii=False) + "\n")

    def done(self) -> None:
        """Let the files appear."""
        for path, file in self._open.items():
            file.close()
            Path(file.name).replace(path)
