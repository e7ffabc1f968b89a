"""Generated secrets, in one file that only its owner can read. Standard library only: both sides use it."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path

from factory.errors import ServiceError
from factory.files import explained, read_json

OWNER = "owner"
REVIEWER = "reviewer"
WORKSPACE = "reviews"


@dataclass(frozen=True)
class Credentials:
    """What signs people and programs in; drawn at the first start, the same until they are drawn anew.

    Attributes:
        api_key: the owner's, for programs.
        owner_password: of the user `owner`, who may do everything.
        reviewer_password: of the user `reviewer`, who may answer questions in the workspace `reviews`.
        auth_secret: signs browser sessions.
    """

    api_key: str = field(repr=False)
    owner_password: str = field(repr=False)
    reviewer_password: str = field(repr=False)
    auth_secret: str = field(repr=False)


def path(home: Path) -> Path:
    """Where the secrets of the Argilla in this folder lie."""
    return home / "secrets.json"


def load(home: Path) -> Credentials:
    """The secrets of the Argilla in this folder, drawn now if there are none.

    Raises:
        ServiceError: the file is there, but is not what `load` wrote.
    """
    file = path(home)
    with explained(file):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            _write_once(file, _drawn())
        file.chmod(0o600)
    value = read_json(file)
    names = {item.name for item in fields(Credentials)}
    if not isinstance(value, dict) or set(value) != names or not all(isinstance(v, str) and v for v in value.values()):
        raise ServiceError(
            "The secrets file is not as it was written.",
            where=str(file),
            fix="Delete it: new secrets are drawn at the next start, and no answer is lost.",
        )
    return Credentials(**value)


def draw_anew(home: Path) -> None:
    """Put new secrets in the place of those of the Argilla in this folder, which takes them over at its next start."""
    file = path(home)
    with explained(file):
        _private(file, _drawn()).replace(file)


def _drawn() -> dict[str, str]:
    return {item.name: secrets.token_urlsafe(24) for item in fields(Credentials)}


def _write_once(file: Path, value: dict[str, str]) -> None:
    """Write whole; if another process was first, its secrets stand."""
    part = _private(file, value)
    try:
        os.link(part, file)
    except FileExistsError:
        return
    finally:
        part.unlink()


def _private(file: Path, value: dict[str, str]) -> Path:
    """A file beside, private from the first byte and on the disk, that is to become this one."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(value, out, indent=2)
        out.flush()
        os.fsync(out.fileno())
    return part
