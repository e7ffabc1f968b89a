"""What people would change in the policy: their comments, and the rows of which they say that it does not decide them.

A list for a person to read who keeps policy.md. It is sorted by what it is about: a label, two labels between which
people or machines hesitate, or a label that people corrected to another; each with the lines of the policy it touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from factory.hygiene import pii
from factory.record import same
from factory.review import policy, reviewers
from factory.review.backend import PROBLEMS, UNCLEAR, Answer, RecordAnswer, SpansAnswer
from factory.row import Row
from factory.spec import Spec

FILE = "proposals.json"
"""Where the stage `review` keeps the list."""
ABOUT, BETWEEN, CORRECTED, CHANGED = "about", "between", "corrected", "changed"
_EXAMPLES, _COMMENTS, _LINES = 3, 20, 6
_LONGEST = 300  # characters of an example
_LIKELY = 0.05


@dataclass
class _Group:
    answers: int = 0
    unclear: int = 0
    comments: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def table(spec: Spec, rows: Iterable[Row], answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """The list, as proposals.json holds it: what most answers speak of comes first.

    Args:
        spec: for its policy and its labels.
        rows: as the machines saw them; of an answer to another row no machine's decision is known.
        answers: all answers; those that neither have a comment nor say that the policy leaves it open are passed over.

    Returns:
        Of each entry a `title`; `how`: `about` labels, `between` two, `corrected` from the first to the second, or
        `changed`, where people decided otherwise of types or fields; the `labels`, none where nobody can tell; how many
        `answers` speak of it, and how many of these say that it is `unclear`; `comments` and `examples` with personal
        data masked; the `lines` of policy.md that touch it (`line`, `text`), and the labels' `definitions`.
    """
    known = {row.id: row for row in rows}
    groups: dict[tuple[str, tuple[str, ...]], _Group] = {}
    for answer in reviewers.latest(answers):
        if answer.comment or answer.problem in UNCLEAR:
            group = groups.setdefault(_about(spec, known.get(answer.row_id), answer), _Group())
            group.answers += 1
            group.unclear += answer.problem in UNCLEAR
            why = PROBLEMS.get(answer.problem, "")
            _add(group.comments, pii.masked(": ".join(filter(None, (why, answer.comment))), spec), _COMMENTS)
            text = answer.text or (known[answer.row_id].text if answer.row_id in known else "")
            _add(group.examples, pii.masked(text, spec)[:_LONGEST], _EXAMPLES)
    told = policy.lines(spec) if groups else []
    found = [_entry(spec, told, how, labels, group) for (how, labels), group in groups.items()]
    return sorted(found, key=lambda one: (-one["unclear"], -one["answers"], one["how"], one["labels"]))


def say(entries: Iterable[Mapping[str, Any]]) -> str:
    """The list as a person reads it in a terminal."""
    parts = []
    for one in entries:
        told = [f"{one['title']}: {one['answers']} answers, {one['unclear']} say that the policy leaves it open"]
        told += [f"  - {comment}" for comment in one["comments"]]
        told += [f"  for example: {example}" for example in one["examples"]]
        told += [f"  policy.md:{line['line']}: {line['text']}" for line in one["lines"]]
        told += [f"  spec.yaml, {label}: {definition}" for label, definition in one["definitions"].items()]
        parts.append("\n".join(told))
    return "\n\n".join(parts) or "Nobody has left a comment, and nobody says that the policy leaves something open."


def _title(how: str, labels: Sequence[str]) -> str:
    """What an entry is about, in words."""
    if not labels:
        return "of no label"
    if how == CORRECTED:
        return f"{labels[0]} corrected to {labels[-1]}"
    if how == CHANGED:
        return f"corrected: {', '.join(labels)}"
    return f"between {' and '.join(labels)}" if how == BETWEEN else ", ".join(labels)


def _about(spec: Spec, row: Row | None, answer: Answer) -> tuple[str, tuple[str, ...]]:
    given, machine = policy.named(spec, answer), policy.named(spec, row)
    if answer.decision is None:
        likely = sorted((row.soft or {}).items(), key=lambda item: (-item[1], item[0]))[:2] if row else []
        if len(likely) == 2 and likely[1][1] >= _LIKELY:
            return BETWEEN, tuple(label for label in spec.labels if label in dict(likely))
        return ABOUT, machine
    if row is None or row.decision == answer.decision:
        return ABOUT, given
    if spec.kind == "classification":
        return CORRECTED, (*machine, *given)
    changed = _changed(row, answer)
    return CHANGED, tuple(label for label in spec.labels if label in changed) or given


def _changed(row: Row, answer: Answer) -> set[str]:
    """The types or fields in which a person decided otherwise."""
    if isinstance(answer, SpansAnswer):
        return {span.label for span in {*(row.spans or ())} ^ {*(answer.spans or ())}}
    if isinstance(answer, RecordAnswer):
        one, other = row.record or {}, answer.record or {}
        return {name for name in {**one, **other} if not same(one.get(name), other.get(name))}
    return set()


def _add(to: list[str], text: str, most: int) -> None:
    if text and text not in to and len(to) < most:
        to.append(text)


def _entry(spec: Spec, told: Sequence[policy.Line], how: str, labels: tuple[str, ...], group: _Group) -> dict[str, Any]:
    touching = [line for line in told if set(labels) & set(line.labels)]
    # What names all of them decides between them, so it comes first.
    touching.sort(key=lambda line: (-len(set(labels) & set(line.labels)), len(line.labels), line.number))
    return {
        "title": _title(how, labels),
        "how": how,
        "labels": list(labels),
        **vars(group),
        "lines": [{"line": line.number, "text": line.text} for line in touching[:_LINES]],
        "definitions": {label: spec.labels[label].strip() for label in labels},
    }
