"""A hub that is this Python environment: specialists that came in wheels (`zoo pack`) and were installed by pip."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.distribution import ABOUT, distribution, place
from zoo.errors import BadName, UnknownSpecialist, UnknownVersion
from zoo.names import Version, check_name
from zoo.yanked import Yank

if TYPE_CHECKING:
    from importlib.metadata import Distribution

ADDRESS = "installed:"


class InstalledHub:
    """Specialists among the installed distributions, found by their metadata; nothing of them is imported."""

    address = ADDRESS

    def names(self) -> list[str]:
        """The names it holds, sorted."""
        from importlib.metadata import distributions  # here and below: importing the zoo is cheap

        return sorted({name for one in distributions() for name, _ in _carried(one)})

    def versions(self, name: str) -> list[Version]:
        """The versions of a specialist, oldest first; pip installs one. Raises UnknownSpecialist."""
        found = {version for version, _ in self._found(name)}
        if not found:
            raise UnknownSpecialist(f"There is no specialist named {name!r}.", where=self.address)
        return sorted(found)

    def pull(self, name: str, version: Version) -> Path:
        """The version's folder among the installed packages, to be read only; raises UnknownVersion."""
        for other, one in self._found(name):
            if other == version:
                return Path(str(one.locate_file(place(name, version))))
        raise UnknownVersion(f"{name} has no version {version}.", where=self.address)

    def yanked(self, name: str) -> dict[Version, Yank]:
        """None: what is installed was chosen by whoever installed it, and no hub is asked."""
        return {}

    def _found(self, name: str) -> Iterator[tuple[Version, Distribution]]:
        from importlib.metadata import distributions

        for one in distributions(name=distribution(name)):
            yield from ((version, one) for other, version in _carried(one) if other == name)


def _carried(one: Distribution) -> Iterator[tuple[str, Version]]:
    """The specialist that a distribution says it carries; none where that can't be read, or is not its to say."""
    said = one.read_text(ABOUT)
    if said is None:
        return
    try:
        about = json.loads(said)
        name, version = check_name(about["name"]), Version.parse(about["version"])
    except (ValueError, KeyError, TypeError, BadName):
        return
    if re.sub(r"[-_.]+", "-", one.name).lower() == distribution(name):  # no other package may speak for it
        yield name, version
