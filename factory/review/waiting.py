"""What builds wait for: the rows that people are to answer, since when, and whether it is time to go on.

A file for each specialist and budget, `<home>/waiting/<vertical>/<task>/<budget>.json`, remembers when the rows were
first shown, so that a deadline stands whatever is killed or started again in between. It holds no answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from factory.files import read_json, write_json
from factory.review import reviewers
from factory.review.backend import DISPUTED, Answer

Verdict = Literal["wait", "complete", "overdue"]


@dataclass(frozen=True)
class Waiting:
    """What one build waits for.

    Attributes:
        spec: the specialist, `<vertical>/<task>`.
        budget: `quick` or `full`.
        rows: ids of the rows that are waited for, and how many people are to judge each.
        where: where people answer.
        since: when these rows were first shown; ISO 8601, UTC.
        until: when the build goes on without the rest, the same; empty: when all are answered.
        answered: how many of the rows were, when somebody last looked.
        verdict: what that meant.
    """

    spec: str
    budget: str
    rows: Mapping[str, int]
    where: str
    since: str
    until: str = ""
    answered: int = 0
    verdict: Verdict = "wait"

    @property
    def missing(self) -> int:
        """How many rows nobody has answered, or too few, or people who do not agree."""
        return len(self.rows) - self.answered

    @property
    def told(self) -> str:
        """The same, in a line."""
        until = f"until {self.until[:16].replace('T', ' ')} UTC" if self.until else "until all are"
        return (
            f"{self.spec} ({self.budget}) waits for people: {self.answered} of {len(self.rows)} rows are answered, "
            f"{until}; {self.where}"
        )


def answered(rows: Mapping[str, int], answers: Sequence[Answer], people: int) -> int:
    """How many rows have been judged by as many people as were to, and are not disputed; or are settled.

    Args:
        rows: ids, and how many people are to judge each.
        answers: all there are, with their worth.
        people: how many are to judge a row that several judge (spec.review.reviewers).
    """
    given = Counter(answer.row_id for answer in reviewers.latest(answers))
    settled = {answer.row_id for answer in answers if answer.reason == DISPUTED}
    divided = reviewers.disputed(answers, people)
    return sum(
        row_id in settled or (given[row_id] >= asked and row_id not in divided) for row_id, asked in rows.items()
    )


def decide(answered: int, asked: int, now: datetime, until: datetime | None) -> Verdict:
    """Whether a build waits for people: `complete` as soon as all is answered, `overdue` from the deadline on."""
    if answered >= asked:
        return "complete"
    return "overdue" if until is not None and now >= until else "wait"


def begin(home: Path, spec: str, budget: str, rows: Mapping[str, int], where: str, now: datetime) -> Waiting:
    """What is waited for from now on, or has been since these rows were first shown; other rows begin anew."""
    known = read(home, spec, budget)
    if known is not None and known.rows == rows:
        return replace(known, where=where)
    return Waiting(spec, budget, rows, where, since=now.isoformat(timespec="seconds"))


def look(
    waiting: Waiting, answers: Sequence[Answer], people: int, patience: timedelta | None, now: datetime
) -> Waiting:
    """The same with how far it is by now.

    Args:
        waiting: what is waited for.
        answers, people: as for `answered`.
        patience: how long it is waited at most (spec.review.patience).
        now: UTC.
    """
    until = datetime.fromisoformat(waiting.since) + patience if patience else None
    done = answered(waiting.rows, answers, people)
    verdict = decide(done, len(waiting.rows), now, until)
    return replace(waiting, answered=done, verdict=verdict, until=until.isoformat() if until else "")


def keep(home: Path, waiting: Waiting) -> None:
    """Write it down."""
    write_json(_path(home, waiting.spec, waiting.budget), asdict(waiting))


def end(home: Path, spec: str, budget: str) -> None:
    """Nobody is waited for any longer, because the spec stopped requiring it; were it to again, that begins anew."""
    _path(home, spec, budget).unlink(missing_ok=True)


def read(home: Path, spec: str, budget: str) -> Waiting | None:
    """What a build waits for, or waited for last; None where it has not."""
    path = _path(home, spec, budget)
    return Waiting(**read_json(path)) if path.exists() else None


def everything(home: Path) -> list[Waiting]:
    """What is waited for now, by name."""
    found = [Waiting(**read_json(path)) for path in sorted((home / "waiting").glob("*/*/*.json"))]
    return [one for one in found if one.verdict == "wait"]


def _path(home: Path, spec: str, budget: str) -> Path:
    return home / "waiting" / spec / f"{budget}.json"
