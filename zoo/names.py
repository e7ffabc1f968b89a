"""How specialists and their versions are named: `finance/sentiment`, `finance/sentiment@1.2.0`, `...@1`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from zoo.errors import BadName

# No hyphen in the vertical: a remote hub knows `finance/sentiment` as `finance-sentiment`, cut at the first hyphen.
NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*/[a-z0-9]+(?:[_-][a-z0-9]+)*")
_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_RANGE = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}){{0,2}}")


@dataclass(frozen=True, order=True)
class Version:
    """A version of a specialist, ordered by its numbers.

    Attributes:
        major: raised when the labels change.
        minor: raised when the data changes.
        patch: raised when only the training changes.
    """

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `1.2.3`; raises BadName for anything else (no `v`, no leading zeros, no suffixes)."""
        if not _VERSION.fullmatch(text):
            raise BadName(f"{text!r} is not a version.", fix="Write three numbers, for example 1.0.0.")
        return cls(*map(int, text.split(".")))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Reference:
    """A specialist someone asks for.

    Attributes:
        name: `<vertical>/<task>`.
        wanted: the leading numbers the version must have; () accepts any, (1,) any 1.x.y, (1, 2, 3) exactly that.
    """

    name: str
    wanted: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `finance/sentiment`, optionally with `@1`, `@1.2` or `@1.2.3`; raises BadName."""
        name, at, version = text.partition("@")
        check_name(name)
        if at and not _RANGE.fullmatch(version):
            raise BadName(
                f"{version!r} is not a version to ask for.",
                where=text,
                fix=f"Write {name}@1.2.0 for one version, {name}@1.2 or {name}@1 for the newest of a line.",
            )
        return cls(name, tuple(map(int, version.split("."))) if at else ())

    @property
    def exact(self) -> Version | None:
        """The one version asked for, or None where several would do."""
        return Version(*self.wanted) if len(self.wanted) == 3 else None

    def newest(self, versions: Iterable[Version]) -> Version | None:
        """The newest of the versions that match, or None."""
        length = len(self.wanted)
        return max((v for v in versions if (v.major, v.minor, v.patch)[:length] == self.wanted), default=None)


def check_name(name: str) -> str:
    """Return the name if it is written as names are; raises BadName."""
    if not NAME.fullmatch(name):
        raise BadName(
            f"{name!r} is not the name of a specialist.",
            fix="Write <vertical>/<task> in lower case, for example finance/sentiment; "
            "for a folder give a pathlib.Path, or start it with / or ./",
        )
    return name
