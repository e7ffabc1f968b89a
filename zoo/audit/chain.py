"""The chain as it grows: many threads and processes add to it, and it stays one, wherever it is kept."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.audit.head import Head
from zoo.audit.record import FORMAT, OPENED, End, Record, link
from zoo.audit.storage import Storage, Unsettled
from zoo.audit.trouble import BROKEN, busy
from zoo.errors import BrokenLog
from zoo.version import __version__


class Chain:
    """Appends to a log.

    Args:
        storage: of the log; begun where there is none.
        timeout: seconds to wait for a turn.

    Raises:
        Unrecorded: it can't be made or written.
    """

    def __init__(self, storage: Storage, timeout: float) -> None:
        self.storage, self.timeout = storage, timeout
        self._begin()
        storage.create()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._threads = threading.Lock()

    def append(self, events: Sequence[Mapping[str, Any]], doubtful: Sequence[Record] = ()) -> Sequence[Record]:
        """Add events in one commit; when this returns they outlive any kill of the process.

        Args:
            events: what is to be recorded.
            doubtful: what Unsettled had of an attempt to add the same events: returned if that did succeed.

        Raises:
            Unrecorded: none of them was added.
            Unsettled: nobody can tell whether they were.
            BrokenLog: nor can they be before a person has looked at it.
        """
        if self._process != os.getpid():
            self.storage.forked()
            self._begin()
        until = time.monotonic() + self.timeout
        if not self._threads.acquire(timeout=self.timeout):
            raise busy(self.storage.where, self.timeout)
        try:
            return doubtful if doubtful and self._holds(doubtful, until) else self._append(events, until)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Let go of files and connections; an append opens them again."""
        if self._process == os.getpid():
            with self._threads:
                self.storage.close()

    def _holds(self, doubtful: Sequence[Record], until: float) -> bool:
        try:
            return self.storage.holds(doubtful, until)
        except Unsettled:
            raise
        except Exception as error:
            still = Unsettled(getattr(error, "what", str(error)), where=self.storage.where)
            still.records = doubtful
            raise still from error

    def _append(self, events: Sequence[Mapping[str, Any]], until: float) -> Sequence[Record]:
        with self.storage.turn(until) as turn:
            if turn.head is None:
                raise BrokenLog(
                    "The head is missing or can't be read: nothing tells where the log ends.",
                    where=self.storage.where,
                    fix=BROKEN,
                )
            end = follows(turn.head, turn.last)
            records: list[Record] = []
            for event in [_opening(*turn.opens), *events] if turn.opens else events:
                records.append(link(event, records[-1].end if records else end))
            turn.add(records, end)
            return records[-len(events) :]


def follows(said: Head, found: End) -> End:
    """What the next record comes after.

    It is the last record found, if the head knows of it. If not, the chain was cut, changed or added to by somebody:
    then what comes next names what the head says, so that the break stays to be seen.
    """
    if found in (said.last, said.coming):
        return found
    return End(max(found.number, said.last.number), said.last.hash)


def _opening(file: str, before: str) -> dict[str, Any]:
    """The first record of a file: what it is, and which file it follows."""
    return {"event": OPENED, "format": FORMAT, "file": file, "follows": before, "zoo": __version__}
