"""Replies on disk, found again by what was asked: a reply is paid for once."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from factory.errors import FactoryError
from factory.files import canonical, explained, is_full, no_room

_TABLE = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    reply TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    time REAL NOT NULL
)
"""
_ROW = "(?, ?, ?, ?, ?, ?)"
_MOST = 500  # rows in one statement; SQLite takes 32,766 values
_READ = 5000  # keys in one question
_GATHERED = 10_000  # pages (40 MB) of commits before SQLite moves them to the file itself, which takes a sync


class Entry(NamedTuple):
    """A reply to be kept.

    Attributes:
        key: sha256 of `request`, 64 hex digits.
        request: what was asked, as factory.files.canonical writes it.
        reply: what came, as JSON that the cache gives back parsed; ASCII where it holds what UTF-8 does not.
        prompt_tokens, completion_tokens: what was paid.
    """

    key: str
    request: str
    reply: str
    prompt_tokens: int
    completion_tokens: int


def key_of(request: str) -> str:
    """The key of a request in its canonical text."""
    return sha256(request.encode()).hexdigest()


class ReplyCache:
    """A content-addressed store of teacher replies in one SQLite file.

    A reply is committed before `put` or `put_all` returns, so a process killed at any moment keeps what it was told.
    Several threads and several processes may share the file.

    Args:
        path: the file; made, with its folder, where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._explained():
            self._database = sqlite3.connect(path, timeout=60.0, isolation_level=None, check_same_thread=False)
            # Reading has a connection of its own: what one thread looks up need not wait for another's commit.
            self._reader = sqlite3.connect(path, timeout=60.0, isolation_level=None, check_same_thread=False)
            # WAL: readers never wait for a writer. NORMAL: a commit survives SIGKILL; only a power cut may lose
            # the last ones, and a sync for each would cost a fast teacher more than asking those again.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(f"PRAGMA wal_autocheckpoint = {_GATHERED}")
            self._database.execute(_TABLE)

    def get(self, key: str) -> dict[str, Any] | None:
        """The reply stored under a key, or None."""
        rows = self._run("SELECT reply FROM replies WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else None

    def get_all(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The replies that are stored under the keys, by key."""
        found: dict[str, dict[str, Any]] = {}
        for begin in range(0, len(keys), _READ):
            asked = json.dumps(keys[begin : begin + _READ])
            rows = self._run("SELECT key, reply FROM replies WHERE key IN (SELECT value FROM json_each(?))", asked)
            found.update((key, json.loads(reply)) for key, reply in rows)
        return found

    def request(self, key: str) -> dict[str, Any] | None:
        """What was asked under a key, or None."""
        rows = self._run("SELECT request FROM replies WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else None

    def put(self, request: dict[str, Any], reply: dict[str, Any], prompt_tokens: int, completion_tokens: int) -> str:
        """Store a reply under its request's key, which is returned. The first reply to a request stays."""
        text = canonical(request)
        key = key_of(text)
        self.put_all([Entry(key, text, json.dumps(reply), prompt_tokens, completion_tokens)])
        return key

    def put_all(self, entries: Sequence[Entry]) -> None:
        """Store replies in few commits; each is kept when this returns. The first reply to a request stays."""
        for begin in range(0, len(entries), _MOST):
            now = time.time()
            values: list[Any] = []
            for entry in entries[begin : begin + _MOST]:
                values += (*entry, now)
            # One statement, which is a transaction of its own, gives up the interpreter's lock once, not once a row.
            rows = ", ".join([_ROW] * (len(values) // 6))
            with self._lock, self._explained():
                self._database.execute(f"INSERT OR IGNORE INTO replies VALUES {rows}", values)  # noqa: S608

    def held(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys under which there is a reply."""
        wanted = list(keys)
        found: set[str] = set()
        for begin in range(0, len(wanted), _READ):
            asked = json.dumps(wanted[begin : begin + _READ])
            rows = self._run("SELECT key FROM replies WHERE key IN (SELECT value FROM json_each(?))", asked)
            found.update(row[0] for row in rows)
        return found

    def contains(self, key: str) -> bool:
        """Whether a reply is there."""
        return bool(self._run("SELECT 1 FROM replies WHERE key = ?", key))

    def count(self) -> int:
        """How many replies there are."""
        return int(self._run("SELECT count(*) FROM replies")[0][0])

    def tokens(self) -> tuple[int, int]:
        """Prompt and completion tokens paid for so far."""
        row = self._run("SELECT coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0) FROM replies")[0]
        return int(row[0]), int(row[1])

    def paid(self, keys: Iterable[str]) -> tuple[int, int]:
        """The same of the replies under these keys, each once."""
        wanted = list(dict.fromkeys(keys))
        read = written = 0
        for begin in range(0, len(wanted), _READ):
            rows = self._run(
                "SELECT coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0) FROM replies"
                " WHERE key IN (SELECT value FROM json_each(?))",
                json.dumps(wanted[begin : begin + _READ]),
            )
            read, written = read + int(rows[0][0]), written + int(rows[0][1])
        return read, written

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
        self._database.close()

    def _run(self, statement: str, *values: Any) -> list[Any]:
        with self._explained():
            return self._reader.execute(statement, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            text = str(error)
            # Of a full disk SQLite says so, or calls it an I/O error, or a file it is unable to open.
            if "full" in text or is_full(self.path.parent):
                raise no_room(self.path) from error
            if "readonly" in text or "unable to open" in text:
                what, fix = "The cache of teacher replies can't be written.", "Give this user write access to it."
            elif "locked" in text:
                what = "Another process has held the cache of teacher replies for more than a minute."
                fix = "See what else uses it, then run the same command again."
            elif "I/O error" in text:
                what = f"The cache of teacher replies can't be read or written: {text}."
                fix = "See that the disk is sound, then run the same command again."
            else:
                what = f"The cache of teacher replies is damaged: {text}."
                fix = "Move the file away; replies in it will be asked for again."
            raise FactoryError(what, where=str(self.path), fix=fix) from error
