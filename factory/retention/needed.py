"""Which stages of a specialist are still needed, by what lies in its build folder.

Needed is every stage of which a version was published, and of each stage the folder that a build used last; and
whatever these were made from. So lineage, explain and dossiers of every version find what they always found, and the
build that came last goes on from where it is, whether it was published, refused or killed.
"""

from __future__ import annotations

from pathlib import Path

from factory.lineage import ledger
from factory.stage import inputs_of

PUBLISH = "publish"


def finished(root: Path) -> dict[str, Path]:
    """`<stage>:<key>` to the folder, of every finished stage below a specialist's build folder."""
    folders = (path.parent for path in sorted(root.glob("[!.]*/[!.]*/inputs.json")))
    return {f"{folder.parent.name}:{folder.name}": folder for folder in folders}


def needed(root: Path) -> set[str]:
    """`<stage>:<key>` of every stage that must stay; some of them may be gone already.

    Raises:
        DataError: a finished stage's inputs.json can't be read, so that nobody knows what it was made from.
    """
    there = finished(root)
    newest: dict[str, str] = {}
    for output, folder in there.items():
        stage = folder.parent.name
        if stage not in newest or used(folder) >= used(there[newest[stage]]):
            newest[stage] = output
    return behind(root, there, [*newest.values(), *(one for one in there if one.startswith(f"{PUBLISH}:"))])


def behind(root: Path, there: dict[str, Path], first: list[str]) -> set[str]:
    """These stages and all that they were made from; where a folder is gone, its entry in the ledger tells."""
    book = ledger.read(root)
    found: set[str] = set()
    waiting = list(first)
    while waiting:
        output = waiting.pop()
        if output in found:
            continue
        found.add(output)
        if output in there:
            waiting += ledger.stages_among(inputs_of(there[output])).values()
        elif entry := book.last(output):
            waiting += entry.inputs.values()
    return found


def used(folder: Path) -> float:
    """When a build made a stage's folder, or found it there (factory.stage.run); seconds since 1970."""
    return folder.stat().st_mtime
