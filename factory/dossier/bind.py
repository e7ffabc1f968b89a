"""Are a dossier's records those of the published specialist? Its manifest seals them, by itself or by the ledger.

The manifest holds the sha256 of card and evidence, the name of the dataset version, the spec's hash, and the hash of
the ledger's last line when it was published. The ledger's lines up to that one hold the sha256 of every stage's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from factory.dossier.difference import Difference
from factory.dossier.records import FOLDER, KEPT, Records
from factory.evidence.predictions import file_of
from factory.files import file_sha256
from factory.lineage import ledger
from factory.publish.package import CARD, EVIDENCE
from zoo.manifest import FILE


def unbound(records: Records) -> Iterator[Difference]:
    """Records that are not what the specialist's manifest seals."""
    yield from _sealed(records)
    yield from _ledger(records)
    yield from _evaluated(records)
    yield from _stages(records)
    yield from _dataset(records)
    yield from _spec(records)


def _sealed(records: Records) -> Iterator[Difference]:
    """Files copied of the specialist."""
    folder = records.root / "specialist"
    for name, entry in records.manifest.files.items():
        path = folder / name
        if path.exists() and (found := file_sha256(path)) != entry.sha256:
            yield Difference(_at(f"specialist/{name}"), "sha256, as the published manifest has it", found, entry.sha256)
    for name in (CARD, EVIDENCE):
        if name not in records.manifest.files or not (folder / name).exists():
            yield Difference(_at(f"specialist/{name}"), "the file", None, "sealed by the published manifest")


def _ledger(records: Records) -> Iterator[Difference]:
    """The chain, and the line that the manifest cites."""
    book, at = records.ledger, _at(f"ledger/{ledger.FILE}")
    for problem in book.problems:
        yield Difference(at, "the chain of hashes", problem, "each line follows from the one before")
    cited = records.manifest.lineage.get("ledger")
    if cited and not book.hashes:
        if not _missed(records, "The ledger"):
            yield Difference(at, "the ledger that the published manifest cites", None, cited)
    elif cited and cited != ledger.FIRST and cited not in book.hashes:
        yield Difference(at, "the line that the published manifest cites", "no line has this hash", cited)


def _evaluated(records: Records) -> Iterator[Difference]:
    """The evaluation that the ledger leads to: what it found is how the published evidence begins."""
    entry = records.step("evaluate")
    wanted = entry.files.get(EVIDENCE) if entry else None
    if wanted is None or not (records.root / "specialist" / EVIDENCE).exists():
        return
    read = sha256()
    for line in (records.root / "specialist" / EVIDENCE).read_bytes().splitlines(keepends=True):
        read.update(line)
        if read.hexdigest() == wanted:
            return
    yield Difference(_at(f"specialist/{EVIDENCE}"), "the lines of the stage evaluate", "no such beginning", wanted)


def _stages(records: Records) -> Iterator[Difference]:
    """Files copied of stages, as the ledger entered them."""
    for stage, names in KEPT.items():
        entry = records.step(stage)
        for name in (*names, *([file_of(records.who)] if stage == "evaluate" else [])):
            path, at = records.root / "stages" / stage / name, _at(f"stages/{stage}/{name}")
            entered = entry.files.get(name) if entry else None
            found = file_sha256(path) if path.exists() else None
            if found != entered and not (found is None and _missed(records, f"{name} of the stage {stage}")):
                yield Difference(at, "sha256, as the ledger entered it", found, entered)


def _dataset(records: Records) -> Iterator[Difference]:
    at, wanted = _at(f"dataset/{FILE}"), records.manifest.lineage.get("dataset")
    if records.dataset is None:
        if not _missed(records, "The dataset version's manifest"):
            yield Difference(at, "the file", None, wanted)
        return
    if records.dataset.get("version") != wanted:
        yield Difference(at, "version", records.dataset.get("version"), wanted)
    entry = records.step("dataset")
    found = file_sha256(records.root / "dataset" / FILE)
    if entry and found != entry.files.get(FILE):
        yield Difference(at, "sha256, as the ledger entered it", found, entry.files.get(FILE))


def _spec(records: Records) -> Iterator[Difference]:
    wanted = records.manifest.lineage.get("spec")
    found = records.spec.identity if records.spec else None
    if found != wanted and not (found is None and _missed(records, "The spec")):
        yield Difference(_at("spec/"), "identity, the hash of the spec", found, wanted)


def _missed(records: Records, what: str) -> bool:
    """Whether the dossier says itself that this was not found when it was made."""
    return any(line.startswith(what) for line in records.about["not_found"])


def _at(name: str) -> str:
    return f"{FOLDER}/{name}"
