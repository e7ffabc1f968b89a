"""What a plan yielded, from the files of finished stages; no teacher is asked, and nothing is built but the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from factory import stage
from factory.errors import DataError
from factory.files import read_jsonl, write_json, write_text
from factory.generate import coverage
from factory.generate.seed import seed_passages
from factory.generate.strategies.cell import Cell
from factory.row import read_rows
from factory.stage import Output
from factory.stages.build import SUMMARY, Build
from factory.stages.data import VECTORS

SEED_PASSAGES = 300
"""As many of a seed's passages are compared with; they go through the encoder."""


def report(build: Build) -> Output:
    """coverage.json and coverage.md on the newest cleaned rows of a specialist.

    Raises:
        DataError: nothing was cleaned yet, or what it was made from is gone.
    """
    cleaned = _newest(build)
    written = _before(build, cleaned, "write")
    planned = _before(build, written, "plan")

    # Vectors of two encoders can't be compared: after a change the seed's are told once rows were cleaned anew.
    read_by = [build.encoder_identity, build.spec.student.max_tokens]
    seed = build.spec.seed if stage.inputs_of(cleaned.path)["encoder"] == read_by else None

    def work(out: Path) -> None:
        values = read_jsonl(planned.path / "plan.jsonl")
        later = written.path / "further.jsonl"
        values += read_jsonl(later) if later.exists() else []
        kept, dropped = (read_rows(cleaned.path / f"{name}.jsonl") for name in ("kept", "dropped"))
        table = coverage.yields([Cell.model_validate(value) for value in values], kept, dropped)
        found = coverage.groups(kept, np.load(cleaned.path / VECTORS))
        if seed:
            texts = [passage.text for passage in seed_passages(build.spec, build.settings)[:SEED_PASSAGES]]
            found["seed"] = (texts, build.encoder.vectors(texts))
        varied = coverage.diversity(found)
        write_json(out / "coverage.json", coverage.to_json(table, varied))
        write_text(out / "coverage.md", coverage.markdown(table, varied, f"{build.spec.name}, {cleaned.key}"))
        every = [one for one in table if one.axis == "strategy" and not one.label]
        write_json(
            out / SUMMARY,
            {name: sum(getattr(one, name) for one in every) for name in ("asked", "written", "kept")},
        )

    inputs = {"clean": cleaned, "format": 1, **({"seed": seed.model_dump(mode="json")} if seed else {})}
    return build.stage("coverage", inputs, work)


def _newest(build: Build) -> Output:
    finished = (build.root / "clean").glob("[!.]*/inputs.json")
    newest = max(finished, key=lambda file: file.stat().st_mtime, default=None)
    if newest is None:
        raise DataError(
            f"No rows of {build.spec.name} have been cleaned yet.",
            where=str(build.root / "clean"),
            fix=f"Run `python -m factory build {build.spec.name} --until clean` first.",
        )
    return Output("clean", newest.parent.name, newest.parent, reused=True)


def _before(build: Build, output: Output, name: str) -> Output:
    """The stage that an output was made from."""
    key = str(stage.inputs_of(output.path)[name]).removeprefix(f"{name}:")
    folder = build.root / name / key
    if not (folder / "inputs.json").exists():
        raise DataError(
            "The stage that these rows were made from is gone.", where=str(folder), fix="Build the specialist again."
        )
    return Output(name, key, folder, reused=True)
