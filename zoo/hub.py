"""Where specialists come from: one interface, whatever holds them.

Addresses:
    a folder                    FolderHub: `<root>/<vertical>/<task>/<version>/`
    hf:<namespace>              the Hugging Face Hub (or what HF_ENDPOINT names)
    http(s)://host/<namespace>  any server that speaks the Hugging Face Hub's protocol
    installed:                  InstalledHub: what pip installed of wheels that `zoo pack` made
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from zoo.errors import HubUnreachable, NoHub, UnknownSpecialist, UnknownVersion, unknown_specialist
from zoo.folder_hub import FolderHub
from zoo.installed import ADDRESS, InstalledHub
from zoo.names import Reference, Version
from zoo.yanked import Yank, YankedVersion

T = TypeVar("T")


class Hub(Protocol):
    """What holds specialists. Versions never change once they are there."""

    address: str

    def names(self) -> list[str]:
        """The names it holds, sorted; raises HubUnreachable."""
        ...

    def versions(self, name: str) -> list[Version]:
        """The versions of a specialist, oldest first; raises UnknownSpecialist, HubUnreachable."""
        ...

    def yanked(self, name: str) -> Mapping[Version, Yank]:
        """Those of a specialist's versions that were taken back, and why (zoo.yanked); raises as `versions` does."""
        ...

    def pull(self, name: str, version: Version) -> Path:
        """A local folder holding the version, not verified; raises UnknownVersion, HubUnreachable."""
        ...


class CachedHub:
    """A remote hub whose pulled versions stay on this machine, and answer when the hub can't be reached.

    Args:
        remote: the hub behind.
        cache: where pulled versions stay.
    """

    def __init__(self, remote: Hub, cache: FolderHub) -> None:
        self.remote, self.cache = remote, cache
        self.address = remote.address

    def names(self) -> list[str]:
        """The remote's names; without it those in the cache, with a warning."""
        return self._or_cached(self.remote.names, self.cache.names, "the names in the cache are listed")

    def versions(self, name: str) -> list[Version]:
        """The remote's versions; without it those in the cache, with a warning."""

        def cached() -> list[Version]:
            return self.cache.versions(name) if name in self.cache.names() else []

        return self._or_cached(lambda: self.remote.versions(name), cached, f"versions of {name} in the cache are used")

    def yanked(self, name: str) -> Mapping[Version, Yank]:
        """What the remote says, which the cache remembers; without the remote, what it said last."""
        try:
            marks = self.remote.yanked(name)
        except HubUnreachable:
            return self.cache.yanked(name)
        with suppress(OSError):  # a cache made elsewhere, to be read only
            self.cache.remember(name, marks)
        return marks

    def pull(self, name: str, version: Version) -> Path:
        """The cached folder, pulled first where it isn't there yet; the remote isn't asked about what is."""
        if self.cache.has(name, version):
            return self.cache.pull(name, version)
        return self.remote.pull(name, version)

    def _or_cached(self, ask: Callable[[], list[T]], cached: Callable[[], list[T]], note: str) -> list[T]:
        try:
            return ask()
        except HubUnreachable as error:
            found = cached()
            if not found:
                raise
            warnings.warn(f"{error.what} ({self.address}); {note}.", stacklevel=4)
            return found


def cache_root() -> Path:
    """Where pulled specialists are kept: ZOO_CACHE, else `zoo` in XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get("ZOO_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "zoo"


def is_server(address: str) -> bool:
    """Whether an address is a server's, not a folder's."""
    return address.startswith(("hf:", "http://", "https://"))


def open_hub(hub: str | Path | Hub | None = None) -> Hub:
    """The hub at an address (see the module); None: the one ZOO_HUB names. Reaches for nothing yet.

    Where neither names one, it is this environment, if any specialist is installed in it.

    Raises:
        NoHub: no address, a folder that is not there, or an address that is none.
    """
    address = hub if hub is not None else os.environ.get("ZOO_HUB")
    if address == ADDRESS or (not address and InstalledHub().names()):
        return InstalledHub()
    if not address:
        raise NoHub(
            "Which hub to look in is not set, and no specialist is installed.",
            fix="Set ZOO_HUB, or give hub=... (on the command line --hub): a folder, "
            "hf:<namespace>, or https://host/<namespace>; or install a wheel that `zoo pack` made.",
        )
    if not isinstance(address, str | Path):
        return address
    if isinstance(address, str) and is_server(address):
        from zoo.remote_hub import RemoteHub

        remote = RemoteHub(address, cache_root())
        return CachedHub(remote, remote.cache)
    folder = Path(address).expanduser()
    if not folder.is_dir():
        raise NoHub(
            "There is no hub here: the folder does not exist.",
            where=str(folder),
            fix="Check ZOO_HUB or hub=...; remote hubs are written hf:<namespace> or https://host/<namespace>.",
        )
    return FolderHub(folder)


def find(reference: str, hub: Hub) -> tuple[str, Version]:
    """The newest version that `finance/sentiment`, `...@1`, `...@1.2` or `...@1.2.3` may mean, and was not yanked.

    A yanked version is found by its whole number alone, with a YankedVersion warning. An exact version that is in the
    cache is found without asking the hub; then the warning is what the hub said when it was asked last.

    Raises:
        BadName, UnknownSpecialist, UnknownVersion, HubUnreachable.
    """
    asked = Reference.parse(reference)
    if isinstance(hub, CachedHub) and asked.exact and hub.cache.has(asked.name, asked.exact):
        _warn(asked.name, asked.exact, hub.cache.yanked(asked.name))
        return asked.name, asked.exact
    try:
        versions = hub.versions(asked.name)
        yanked = hub.yanked(asked.name)
    except UnknownSpecialist as error:
        try:
            known = hub.names()
        except HubUnreachable:  # some servers answer for a repository and can't list any
            known = []
        raise unknown_specialist(asked.name, known, hub.address) from error
    newest = asked.newest(versions if asked.exact else (one for one in versions if one not in yanked))
    if newest is None and (taken_back := asked.newest(versions)):
        raise UnknownVersion(
            f"Every version that {reference} may mean was yanked. Of {taken_back}: {yanked[taken_back].reason}",
            where=hub.address,
            fix=f"Wait for the next one; {asked.name}@{taken_back} is given to who asks for just that.",
        )
    if newest is None:
        there = ", ".join(map(str, sorted(versions, reverse=True)))
        wanted = ".".join(map(str, asked.wanted))
        raise UnknownVersion(
            f"{asked.name} has no version {wanted}." if wanted else f"{asked.name} has no version yet.",
            where=hub.address,
            fix=f"Use one of: {there}." if there else "Wait for the first one, or ask whoever publishes it.",
        )
    if asked.exact:
        _warn(asked.name, newest, yanked)
    return asked.name, newest


def _warn(name: str, version: Version, yanked: Mapping[Version, Yank]) -> None:
    if version in yanked:
        warnings.warn(f"{name}@{version} was yanked: {yanked[version].reason}", YankedVersion, stacklevel=6)
