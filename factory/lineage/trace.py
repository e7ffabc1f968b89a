"""From a published specialist back to everything it was made from, by its manifest, the ledger and the builds."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory import spec as specs
from factory.dataset.version import SPLITS
from factory.errors import DataError, HubError, SpecError
from factory.evidence.records import GateLine, Record, read_evidence
from factory.files import file_sha256, read_json
from factory.lineage import ledger
from factory.lineage.ledger import Ledger
from factory.lineage.verify import compare
from factory.publish import datasets
from factory.publish.package import EVIDENCE
from factory.publish.sound import said
from factory.settings import Settings
from factory.stage import inputs_of
from zoo import hub as hubs
from zoo.manifest import FILE, Manifest, verify

METRICS = ("accuracy", "macro_f1")
_SHORT = 100


@dataclass(frozen=True)
class Step:
    """A stage on the way.

    Attributes:
        output: `<stage>:<key>`.
        inputs: the stages it was made from, by the name they have among its inputs.
        facts: its other inputs; of long lists how many items they have, of long texts the sha256.
        state: `as entered`, `changed`, `cleaned up` (its folder is gone) or `not entered` (the ledger lacks it).
        time, event, commit, operator, counts: as the ledger has them, see Entry.
    """

    output: str
    inputs: dict[str, str]
    facts: dict[str, Any]
    state: str
    time: str = ""
    event: str = ""
    commit: str = ""
    operator: str = ""
    counts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """What a specialist was made from.

    Attributes:
        specialist: `<vertical>/<task>@<version>`.
        where: its folder.
        manifest: sha256 of its manifest.json, which seals `files` other files.
        created, forced: as the manifest has them.
        made_from: the manifest's lineage: spec, dataset, teacher, encoder, budget, ledger.
        spec_now: the identity of the checkout's spec; empty where there is none.
        dataset: the manifest of the dataset version; None where it can't be found.
        people: pseudonym to how many of its rows that person looked at.
        stages: those behind it, the last first; a stage comes before those it was made from.
        gold: what is known of the rows measured on: `file` (sha256 of the file), `rows` (sha256 of ids and labels).
        evidence: accuracy and macro-F1 of everybody measured.
        gate: its lines: `passed`, `sentence`.
        entries: how many the ledger has.
        cited: number of the entry the manifest cites as the ledger's head of its day; None: it cites none.
        problems: signs that the ledger, a file behind it or the published folder was changed.
        not_found: what can't be told, and why.
    """

    specialist: str
    where: str
    manifest: str
    created: str
    forced: bool
    files: int
    made_from: dict[str, str]
    spec_now: str
    dataset: dict[str, Any] | None
    people: dict[str, int]
    stages: list[Step]
    gold: dict[str, str]
    evidence: list[dict[str, Any]]
    gate: list[dict[str, Any]]
    entries: int
    cited: int | None
    problems: list[str]
    not_found: list[str]


def trace(reference: str, settings: Settings) -> Trace:
    """Trace a published specialist, `<vertical>/<task>@1.0.0`; without a version the newest.

    Raises:
        HubError: it is not on the hub, or the hub can't be reached, or a published file was changed.
    """
    with said():
        shelf = hubs.open_hub(settings.hub)
        name, version = hubs.find(reference, shelf)
        folder = shelf.pull(name, version)
        manifest = verify(folder)
    root = settings.builds / name
    book = ledger.read(root)
    problems, missing = list(book.problems), []
    first = _published(root, folder, manifest) or _entered(book, "publish", manifest.version)
    if first is None:
        dataset = manifest.lineage.get("dataset", "")
        first = _made(root, dataset) or _entered(book, "dataset", dataset)
        missing.append("The stages that trained and published it: they were built elsewhere, or cleaned up.")
    stages = _behind(root, book, first, missing, problems) if first else []
    if first is None:
        missing.append("The stages that made its dataset: they were built elsewhere, or cleaned up.")
    data, people = _dataset(name, manifest, settings, missing)
    records = read_evidence(folder / EVIDENCE)
    figures = [record for record in records if isinstance(record, Record)]
    return Trace(
        specialist=manifest.id,
        where=str(folder),
        manifest=file_sha256(folder / FILE),
        created=manifest.created,
        forced=manifest.forced,
        files=len(manifest.files),
        made_from=dict(manifest.lineage),
        spec_now=_spec_now(name, settings),
        dataset=data,
        people=people,
        stages=stages,
        gold=_gold(stages, [record.rows for record in figures if record.sample == "all"]),
        evidence=[
            record.model_dump(include={"who", "what", "metric", "value", "low", "high", "n", "sample", "rows"})
            for record in figures
            if record.metric in METRICS
        ],
        gate=[line.model_dump(include={"passed", "sentence"}) for line in records if isinstance(line, GateLine)],
        entries=len(book.entries),
        cited=_cited(manifest, book, problems, missing),
        problems=problems,
        not_found=missing,
    )


def _published(root: Path, folder: Path, manifest: Manifest) -> str | None:
    """The publish stage that made this very folder; else one that made this version from the same data."""
    seal, alike = file_sha256(folder / FILE), None
    for stage in sorted(root.glob("publish/[!.]*")):
        packaged = stage / "specialist"
        if not (packaged / FILE).exists():
            continue
        if file_sha256(packaged / FILE) == seal:
            return f"publish:{stage.name}"
        with said():
            other = Manifest.read(packaged)
        if other.id == manifest.id and other.lineage.get("dataset") == manifest.lineage.get("dataset"):
            alike = f"publish:{stage.name}"
    return alike


def _made(root: Path, version: str) -> str | None:
    """A dataset stage that made this version."""
    for stage in sorted(root.glob("dataset/[!.]*")):
        if read_json(stage / FILE)["version"] == version:
            return f"dataset:{stage.name}"
    return None


def _entered(book: Ledger, stage: str, version: str) -> str | None:
    """The newest entry of a stage that made this version."""
    found = (entry.output for entry in reversed(book.entries) if (entry.stage, entry.version) == (stage, version))
    return next(found, None)


def _behind(root: Path, book: Ledger, first: str, missing: list[str], problems: list[str]) -> list[Step]:
    """The stages a stage was made from, itself first, each before those it was made from."""
    steps: dict[str, Step] = {}
    waiting = [first]
    while waiting:
        output = waiting.pop(0)
        # Asked for again, it moves behind the stage that asks.
        step = steps.pop(output, None) or _step(root, book, output, problems)
        if step is None:
            said_so = f"{output}: neither its folder nor an entry of the ledger is there."
            missing += [said_so] if said_so not in missing else []
            continue
        steps[output] = step
        waiting += step.inputs.values()
    return list(steps.values())


def _step(root: Path, book: Ledger, output: str, problems: list[str]) -> Step | None:
    stage, _, key = output.partition(":")
    folder, entry = root / stage / key, book.last(output)
    there = (folder / "inputs.json").exists()
    if not there and entry is None:
        return None
    inputs = inputs_of(folder) if there else {}
    among = ledger.stages_among(inputs) if there or entry is None else entry.inputs
    facts = {name: _fact(value) for name, value in inputs.items() if name not in among}
    if entry is None:
        return Step(output, among, facts, "not entered")
    differs = compare(folder, entry) if there else []
    problems += differs
    state = "cleaned up" if not there else "changed" if differs else "as entered"
    return Step(output, among, facts, state, entry.time, entry.event, entry.commit, entry.operator, entry.counts)


def _fact(value: Any) -> Any:
    if isinstance(value, list | dict) and len(str(value)) > _SHORT:
        return f"{len(value)} items"
    if isinstance(value, str) and len(value) > _SHORT:
        return f"text, sha256:{hashlib.sha256(value.encode()).hexdigest()}"
    return value


def _dataset(
    name: str, manifest: Manifest, settings: Settings, missing: list[str]
) -> tuple[dict[str, Any] | None, dict[str, int]]:
    """The manifest of the dataset version, and who looked at how many of its rows."""
    wanted = manifest.lineage.get("dataset", "")
    try:
        with tempfile.TemporaryDirectory() as folder:
            version = datasets.find(wanted, settings, Path(folder), name)
            people = Counter(who for split in SPLITS for row in version.rows(split) for who in row.lineage.reviewers)
    except (DataError, HubError) as error:
        missing.append(f"Its dataset version: {error.what}")
        return None, {}
    return version.manifest, dict(people.most_common())


def _gold(stages: list[Step], rows: list[str]) -> dict[str, str]:
    found = {"rows": rows[0]} if rows else {}
    file = next((step.facts["gold"] for step in stages if step.output.startswith("evaluate:") and step.facts), None)
    return {**found, **({"file": str(file)} if file else {})}


def _cited(manifest: Manifest, book: Ledger, problems: list[str], missing: list[str]) -> int | None:
    """Which entry the manifest cites; a citation that the ledger does not bear out is a problem."""
    cited = manifest.lineage.get("ledger")
    if cited is None:
        return None
    if cited in book.hashes:
        return book.hashes.index(cited)
    if book.hashes:
        problems.append(f"The manifest cites the ledger's line {cited[:12]}, which is not in this ledger.")
    else:
        missing.append("The ledger it cites: it was built elsewhere.")
    return None


def _spec_now(name: str, settings: Settings) -> str:
    try:
        return specs.load(name, settings.prompts).identity
    except SpecError:
        return ""
