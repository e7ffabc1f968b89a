"""Replies committed together: while one commit runs, those that arrive gather for the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from factory.teacher.cache import Entry, ReplyCache

Kept = Callable[[Exception | None], None]
"""Told that an entry is committed, or what kept it from being so."""


class Keeper:
    """Group commit for one event loop.

    Commits run in a thread: a slow disk, or another process that holds the file, does not stop what is in flight.

    Args:
        cache: where entries are kept.
    """

    def __init__(self, cache: ReplyCache) -> None:
        self._cache = cache
        self._next: list[tuple[Entry, Kept]] = []
        self._committing: asyncio.Task[None] | None = None

    def keep(self, entry: Entry, kept: Kept) -> None:
        """Have an entry committed; `kept` is called from the event loop when it is, or has failed to be."""
        self._next.append((entry, kept))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())

    async def close(self) -> None:
        """Wait until everything given so far is committed, or has failed to be."""
        if self._committing is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._committing

    async def _commit(self) -> None:
        try:
            while self._next:
                batch, self._next = self._next, []
                failure: Exception | None = None
                try:
                    await asyncio.to_thread(self._cache.put_all, [entry for entry, _ in batch])
                except Exception as error:  # noqa: BLE001 - told to everyone who waits
                    failure = error
                for _, kept in batch:
                    kept(failure)
        finally:
            self._committing = None
