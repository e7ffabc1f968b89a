"""API keys: a file that holds their hashes only, and what each of them may do.

A key is `zoo_<id>_<secret>` with 256 random bits, so that one sha256 is enough to keep it from being guessed: slow
hashes are for passwords. It is shown once, when it is made, and stands nowhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from zoo.errors import BadInput, BadKeys, unwritable

SCOPES = ("predict", "read", "correct", "admin")
"""What a key may do: ask specialists; list them, read their cards and the metrics; correct decisions; reload."""
FORMAT = 1
_ID = re.compile(r"[0-9a-f]{8}")
_NOBODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Key:
    """A key as its file knows it.

    Attributes:
        id: 8 hex digits; they stand in the key, too.
        name: who has it.
        scopes: some of SCOPES.
        sha256: of the whole key, 64 hex digits.
        created: ISO date.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    sha256: str
    created: str


class KeyFile:
    """The keys of a service. What another process adds or revokes counts from the next request on.

    Args:
        path: the file; one that is not there has no keys, and the first `add` makes it (mode 0600).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._read: tuple[object, dict[str, Key]] | None = None

    def keys(self) -> dict[str, Key]:
        """Keys by id, read again only when the file has changed.

        Raises:
            BadKeys: others than its owner may read it, or it is not a file of keys.
        """
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._bad(f"The file of keys can't be read: {error.strerror}.") from error
        mark = (state.st_ino, state.st_mtime_ns, state.st_size, state.st_mode)
        if self._read is None or self._read[0] != mark:
            if stat.S_IMODE(state.st_mode) & 0o077:
                raise self._bad("Others than its owner may read the file of keys.", f"chmod 600 {self.path}")
            self._read = mark, self._parse()
        return self._read[1]

    def find(self, key: str) -> Key | None:
        """The key's entry, or None; how long it takes tells nothing of the hashes. Raises BadKeys."""
        known = self.keys()
        parts = key.split("_", 2)
        entry = known.get(parts[1]) if len(parts) == 3 else None
        found = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
        same = hmac.compare_digest(found, entry.sha256 if entry else _NOBODY)
        return entry if same else None

    def add(self, name: str, scopes: Sequence[str]) -> str:
        """Make a key; returns it, for the only time.

        Raises:
            BadInput: no name, or a scope there is not.
            BadKeys, CannotWrite: the file.
        """
        if not name.strip() or not name.isprintable():
            raise BadInput("A key needs a name: who has it.")
        if not scopes or set(scopes) - set(SCOPES):
            raise BadInput(f"A key's scopes are some of {', '.join(SCOPES)}, not {', '.join(scopes) or 'none'}.")
        with self._changing() as known:
            identity = secrets.token_hex(4)
            while identity in known:
                identity = secrets.token_hex(4)
            key = f"zoo_{identity}_{secrets.token_urlsafe(32)}"
            sha256 = hashlib.sha256(key.encode()).hexdigest()
            created = datetime.now(UTC).date().isoformat()
            known[identity] = Key(identity, name, tuple(s for s in SCOPES if s in scopes), sha256, created)
        return key

    def revoke(self, identity: str) -> Key:
        """Take a key out of the file; returns its entry. Raises BadInput where there is none of this id; BadKeys."""
        with self._changing() as known:
            if identity not in known:
                there = ", ".join(known) or "none"
                raise BadInput(f"There is no key {identity!r}.", where=str(self.path), fix=f"The ids are: {there}.")
            return known.pop(identity)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Key]]:
        """The keys, to be changed; written whole on leaving, one process at a time."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unwritable(error, str(self.path)) or self._bad(f"It can't be written: {error.strerror}.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = dict(self.keys())
            yield known
            self._write(known)
        finally:
            os.close(lock)

    def _write(self, known: dict[str, Key]) -> None:
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        said = json.dumps({"format": FORMAT, "keys": [asdict(key) for key in known.values()]}, indent=2)
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(said + "\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise unwritable(error, str(self.path)) or self._bad(f"It can't be written: {error.strerror}.") from error

    def _parse(self) -> dict[str, Key]:
        try:
            raw = json.loads(self.path.read_text(encoding="utf-8"))
            if raw["format"] != FORMAT:
                raise self._bad(f"This file of keys is of format {raw['format']}; this zoo reads format {FORMAT}.")
            keys = [Key(**{**one, "scopes": tuple(one["scopes"])}) for one in raw["keys"]]
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._bad("This is not a file of keys.") from error
        for key in keys:
            if not (
                _ID.fullmatch(key.id) and re.fullmatch(r"[0-9a-f]{64}", key.sha256) and set(key.scopes) <= {*SCOPES}
            ):
                raise self._bad(f"The entry of the key {key.name!r} is not one that `zoo keys add` wrote.")
        return {key.id: key for key in keys}

    def _bad(self, what: str, fix: str = "") -> BadKeys:
        return BadKeys(
            what, where=str(self.path), fix=fix or "Make a new one: zoo keys add FILE --name NAME --scope predict"
        )
