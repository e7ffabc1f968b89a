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
    """What signs people and programs in; drawn at the first start, the same ever after.

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
            _write_once(file, {item.name: secrets.token_urlsafe(24) for item in fields(Credentials)})
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


def _write_once(file: Path, value: dict[str, str]) -> None:
    """Write whole and private from the first byte; if another process was first, its secrets stand."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(value, out, indent=2)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(part, file)
    except FileExistsError:
        return
    finally:
        part.unlink()
