"""Stands in for argilla_server.jobs.queues: jobs run on the server's own event loop, so there is no Redis, no worker.

Installed before Argilla is imported: `sys.modules["argilla_server.jobs.queues"] = jobs`. Jobs are lost when the server
stops. Argilla has three kinds: webhooks, import and export with a hub, and the recount of records' statuses after a
change of a dataset's settings; none holds an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import rq.job
from rq.exceptions import NoSuchJobError
from rq.job import JobStatus

_LOG = logging.getLogger("argilla.jobs")
_REMEMBERED = 1000
_jobs: OrderedDict[str, Job] = OrderedDict()
JOB_TIMEOUT_DISABLED = -1


class _NoRedis:
    """What Argilla pings at start."""

    def ping(self) -> bool:
        return True


REDIS_CONNECTION = _NoRedis()


class Job:
    """What Argilla looks at of an rq.job.Job: its id and its status."""

    def __init__(self) -> None:
        self.id, self.status = str(uuid4()), JobStatus.QUEUED

    def get_status(self, refresh: bool = True) -> JobStatus:
        """Where the job is."""
        return self.status


class Queue:
    """Tasks on the running event loop (Argilla's database pool belongs to that loop), one at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._waiting: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def enqueue_call(
        self,
        func: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        retry: Any = None,
        **_ignored: Any,
    ) -> Job:
        """Run a coroutine function soon; rq's other options (timeouts, kept results) have no meaning here."""
        job = Job()
        _jobs[job.id] = job
        while len(_jobs) > _REMEMBERED:
            _jobs.popitem(last=False)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())
        self._waiting.put_nowait((job, func, args or (), kwargs or {}, retry))
        return job

    async def _work(self) -> None:
        while True:
            await _run(*await self._waiting.get())


async def _run(job: Job, func: Callable[..., Any], args: Any, kwargs: Any, retry: Any) -> None:
    waits = list(getattr(retry, "intervals", None) or [0])
    tries = 1 + (getattr(retry, "max", 0) or 0)
    for attempt in range(tries):
        job.status = JobStatus.STARTED
        try:
            await _call(func, args, kwargs)
        except Exception:  # noqa: BLE001  (a job may fail in any way; the log keeps it, and the queue goes on)
            _LOG.exception("job %s failed (try %d of %d)", func.__name__, attempt + 1, tries)
            if attempt + 1 < tries:
                job.status = JobStatus.SCHEDULED
                await asyncio.sleep(waits[min(attempt, len(waits) - 1)])
        else:
            job.status = JobStatus.FINISHED
            return
    job.status = JobStatus.FAILED


async def _call(func: Callable[..., Any], args: Any, kwargs: Any) -> None:
    if func.__name__ != "notify_event_job":
        await func(*args, **kwargs)
        return
    # Argilla posts a webhook with a blocking client, which would stop the whole server: do that in a thread.
    from argilla_server.database import AsyncSessionLocal
    from argilla_server.models import Webhook
    from argilla_server.webhooks.v1.commons import notify_event

    webhook_id, event, timestamp, data = args
    async with AsyncSessionLocal() as db:
        webhook = await Webhook.get_or_raise(db, webhook_id)
    (await asyncio.to_thread(notify_event, webhook, event, timestamp, data)).raise_for_status()


def _fetch(job_id: object, **_ignored: Any) -> Job:
    try:
        return _jobs[str(job_id)]
    except KeyError as error:
        raise NoSuchJobError(f"No such job: {job_id}") from error


DEFAULT_QUEUE = Queue("default")
HIGH_QUEUE = Queue("high")
rq.job.Job.fetch = lambda job_id, connection=None, **ignored: _fetch(job_id)
