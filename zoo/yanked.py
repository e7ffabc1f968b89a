"""Versions that were taken back. The mark lies beside a version, never in it: a version is sealed and does not change.

The semantics are those of PyPI (PEP 592): who asks for the newest version, or for the newest of a line, is not given a
yanked one; who asks for exactly that one is, with a warning that tells the reason. Nothing is deleted, and a mark can
be taken away again.

    a folder hub   `<root>/<vertical>/<task>/1.0.0.yanked.json`
    a server       `yanked.json` in the commit that the tag `yanked-v1.0.0` stands for
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from zoo.errors import BadName, CannotWrite, unwritable
from zoo.names import Version

FILE = "yanked.json"
TAG = "yanked-v"
"""What a server's tags of yanked versions begin with."""
_FORMAT = 1


class YankedVersion(UserWarning):
    """A version was asked for by its number that has been yanked."""


@dataclass(frozen=True)
class Yank:
    """Why a version was taken back.

    Attributes:
        reason: in words, for whoever asks for it.
        time: when; ISO 8601, UTC; empty where that is not known.
    """

    reason: str
    time: str = ""

    def text(self) -> str:
        """The mark's file."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Yank:
        """A mark's file. One that can't be read is a mark all the same: then nobody knows the reason."""
        try:
            said = json.loads(path.read_bytes())
            reason, time = said["reason"], said.get("time", "")
            return cls(" ".join(str(reason).split()), str(time))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls("the mark does not say why")

    def write(self, path: Path) -> None:
        """Write the mark's file, whole or not at all; raises CannotWrite."""
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            part.write_text(self.text(), encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise unwritable(error, str(path)) or CannotWrite(f"{error}.", where=str(path)) from error
        finally:
            part.unlink(missing_ok=True)


def tagged(tag: str) -> Version | None:
    """The version that a server's tag marks as yanked; None for a tag of another purpose."""
    if not tag.startswith(TAG):
        return None
    try:
        return Version.parse(tag.removeprefix(TAG))
    except BadName:
        return None


class Versioned(Protocol):
    """What a hub says of a specialist's versions, for `given`."""

    def versions(self, name: str) -> Sequence[Version]:
        """All of them, oldest first."""
        ...

    def yanked(self, name: str) -> Mapping[Version, Yank]:
        """Those that were taken back, and why."""
        ...


def given(hub: Versioned, name: str) -> list[Version]:
    """The versions that who asks for a name alone may be given, oldest first; raises what the hub does."""
    versions, yanked = hub.versions(name), hub.yanked(name)
    return [version for version in versions if version not in yanked]
