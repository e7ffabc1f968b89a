"""The feedback that builds of a FACTORY_HOME take in, in `<home>/feedback/<vertical>/<task>/`.

    reviewed.jsonl     texts that people decided, as `zoo audit export` writes them
    unlabelled.jsonl   texts of which the specialist was not sure; nobody decided them
    drawn.jsonl        texts as they came, drawn at random where production had drifted

Only a refresh that decides to build changes them (factory.feedback.look), so that a build which waits for people finds
the same rows when it goes on. They are texts of production: the folder is for its owner alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from factory.errors import DataError
from factory.files import read_jsonl, write_jsonl
from factory.generate.seed import Passage
from factory.gold import parse
from factory.review.simulated import reviewed
from factory.row import CORRECTED, DRAWN, UNSURE, Lineage, Row
from factory.spec import Spec
from factory.words import length

MOST = 5000
"""Texts without an answer that are kept, the newest; people's answers all are."""
Lines = Mapping[str, dict[str, Any]]
"""Rows by the ids of their decisions in the log, oldest first."""
_FILES = {"corrected": "reviewed.jsonl", "unsure": "unlabelled.jsonl", "drawn": "drawn.jsonl"}
_SAID = "audit: "


@dataclass(frozen=True)
class Feedback:
    """What came back; see the module."""

    corrected: Lines = field(default_factory=dict)
    unsure: Lines = field(default_factory=dict)
    drawn: Lines = field(default_factory=dict)

    def joined(self, later: Feedback) -> Feedback:
        """This and what came later: logs are rotated away, answers stay. What is drawn later takes the place of this.

        What people have decided is unsure no longer.
        """
        corrected = {**self.corrected, **later.corrected}
        unsure = {id: row for id, row in {**self.unsure, **later.unsure}.items() if id not in corrected}
        return Feedback(corrected, dict(list(unsure.items())[-MOST:]), later.drawn or self.drawn)


def folder(home: Path, spec: str) -> Path:
    """Where a specialist's feedback is."""
    return home / "feedback" / spec


def read(home: Path, spec: str) -> Feedback:
    """What is kept of a specialist."""
    place = folder(home, spec)
    return Feedback(**{name: _lines(place / file) for name, file in _FILES.items()})


def keep(home: Path, spec: str, feedback: Feedback) -> None:
    """Put it there. Call it alone (factory.alone); a kill in between is put right by calling it again."""
    place = folder(home, spec)
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    for name, file in _FILES.items():
        rows: Lines = getattr(feedback, name)
        if rows or (place / file).exists():
            write_jsonl(place / file, rows.values())


def rows(spec: Spec, feedback: Feedback) -> tuple[dict[str, Row], list[str]]:
    """Rows of what people decided, by the ids of their decisions; and why others can't be used.

    They can't where the spec is another by now: a label has gone, a field has another type.
    """
    found: dict[str, Row] = {}
    unfit: list[str] = []
    for id, value in feedback.corrected.items():
        try:
            (gold,) = parse([(value, id)], spec.labels, spec.kind, spec.fields, spec.overlaps)
        except DataError as error:
            unfit.append(f"{id}: {error.what}")
            continue
        source = f"{CORRECTED}{value['source'].removeprefix(_SAID)} {id}"
        found[id] = reviewed(gold, Lineage(spec=spec.identity, source=source, reviewers=[value["reviewer"]]))
    return found, unfit


def passages(spec: Spec, feedback: Feedback, most: int = 0) -> list[Passage]:
    """Texts without an answer, in turns: one of those that were drawn, one that was unsure, the newest first.

    As other real texts are taken: white space folded, each once, and none outside `hygiene.words`. A text that was
    both is drawn if it is among the drawn that are taken: these are a sample of production only if those that the
    version was unsure of are among them.

    Args:
        spec: for what texts it takes.
        feedback: where they are.
        most: how many from the first will be taken. Half of them, and more where too few were unsure, are drawn.
    """
    drawn, unsure = _fit(spec, feedback, DRAWN), _fit(spec, feedback, UNSURE)
    sample: dict[str, Passage] = {}
    others = len(unsure)
    for text, passage in drawn.items():
        if 2 * len(sample) >= most and len(sample) + others >= most:
            break
        sample[text] = passage
        others -= text in unsure
    doubted = [passage for text, passage in unsure.items() if text not in sample]
    left = [passage for text, passage in drawn.items() if text not in sample and text not in unsure]
    turns = chain.from_iterable(zip_longest(sample.values(), doubted))
    return [*(passage for passage in turns if passage), *left]


def _fit(spec: Spec, feedback: Feedback, how: str) -> dict[str, Passage]:
    """Those that were drawn, as they came, or that were unsure, the newest first; by their text in small letters."""
    shortest, longest = spec.hygiene.words
    lines = feedback.drawn.items() if how == DRAWN else reversed(list(feedback.unsure.items()))
    known = {_folded(value).casefold() for value in feedback.corrected.values()}
    found: dict[str, Passage] = {}
    for id, value in lines:
        text = _folded(value)
        if shortest <= length(text) <= longest and text.casefold() not in known:
            found.setdefault(text.casefold(), Passage(f"{how}{id}", text, value["source"]))
    return found


def by_id(values: Iterable[dict[str, Any]]) -> Lines:
    """Rows by their ids; of two with one id the later."""
    return {value["id"]: value for value in values}


def _lines(path: Path) -> Lines:
    return by_id(read_jsonl(path)) if path.exists() else {}


def _folded(value: Mapping[str, Any]) -> str:
    return " ".join(value["text"].split())
