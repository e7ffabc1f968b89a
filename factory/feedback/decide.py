"""Whether to build a specialist again, for which reasons, and what has been considered already.

    <home>/refresh/<vertical>/<task>/<time>.json    a Decision a refresh
                                     state.json     a State

The state makes a log that is read twice decide nothing twice: people's answers count once, and decisions in which drift
was found are not looked at again. It is written before the build that was decided on, which it names: a refresh that is
killed goes on with that build, with the same feedback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from factory.feedback.collect import Look
from factory.feedback.kept import Feedback
from factory.files import digest, read_json, write_json
from zoo.audit.opening import opened
from zoo.audit.storage import Place

ENOUGH = 50
"""New answers of people that are worth a build."""
STATE = "state.json"
NOT_BEGUN = "nothing: it was killed before the build began, and all was considered again"
_TOLD = 20  # reasons why answers can't be used


@dataclass(frozen=True)
class Decision:
    """What a refresh decided, why, and what became of it.

    Attributes:
        specialist: `<vertical>/<task>@<version>`, published last; without a version where none is.
        time: ISO 8601, UTC.
        budget: `quick` or `full`.
        logs: the folders that were read.
        drifted: `<test> in <log>`, each that found drift.
        findings: files that hold what was measured.
        corrected: answers of people that no refresh had built with before.
        unsure: texts without an answer that are new.
        lost: wanted texts, of any specialist, that the logs had not kept.
        unfit: why answers of people can't be used: the spec is another by now.
        enough: how many new answers are worth a build.
        rebuild: the decision.
        why: its reasons, for people.
        became: what came of the build; empty: it has not ended, or there was none.
    """

    specialist: str
    time: str
    budget: str
    logs: tuple[str, ...]
    drifted: tuple[str, ...]
    findings: tuple[str, ...]
    corrected: int
    unsure: int
    lost: int
    unfit: tuple[str, ...]
    enough: int
    rebuild: bool
    why: tuple[str, ...]
    became: str = ""

    @property
    def name(self) -> str:
        """`<vertical>/<task>`."""
        return self.specialist.partition("@")[0]

    @property
    def version(self) -> str:
        """The version published last; empty: there is none."""
        return self.specialist.partition("@")[2]

    @property
    def file(self) -> str:
        """What its file is called."""
        return f"{datetime.fromisoformat(self.time):%Y%m%dT%H%M%S%fZ}.json"


@dataclass(frozen=True)
class State:
    """What refreshes have considered.

    Attributes:
        corrected: digests of the answers that a build was decided on with.
        until: log to the time of the first decision that is still to be looked at for drift.
        pending: file of the decision whose build has not ended; empty: none.
    """

    corrected: frozenset[str] = frozenset()
    until: Mapping[str, str] = field(default_factory=dict)
    pending: str = ""

    def begins(self, since: datetime | None, logs: Sequence[Place]) -> dict[str, datetime | None]:
        """From when on a log is looked at for drift: what was considered is not, nor is what came before `since`."""
        found: dict[str, datetime | None] = {}
        for log in (opened(log).where for log in logs):
            moments = [datetime.fromisoformat(self.until[log])] if log in self.until else []
            found[log] = max([*moments, *([since] if since else [])], default=None)
        return found


def decide(
    specialist: str,
    budget: str,
    logs: Sequence[Place],
    known: Feedback,
    found: Feedback,
    lost: int,
    unfit: Sequence[str],
    looks: Sequence[Look],
    state: State,
    enough: int,
    now: datetime,
) -> tuple[Decision, State]:
    """The decision, and the state in which it leaves things.

    Args:
        specialist, budget, logs, lost, unfit, enough: see Decision.
        known: the feedback that builds take in now.
        found: what the logs hold.
        looks: what drift was found.
        state: as refreshes before left it.
        now: UTC.
    """
    answers = {digest(row)[:16] for row in found.corrected.values()}
    new, texts = len(answers - state.corrected), len(found.unsure.keys() - known.unsure.keys())
    drifted = [f"{test} in {look.where}" for look in looks for test in look.tests]
    why = [f"drift: {one}" for one in drifted]
    if new >= enough:
        why.append(f"{new} new answers of people; {enough} are enough")
    rebuild = bool(why)
    if not why:
        tested = any(look.drift.tested for look in looks)
        untested = "nothing new could be tested for drift" if "@" in specialist else "no version is published yet"
        looked = "no drift was found" if tested else untested
        why = [f"{looked}, and {new} new answers of people are fewer than {enough}"]
    decision = Decision(
        specialist=specialist,
        time=now.isoformat(timespec="microseconds"),
        budget=budget,
        logs=tuple(opened(log).where for log in logs),
        drifted=tuple(drifted),
        findings=tuple(str(look.file) for look in looks),
        corrected=new,
        unsure=texts,
        lost=lost,
        unfit=tuple(unfit[:_TOLD]),
        enough=enough,
        rebuild=rebuild,
        why=tuple(why),
    )
    if not rebuild:
        return decision, state
    after = {look.where: _after(look.drift.last) for look in looks if look.tests}
    return decision, State(state.corrected | answers, {**state.until, **after}, decision.file)


def read_state(home: Path, spec: str) -> State:
    """What has been considered; nothing where no refresh ever decided to build."""
    path = _folder(home, spec) / STATE
    if not path.exists():
        return State()
    value = read_json(path)
    return State(frozenset(value["corrected"]), value["until"], value["pending"])


def keep_state(home: Path, spec: str, state: State) -> None:
    """Write it down."""
    write_json(_folder(home, spec) / STATE, {**asdict(state), "corrected": sorted(state.corrected)})


def read(home: Path, spec: str, file: str) -> Decision:
    """A decision by the name of its file."""
    value = read_json(_folder(home, spec) / file)
    said: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
    return Decision(**said)


def keep(home: Path, decision: Decision) -> None:
    """Write it down."""
    write_json(_folder(home, decision.name) / decision.file, asdict(decision))


def close_killed(home: Path, spec: str) -> None:
    """Say of a decision to build which was killed before the state named it that nothing came of it.

    Call it where no build is pending: such a decision is the newest, because whoever decides again calls this first.
    """
    *_, newest = ["", *sorted(path.name for path in _folder(home, spec).glob("[!.]*.json") if path.name != STATE)]
    if newest and (decision := read(home, spec, newest)).rebuild and not decision.became:
        keep(home, replace(decision, became=NOT_BEGUN))


def ended(home: Path, decision: Decision, became: str, *, pending: bool) -> Decision:
    """Write down what came of a decision's build, and whether a later refresh is to go on with it."""
    decision = replace(decision, became=became)
    keep(home, decision)
    if not pending:
        keep_state(home, decision.name, replace(read_state(home, decision.name), pending=""))
    return decision


def _after(last: str) -> str:
    """The moment after a decision: the log's clock counts microseconds."""
    return (datetime.fromisoformat(last) + timedelta(microseconds=1)).isoformat(timespec="microseconds")


def _folder(home: Path, spec: str) -> Path:
    return home / "refresh" / spec
