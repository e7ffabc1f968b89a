"""The flows that prefect.yaml deploys: what `make run` and its like do, on a schedule.

Each runs the command in a process of its own, as flows.built does: so builds are runs of their own in Prefect, which
wait for people and are gone on with as ever, and are one run however often a schedule asks for them.
"""

# mypy: disable-error-code="untyped-decorator"
# mypy does not follow imports into Prefect (pyproject.toml), so that its decorators have no type.

from __future__ import annotations

from dataclasses import asdict

import prefect
from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from factory import settings as environment
from factory.alone import alone
from factory.errors import FactoryError
from factory.feedback.decide import ENOUGH, Decision
from factory.publish.sound import said
from flows import engine, refreshing
from flows import family as families
from flows.board import artifact_key
from flows.notify import notify


@flow(name="refresh", flow_run_name="{spec} refresh", persist_result=False)
def refresh(
    spec: str, logs: list[str] | None = None, budget: str = "quick", enough: int = ENOUGH, since: str = ""
) -> int:
    """Look at production, and build again where that is worth it; see flows.refresh for the arguments.

    Returns:
        the exit status of the command.
    """
    settings = environment.load()
    try:
        with alone(spec, settings, "refresh"), said():
            engine.close_killed_refreshes(spec, str(prefect.runtime.flow_run.id))
            decision, status = refreshing.run(spec, logs or [], budget, enough, since, settings)
    except FactoryError as error:  # nobody is watching a schedule
        notify(f"{spec} could not be refreshed", str(error), settings)
        raise
    create_markdown_artifact(_told(decision), artifact_key(spec, "refresh"), f"{spec}: what the refresh decided")
    return status


@flow(name="family", flow_run_name="family {budget}", persist_result=False)
def family(names: list[str] | None = None, budget: str = "quick", at_once: int = 1, ray: bool = False) -> int:
    """Build all specialists, or those named; see flows.family.

    Returns:
        the exit status of the command.

    Raises:
        FactoryError: at least one was not published, for an error or its gate.
    """
    settings = environment.load()
    families.check(at_once, ray, settings)
    built = families.build(names or (), budget, settings, at_once, ray)
    rows = [{"specialist": one.name, "became": one.became, "seconds": round(one.total)} for one in built]
    create_table_artifact(rows, "family", "What became of each specialist")
    if (status := families.status(built)) == 1:
        notify("Not every specialist was published", families.table(built), settings)
        raise FactoryError(families.table(built))
    return status


def _told(decision: Decision) -> str:
    """A decision as Markdown."""
    rows = [(name, value) for name, value in asdict(decision).items() if value not in ("", ())]
    said = [f"| {name} | {'<br>'.join(value) if isinstance(value, tuple) else value} |" for name, value in rows]
    return "\n".join(["| what | |", "|---|---|", *said]).replace("\n  ", "<br>")
