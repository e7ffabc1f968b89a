"""What of a FACTORY_HOME may go after so many days, and its removal.

Of a specialist these go, once nobody has used them for so long:

- finished stages that are not needed any more (factory.retention.needed), and what a kill left of unfinished ones;
- decisions of refreshes that there was nothing to do, and findings of drift that no remaining decision names.

Nothing else does: not what was published, the ledger, replies that were paid for, people's answers, the feedback of
production, nor a version's own records. While a build of a specialist waits for people, no stage of it goes.

A folder is renamed away before it is removed, so that a kill leaves no half of it under its name; what it leaves is
removed by the next call.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from factory.alone import alone
from factory.errors import DataError
from factory.feedback.decide import STATE
from factory.files import explained, read_json
from factory.lineage import ledger
from factory.retention.needed import finished, needed, used
from factory.review import waiting
from factory.settings import Settings

GONE = ".gone"
"""What the name of a folder ends with that is being removed; it begins with a dot, so nobody takes it for a stage."""
PART = ".part"
_A_DAY = timedelta(days=1)
_UNFINISHED = "left by a kill"


@dataclass(frozen=True)
class Unneeded:
    """A file or folder that may go.

    Attributes:
        path: where it is.
        why: for people.
        size: bytes in it.
        used: when it was made, or last found by a build.
    """

    path: Path
    why: str
    size: int
    used: datetime


@dataclass(frozen=True)
class Plan:
    """What may go of one specialist.

    Attributes:
        name: `<vertical>/<task>`.
        unneeded: what goes, in the order in which it does.
        stages: how many finished stages there are.
        kept: why no stage goes although some might; empty.
    """

    name: str
    unneeded: Sequence[Unneeded]
    stages: int
    kept: str = ""

    @property
    def size(self) -> int:
        """Bytes in all that goes."""
        return sum(one.size for one in self.unneeded)


def names(settings: Settings) -> list[str]:
    """The specialists that were built in this home, whether there is a spec for them or not."""
    found = settings.builds.glob(f"*/*/{ledger.FILE}")
    return sorted(f"{path.parent.parent.name}/{path.parent.name}" for path in found)


def plan(name: str, settings: Settings, days: float, now: datetime) -> Plan:
    """What of a specialist nobody needs and nobody has used for so many days; reads only.

    Raises:
        DataError: a stage's inputs, a decision or a ledger can't be read; nothing is taken for unneeded then.
    """
    before = now - timedelta(days=days)
    root, home = settings.builds / name, settings.home
    waits = [one for one in waiting.everything(home) if one.spec == name]
    there = finished(root)
    stages = [] if waits else list(_stages(root, there, before))
    found = [
        *_removals(root),
        *stages,
        *_unfinished(root, before),
        *_records(home, name, before),
        *_torn(home, name, now),
    ]
    kept = f"it waits for people, so every stage stays: {waits[0].where}" if waits else ""
    return Plan(name, found, len(there), kept)


def prune(name: str, settings: Settings, days: float, now: datetime) -> Plan:
    """Remove what of a specialist nobody needs and nobody has used for so many days; returns what that was.

    Raises:
        ServiceError: it is being built.
        DataError: see `plan`; nothing was removed.
        FactoryError: a folder can't be written.
    """
    with alone(name, settings):
        found = plan(name, settings, days, now)
        for one in found.unneeded:
            with explained(one.path):
                remove(one.path)
    return found


def remove(path: Path) -> None:
    """Remove a file, or a folder under another name: whoever looks meanwhile finds it whole or not at all."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    gone = path if path.name.endswith(GONE) else path.with_name(f".{path.name.lstrip('.')}{GONE}")
    if gone != path:
        if gone.exists():
            shutil.rmtree(gone)
        path.rename(gone)
    shutil.rmtree(gone)


def _stages(root: Path, there: dict[str, Path], before: datetime) -> Iterator[Unneeded]:
    """Finished stages: first those that were used last, so that none is there without what it was made from."""
    stay = needed(root)
    for output, folder in sorted(there.items(), key=lambda one: -used(one[1])):
        if output not in stay and _when(folder) < before:
            yield _unneeded(folder, "no version and no later build rests on it")


def _removals(root: Path) -> Iterator[Unneeded]:
    """Folders whose removal was killed."""
    for path in sorted(root.glob(f"[!.]*/.*{GONE}")):
        yield _unneeded(path, "half removed")


def _unfinished(root: Path, before: datetime) -> Iterator[Unneeded]:
    """Folders of stages that were killed, and that no build has gone on with since."""
    for path in sorted(root.glob(f"[!.]*/.*{PART}")):
        if path.is_dir() and max(_when(one) for one in (path, *path.rglob("*"))) < before:
            yield _unneeded(path, _UNFINISHED)


def _records(home: Path, name: str, before: datetime) -> Iterator[Unneeded]:
    """Decisions that there was nothing to do, and findings that nobody cites."""
    cited: set[str] = set()
    for path in sorted((home / "refresh" / name).glob("[!.]*.json")):
        if path.name == STATE:
            continue
        decision = read_json(path)
        if not isinstance(decision, dict) or not {"rebuild", "findings"} <= decision.keys():
            raise DataError("This is no decision of a refresh.", where=str(path), fix="Move it away.")
        if not decision["rebuild"] and _when(path) < before:
            yield _unneeded(path, "there was nothing to do")
        else:
            cited |= {Path(finding).name for finding in decision["findings"]}
    for path in sorted((home / "drift" / name).glob("[!.]*.json")):
        if path.name not in cited and _when(path) < before:
            yield _unneeded(path, "no decision rests on it")


def _torn(home: Path, name: str, now: datetime) -> Iterator[Unneeded]:
    """Files that were being written when a kill came (factory.files.write_text)."""
    for folder in ("builds", "refresh", "drift", "feedback", "waiting"):
        for path in sorted((home / folder / name).glob(f".*{PART}")):
            if path.is_file() and _when(path) < now - _A_DAY:
                yield _unneeded(path, _UNFINISHED)


def _unneeded(path: Path, why: str) -> Unneeded:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return Unneeded(path, why, sum(os.lstat(file).st_size for file in files), _when(path))


def _when(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
