"""Replies on disk, found again by what was asked: a reply is paid for once."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from factory.errors import FactoryError
from factory.files import canonical, digest, explained

_TABLE = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    reply TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    time REAL NOT NULL
) WITHOUT ROWID
"""


class ReplyCache:
    """A content-addressed store of teacher replies in one SQLite file.

    A reply is committed before `put` returns, so a process killed at any moment keeps what it was told. Several
    threads and several processes may share the file.

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
            # WAL: readers never wait for a writer. NORMAL: a commit survives SIGKILL; only a power cut may lose
            # the last ones, and a sync for each would cost a fast teacher more than asking those again.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(_TABLE)

    def get(self, key: str) -> dict[str, Any] | None:
        """The reply stored under a key, or None."""
        rows = self._run("SELECT reply FROM replies WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else None

    def request(self, key: str) -> dict[str, Any] | None:
        """What was asked under a key, or None."""
        rows = self._run("SELECT request FROM replies WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else None

    def put(self, request: dict[str, Any], reply: dict[str, Any], prompt_tokens: int, completion_tokens: int) -> str:
        """Store a reply under its request's key, which is returned. The first reply to a request stays."""
        key = digest(request)
        self._run(
            "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?)",
            key,
            canonical(request),
            json.dumps(reply, ensure_ascii=False),
            prompt_tokens,
            completion_tokens,
            time.time(),
        )
        return key

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

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _run(self, statement: str, *values: Any) -> list[Any]:
        with self._lock, self._explained():
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            text = str(error)
            if "full" in text:
                what, fix = "The disk is full.", "Free some space and run the same command again; no reply is lost."
            elif "readonly" in text or "unable to open" in text:
                what, fix = "The cache of teacher replies can't be written.", "Give this user write access to it."
            elif "locked" in text:
                what = "Another process has held the cache of teacher replies for more than a minute."
                fix = "See what else uses it, then run the same command again."
            else:
                what = f"The cache of teacher replies is damaged: {text}."
                fix = "Move the file away; replies in it will be asked for again."
            raise FactoryError(what, where=str(self.path), fix=fix) from error
