"""Prefect itself: reach the server of this FACTORY_HOME, keep its words out of the way, put right what a kill left."""

from __future__ import annotations

import logging
import os
import warnings

from factory.errors import FactoryError
from factory.services.prefect import PrefectServer
from factory.settings import Settings


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
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
    from prefect.states import Crashed

    unfinished = FlowRunFilter.model_validate(
        {"tags": {"all_": [spec]}, "state": {"type": {"any_": ["PENDING", "RUNNING"]}}}
    )
    builds = FlowFilter.model_validate({"name": {"any_": ["build"]}})  # not the refresh that this build is part of
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_filter=builds, flow_run_filter=unfinished)
        for run in runs:
            client.set_flow_run_state(run.id, Crashed(message="Its process was killed."), force=True)
    return len(runs)
