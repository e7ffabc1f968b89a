"""Replies committed together: while one commit runs, those that arrive gather for the next."""

from __future__ import annotations

import asyncio
import contextlib

from factory.teacher.cache import Entry, ReplyCache


class _Batch:
    """Entries that are committed at once."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.over = asyncio.Event()
        self.error: Exception | None = None


class Keeper:
    """Group commit for one event loop.

    Commits run in a thread: a slow disk, or another process that holds the file, does not stop what is in flight.

    Args:
        cache: where entries are kept.
    """

    def __init__(self, cache: ReplyCache) -> None:
        self._cache = cache
        self._next = _Batch()
        self._committing: asyncio.Task[None] | None = None

    async def keep(self, entry: Entry) -> None:
        """Return when the entry is committed. Whoever stops waiting leaves it to be committed all the same.

        Raises:
            FactoryError: it can't be stored.
        """
        batch = self._next
        batch.entries.append(entry)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
        await batch.over.wait()
        if batch.error is not None:
            raise batch.error

    async def close(self) -> None:
        """Wait until everything given so far is committed, or has failed to be."""
        if self._committing is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._committing

    async def _commit(self) -> None:
        try:
            while self._next.entries:
                batch, self._next = self._next, _Batch()
                try:
                    await asyncio.to_thread(self._cache.put_all, batch.entries)
                except Exception as error:  # noqa: BLE001 - raised again in everyone who waits
                    batch.error = error
                finally:
                    batch.over.set()
        finally:
            self._committing = None
