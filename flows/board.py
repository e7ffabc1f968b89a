"""What Prefect's pages show of a build: how far a stage is, and its figures."""

from __future__ import annotations

import contextvars
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from factory.progress import Progress

SECONDS = 3.0  # between two reports of progress


class Board:
    """Passes progress on to Prefect, as one progress artifact a stage.

    Stages report many times a second, from wherever they work; a thread sends the last word every few seconds, so that
    neither a slow server nor a dead one holds up the work.

    Args:
        meter: makes the listener that tells a person, given what is being done and in what unit.
        every: seconds between two reports.
    """

    def __init__(self, meter: Callable[[str, str], Progress], every: float = SECONDS) -> None:
        self._meter, self._every = meter, every
        self._last: tuple[str, int, int] | None = None

    def meter(self, name: str, unit: str) -> Progress:
        """A listener that tells the person and, while a stage is watched, Prefect."""
        told = self._meter(name, unit)

        def listen(done: int, total: int) -> None:
            told(done, total)
            self._last = (name, done, total)

        return listen

    @contextmanager
    def watching(self, key: str) -> Iterator[None]:
        """Send progress under this artifact key for as long as the block lasts; nothing, if there is none."""
        self._last = None
        over = threading.Event()
        # The copied context says which task run the artifact belongs to.
        sender = threading.Thread(
            target=contextvars.copy_context().run, args=(self._send, key, over), name="progress", daemon=True
        )
        sender.start()
        try:
            yield
        finally:
            over.set()
            sender.join(timeout=10.0)

    def _send(self, key: str, over: threading.Event) -> None:
        import httpx
        from prefect.artifacts import create_progress_artifact, update_progress_artifact
        from prefect.logging import get_logger

        artifact: UUID | None = None
        sent = None
        while True:
            last_time = over.wait(self._every)
            if (last := self._last) is not None and last != sent:
                name, done, total = last
                share, text = 100.0 * done / max(total, 1), f"{name}: {done} of {total}"
                try:
                    if artifact is None:
                        artifact = create_progress_artifact(share, key=key, description=text)
                    else:
                        update_progress_artifact(artifact, share, description=text)
                    sent = last
                except httpx.HTTPError as error:
                    get_logger("build").warning("Prefect was not told how far %s is: %s", name, error)
            if last_time:
                return


def artifact_key(*parts: str) -> str:
    """The parts in the only characters Prefect takes in a key."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower())


def show_figures(key: str, title: str, figures: Mapping[str, Any]) -> None:
    """A stage's summary as a table on the run's page."""
    from prefect.artifacts import create_table_artifact

    rows = [{"figure": name, "value": _short(value)} for name, value in figures.items()]
    create_table_artifact(table=rows, key=key, description=title)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
