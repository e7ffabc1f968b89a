"""What the site tells of: read from hub, builds and waiting reviews; what can't be read costs itself alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from factory import spec as specs
from factory.errors import FactoryError, HubError
from factory.evidence.records import read_evidence
from factory.files import read_json, read_jsonl
from factory.lineage import ledger
from factory.lineage.ledger import Ledger
from factory.publish.changes import Papers
from factory.publish.family import told_by
from factory.publish.hub import Hub, open_hub
from factory.publish.package import CARD, CHANGELOG, EVIDENCE
from factory.publish.sound import said
from factory.review.waiting import Waiting
from factory.settings import Settings
from zoo import hub as hubs
from zoo.errors import NoHub
from zoo.manifest import FILE, Manifest
from zoo.names import Version
from zoo.yanked import Yank


@dataclass(frozen=True)
class Published(Papers):
    """A version, as the hub has it.

    Attributes:
        card: its model card.
        files: manifest.json, evidence.jsonl and, where it has one, CHANGELOG.md, as they are published.
        yank: why it was taken back; None: it was not.
    """

    card: str
    files: dict[str, str]
    yank: Yank | None = None

    @property
    def figure(self) -> str:
        """The metric it is told by first."""
        return told_by(self.evidence)


@dataclass(frozen=True)
class Specialist:
    """A specialist that was published, or built, or is waited for.

    Attributes:
        name: `<vertical>/<task>`.
        versions: those that can be read, oldest first.
        given: what the zoo gives to who asks for its name, whether it can be read or not; None: nothing.
        book: its ledger; without entries where nothing was built here.
        texts: gold texts by id, for examples; empty where they are not at hand.
        problems: a sentence for each thing that can't be read.
    """

    name: str
    versions: list[Published] = field(default_factory=list)
    given: Version | None = None
    book: Ledger = field(default_factory=lambda: Ledger([], [], [], 0, (0, ledger.FIRST)))
    texts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def newest(self) -> Published | None:
        """The newest of them that was not yanked; None where there is none."""
        return next((one for one in reversed(self.versions) if one.yank is None), None)

    @property
    def shown(self) -> Published | None:
        """The version whose figures are drawn: the newest, or the last of all where each was yanked."""
        return self.newest or (self.versions[-1] if self.versions else None)

    @property
    def title(self) -> str:
        """In words."""
        return self.shown.manifest.title if self.shown else self.name


@dataclass(frozen=True)
class Family:
    """All of it.

    Attributes:
        hub: its address.
        specialists: by name.
        waiting: what is waited for, by name.
        problems: sentences about what belongs to no specialist.
    """

    hub: str
    specialists: list[Specialist]
    waiting: list[Waiting]
    problems: list[str]


def gather(where: Settings) -> Family:
    """Read everything.

    Raises:
        HubError: the hub can't be reached: a site without it would say that nothing is published.
    """
    problems: list[str] = []
    waiting = _waiting(where.home, problems)
    names = {*_published(where.hub), *_built(where.builds), *(one.spec for one in waiting)}
    hub = open_hub(where.hub, where.hub_token)
    found = [_specialist(name, hub, where) for name in sorted(names)]
    return Family(where.hub, found, waiting, problems)


def _published(hub: str) -> list[str]:
    with said():
        try:
            return hubs.open_hub(hub).names()
        except NoHub:
            return []  # a folder that the first version will make


def _built(builds: Path) -> list[str]:
    return [f"{path.parent.parent.name}/{path.parent.name}" for path in builds.glob(f"*/*/{ledger.FILE}")]


def _waiting(home: Path, problems: list[str]) -> list[Waiting]:
    found = []
    for path in sorted((home / "waiting").glob("*/*/*.json")):
        with _told(problems, f"What {path.parent.parent.name}/{path.parent.name} waits for"):
            found.append(Waiting(**read_json(path)))
    return [one for one in found if one.verdict == "wait"]


def _specialist(name: str, hub: Hub, where: Settings) -> Specialist:
    yanked, held = hub.yanked(name), hub.versions(name)
    versions: list[Published] = []
    problems: list[str] = []
    for version in held:
        with _told(problems, f"Version {version}"), tempfile.TemporaryDirectory() as folder:
            versions.append(_version(name, version, hub, Path(folder), yanked.get(version)))
    return Specialist(
        name,
        versions,
        given=next((version for version in reversed(held) if version not in yanked), None),
        book=ledger.read(where.builds / name),
        texts=_texts(name, where),
        problems=problems,
    )


def _version(name: str, version: Version, hub: Hub, into: Path, yank: Yank | None) -> Published:
    folder = hub.papers(name, version, into)
    with said():
        manifest = Manifest.read(folder)
    if manifest.id != f"{name}@{version}":
        raise HubError(f"The hub has {manifest.id} in its place.", where=str(folder))
    evidence = read_evidence(folder / EVIDENCE)
    papers = [FILE, EVIDENCE, CARD, *([CHANGELOG] if CHANGELOG in manifest.files else [])]
    texts = {file: (folder / file).read_text(encoding="utf-8") for file in papers}
    return Published(manifest, evidence, texts.pop(CARD), texts, yank)


def _texts(name: str, where: Settings) -> dict[str, str]:
    """Gold texts by id; none where spec or gold rows are not here, or are not as they should be: they are extra."""
    try:
        gold = specs.load(name, where.prompts).gold
        rows = read_jsonl(where.gold / gold / "validation.jsonl")
        return {str(row["id"]): str(row["text"]) for row in rows if "id" in row and "text" in row}
    except (FactoryError, OSError):
        return {}


@contextmanager
def _told(problems: list[str], subject: str) -> Iterator[None]:
    """What is wrong within, as a sentence among the problems."""
    try:
        yield
    except FactoryError as error:
        problems.append(f"{subject} can't be read: {error.what}" + (f" ({error.where})" if error.where else ""))
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError, AttributeError) as error:
        problems.append(f"{subject} can't be read: {error}")
