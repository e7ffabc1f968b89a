"""Review in a folder of JSONL files: for tests, for scripts, and for people without Argilla.

`<root>/<vertical>/<task>/v<major>/` holds `to_review.jsonl`, which push writes, `policy.md`, and `answers.jsonl`, which
people write: one JSON object a line with `row_id` and `label` (null for none), and if they like `reviewer`, `problem`,
`comment` and `submitted_at`. A copy of a line of to_review.jsonl with a label put in is an answer too. Of a row that is
there to be settled (`reason`: `disputed`), whose answer it is says the answer's own `reason`; of a row that is shown
again because the policy has changed (`again`), the answer's own `again`.

Where the decision is a set of spans, `spans` takes the place of `label`: a list of objects with `start`, `end` and
`label`; or, easier to type, `marked`: the text with tags in it, as `suggestion` has them. Null where none can be given.
Where it is a record, `record` does: an object by the spec's fields, or the same as JSON text, as `suggestion` has it.
Where it is an answer in words, `answer` does, and beside it perhaps `rating`, of the suggested one: 1 to 5.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from factory.files import read_jsonl, write_jsonl, write_text
from factory.review.backend import (
    DISPUTED,
    RATINGS,
    Answer,
    Item,
    Pulled,
    Pushed,
    RecordAnswer,
    SpansAnswer,
    WordedAnswer,
    checked,
    record_of,
)
from factory.review.policy import identity
from factory.span import Span, strip
from factory.spec import Spec
from factory.wording import settle

_Place = tuple[str, bool, str]
_OPTIONAL = ("reviewer", "problem", "comment", "submitted_at")


class JsonlBackend:
    """A backend over a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, spec: Spec) -> Path:
        """Where a specialist's files lie."""
        return self._root / spec.name / f"v{spec.major}"

    def push(self, spec: Spec, items: Sequence[Item]) -> Pushed:
        """See Backend.push."""
        path = self.folder(spec) / "to_review.jsonl"
        there, now = read_jsonl(path) if path.exists() else [], identity(spec)
        answered = _answered(path.with_name("answers.jsonl"))
        # A row that nobody has answered will be answered by the policy that lies beside it now.
        there = [value if _place(value) in answered else {**value, "policy": now} for value in there]
        known = {_place(value) for value in there}
        shown_now = ({**asdict(item), "policy": now} for item in items)
        new = {place: value for value in shown_now if (place := _place(value)) not in known}
        write_text(path.with_name("policy.md"), spec.template("policy.md"))
        write_jsonl(path, [*there, *new.values()])
        shown = {row_id for row_id, _, _ in (*known, *new)}
        return Pushed(where=str(path.parent), new=len(new), total=len(shown))

    def pull(self, spec: Spec) -> Pulled:
        """See Backend.pull; a line that can't be used is reported as file:line, and costs no other line."""
        shown_path, path = self.folder(spec) / "to_review.jsonl", self.folder(spec) / "answers.jsonl"
        if not path.exists():
            return Pulled([])
        shown = {_place(value): value for value in read_jsonl(shown_path)} if shown_path.exists() else {}
        pulled = Pulled([])
        lines = path.read_bytes().decode("utf-8", errors="replace").split("\n")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            answer = _answer(line, shown, spec)
            problem = f"{where}: {answer}" if isinstance(answer, str) else checked(spec, answer, where)
            if problem:
                pulled.problems.append(problem)
            elif isinstance(answer, Answer):
                pulled.answers.append(answer)
        return pulled


def _place(value: dict[str, Any]) -> _Place:
    """A line's row, whether it is there to be settled, and for which policy's sake it is there again."""
    return value["row_id"], value.get("reason") == DISPUTED, value.get("again") or ""


def _answered(path: Path) -> set[_Place]:
    """The places that some line of answers.jsonl speaks of, be it usable or not."""
    found: set[_Place] = set()
    for line in path.read_bytes().decode("utf-8", errors="replace").split("\n") if path.exists() else ():
        try:
            found.add(_place(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # `pull` tells what is wrong with it
    return found


def _answer(line: str, shown: dict[_Place, dict[str, Any]], spec: Spec) -> Answer | str:
    """The answer on a line, or what is wrong with the line."""
    try:
        value = json.loads(line)
    except ValueError as error:
        return f"this line is not JSON: {error}"
    if not isinstance(value, dict):
        return "this line is not a JSON object"
    row_id = value.get("row_id")
    if not isinstance(row_id, str) or not row_id:
        return "row_id is missing"
    if not isinstance(value.get("again") or "", str):
        return "again must be text"
    row = shown.get(_place(value))
    if row is None:
        how = " to be settled" if value.get("reason") == DISPUTED else " again" if value.get("again") else ""
        return f"no row {row_id!r} was sent to review{how}"
    found = _DECIDED[spec.kind](value, row["text"], spec)
    if isinstance(found, str):
        return found
    wrong = [key for key in _OPTIONAL if not isinstance(value.get(key, ""), str)]
    if wrong:
        return f"{', '.join(wrong)} must be text"
    said = {
        "row_id": row_id,
        "reviewer": value.get("reviewer") or "reviewer",
        "text": row["text"],
        "reason": row["reason"],
        "problem": value.get("problem", ""),
        "comment": value.get("comment", ""),
        "submitted_at": value.get("submitted_at", ""),
        "policy": row.get("policy", ""),
    }
    if spec.kind == "spans":
        return SpansAnswer(label=None, **found, **said)
    if spec.kind == "extraction":
        return RecordAnswer(label=None, **found, **said)
    if spec.kind == "generation":
        return WordedAnswer(label=None, **found, **said)
    return Answer(**found, **said)


def _label(value: dict[str, Any], text: str, spec: Spec) -> dict[str, Any] | str:
    """The decision on an answer's line, None for none given, or what is wrong with the line."""
    if "label" not in value or not isinstance(value["label"], str | None):
        return "label is missing: name one, or write null where none fits"
    return {"label": value["label"] or None}


def _record(value: dict[str, Any], text: str, spec: Spec) -> dict[str, Any] | str:
    """As `_label`."""
    if "record" not in value:
        return "record is missing: an object by the spec's fields, or null where none can be given"
    if value["record"] is None:
        return {"record": None}
    record, reason = record_of(spec, text, value["record"])
    return reason or {"record": record}


def _answer_in_words(value: dict[str, Any], text: str, spec: Spec) -> dict[str, Any] | str:
    """As `_label`."""
    if "answer" not in value or not isinstance(value["answer"], str | None):
        return "answer is missing: write one, or null where none can be given"
    rating = value.get("rating")
    if rating is not None and (isinstance(rating, bool) or not isinstance(rating, int)):
        return f"rating must be a whole number, {RATINGS[0]} to {RATINGS[-1]}"
    return {"answer": None if value["answer"] is None else settle(value["answer"]), "rating": rating}


def _spans(value: dict[str, Any], text: str, spec: Spec) -> dict[str, Any] | str:
    """As `_label`."""
    if "spans" not in value and "marked" not in value:
        return "spans are missing: give `spans` or `marked`, or write null where none can be given"
    if value.get("marked") is not None:
        if not isinstance(value["marked"], str):
            return "marked must be text"
        plain, spans, reason = strip(value["marked"], spec.labels)
        if reason or plain != text:
            return f"marked: {reason or 'without its tags it is not the text that was shown'}"
        return {"spans": spans}
    if value.get("spans") is None:
        return {"spans": None}
    try:
        found = (Span.model_validate(one) for one in value["spans"])
        return {"spans": tuple(sorted(found, key=lambda span: span.start))}
    except (TypeError, ValueError) as error:
        return f"spans must be a list of objects with start, end and label: {str(error).splitlines()[0]}"


_DECIDED = {"classification": _label, "spans": _spans, "extraction": _record, "generation": _answer_in_words}
