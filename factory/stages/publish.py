"""The gate, the published version that must not be clearly better, and what they let through to the hub."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import zoo
from factory.dataset import croissant
from factory.errors import FactoryError, GateError
from factory.evidence import behaviour as behaviours
from factory.evidence.circumstances import here
from factory.evidence.predictions import answers, file_of, read_predictions, write_predictions
from factory.evidence.records import AnyEvidence, GateLine, read_evidence
from factory.files import read_json, write_json
from factory.lineage import ledger
from factory.publish import changes, compare
from factory.publish import release as releasing
from factory.publish.changelog import Followed
from factory.publish.changes import Papers
from factory.publish.hub import Hub, open_hub
from factory.publish.package import CHANGELOG, EVIDENCE, Trained, describe
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build
from zoo.errors import ZooError
from zoo.manifest import Manifest
from zoo.names import Version
from zoo.yanked import given

ANSWERS = "published.jsonl"
"""What the version that a student follows answers to the gold rows."""


def publish(build: Build) -> Output:
    """Publish the student and its dataset version, or refuse unless publishing is forced.

    Raises:
        GateError: the gate was not passed, or the version published last is clearly better; nothing is published.
        HubError: the hub refused or can't be reached.
    """
    measured = build.run("evaluate")
    made = build.run("dataset")
    gate = read_json(measured.path / "gate.json")
    if not gate["passed"] and not build.force:
        raise GateError(
            f"{build.spec.name} did not pass its gate, so nothing was published.\n"
            + "\n".join(f"  - {line}" for line in gate["lines"]),
            where=str(measured.path / "report.html"),
            fix="Read the report; improve the spec or give it a larger budget. --force publishes with the failure "
            "on the card.",
        )
    hub = open_hub(build.settings.hub, build.settings.hub_token)

    def work(out: Path) -> None:
        student = model.trained(build)
        draft = describe(student, build.spec, f"{build.spec.major}.0.0")
        held = [hub.manifest(build.spec.name, version) for version in given(hub, build.spec.name)]  # no others are got
        published = compare.before(held, draft)
        compared = _beside_the_published(build, hub, student, published, measured.path, out) if published else []
        follows = published or next(reversed(compare.earlier(held, draft)), None) or _taken_back(build, hub, draft)
        followed = _followed(build, hub, follows, student, measured.path, out) if follows else None
        forced = not gate["passed"] or any(isinstance(one, GateLine) and not one.passed for one in compared)
        dataset_at = hub.publish_dataset(_version_alone(made.path, out / "dataset"))
        _, head = ledger.read(build.root).following
        released = releasing.release(
            hub,
            replace(student, lineage={**student.lineage, "ledger": head}),
            build.spec,
            read_json(made.path / "manifest.json"),
            [*read_evidence(measured.path / "evidence.jsonl"), *compared],
            out / "specialist",
            follows=followed,
            forced=forced,
        )
        write_json(
            out / SUMMARY,
            {
                "version": released.version,
                "new": released.new,
                "where": released.where,
                "dataset": dataset_at,
                "forced": forced,
            },
        )

    inputs = {"evaluate": measured, "dataset": made, "hub": build.settings.hub, "forced": not gate["passed"]}
    output = build.stage("publish", inputs, work)
    held = {str(version) for version in hub.versions(build.spec.name)}
    if output.reused and read_json(output.path / SUMMARY)["version"] not in held:
        shutil.rmtree(output.path)  # somebody emptied the hub: what was published there is published again
        output = build.stage("publish", inputs, work)
    return output


def _beside_the_published(
    build: Build, hub: Hub, student: Trained, published: Manifest, measured: Path, out: Path
) -> Sequence[AnyEvidence]:
    """Evidence on the student beside the version it would follow, whose answers go to published.jsonl.

    Raises:
        GateError: that version is clearly better, or can't be asked, and publishing is not forced.
    """
    ours = read_predictions(measured / file_of(f"student:{student.weights}"))
    circumstances = here()
    kind = model.student_of(build)
    metrics = sorted({requirement.metric for requirement in build.spec.gate}) or kind.metrics[:1]
    found: list[AnyEvidence] = []
    try:
        specialist = zoo.load(published.id, hub=build.settings.hub)
        said = kind.answers(specialist, [row.text for row in build.gold])
    except ZooError as error:
        found += compare.unasked(ours, published, metrics, error, circumstances)
    else:
        what = f"published {published.created[:10]}, {specialist.weights}"
        theirs = answers(compare.name_of(published), build.gold, said.decisions, what=what, scores=said.scores)
        write_predictions(out / ANSWERS, theirs)
        found += compare.judge(ours, theirs, metrics, circumstances)
    failed = [line.sentence for line in found if isinstance(line, GateLine) and not line.passed]
    if failed and not build.force:
        raise GateError(
            f"{build.spec.name} does not stand up to its published version, so nothing was published.\n"
            + "\n".join(f"  - {line}" for line in failed),
            where=f"{published.id} in {hub.address}",
            fix="Improve the spec or give it a larger budget. --force publishes with this on the card.",
        )
    return found


def _taken_back(build: Build, hub: Hub, draft: Manifest) -> Manifest | None:
    """The newest version before the student where all are yanked: nothing is compared with it, but it was there."""
    there = [hub.manifest(build.spec.name, version) for version in hub.versions(build.spec.name)]
    return next(reversed(compare.earlier(there, draft)), None)


def _followed(build: Build, hub: Hub, published: Manifest, student: Trained, measured: Path, out: Path) -> Followed:
    """The version that the student follows, for its changelog: its papers, and how its data and answers differ."""
    yank = hub.yanked(published.name).get(Version.parse(published.version))
    why = yank.reason if yank else ""
    then, now = (one.get("dataset", "") for one in (published.lineage, student.lineage))
    data = changes.data(published.name, then, now, build.settings)
    behaviour, theirs = None, out / ANSWERS
    if theirs.exists():
        ours = read_predictions(measured / file_of(student.who))
        behaviour = behaviours.compare(read_predictions(theirs), ours, {})
    try:
        with tempfile.TemporaryDirectory() as folder:
            papers = hub.papers(published.name, Version.parse(published.version), Path(folder))
            told = (papers / CHANGELOG).read_text(encoding="utf-8") if CHANGELOG in published.files else ""
            return Followed(Papers(published, read_evidence(papers / EVIDENCE)), told, data, behaviour, why)
    except FactoryError:  # its papers were changed: they are no reason to hold back this one
        return Followed(Papers(published, []), "", data, behaviour, why)


def _version_alone(folder: Path, to: Path) -> Path:
    """The dataset version with Croissant metadata, and without the stage's own files.

    A hub takes nothing that the manifest does not name.
    """
    for name in ["manifest.json", *read_json(folder / "manifest.json")["files"]]:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, to / name)
    croissant.add(to, datetime.now(UTC).date().isoformat())
    return to
