"""One look at a specialist's logs: what came back, whether it drifted, and what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from factory.feedback import collect, decide, kept
from factory.feedback.decide import Decision
from factory.feedback.kept import Feedback
from factory.publish.hub import open_hub
from factory.settings import Settings
from factory.spec import Spec
from zoo.audit.storage import Place
from zoo.yanked import given


def look(
    spec: Spec, logs: Sequence[Place], budget: str, enough: int, since: datetime | None, settings: Settings
) -> Decision:
    """Decide whether to build again, and have the next build take the feedback in if so; see factory.feedback.decide.

    Where a build that was decided on has not ended, that decision comes back: its feedback stays what it is until then.
    Call it alone (factory.alone).

    Args:
        spec: the specialist.
        logs: folders of audit logs, or URLs of databases.
        budget: `quick` or `full`, of the build.
        enough: how many new answers of people are worth a build.
        since: pass over earlier decisions in looking for drift.
        settings: where things are.

    Raises:
        DataError, HubError: a log or the published version can't be read.
    """
    name, home = spec.name, settings.home
    state = decide.read_state(home, name)
    if state.pending:
        return decide.read(home, name, state.pending)
    decide.close_killed(home, name)
    now, version = datetime.now(UTC), published(name, settings)
    specialist = f"{name}@{version}" if version else name
    known = kept.read(home, name)
    found, lost = collect.exported(name, logs, kept.folder(home, name))
    fit, unfit = kept.rows(spec, found)
    found = replace(found, corrected={id: found.corrected[id] for id in fit})
    begins = state.begins(since, logs)
    looks = collect.drifts(specialist, logs, settings, begins) if version else []
    decision, after = decide.decide(specialist, budget, logs, known, found, lost, unfit, looks, state, enough, now)
    decide.keep(home, decision)
    if decision.rebuild:
        drawn = collect.drawn(specialist, looks, begins) if decision.drifted else Feedback()
        kept.keep(home, name, known.joined(found).joined(drawn))
        # Last, since it says that all of this was considered; killed before, the same is decided again.
        decide.keep_state(home, name, after)
    return decision


def published(spec: str, settings: Settings) -> str:
    """The newest version that the hub gives out; empty: there is none."""
    hub = open_hub(settings.hub, settings.hub_token)
    return str(max(given(hub, spec), default=""))
