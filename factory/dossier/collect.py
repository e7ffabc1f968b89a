"""Copy the records behind a published specialist into a dossier, unchanged."""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from factory import spec as specs
from factory.dossier import human
from factory.dossier.records import FOLDER, KEPT, Records, behind, mistakes
from factory.errors import DataError, HubError, SpecError
from factory.evidence.circumstances import commit
from factory.evidence.predictions import Prediction, file_of, read_predictions
from factory.files import explained, file_sha256, read_jsonl, write_json, write_jsonl
from factory.lineage import ledger
from factory.lineage.ledger import Entry
from factory.lineage.verify import compare
from factory.publish import datasets, package
from factory.publish.package import CARD, CHANGELOG, EVIDENCE
from factory.publish.sound import said
from factory.settings import CHECKOUT, Settings
from factory.spec import Spec
from factory.teacher.packaged import PACKAGED
from zoo import hub as hubs
from zoo.files import SIGNATURE
from zoo.manifest import FILE, Manifest, verify

MASK = "mask"
"""What hygiene.pii says of masking, and the verdict of a masked row."""
COPIED = (CARD, EVIDENCE, CHANGELOG, "config.json", "ask.json", "prompt.json")
"""What is copied of a specialist, where it has it; the model itself stays on the hub."""


def collect(reference: str, settings: Settings, out: Path) -> Records:
    """Copy every record there is of a published specialist to `out/records`.

    Args:
        reference: `<vertical>/<task>@1.0.0`; without a version the newest.
        settings: where hub, builds, specs and gold rows are.
        out: the dossier's folder, empty.

    Raises:
        HubError: it is not on the hub, or a published file was changed.
        DataError: the ledger or a file behind it was changed: no papers are made from such records.
    """
    with said():
        shelf = hubs.open_hub(settings.hub)
        name, version = hubs.find(reference, shelf)
        published = shelf.pull(name, version)
        manifest = verify(published)
    root = out / FOLDER
    missing: list[str] = []
    with explained(out):
        for file in (FILE, SIGNATURE, *(name for name in COPIED if name in manifest.files)):
            if (published / file).exists():
                _copy(published / file, root / "specialist" / file)
        _dataset(manifest, settings, root, missing)
        steps = _ledger(manifest, settings.builds / name, published, root, missing)
        own = _stages(steps, settings.builds / name, package.who(manifest), root, missing)
        spec = _spec(manifest, settings, root, missing)
        _gold(own, spec, settings, root, missing)
        _software(settings, root)
        _masked(steps, settings.builds / name, spec, root)
        if (settings.prompts / name / human.FILE).exists():
            human.read(settings.prompts / name / human.FILE)
            _copy(settings.prompts / name / human.FILE, root / human.FILE)
        about = {"created": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit(), "not_found": missing}
        write_json(root / "about.json", about)
    return Records(root)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _dataset(manifest: Manifest, settings: Settings, root: Path, missing: list[str]) -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = datasets.find(manifest.lineage.get("dataset", ""), settings, Path(folder), manifest.name)
            _copy(found.path / FILE, root / "dataset" / FILE)
    except (DataError, HubError) as error:
        missing.append(f"The dataset version's manifest: {error.what}")


def _ledger(manifest: Manifest, builds: Path, published: Path, root: Path, missing: list[str]) -> list[Entry]:
    """Copy the ledger; returns the entries behind the specialist."""
    if not (builds / ledger.FILE).exists():
        missing.append("The ledger: it was built elsewhere.")
        return []
    for file in (ledger.FILE, ledger.HEAD):
        _copy(builds / file, root / "ledger" / file)
    book = ledger.read(root / "ledger")
    steps = behind(book, file_sha256(published / FILE), manifest)
    newest = [entry for entry in (book.last(step.output) for step in steps) if entry]
    there = [entry for entry in newest if (builds / entry.stage / entry.key).exists()]
    problems = [*book.problems, *(line for entry in there for line in compare(builds / entry.stage / entry.key, entry))]
    if problems:
        raise DataError(
            f"The records behind {manifest.id} were changed: {problems[0]}",
            where=str(builds / ledger.FILE),
            fix=f"See `python -m factory ledger {manifest.name} --verify`; no papers are made from such records.",
        )
    return steps


def _stages(steps: list[Entry], builds: Path, who: str, root: Path, missing: list[str]) -> Path | None:
    """Copy what papers speak of; returns the student's answers, where they are."""
    answers = file_of(who)
    for stage, names in KEPT.items():
        entry = next((entry for entry in steps if entry.stage == stage), None)
        for name in (*names, *([answers] if stage == "evaluate" else [])):
            path = builds / stage / entry.key / name if entry else None
            if entry and path and path.exists() and file_sha256(path) == entry.files.get(name):
                _copy(path, root / "stages" / stage / name)
            else:
                missing.append(f"{name} of the stage {stage}: it was built elsewhere, cleaned up, or made again.")
    path = root / "stages" / "evaluate" / answers
    return path if path.exists() else None


def _spec(manifest: Manifest, settings: Settings, root: Path, missing: list[str]) -> Spec | None:
    """Copy the spec, if it still is the one that was published."""
    try:
        spec = specs.load(manifest.name, settings.prompts)
    except SpecError as error:
        missing.append(f"The spec: {error.what}")
        return None
    if spec.identity != manifest.lineage.get("spec"):
        missing.append(f"The spec {manifest.lineage.get('spec', '')}: the checkout's is {spec.identity} now.")
        return None
    for path in sorted(spec.folder.iterdir()):
        if path.is_file() and path.name != human.FILE:
            _copy(path, root / "spec" / manifest.name / path.name)
    return spec


def _gold(answers: Path | None, spec: Spec | None, settings: Settings, root: Path, missing: list[str]) -> None:
    """Keep the texts of the mistakes that are shown, personal data of a known form masked."""
    if answers is None or spec is None:
        return
    path = settings.gold / spec.gold / "validation.jsonl"
    if not path.exists():
        missing.append("The texts of gold rows: they are not on this machine.")
        return
    write_jsonl(root / "gold" / "shown.jsonl", shown(path, {m.id for m in mistakes_of(answers)}, spec))


def mistakes_of(answers: Path) -> list[Prediction]:
    """The mistakes that are shown of a file of answers."""
    return mistakes(list(read_predictions(answers).items))


def shown(gold: Path, ids: set[str], spec: Spec) -> list[dict[str, Any]]:
    """Ids and texts of gold rows, personal data of a known form masked; `masked` where there was some."""
    from factory.hygiene import pii

    rows = [(row["id"], row["text"], pii.masked(row["text"], spec)) for row in read_jsonl(gold) if row["id"] in ids]
    return [{"id": one, "text": told, **({"masked": True} if told != text else {})} for one, text, told in rows]


def _masked(steps: list[Entry], builds: Path, spec: Spec | None, root: Path) -> None:
    entry = next((entry for entry in steps if entry.stage == "clean"), None)
    if spec is not None and spec.hygiene.pii == MASK and entry and (builds / "clean" / entry.key).exists():
        write_json(root / "masked.json", masked(builds / "clean" / entry.key))


def masked(clean: Path) -> dict[str, Any]:
    """How many rows of the stage `clean` were masked, and how many places of each kind, by the rows' own verdicts."""
    rows, places = 0, Counter[str]()
    for name in ("kept.jsonl", "dropped.jsonl"):
        for row in read_jsonl(clean / name):
            for verdict in row["verdicts"]:
                if verdict["check"] == MASK:
                    rows += 1
                    told = verdict["reason"].removeprefix("masked: ").partition(";")[0]
                    places.update({kind: int(count) for count, kind in (one.split() for one in told.split(", "))})
    return {"rows": rows, "places": dict(sorted(places.items()))}


def _software(settings: Settings, root: Path) -> None:
    """Copy the locks, and what is known of the licences of what they name; and of packaged models."""
    for lock in sorted((CHECKOUT / "requirements").glob("*.lock")):
        _copy(lock, root / "locks" / lock.name)
    licences = {}
    for place in sorted(settings.environments.glob("*/lib/python*/site-packages")):
        for found in importlib.metadata.distributions(path=[str(place)]):
            if licence := _licence(found.metadata):
                licences[f"{_plain(found.metadata['Name'])}=={found.version.partition('+')[0]}"] = licence
    write_json(root / "locks" / "licences.json", dict(sorted(licences.items())))
    models = {
        one.name: {"licence": one.licence, "source": one.source, "sha256": one.sha256, "parameters": one.parameters}
        for one in PACKAGED.values()
    }
    write_json(root / "models.json", models)


def _licence(metadata: importlib.metadata.PackageMetadata) -> str:
    """An SPDX expression, a short text, or the classifiers' words; empty where a package says nothing."""
    said = metadata.get_all("License-Expression") or metadata.get_all("License") or []
    text = " ".join(said[0].split()) if said else ""
    if text and len(text) <= 60 and text.upper() != "UNKNOWN":
        return text
    marks = [line.split("::")[-1].strip() for line in metadata.get_all("Classifier") or [] if "License ::" in line]
    return " OR ".join(marks)


def _plain(name: str) -> str:
    """A package's name as locks spell it."""
    return name.lower().replace("_", "-").replace(".", "-")
