"""What an audit log holds of a specialist: a sample of its decisions, and what people found wrong with them."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from factory.drift.sample import CONFIDENCE, CORRECTIONS, LABELS, TEXTS, Sample, confidence_of, said_by
from factory.errors import DataError, FactoryError
from zoo.audit import reading
from zoo.audit.record import CORRECTION, DECISION
from zoo.audit.storage import Place
from zoo.errors import ZooError
from zoo.manifest import EXTRACTION, GENERATION, SPANS

SAMPLED = 5000
"""Decisions that are looked at; larger logs are sampled."""
MASKED = 0.05
"""Where more of the texts than this were masked, they are not the texts that the specialist was given."""
_SPAN = re.compile(r"(\d+)\s*([mhdw])")
_UNIT = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Corrections:
    """What people said of decisions, all there are of the version and the time.

    Attributes:
        looked_at: decisions that somebody corrected, or confirmed by giving the same.
        wrong: of these, those whose answer was another.
        sure: answers (of spans, spans) that were not marked unsure, looked at or not.
        sure_wrong: of these, those that somebody found wrong.
    """

    looked_at: int = 0
    wrong: int = 0
    sure: int = 0
    sure_wrong: int = 0


@dataclass(frozen=True)
class Traffic:
    """What a log holds of one version.

    Attributes:
        sample: of the decisions, all of them up to `SAMPLED`.
        decisions: how many there are.
        first, last: when the first and the last of them were made, ISO 8601; empty where there are none.
        corrections: what people said of them.
        others: decisions of other versions of the specialist in that time, by version.
    """

    sample: Sample
    decisions: int
    first: str
    last: str
    corrections: Corrections
    others: Mapping[str, int]


def since(said: str, now: datetime) -> datetime:
    """The moment that `7d`, `24h`, `2w`, `90m` (before now) or an ISO date or time means.

    Raises:
        FactoryError: it is neither.
    """
    if found := _SPAN.fullmatch(said.strip()):
        return now - timedelta(**{_UNIT[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise FactoryError(f"{said!r} is no time.", fix="Write 7d, 24h, 2w, 90m or a date: 2026-01-31.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read(log: Place, name: str, version: str, begins: datetime | None = None) -> Traffic:
    """Read a version's decisions.

    Args:
        log: the folder of the audit log, or the URL of its database.
        name: the specialist.
        version: `major.minor.patch`.
        begins: pass over earlier decisions.

    Raises:
        DataError: there is no log, or a record of it was changed.
    """
    right = {one["of"]: one["right"] for _, one in events(log, CORRECTION)}
    chosen: list[tuple[bytes, str, dict[str, Any]]] = []
    models: Counter[str] = Counter()
    total, first, last = Corrections(), "", ""
    for id, decision in events(log, DECISION):
        of, _, asked = str(decision["model"]).partition("@")
        if of != name or (begins and datetime.fromisoformat(decision["time"]) < begins):
            continue
        models[asked] += 1
        if asked != version:
            continue
        first, last = first or decision["time"], decision["time"]
        total = _counted(total, decision["answer"], right.get(id))
        # Those with the smallest hashes: as good as drawn at random, and the same ones every time.
        heapq.heappush(chosen, (_before_all(id), id, decision))
        if len(chosen) > SAMPLED:
            heapq.heappop(chosen)
    decisions = models.pop(version, 0)
    return Traffic(_sample([one for *_, one in chosen], decisions), decisions, first, last, total, dict(models))


def events(log: Place, event: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and JSON object of the log's records of an event; raises DataError."""
    try:
        yield from reading.events(log, event)
    except ZooError as error:
        raise DataError(error.what, where=error.where, fix=error.fix) from error


def _before_all(id: str) -> bytes:
    """A key by which the largest hash is the heap's first."""
    return bytes(255 - byte for byte in hashlib.sha256(id.encode()).digest()[:8])


def _sample(decisions: list[dict[str, Any]], of: int) -> Sample:
    answers = [one["answer"] for one in decisions]
    texts = [one["text"] for one in decisions if "text" in one]
    masked = sum(one.get("masked", False) for one in decisions)
    lacks: dict[str, str] = {}
    if escalated := sum("tier" in one for one in decisions):
        why = f"a cascade made {escalated} of {len(decisions)} decisions: its answers are not all the specialist's"
        lacks |= {LABELS: why, CONFIDENCE: why, CORRECTIONS: why}
    if len(texts) < len(decisions):
        lacks[TEXTS] = f"the log holds no text of {len(decisions) - len(texts)} of {len(decisions)} decisions"
    elif masked > MASKED * len(texts):
        lacks[TEXTS] = f"{masked} of {len(texts)} texts were masked in the log"
    what = f"{of} decisions" if of == len(decisions) else f"{len(decisions)} of {of} decisions"
    labels = [said for answer in answers if (said := said_by(answer)) is not None]
    sure = [found for answer in answers if (found := confidence_of(answer)) is not None]
    return Sample(what, labels, sure, texts, lacks)


def _counted(before: Corrections, answer: Mapping[str, Any], right: Mapping[str, Any] | None) -> Corrections:
    sure, sure_wrong, wrong = _judged(answer, right)
    return replace(
        before,
        looked_at=before.looked_at + (right is not None),
        wrong=before.wrong + wrong,
        sure=before.sure + sure,
        sure_wrong=before.sure_wrong + sure_wrong,
    )


def _judged(answer: Mapping[str, Any], right: Mapping[str, Any] | None) -> tuple[int, int, bool]:
    """Of one answer: what was sure of it, what of that was wrong, and whether it was wrong at all."""
    if answer["kind"] == SPANS:
        found = {_place(span): not span["unsure"] for span in answer["spans"]}
        sure = [place for place, known in found.items() if known]
        if right is None:
            return len(sure), 0, False
        meant = {_place(span) for span in right["spans"]}
        return len(sure), sum(place not in meant for place in sure), set(found) != meant
    key = {EXTRACTION: "values", GENERATION: "words"}.get(answer["kind"], "label")
    wrong = right is not None and right[key] != answer[key]
    return int(not answer["unsure"]), int(wrong and not answer["unsure"]), wrong


def _place(span: Mapping[str, Any]) -> tuple[str, int, int]:
    return span["label"], span["start"], span["end"]
