"""What a refresh does: it looks at production, builds where that is worth it, and writes down what became of that.

Imported without Prefect: the command (flows.refresh) and the deployment (flows.deployed) are runs of the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from factory import spec as specs
from factory.alone import alone
from factory.drift import traffic
from factory.errors import FactoryError
from factory.feedback import decide
from factory.feedback.decide import Decision
from factory.feedback.look import look, published
from factory.retention import logs as service_logs
from factory.retention import prune
from factory.retention.say import line
from factory.settings import Settings
from flows.built import build
from flows.notify import notify
from flows.terminal import REFUSED, WAITS, say
from zoo.audit.storage import Place
from zoo.names import Version


def run(
    name: str, logs: Sequence[Place], budget: str, enough: int, since: str, settings: Settings
) -> tuple[Decision, int]:
    """Decide, and build where that is decided; then remove what nobody needs, whatever came of that.

    Args:
        name: `<vertical>/<task>`.
        logs: folders of audit logs, or URLs of databases; none: the usual one, if there is one.
        budget: `quick` or `full`.
        enough: how many new answers of people are worth a build.
        since: look for drift since then, as factory.drift.traffic.since reads it; empty: in all there is.
        settings: where things are.

    Returns:
        the decision, with what became of it, and the exit status.

    Raises:
        FactoryError: something a person can put right; a decision that was made stays, and its build is gone on with.
    """
    try:
        return _run(name, logs, budget, enough, since, settings)
    finally:
        _tidy(name, settings)


def _run(
    name: str, logs: Sequence[Place], budget: str, enough: int, since: str, settings: Settings
) -> tuple[Decision, int]:
    spec = specs.load(name, settings.prompts)
    places = logs or [folder for folder in (settings.audit,) if folder.exists()]
    begins = traffic.since(since, datetime.now(UTC)) if since else None
    with alone(name, settings):
        going_on = decide.read_state(settings.home, name).pending
        decision = look(spec, places, budget, enough, begins, settings)
        now = published(name, settings)
        # Its build came to its end, and nobody was there to write it down.
        if going_on and _later(now, decision.version):
            return _published(decision, now, settings), 0
    what = "build" if decision.rebuild else "no build"
    say("\n".join([f"{'going on: ' if going_on else ''}{what}", *_why(decision)]))
    if not decision.rebuild:
        return decision, 0
    if decision.drifted and not decision.became:  # twice after a kill, rather than never
        notify(f"{decision.specialist}: production has drifted", "\n".join(_why(decision)), settings)
    return _build(decision, settings)


def _build(decision: Decision, settings: Settings) -> tuple[Decision, int]:
    built = build(decision.name, decision.budget, settings)
    now = published(decision.name, settings)
    if built.status == 0 and now != decision.version:
        return _published(decision, now, settings), 0
    became = f"{now} again: the build came to the same as before" if built.status == 0 else built.became
    if built.status not in (0, REFUSED):
        decision = decide.ended(settings.home, decision, became, pending=True)
        if built.status == WAITS:
            return decision, WAITS
        raise FactoryError(
            f"{decision.name} could not be refreshed.\n{became}",
            fix="Put that right; the next refresh goes on with it.",
        )
    return decide.ended(settings.home, decision, became, pending=False), built.status


def _published(decision: Decision, version: str, settings: Settings) -> Decision:
    """Write down, and tell, what a decision's build has come to."""
    notify(f"{decision.name}@{version} is published", "\n".join(_why(decision)), settings)
    say(f"{version} is published")
    return decide.ended(settings.home, decision, f"{version} is published", pending=False)


def _later(version: str, than: str) -> bool:
    """Whether there is such a version and it is a later one; the newest may be an older one, where one was yanked."""
    return bool(version) and (not than or Version.parse(version) > Version.parse(than))


def _tidy(name: str, settings: Settings) -> None:
    """Remove what nobody has needed for so many days; a refresh does not fail of it."""
    if not settings.keep_days:
        return
    try:
        gone = prune.prune(name, settings, settings.keep_days, datetime.now(UTC))
        for log in service_logs.long(settings.home):
            service_logs.cut(log)
    except (FactoryError, OSError) as error:
        say(f"nothing could be removed: {error}")
    else:
        say(f"removed: {line(gone)}")


def _why(decision: Decision) -> list[str]:
    """Reasons, a line each."""
    counted = f"{decision.corrected} new answers of people, {decision.unsure} new texts without an answer"
    lost = [f"{decision.lost} texts that were wanted are not in the logs"] if decision.lost else []
    return [f"  - {line}" for line in (*decision.why, counted, *lost, *decision.unfit)]
