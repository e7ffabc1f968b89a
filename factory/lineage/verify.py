"""Whether the ledger's chain holds, and whether every stage's files still are what was entered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from factory.errors import DataError
from factory.files import digest
from factory.lineage import ledger
from factory.lineage.ledger import Entry, Ledger
from factory.stage import inputs_of


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        problems: what must not be: signs of edited lines, changed, missing or added files.
        notes: what may well be: stages cleaned up, or not entered yet; bytes a kill left.
        files: how many files were compared.
    """

    problems: list[str]
    notes: list[str]
    files: int


def verify(root: Path, found: Ledger | None = None) -> Findings:
    """Compare a specialist's build folder with its ledger; reads every file of every stage once.

    Args:
        root: the build folder.
        found: its ledger, if it has been read already.
    """
    found = found or ledger.read(root)
    problems, notes, files = list(found.problems), [], 0
    if found.torn:
        notes.append(f"{found.torn} bytes at the ledger's end were never committed; the next entry replaces them.")
    newest = {entry.output: entry for entry in found.entries}
    for entry in newest.values():
        folder = root / entry.stage / entry.key
        if not folder.exists():
            notes.append(f"{entry.output} was cleaned up: its folder is gone.")
            continue
        problems += compare(folder, entry)
        files += len(entry.files)
    for path in sorted(root.glob("[!.]*/[!.]*/inputs.json")):
        name = f"{path.parent.parent.name}:{path.parent.name}"
        if name not in newest:
            notes.append(f"{name} is not in the ledger; it is entered when a build next uses it.")
    return Findings(problems, notes, files)


def compare(folder: Path, entry: Entry) -> list[str]:
    """How a stage's folder differs from its entry, a sentence each; none where it does not."""
    there = ledger.files_of(folder)
    said = [f"{entry.output}: {name} is missing." for name in sorted(set(entry.files) - set(there))]
    said += [f"{entry.output}: {name} was added." for name in sorted(set(there) - set(entry.files))]
    said += [
        f"{entry.output}: {name} was changed: sha256 {there[name][:12]}, entered {entry.files[name][:12]}."
        for name in sorted(set(there) & set(entry.files))
        if there[name] != entry.files[name]
    ]
    return said if said or _is_its_key(folder, entry) else [f"{entry.output}: its inputs.json is of another key."]


def _is_its_key(folder: Path, entry: Entry) -> bool:
    """Whether the folder is named by its inputs, as factory.stage.run names it."""
    try:
        inputs = inputs_of(folder)
    except DataError:
        return False
    return digest({"stage": entry.stage, "inputs": inputs})[:16] == entry.key
