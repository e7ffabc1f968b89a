"""Builds that wait for people: runs that Prefect suspends, so that they hold no process, and resumes.

Prefect resumes nothing but runs of a deployment. So a build that may have to wait is a run of one from the start, made
and begun here, in the process of the command; the watch (flows.review) serves the deployment, and so goes on with it.
A run that the watch goes on with has the tag `resumed`, until a command takes it up again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.events import emit_event
from prefect.exceptions import NotPausedError, Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import resume_flow_run
from prefect.states import Pending, Scheduled

from factory.review.waiting import Waiting
from flows.engine import KILLED
from flows.specialist import RESUMED, build

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

DEPLOYMENT = "watched"
_WITH_THE_WATCH = (
    KILLED,
    "Runner is shutting down.",
    "Execution was aborted by a termination signal.",
    "Process exited with status code: -15.",
)
"""What is said of a run that ended because the watch did: by flows.engine, and by Prefect's runner and engine."""


def run(spec: str, budget: str, force: bool) -> bool:
    """Build a specialist here and now, as a run that can be suspended.

    A run of the same build that waits, or ended with the watch, is taken up again, so that a build is one run however
    often it is asked for.

    Returns:
        True when it has come to its end, False when it waits for people.

    Raises:
        FactoryError: what the flow `build` raises.
    """
    parameters = {"spec": spec, "budget": budget, "force": force}
    deployment = _deployment()
    with get_client(sync_client=True) as client:
        now = datetime.now(UTC)
        known = [*_runs("PAUSED", "SCHEDULED"), *(one for one in resumed() if lost(one, now))]
        there = [one for one in known if one.parameters == parameters]
        if there:
            client.update_flow_run(there[0].id, tags=[spec])
            client.set_flow_run_state(there[0].id, Pending(), force=True)
            own = client.read_flow_run(there[0].id)
        else:
            own = client.create_flow_run_from_deployment(
                deployment, parameters=parameters, state=Pending(), tags=[spec]
            )
    try:
        run_flow(build, flow_run=own)
    except Pause:
        return False
    return True


def suspended() -> list[FlowRun]:
    """The runs that wait for people."""
    return _runs("PAUSED")


def resume(run: FlowRun, waits: Waiting | None) -> None:
    """Have the watch go on with a run; its page in Prefect tells why, and automations may act on the event."""
    emit_event(
        f"factory.review.{waits.verdict if waits else 'complete'}",
        resource={"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name},
        payload={"answered": waits.answered, "missing": waits.missing} if waits else {},
    )
    _tag(run, {*run.tags, RESUMED})
    try:
        resume_flow_run(run.id)
    except NotPausedError:  # somebody did, this very moment
        return


def resumed() -> list[FlowRun]:
    """The runs that the watch has gone on with and that have not ended by themselves: at work, crashed or cancelled."""
    return _runs("PENDING", "RUNNING", "CRASHED", "CANCELLED", tag=RESUMED)


def lost(run: FlowRun, begun: datetime) -> bool:
    """Whether such a run ended with the watch that was building it, and not by a person's wish or by its own fault.

    Args:
        run: one of `resumed`.
        begun: when the watch that asks began; what was at work before is not its own.
    """
    state = run.state
    if state is None:
        return False
    if state.is_pending() or state.is_running():
        return bool(state.timestamp < begun)
    return (state.message or "").startswith(_WITH_THE_WATCH)


def again(run: FlowRun) -> None:
    """Have the watch begin a run anew that was lost."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Scheduled(), force=True)


def forget(run: FlowRun) -> None:
    """Let a run be that has ended in a way that nobody goes on from."""
    _tag(run, {*run.tags} - {RESUMED})


def _tag(run: FlowRun, tags: set[str]) -> None:
    with get_client(sync_client=True) as client:
        client.update_flow_run(run.id, tags=sorted(tags))


def _deployment() -> UUID:
    """The deployment that builds are runs of, made if it is not there."""
    made: UUID = build.to_deployment(DEPLOYMENT).apply()
    return made


def _runs(*states: str, tag: str = "") -> list[FlowRun]:
    tagged = {"tags": {"all_": [tag]}} if tag else {}
    wanted = FlowRunFilter.model_validate(
        {"state": {"type": {"any_": list(states)}}, "deployment_id": {"any_": [_deployment()]}, **tagged}
    )
    with get_client(sync_client=True) as client:
        found: list[FlowRun] = client.read_flow_runs(flow_run_filter=wanted)
    return found
