"""The flow `build`: a task a stage. It orders, retries and shows; the work is factory.stages.

A task's result is the folder the stage left, which is named by its content (factory.stage): hence no caching by
Prefect, and a run killed anywhere goes on where it was when it is started again.
"""

# mypy: disable-error-code="untyped-decorator"
# mypy does not follow imports into Prefect (pyproject.toml), so that its decorators have no type.

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import prefect
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import suspend_flow_run
from prefect.states import Completed, State
from prefect.utilities.urls import url_for

from factory import settings as environment
from factory import spec as specs
from factory import stages
from factory.alone import alone
from factory.errors import GateError, ReviewError, ReviewPendingError, ServiceError, TeacherError
from factory.progress import Meter
from factory.services import news
from factory.stage import Output
from flows import terminal
from flows.board import Board, artifact_key, show_figures
from flows.notify import notify
from flows.places import markdown, places

RESUMED = "resumed"
"""The tag of a run that the watch goes on with: nobody is at a terminal to see how it ends."""
TRANSIENT = (TeacherError, ServiceError, ReviewError)  # a server that was not there may be back; a wrong spec stays so


def worth_another_try(_task: Any, _run: Any, state: Any) -> bool:
    """Whether the error that a stage ended with may pass by itself."""
    error = state.data
    if not isinstance(error, TRANSIENT):
        return False
    terminal.failed_for_now(error)
    return True


@task(
    task_run_name="{stage}",
    retries=2,
    retry_delay_seconds=[5, 20],
    retry_condition_fn=worth_another_try,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def run_stage(stage: str, build: stages.Build, board: Board) -> Any:
    """Run one stage, unless its output is there, and show its figures.

    Returns:
        its Output; or a state that holds the ReviewPendingError it ended with, which is no failure.
    """
    begun = time.monotonic()
    terminal.stage_begins(stage, stages.STAGES)
    try:
        with board.watching(artifact_key(build.spec.name, stage, "progress")):
            output = build.run(stage)
    except ReviewPendingError as pending:
        return Completed(name="Waiting", message=pending.what, data=pending)
    figures = build.summary(stage)
    show_figures(artifact_key(build.spec.name, stage), f"{stage}: {output.path}", figures)
    terminal.stage_ended(figures, time.monotonic() - begun, output.reused)
    if "stopped by" in figures and not output.reused:
        what = f"{figures['requests not asked']} requests of the stage `{stage}` were not asked; the build goes on."
        notify(f"{build.spec.name} has reached {figures['stopped by']}", what, build.settings)
    return output


@flow(name="build", flow_run_name="{spec} {budget}", persist_result=False)
def build(spec: str, budget: str = "quick", force: bool = False) -> dict[str, str]:
    """Build a specialist: from its spec to a published, measured version.

    Where people must answer first, the run is suspended; resumed, it finds all that is finished and goes on.

    Args:
        spec: `<vertical>/<task>`.
        budget: `quick` or `full`.
        force: publish in spite of the gate; the card says so.

    Returns:
        where to look: title to address or path.

    Raises:
        GateError: the evidence does not allow publishing.
        ReviewPendingError: people must answer first, and the run is of no deployment, so that it can't be suspended.
        FactoryError: anything else a person can put right.
    """
    settings = environment.load()
    asked = specs.load(spec, settings.prompts)
    run_url = url_for("flow-run", obj_id=prefect.runtime.flow_run.id) or ""  # where this run reports, maybe elsewhere
    terminal.header(asked, budget, settings, run_url)
    board = Board(Meter)
    outputs: dict[str, Output] = {}
    pending: ReviewPendingError | None = None
    try:
        with alone(spec, settings), stages.Build(asked, budget, settings, force=force, meter=board.meter) as work:
            for stage in stages.STAGES:
                left = run_stage(stage, work, board)
                if isinstance(left, State):
                    pending = left.result()
                    break
                outputs[stage] = left
    except GateError as error:  # here, since a build that the watch goes on with ends nowhere else
        notify(f"{spec}: publishing was refused", str(error), settings)
        raise
    except Exception as error:
        if RESUMED in prefect.runtime.flow_run.tags:
            notify(f"{spec} could not be built", f"{error}\n{terminal.NOBODY}\n{run_url}", settings)
        raise
    finally:  # a report there is, even where the gate was not passed
        news.tell(settings)
        found = places(outputs, settings, run_url) | ({"Review": pending.where} if pending else {})
        create_markdown_artifact(markdown(found), artifact_key(spec, "where"), f"{spec}: where to look")
        terminal.look(found)
    if pending:
        if prefect.runtime.deployment.id is None:
            raise pending
        suspend_flow_run(key=str(uuid4()))  # by no name, so that it can be suspended as often as need be
    return found
