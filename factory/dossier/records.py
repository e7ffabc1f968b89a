"""The records that a dossier's papers are views of, as they lie in its folder `records`.

specialist/   the published version's manifest.json, and of the files it seals those that are no model
dataset/      manifest.json of the dataset version
ledger/       the ledger and its head
stages/       a stage's files that papers speak of, each as the ledger has it
spec/         the spec, where its identity is still the published one's
gold/         the texts of rows that papers show, personal data of a known form masked
locks/        requirements/*.lock; licences.json: what the installed packages say of theirs
masked.json   how much personal data was masked, counted in the rows of `clean`
models.json   whose the weights are that travel as packages, and their licences
human.yaml    what people said; about.json: when, by which code, and what was not found
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from factory import spec as specs
from factory.dossier import human
from factory.errors import SpecError
from factory.evidence.predictions import Prediction, file_of, read_predictions
from factory.evidence.records import AnyEvidence, read_evidence
from factory.files import file_sha256, read_json, read_jsonl
from factory.lineage import ledger
from factory.lineage.ledger import Entry, Ledger
from factory.publish import package
from factory.publish.package import EVIDENCE
from factory.spec import Spec
from zoo.manifest import FILE, Manifest

FOLDER = "records"
SHOWN = 5
"""How many mistakes are shown."""
KEPT = {
    "clean": ("statistics.json",),
    "review": ("statistics.json",),
    "evaluate": ("inputs.json", "gate.json"),
}
"""Stage to the files that are copied of it; `evaluate` has the student's answers beside these."""


@dataclass(frozen=True)
class Records:
    """Records, read when they are asked for.

    Attributes:
        root: the folder `records`.
    """

    root: Path

    @cached_property
    def manifest(self) -> Manifest:
        """Of the specialist."""
        return Manifest.read(self.root / "specialist")

    @cached_property
    def seal(self) -> str:
        """sha256 of the specialist's manifest."""
        return file_sha256(self.root / "specialist" / FILE)

    @property
    def who(self) -> str:
        """How evidence calls it."""
        return package.who(self.manifest)

    @cached_property
    def evidence(self) -> list[AnyEvidence]:
        """Every record published with it."""
        return read_evidence(self.root / "specialist" / EVIDENCE)

    @cached_property
    def dataset(self) -> dict[str, Any] | None:
        """The manifest of the dataset version; None where it was not found."""
        value: dict[str, Any] | None = self._json("dataset/manifest.json")
        return value

    @cached_property
    def ledger(self) -> Ledger:
        """The whole ledger."""
        return ledger.read(self.root / "ledger")

    @cached_property
    def steps(self) -> list[Entry]:
        """The entries behind the specialist, the last first: what `lineage` follows."""
        return behind(self.ledger, self.seal, self.manifest)

    def step(self, stage: str) -> Entry | None:
        """The entry of a stage behind the specialist."""
        return next((entry for entry in self.steps if entry.stage == stage), None)

    def of_stage(self, stage: str, name: str) -> Any:
        """What a stage's JSON file holds; None where it is not among the records."""
        return self._json(f"stages/{stage}/{name}")

    @cached_property
    def answers(self) -> list[Prediction]:
        """The published student's answers to gold rows; none where they were not found."""
        path = self.root / "stages" / "evaluate" / file_of(self.who)
        return list(read_predictions(path).items) if path.exists() else []

    @cached_property
    def shown(self) -> list[dict[str, Any]]:
        """The gold rows that are shown: `id`, `text`, and `masked` where the text is not people's to the letter."""
        path = self.root / "gold" / "shown.jsonl"
        return read_jsonl(path) if path.exists() else []

    @property
    def texts(self) -> dict[str, str]:
        """Id to text of the gold rows that are shown."""
        return {row["id"]: row["text"] for row in self.shown}

    @property
    def covered(self) -> set[str]:
        """Ids of those whose texts have placeholders: offsets do not count in them."""
        return {row["id"] for row in self.shown if row.get("masked")}

    @cached_property
    def spec(self) -> Spec | None:
        """The spec it was published from; None where that is not known any more."""
        try:
            return specs.load(self.manifest.name, self.root / "spec")
        except SpecError:
            return None

    @cached_property
    def human(self) -> dict[str, str]:
        """What people said."""
        return human.read(self.root / human.FILE)

    @cached_property
    def about(self) -> dict[str, Any]:
        """`created`, `commit`, `not_found`."""
        value: dict[str, Any] = read_json(self.root / "about.json")
        return value

    @cached_property
    def software(self) -> dict[str, list[str]]:
        """Lock to its `name==version` lines."""
        found = {}
        for path in sorted((self.root / "locks").glob("*.lock")):
            lines = path.read_text(encoding="utf-8").splitlines()
            found[path.stem] = [line.split(";")[0].strip() for line in lines if "==" in line]
        return found

    @cached_property
    def licences(self) -> dict[str, str]:
        """`name==version` to what the installed package says of its licence."""
        value: dict[str, str] = self._json("locks/licences.json") or {}
        return value

    @cached_property
    def masked(self) -> Any:
        """How many `rows` were masked, and `places` by kind of personal data; None where none were to be."""
        return self._json("masked.json")

    @cached_property
    def models(self) -> dict[str, dict[str, Any]]:
        """Name of weights that travel as packages to their licence, source, sha256 and number of parameters."""
        value: dict[str, dict[str, Any]] = read_json(self.root / "models.json")
        return value

    def _json(self, name: str) -> Any:
        return read_json(self.root / name) if (self.root / name).exists() else None


def behind(book: Ledger, seal: str, manifest: Manifest) -> list[Entry]:
    """The entries that a specialist was made by, itself first, each before those it was made from.

    But for its own they stand no later than the line that its manifest cites: what was entered since, it does not seal.
    Without an entry of its own publishing (it was built elsewhere) the newest of its dataset version is the first.
    """
    cited = manifest.lineage.get("ledger", "")
    known = book.entries[: book.hashes.index(cited) + 1] if cited in book.hashes else book.entries
    own = [e for e in reversed(book.entries) if e.stage == "publish" and e.files.get(f"specialist/{FILE}") == seal]
    data = [e for e in reversed(known) if e.stage == "dataset" and e.version == manifest.lineage.get("dataset")]
    last = {entry.output: entry for entry in known} | {entry.output: entry for entry in own[:1]}
    found: dict[str, Entry] = {}
    waiting = [entry.output for entry in (own or data)[:1]]
    while waiting:
        output = waiting.pop(0)
        entry = found.pop(output, None) or last.get(output)
        if entry is not None:
            found[output] = entry
            waiting += entry.inputs.values()
    return list(found.values())


def mistakes(answers: list[Prediction]) -> list[Prediction]:
    """The wrong answers that are shown: those it was surest of, in the file's order where it was equally sure."""
    return sorted((one for one in answers if not one.right), key=lambda one: -one.confidence)[:SHOWN]
