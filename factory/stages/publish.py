"""The gate, and what it lets through to the hub."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from factory.dataset import croissant
from factory.errors import GateError
from factory.evidence.records import read_evidence
from factory.files import read_json, write_json
from factory.lineage import ledger
from factory.publish import release as releasing
from factory.publish.hub import open_hub
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build


def publish(build: Build) -> Output:
    """Publish the student and its dataset version, if the gate was passed or publishing is forced.

    Raises:
        GateError: the gate was not passed; nothing is published.
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
        dataset_at = hub.publish_dataset(_version_alone(made.path, out / "dataset"))
        student = model.trained(build)
        _, head = ledger.read(build.root).following
        released = releasing.release(
            hub,
            replace(student, lineage={**student.lineage, "ledger": head}),
            build.spec,
            read_json(made.path / "manifest.json"),
            read_evidence(measured.path / "evidence.jsonl"),
            out / "specialist",
            forced=not gate["passed"],
        )
        write_json(
            out / SUMMARY,
            {
                "version": released.version,
                "new": released.new,
                "where": released.where,
                "dataset": dataset_at,
                "forced": not gate["passed"],
            },
        )

    inputs = {"evaluate": measured, "dataset": made, "hub": build.settings.hub, "forced": not gate["passed"]}
    output = build.stage("publish", inputs, work)
    held = {str(version) for version in hub.versions(build.spec.name)}
    if output.reused and read_json(output.path / SUMMARY)["version"] not in held:
        shutil.rmtree(output.path)  # somebody emptied the hub: what was published there is published again
        output = build.stage("publish", inputs, work)
    return output


def _version_alone(folder: Path, to: Path) -> Path:
    """The dataset version with Croissant metadata, and without the stage's own files.

    A hub takes nothing that the manifest does not name.
    """
    for name in ["manifest.json", *read_json(folder / "manifest.json")["files"]]:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, to / name)
    croissant.add(to, datetime.now(UTC).date().isoformat())
    return to
