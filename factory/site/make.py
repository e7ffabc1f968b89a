"""The command: read everything, draw it, write the folder."""

from __future__ import annotations

from pathlib import Path

from factory.settings import Settings
from factory.site.changes import changes
from factory.site.gather import gather
from factory.site.pages import pages
from factory.site.write import write


def make(where: Settings, folder: Path | None = None) -> tuple[Path, list[str]]:
    """Make the site anew. The same hub, builds and reviews make the same bytes.

    Args:
        where: hub, builds and home.
        folder: where it is written; None: `site` in the home.

    Returns:
        the path of its index.html; a sentence for all that could not be read, which is on its page, too.

    Raises:
        HubError: the hub can't be reached.
        FactoryError: the folder can't be written, or holds something else.
    """
    family = gather(where)
    made = pages(family, {one.name: list(changes(one, where)) for one in family.specialists})
    problems = [*family.problems, *(f"{one.name}: {said}" for one in family.specialists for said in one.problems)]
    return write(folder or where.site, made), problems
