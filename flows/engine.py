"""Prefect itself: reach the server of this FACTORY_HOME, keep its words out of the way, put right what a kill left."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping
from typing import Any

from factory.errors import FactoryError
from factory.services.prefect import PrefectServer
from factory.settings import Settings

KILLED = "Its process was killed."


def connect(settings: Settings) -> PrefectServer:
    """Start the Prefect server or find it running, and make this process report to it.

    Call it before anything imports Prefect, which reads its environment when it is imported.

    Raises:
        ServiceError: the server can't be started.
    """
    server = PrefectServer(settings)
    server.start()
    os.environ.update(server.environment())
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "WARNING"
    warnings.simplefilter("ignore", FutureWarning)
    import prefect.logging.configuration

    prefect.logging.configuration.setup_logging()
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)
    return server


def _is_news(record: logging.LogRecord) -> bool:
    """False for what the command says in its own words, and for libraries' advice to those who write code.

    How runs end, with the whole traceback, stands in the run's log in Prefect all the same.
    """
    if record.exc_info and isinstance(record.exc_info[1], FactoryError):
        return False
    if record.name.startswith(("prefect.flow_runs", "prefect.task_runs")):
        return False
    return record.levelno >= logging.ERROR or record.name.startswith("prefect")


def close_killed(spec: str) -> int:
    """Tell Prefect that builds of this specialist that never ended were killed; returns how many.

    Call it alone (factory.alone).
    """
    # Not the refresh that this build is part of.
    return _close("build", {"tags": {"all_": [spec]}, "state": {"type": {"any_": ["PENDING", "RUNNING"]}}})


def close_killed_refreshes(spec: str, own: str) -> int:
    """The same of its refreshes, but for the one that asks, whose run is `own`; call it alone as they are."""
    # One that is pending is about to begin.
    names = {"any_": [f"{spec} refresh"]}
    return _close("refresh", {"name": names, "state": {"type": {"any_": ["RUNNING"]}}, "id": {"not_any_": [own]}})


def _close(flow: str, runs: Mapping[str, Any]) -> int:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
    from prefect.states import Crashed

    which = FlowFilter.model_validate({"name": {"any_": [flow]}})
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_filter=which, flow_run_filter=FlowRunFilter.model_validate(runs))
        for run in found:
            client.set_flow_run_state(run.id, Crashed(message=KILLED), force=True)
    return len(found)
