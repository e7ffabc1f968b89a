"""Replies committed together: a commit costs much the same, however many it takes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from factory.teacher.cache import Entry, ReplyCache

_FEW = 8
_GATHERING = 0.01
"""After a commit of more than a few entries, the next waits so many seconds for more; a few never wait."""


class Keeper:
    """Group commit for one event loop.

    Commits run in a thread: a slow disk, or another process that holds the file, does not stop what is in flight. While
    one runs, the entries that arrive gather for the next.

    Args:
        cache: where entries are kept.
        kept: called from the event loop for every entry that is committed, or with what kept it from being so.
    """

    def __init__(self, cache: ReplyCache, kept: Callable[[Entry, Exception | None], None]) -> None:
        self._cache, self._kept = cache, kept
        self._next: list[Entry] = []
        self._committing: asyncio.Task[None] | None = None

    def keep(self, entry: Entry) -> None:
        """Have an entry committed."""
        self._next.append(entry)
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
                    await asyncio.to_thread(self._cache.put_all, batch)
                except Exception as error:  # noqa: BLE001 - told to everyone who waits
                    failure = error
                for entry in batch:
                    self._kept(entry, failure)
                if len(batch) > _FEW:
                    await asyncio.sleep(_GATHERING)
        finally:
            self._committing = None
