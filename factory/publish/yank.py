"""Take a published version back, and give it back. What that means is said in zoo.yanked."""

from __future__ import annotations

from factory.errors import HubError
from factory.publish.hub import open_hub
from factory.publish.sound import not_there, said
from factory.settings import Settings
from zoo.names import Reference, Version
from zoo.yanked import given


def yank(specialist: str, reason: str, where: Settings) -> str:
    """Mark a version as yanked.

    Args:
        specialist: `<vertical>/<task>@<version>`, the whole number.
        reason: in words; one line.
        where: which hub.

    Returns:
        what happened, for a person.

    Raises:
        HubError: no whole version, no reason, the hub does not hold it, or refuses.
    """
    name, version = _exact(specialist)
    words = " ".join(reason.split())
    if not words:
        raise HubError("A version is yanked for a reason.", where=specialist, fix='Say it: --reason "..."')
    hub = open_hub(where.hub, where.hub_token)
    hub.yank(name, version, words)
    newest = next(reversed(given(hub, name)), None)
    return (
        f"{name}@{version} is yanked: {words}\n"
        f"Who asks for {name} is given {newest or 'nothing: no other version is left'}; who asks for just {version} is "
        "given that, with a warning. What has been loaded stays loaded."
    )


def unyank(specialist: str, where: Settings) -> str:
    """Take the mark of a yanked version away.

    Returns:
        what happened, for a person.

    Raises:
        HubError: no whole version, the hub does not hold it, or refuses.
    """
    name, version = _exact(specialist)
    hub = open_hub(where.hub, where.hub_token)
    if version not in (there := hub.versions(name)):
        raise not_there(name, version, there, hub.address)
    there_was = hub.unyank(name, version)
    return f"{name}@{version} is {'given out again' if there_was else 'not yanked; nothing was changed'}."


def _exact(specialist: str) -> tuple[str, Version]:
    with said():
        asked = Reference.parse(specialist)
    if asked.exact is None:
        raise HubError("This names no version.", where=specialist, fix=f"Write {asked.name}@1.0.0.")
    return asked.name, asked.exact
