"""The labelling policy by its parts: which label each line of policy.md belongs to.

A line (a paragraph, an item of a list or a row of a table, however it is wrapped) belongs to every label that it names:
`card_arrival`, with backticks or without, in any case; `declined_…` names all labels that begin so. What stands under a
heading that names a label belongs to that label, too. Lines that name none are the general part. A label's definition
in spec.yaml is part of the label. Where there is one label (`kind: generation`), all of it belongs to that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from factory.files import digest
from factory.gold import stratum_by
from factory.review.backend import Answer
from factory.row import Row
from factory.spec import Spec
from factory.strata import names_in

GENERAL = ""
"""The part that belongs to no label."""
_HEADING = re.compile(r"(#+)\s+\S")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+\S")
_ROW = re.compile(r"\s*\|")
_WILD = re.compile(r"`(\w*(?:…|\.\.\.)\w*)`")


@dataclass(frozen=True)
class Line:
    """A line of policy.md.

    Attributes:
        number: where it begins in the file, from 1.
        text: with single spaces, however it is wrapped.
        labels: those it belongs to, in the spec's order; none: it is of the general part.
    """

    number: int
    text: str
    labels: tuple[str, ...]


def lines(spec: Spec) -> list[Line]:
    """The lines of policy.md, without its headings."""
    found: list[Line] = []
    under: list[tuple[int, list[str]]] = []
    named = _Names(spec.labels)
    for number, text in _blocks(spec.template("policy.md")):
        if heading := _HEADING.match(text):
            depth = len(heading[1])
            under = [(level, labels) for level, labels in under if level < depth]
            under.append((depth, named(text)))
        elif not set(text) <= set("|-: "):  # the rule below a table's head says nothing
            belongs = {*named(text), *(label for _, labels in under for label in labels)}
            if len(spec.labels) == 1:
                belongs = set(spec.labels)
            found.append(Line(number, text, tuple(label for label in spec.labels if label in belongs)))
    return found


def parts(spec: Spec) -> dict[str, str]:
    """Part (a label, or GENERAL) to 12 hex digits over what it says; wrapping and headings do not count."""
    told = lines(spec)
    general = [line.text for line in told if not line.labels]
    found = {GENERAL: _hash([spec.question, *general])}
    for label, definition in spec.labels.items():
        found[label] = _hash([definition, *(line.text for line in told if label in line.labels)])
    return found


def identity(spec: Spec) -> str:
    """12 hex digits over all parts: answers remember by it which policy they were given under."""
    return _hash([f"{part} {said}" for part, said in sorted(parts(spec).items())])


def named(spec: Spec, decided: Row | Answer | None) -> tuple[str, ...]:
    """The labels in a decision: the label, types of spans, fields of a record; none where nothing was decided."""
    if decided is None or decided.decision is None:
        return ()
    if isinstance(decided, Row):
        names = [decided.label] if decided.kind == "classification" else names_in(decided.stratum)
    else:
        said = decided.decided
        by = stratum_by(said.get("label", ""), said.get("spans"), said.get("record"), said.get("answer"))
        names = [by] if spec.kind == "classification" else names_in(by)
    return tuple(label for label in spec.labels if label in names)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Headings, paragraphs, items and rows, each on one line, with the number of the line on which it begins."""
    begun, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        alone = _HEADING.match(line) or _ROW.match(line)
        if held and (alone or not line.strip() or _ITEM.match(line)):
            yield begun, held
            held = ""
        if alone:
            yield number, _plain(line)
        elif line.strip():
            begun, held = (begun, f"{held} {_plain(line)}") if held else (number, _plain(line))
    if held:
        yield begun, held


class _Names:
    """Which labels a text names; of two that begin alike the longer one."""

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = {_plain(label).casefold(): label for label in labels}
        names = "|".join(re.escape(name) for name in sorted(self._labels, key=len, reverse=True))
        self._named = re.compile(rf"(?<!\w)(?:{names})(?!\w)")

    def __call__(self, text: str) -> list[str]:
        found = [self._labels[name] for name in self._named.findall(text.casefold())]
        for wild in _WILD.findall(text):
            form = re.compile(r"\w+".join(re.escape(part) for part in re.split(r"…|\.\.\.", wild.casefold())))
            found += [label for name, label in self._labels.items() if form.fullmatch(name)]
        return list(dict.fromkeys(found))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _hash(said: Sequence[str]) -> str:
    return digest([_plain(one) for one in said])[:12]
