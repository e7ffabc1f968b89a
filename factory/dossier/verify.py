"""Is a dossier what its records say, and are its records those of the published specialist?

Facts are drawn from the copied records again, the bill and the papers written again, and all is compared with what lies
there. Whoever rewrites the whole dossier, records and seal, is found where the published version or the builds are at
hand, or by the signature.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.dossier import bom, collect, facts, papers, seal
from factory.dossier.bind import unbound
from factory.dossier.difference import Difference, lines, values
from factory.dossier.make import FACTS, records_of
from factory.dossier.records import FOLDER, KEPT, Records
from factory.errors import DataError, FactoryError
from factory.files import file_sha256, read_json
from factory.lineage import ledger
from factory.publish.sound import said
from factory.settings import Settings
from zoo import hub as hubs
from zoo import signing
from zoo.errors import UnknownSpecialist, UnknownVersion, Unsigned, ZooError
from zoo.manifest import FILE
from zoo.names import Version


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        differences: each a falsification, damage, or a paper of another version of the factory.
        notes: what was compared beyond the dossier itself, and what was not at hand.
        files, figures: how many were compared.
    """

    differences: list[Difference]
    notes: list[str]
    files: int
    figures: int


def verify(folder: Path, settings: Settings, keys: Sequence[Path] = ()) -> Findings:
    """Compare all of a dossier with its records, and these with what is published, as far as that is at hand.

    Args:
        folder: the dossier.
        settings: where hub, builds and gold rows are.
        keys: files of public keys; one of them has to have signed the dossier.

    Raises:
        DataError: this is no dossier.
        HubError: a key can't be read.
    """
    stated = seal.sealed(folder)
    there, figures = seal.files(folder), 0
    notes: list[str] = []
    found = list(values(seal.FILE, there, stated["files"], "files"))
    found += _signature(folder, keys, notes)
    records = records_of(folder)
    try:
        if stated.get("specialist") != records.manifest.id:
            found.append(Difference(seal.FILE, "specialist", stated.get("specialist"), records.manifest.id))
        found += unbound(records)
        found += _written(folder, records, there)
        figures = _leaves({name: fact["value"] for name, fact in facts.facts(records).items()})
        found += _at_hand(records, settings, notes)
    except (FactoryError, ZooError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = error.what if isinstance(error, FactoryError | ZooError) else f"{type(error).__name__}: {error}"
        where = getattr(error, "where", "") or str(records.root)
        found.append(Difference(where.replace(f"{folder}/", ""), "the record", what, "a record that can be read"))
    return Findings(list({str(one): one for one in found}.values()), notes, len(there), figures)


def require(found: Findings, folder: Path) -> None:
    """Raises DataError with every difference, if there is one."""
    if found.differences:
        raise DataError(
            f"This dossier is not what its records say, in {len(found.differences)} places.\n"
            + "\n".join(f"  - {one}" for one in found.differences),
            where=str(folder),
            fix="Make it again from the published version; ask who changed it. Papers alone may differ where another "
            "version of the factory wrote them: its commit is in records/about.json.",
        )


def _written(folder: Path, records: Records, there: dict[str, str]) -> Iterator[Difference]:
    """Facts, bill and papers against what follows from the records."""
    drawn = facts.facts(records)
    yield from values(FACTS, _json(folder / FACTS), drawn)
    bill, stated = bom.bom(records, drawn), _json(folder / bom.FILE)
    yield from values(bom.FILE, stated, bill)
    if wrong := bom.check(stated if isinstance(stated, dict) else {}):
        yield Difference(bom.FILE, "CycloneDX's schema", wrong, "a bill that it allows")
    written = papers.papers(records, drawn, bill)
    for name, text in written.items():
        path = folder / name
        yield from lines(name, path.read_text(encoding="utf-8") if path.exists() else "", text)
    for name in there:
        if not name.startswith(f"{FOLDER}/") and name not in (FACTS, bom.FILE, *written):
            yield Difference(name, "the file", "there", None)


def _signature(folder: Path, keys: Sequence[Path], notes: list[str]) -> Iterator[Difference]:
    signature = folder / seal.SIGNATURE
    if not keys:
        notes.append("Its signature was not asked about." if signature.exists() else "It is not signed.")
        return
    try:
        key = signing.check_file(folder / seal.FILE, signature, list(keys), seal.ABOUT)
    except Unsigned as error:
        yield Difference(seal.SIGNATURE, "signature", error.what, "one of the keys that count")
    except ZooError as error:
        with said():
            raise error
    else:
        notes.append(f"Signed by {key}.")


def _at_hand(records: Records, settings: Settings, notes: list[str]) -> Iterator[Difference]:
    """Records against the published version, the ledger, and the gold rows, where they are on this machine."""
    manifest = records.manifest
    try:
        folder = hubs.open_hub(settings.hub).pull(manifest.name, Version.parse(manifest.version))
    except (UnknownSpecialist, UnknownVersion, ZooError) as error:
        notes.append(f"Not compared with the published version: {error.what}")
    else:
        notes.append(f"Compared with {manifest.id} on the hub.")
        published = file_sha256(folder / FILE)
        if published != records.seal:
            yield Difference(f"{FOLDER}/specialist/{FILE}", "sha256, as it is published", records.seal, published)
    yield from _built(records, settings, notes)


def _built(records: Records, settings: Settings, notes: list[str]) -> Iterator[Difference]:
    builds = settings.builds / records.manifest.name
    here = ledger.read(builds)
    if not here.hashes:
        notes.append("Not compared with the ledger: there is none here.")
    else:
        notes.append("Compared with the ledger of the builds.")
        for place, line in enumerate(records.ledger.hashes):
            theirs = here.hashes[place] if place < len(here.hashes) else None
            if line != theirs:
                yield Difference(f"{FOLDER}/ledger/{ledger.FILE}", f"line {place + 1}, its sha256", line, theirs)
    for stage, name in ((stage, name) for stage, names in KEPT.items() for name in names):
        entry, copied = records.step(stage), records.root / "stages" / stage / name
        path = builds / stage / entry.key / name if entry else None
        if entry and path and path.exists() and not copied.exists() and file_sha256(path) == entry.files.get(name):
            yield Difference(
                f"{FOLDER}/stages/{stage}/{name}", "the file", None, "it is there, and not among the records"
            )
    clean = records.step("clean")
    if records.masked is not None and clean and (builds / "clean" / clean.key).exists():
        counted = collect.masked(builds / "clean" / clean.key)
        yield from values(f"{FOLDER}/masked.json", records.masked, counted)
    yield from _texts(records, settings, notes)


def _texts(records: Records, settings: Settings, notes: list[str]) -> Iterator[Difference]:
    """The texts that are shown, against the gold rows."""
    if records.spec is None or not records.texts:
        return
    path = settings.gold / records.spec.gold / "validation.jsonl"
    stated = (records.of_stage("evaluate", "inputs.json") or {}).get("gold")
    if not path.exists() or f"sha256:{file_sha256(path)}" != stated:
        notes.append("Texts of gold rows not compared: the file measured on is not on this machine.")
        return
    theirs = {row["id"]: row for row in collect.shown(path, set(records.texts), records.spec)}
    yield from values(f"{FOLDER}/gold/shown.jsonl", {row["id"]: row for row in records.shown}, theirs)


def _json(path: Path) -> object:
    try:
        return read_json(path)
    except DataError as error:
        return error.what


def _leaves(value: object) -> int:
    """How many figures and statements a JSON value holds."""
    if isinstance(value, dict | list):
        return sum(_leaves(one) for one in (value.values() if isinstance(value, dict) else value))
    return 1
