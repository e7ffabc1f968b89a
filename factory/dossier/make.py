"""A dossier: records, facts drawn from them, papers written from these, and a seal over all of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from factory.dossier import bom, collect, facts, papers, seal
from factory.dossier.records import FOLDER, Records
from factory.errors import DataError, FactoryError
from factory.files import explained, write_json, write_text
from factory.publish.sound import said
from factory.settings import Settings
from zoo import hub as hubs
from zoo import signing

FACTS = "facts.json"


def make(reference: str, settings: Settings, out: Path | None = None, key: Path | None = None) -> Path:
    """Make the dossier of a published specialist; it appears whole, by one rename.

    Args:
        reference: `<vertical>/<task>@1.0.0`; without a version the newest.
        settings: where hub, builds, specs and gold rows are.
        out: the folder to be made; None: `dossiers/<specialist>/<version>` in FACTORY_HOME.
        key: the file of a private key to sign with (`zoo sign --new-key`); None: it is not signed.

    Raises:
        FactoryError: the folder is there already.
        HubError, DataError: see factory.dossier.collect.
    """
    if out is None:
        with said():
            name, version = hubs.find(reference, hubs.open_hub(settings.hub))
        out = settings.home / "dossiers" / name / str(version)
    if out.exists():
        raise FactoryError(
            "There is something of this name already.", where=str(out), fix="Move it away, or give another --out."
        )
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    with explained(out):
        part.mkdir(parents=True)
        try:
            records = collect.collect(reference, settings, part)
            write(part, records)
            seal.seal(part, records.manifest.id)
            if key is not None:
                with said():
                    signing.sign_file(part / seal.FILE, part / seal.SIGNATURE, key, seal.ABOUT)
            part.rename(out)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return out


def write(folder: Path, records: Records) -> None:
    """Write everything that follows from the records."""
    drawn = facts.facts(records)
    bill = bom.bom(records, drawn)
    if wrong := bom.check(bill):
        raise DataError(f"The bill of materials is not as CycloneDX has it: {wrong}", where=str(records.root))
    write_json(folder / FACTS, drawn)
    write_json(folder / bom.FILE, bill)
    for name, text in papers.papers(records, drawn, bill).items():
        write_text(folder / name, text)


def records_of(folder: Path) -> Records:
    """The records of a dossier."""
    return Records(folder / FOLDER)
