"""The books of a factory after a year: hub, ledger, decisions, Argilla and disk agree, and nothing is left over."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import mean

import zoo
from factory import spec as specs
from factory.alone import builder
from factory.dataset.version import SPLITS, open_version
from factory.dossier import make, verify
from factory.feedback import decide, kept
from factory.hygiene.explain import life
from factory.lineage import ledger, trace
from factory.lineage.verify import verify as verify_ledger
from factory.publish.hub import open_hub
from factory.publish.package import CHANGELOG
from factory.retention.needed import PUBLISH, behind, finished
from factory.review.argilla import connect
from factory.row import read_rows
from factory.settings import Settings
from tests import shop
from zoo.__main__ import main as zoo_main
from zoo.manifest import Manifest
from zoo.names import Version

EXPLAINED = 5
"""Rows of a version whose whole life is asked for."""
PAID = ("replies.db", "replies.db-wal", "replies.db-shm", "argilla", "feedback")
"""What nothing removes: what was paid for, and what people said."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Bytes on the disk.

    Attributes:
        versions: the hub, and the stages that published versions rest on.
        paid: replies, answers of people, Argilla.
        prefect: its database.
        rest: all else in the home: what retention is to bound.
    """

    versions: int
    paid: int
    prefect: int
    rest: int


def sizes(where: Settings) -> Sizes:
    """How much of the disk is taken by what."""
    home, published, builds = where.home, 0, 0
    for root in (path.parent for path in where.builds.glob(f"*/*/{ledger.FILE}")):
        there = finished(root)
        versions = behind(root, there, [one for one in there if one.startswith(f"{PUBLISH}:")])
        published += sum(taken(there[one]) for one in versions if one in there)
        builds += taken(root)
    others = {path.name: taken(path) for path in home.iterdir() if path.name not in ("builds", "weights", "hub")}
    paid, prefect = sum(others.pop(name, 0) for name in PAID), others.pop("prefect", 0)
    return Sizes(published + taken(Path(where.hub)), paid, prefect, builds - published + sum(others.values()))


def taken(path: Path) -> int:
    """Bytes on the disk; of what vanishes meanwhile, none."""
    total = 0
    for one in (path, *path.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            total += one.lstat().st_blocks * 512
    return total


def bounded(days: Mapping[int, Sizes], nights: Path) -> None:
    """What retention is to bound is no more in the last quarter of a year than in the second one, but for chance."""
    last = max(days)
    for day in sorted({1, last // 2, last}):
        said = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in dataclasses.asdict(days[day]).items())
        print(f"day {day}: {said}")
    removed = [
        float(size)
        for night in nights.iterdir()
        for size in re.findall(r"^removed: .* needs, (.*) MB", night.read_text(), re.M)
    ]
    print(f"{sum(removed):.1f} MB were removed, on {sum(size > 0 for size in removed)} nights")
    if last < 360:
        return
    for name in ("rest", "prefect"):
        early, late = (
            mean(getattr(days[day], name) for day in range(*span)) for span in ((90, 180), (last - 90, last))
        )
        print(f"{name}: {early / 1e6:.2f} MB on average from day 90 to 180, {late / 1e6:.2f} MB in the last 90 days")
        assert late < 1.5 * early, name


def closed(where: Settings, name: str, given: Mapping[str, str], corrected: int, scratch: Path) -> None:
    """Everything is as it should be.

    Args:
        where: the factory.
        name: its one specialist.
        given: row id to label, of every answer that was given in Argilla.
        corrected: how many answers the audit log holds.
        scratch: an empty place.
    """
    published = versions(where, name)
    behind_versions(where, name, published, scratch)
    decisions(where, name, published, corrected)
    answers(where, name, given)
    nothing_is_left(where, name)
    print(f"{len(published)} versions, {len(ledger.read(where.builds / name).entries)} entries in the ledger")


def versions(where: Settings, name: str) -> list[Manifest]:
    """Every version loads, verifies, answers and follows the one before by the rules; they come back, oldest first."""
    hub = open_hub(where.hub)
    numbers = hub.versions(name)
    manifests = [hub.manifest(name, number) for number in numbers]
    assert numbers[0] == Version(1, 0, 0)
    for manifest in manifests:
        specialist = zoo.load(manifest.id, hub=where.hub)
        assert specialist.predict(shop.text_of("money", 7)).label in shop.WORDS
        with contextlib.redirect_stdout(io.StringIO()):
            assert zoo_main(["verify", manifest.id, "--hub", where.hub]) == 0
    for before, after in pairwise(manifests):
        one, other = Version.parse(before.version), Version.parse(after.version)
        new_data = before.lineage["dataset"] != after.lineage["dataset"]
        assert other == (Version(1, one.minor + 1, 0) if new_data else Version(1, one.minor, one.patch + 1))
        told, earlier = ((Path(where.hub) / name / one.version / CHANGELOG).read_text() for one in (after, before))
        assert f"## {other} (" in told and f"after {one}\n" in told
        assert told.endswith(earlier[earlier.index("\n## ") :])
    return manifests


def behind_versions(where: Settings, name: str, published: list[Manifest], scratch: Path) -> None:
    """The ledger's chain holds, and of every version all is there that was: stages, rows and papers."""
    root = where.builds / name
    assert verify_ledger(root).problems == []
    assert not any("not in the ledger" in note for note in verify_ledger(root).notes if "vote:" not in note)
    files = sorted(root.glob("[!.]*/[!.]*/*.jsonl"))
    files = [path for path in files if path.name in ("rows.jsonl", "kept.jsonl", "dropped.jsonl")]
    there = {file: {row.id for row in read_rows(file)} for file in files}
    for manifest in published:
        found = trace.trace(manifest.id, where)
        assert (found.problems, found.not_found) == ([], []), manifest.id
        assert {step.state for step in found.stages} == {"as entered"}, manifest.id
        dataset = open_version(Path(where.hub) / "datasets" / name / manifest.lineage["dataset"])
        rows = [row for split in SPLITS for row in dataset.rows(split)]
        (review,) = (
            root / "review" / step.output.partition(":")[2] for step in found.stages if step.output[:7] == "review:"
        )
        assert {row.id for row in rows} <= there[review / "kept.jsonl"], manifest.id
        for row in rows[:: max(1, len(rows) // EXPLAINED)]:
            told = life(row.id, [file for file, ids in there.items() if row.id in ids])
            assert row.text.split()[0] in told and "What the checks said" in told
    for manifest in {published[place].id: published[place] for place in (0, len(published) // 2, -1)}.values():
        papers = make.make(manifest.id, where, scratch / manifest.version)
        assert verify.verify(papers, where).differences == []


def decisions(where: Settings, name: str, published: list[Manifest], corrected: int) -> None:
    """Every version but the first was decided on, every decision came to something, every answer counted once."""
    folder, state = where.home / "refresh" / name, decide.read_state(where.home, name)
    made = [decide.read(where.home, name, path.name) for path in sorted(folder.glob("2*.json"))]
    built = [one for one in made if one.rebuild]
    assert not state.pending
    assert [one.file for one in built if not one.became] == []
    assert [one.became.partition(" ")[0] for one in built if one.became.endswith("is published")] == [
        one.version for one in published[1:]
    ]
    begun = [one for one in built if one.became != decide.NOT_BEGUN]
    assert sum(one.corrected for one in begun) == len(state.corrected)
    back = kept.read(where.home, name)
    waiting = corrected - len(back.corrected)
    assert 0 <= waiting == corrected - len(state.corrected), "an answer was lost or counted twice"
    for one in built:
        assert all((where.home / "drift" / name / Path(file).name).exists() for file in one.findings)


def answers(where: Settings, name: str, given: Mapping[str, str]) -> None:
    """Argilla holds what people said, and nothing else."""
    pulled = connect(where).pull(specs.load(name, where.prompts)).answers
    assert {answer.row_id: answer.label for answer in pulled} == dict(given)


def nothing_is_left(where: Settings, name: str) -> None:
    """No process works, no lock is held, and nothing lies about that a kill left."""
    assert builder(name, where) is None
    hub, home = Path(where.hub), where.home
    patterns = (".*.part", ".*.gone", ".incoming-*", ".export-*", "pipeline-*")
    left = [path for place in (hub, home) for pattern in patterns for path in place.rglob(pattern)]
    old = datetime.now(UTC).timestamp() - where.keep_days * 86_400
    assert [path for path in left if path.stat().st_mtime < old] == [], "left, and older than FACTORY_KEEP_DAYS"
    print(f"left by kills of the last {where.keep_days} days: {[path.name for path in left]}")
    with sqlite3.connect(home / "prefect" / "prefect.db", timeout=60) as runs:
        unended = runs.execute(
            "SELECT name FROM flow_run WHERE state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"
        ).fetchall()
        days = f"-{2 * where.keep_days} day"  # the vacuum comes every half minute, which is a fortnight of that year
        kept_on = runs.execute("SELECT name FROM flow_run WHERE end_time < datetime('now', ?)", (days,)).fetchall()
    runs.close()
    assert kept_on == []
    assert unended in ([], [(f"{name} quick",)])  # a build that was killed right after publishing; the next closes it
