"""From a spec to cleaned rows, and from reviewed rows to a dataset version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from factory.dataset import build as dataset_build
from factory.dataset.version import open_version
from factory.errors import DataError
from factory.files import digest, file_sha256, read_json, read_jsonl, write_json, write_jsonl
from factory.generate import committee, extraction
from factory.generate import plan as planning
from factory.generate import write as writing
from factory.generate.limits import Limits, Spent
from factory.generate.prompt import messages, template_file
from factory.generate.strategies import STRATEGIES
from factory.generate.strategies.cell import Cell
from factory.hygiene import run as hygiene
from factory.hygiene import trust
from factory.row import Row, read_rows, write_rows
from factory.spec import RATING
from factory.stage import Output
from factory.stages import model, sources
from factory.stages.build import SUMMARY, Build
from factory.stages.rounds import write_rounds
from factory.students import reader, suitable
from factory.teacher import weights

VECTORS = "vectors.npy"
READER = "reader.npy"
ROWS = "rows.jsonl"
SPENT = "spent.json"


def plan(build: Build) -> Output:
    """What to ask the teacher to write: plan.jsonl and coverage.json.

    Raises:
        as `grown`.
    """
    return planned(build, grown(build))


def grown(build: Build) -> list[Cell]:
    """What to ask the teacher to write.

    Raises:
        SpecError, DataError: also for what only later stages need; before anything is started or paid for.
    """
    _look_ahead(build)
    return planning.grow(sources.material(build), build.budget.generate)


def planned(build: Build, cells: Sequence[Cell]) -> Output:
    """A plan of these cells."""

    def work(out: Path) -> None:
        write_jsonl(out / "plan.jsonl", (cell.model_dump(mode="json") for cell in cells))
        write_json(out / "coverage.json", [share.model_dump(mode="json") for share in planning.coverage(cells)])
        write_json(
            out / SUMMARY, {"requests": planning.requests(cells), "rows asked for": sum(cell.count for cell in cells)}
        )

    return build.stage("plan", {"cells": [cell.model_dump(mode="json") for cell in cells]}, work)


def write(build: Build) -> Output:
    """The teacher's rows: rows.jsonl, and failed.jsonl with every reply that was not as asked, and every cell that a
    limit kept from being asked.

    With `refill`, also further.jsonl: the cells of later rounds. With limits, spent.json.
    """
    drafted = build.run("plan")
    spec, limits = build.spec, limits_of(build)

    def work(out: Path) -> None:
        cells = [Cell.model_validate(value) for value in read_jsonl(drafted.path / "plan.jsonl")]
        further, written = write_rounds(build, cells, limits) if cells else ([], writing.Written([], []))
        summary: dict[str, Any] = {
            "requests": planning.requests([*cells, *further]),
            "rows written": len(written.rows),
            "replies not as asked": len(written.failed) - written.spent.unasked,
        }
        write_rows(out / ROWS, written.rows)
        write_jsonl(out / "failed.jsonl", written.failed)
        if spec.refill:
            write_jsonl(out / "further.jsonl", (cell.model_dump(mode="json") for cell in further))
            summary["of these asked again"] = len(further)
        if limits.any:
            write_json(out / SPENT, vars(written.spent))
            summary |= told(written.spent.stopped, written.spent.unasked)
            summary |= {"tokens read": written.spent.read, "tokens written": written.spent.written}
        write_json(out / SUMMARY, summary)

    inputs: dict[str, Any] = {
        "plan": drafted,
        "teacher": build.teacher,
        "sampling": [*spec.teacher.sampling.values(), spec.teacher.tokens_per_row],
        "prompt": digest([spec.template("generate.jinja"), spec.labels, spec.text, spec.title]),
        "spec": spec.data_identity,
    }
    asking = [name for name in sorted(spec.strategies) if name != "label" and STRATEGIES[name].asks]
    templates = {name: STRATEGIES[name].template for name in asking}
    if templates:
        inputs["templates"] = {name: file_sha256(template_file(spec, file)) for name, file in templates.items()}
    if spec.refill:
        inputs |= {"refill": sources.candidate_inputs(build) | {"gold": file_sha256(build.gold_file)}}
        inputs |= {"encoder": [build.encoder_identity, spec.student.max_tokens]}  # the checks between rounds see by it
    if limits.any:
        inputs["limits"] = limits.identity()
    return build.stage("write", inputs, work)


def clean(build: Build) -> Output:
    """All candidate rows through every check that needs no committee: kept.jsonl, dropped.jsonl, statistics.json.

    Candidates are written rows, the spec's own examples (so that a teacher's copies of them are found), real
    unlabelled texts (labelled for now by the nearest definition) and, where review is simulated, rows from
    reviewed.jsonl. vectors.npy holds the encoder's view of the kept rows, reader.npy the reader's; label_*.npy their
    views of the labels.
    """
    written = build.run("write")
    spec = build.spec

    def work(out: Path) -> None:
        progress = build.meter("clean", "checks")
        rows = sources.candidates(build, read_rows(written.path / ROWS))
        if not rows:
            raise DataError(
                "There are no rows to make a dataset of: the teacher is to write none and to label none.",
                where=str(spec.folder / "spec.yaml"),
                fix="Raise `generate` or `label` in the spec's budgets.",
            )
        checked = sources.checked(build, rows, progress)
        if not checked.kept:
            hygiene.write(out, checked)
            raise DataError(
                f"Every one of {len(rows)} candidate rows was dropped.",
                where=str(out / "dropped.jsonl"),
                fix="Each dropped row there says why; loosen `hygiene` in the spec, or raise the budget.",
            )
        vectors = build.encoder.vectors([row.text for row in checked.kept])
        labels = build.encoder.vectors(committee.label_texts(spec))
        nearest = committee.definitions(vectors, labels).argmax(axis=1)
        kept = [
            row.model_copy(update={"label": build.labels[place]}) if row.origin == "unlabelled" and row.label else row
            for row, place in zip(checked.kept, nearest, strict=True)
        ]
        hygiene.write(out, hygiene.Result(kept, checked.dropped, checked.statistics))
        np.save(out / VECTORS, vectors, allow_pickle=False)
        np.save(out / f"label_{VECTORS}", labels, allow_pickle=False)
        _read(build, [row.text for row in kept], out)
        drops = {f"dropped by {item.check}": item.dropped for item in checked.statistics}
        unfit = len(sources.unfit(build))
        write_json(
            out / SUMMARY,
            {
                "candidates": len(rows),
                **({"corrections of production that do not fit the spec": unfit} if unfit else {}),
                **drops,
                "kept": len(kept),
            },
        )

    inputs = {
        "write": written,
        **sources.candidate_inputs(build),
        "encoder": [build.encoder_identity, spec.student.max_tokens],
        "labels": committee.label_texts(spec),
    }
    if spec.reader:
        inputs["reader"] = build.reader_identity
    return build.stage("clean", inputs, work)


def dataset(build: Build) -> Output:
    """An immutable dataset version with its card, from the reviewed stage's rows."""
    reviewed = build.run("review")

    def work(out: Path) -> None:
        rows = read_rows(reviewed.path / "kept.jsonl")
        dropped = _dropped(build.run("clean").path, reviewed.path, rows)
        audit = build.summary("review").get("audit")
        planned = read_json(build.run("plan").path / "coverage.json")
        drops = dataset_build.drop_table(dropped)
        judges = [judge.identity for judge in build.judges] if build.spec.judges else ()
        held = {} if build.spec.review.judge_floor is None else read_json(reviewed.path / trust.FILE)
        version = dataset_build.build(
            rows, build.spec, out, dropped=drops, audit=audit, planned=planned, judges=judges, judge=held
        )
        origins = Counter(row.origin for row in rows)
        write_json(
            out / SUMMARY,
            {"version": version.version, "hash": version.manifest["hash"], **version.manifest["splits"], **origins},
        )

    output = build.stage("dataset", {"review": reviewed, "spec": build.spec.data_identity}, work)
    open_version(output.path)
    return output


def _dropped(cleaned: Path, reviewed: Path, kept: Sequence[Row]) -> list[Row]:
    """Every dropped row; one that people have spoken of since `clean` dropped it, as the stage `review` left it."""
    before, after = read_rows(cleaned / "dropped.jsonl"), read_rows(reviewed / "dropped.jsonl")
    again = {row.id for row in [*kept, *after]} - {row.id for row in read_rows(cleaned / "kept.jsonl")}
    return [*(row for row in before if row.id not in again), *after]


def _read(build: Build, texts: Sequence[str], out: Path) -> None:
    """The reader's view of texts and labels, where the spec names a reader."""
    if build.spec.reader is None:
        return
    asked = [*committee.label_texts(build.spec), *texts]
    source, longest = weights.resolve(build.spec.reader, build.settings), build.spec.student.max_tokens
    vectors = reader.read(source, asked, longest, out / "reader.part", build.meter("read", "texts"))
    np.save(out / f"label_{READER}", vectors[: len(build.labels)], allow_pickle=False)
    np.save(out / READER, vectors[len(build.labels) :], allow_pickle=False)


def _look_ahead(build: Build) -> None:
    """Read whatever people wrote for later stages, so that a slip in it is told now."""
    _ = build.gold
    sources.people(build)
    options = [{"code": "A", "label": label, "definition": build.spec.gist(label)} for label in build.labels]
    messages(build.spec, "judge.jinja", options=extraction.options(build.spec) or options, text="")
    if build.spec.kind == "generation":
        messages(build.spec, RATING, text="", answer="")
    _ = build.spec.rules
    if build.spec.judges:
        _ = build.judges
    suitable.check(model.recipe_of(build))


def limits_of(build: Build) -> Limits:
    """What the budget lets a build spend."""
    return Limits.of(build.budget, build.spec.teacher.prices, build.meter)


def spent_on_writing(build: Build) -> Spent:
    """What writing has spent of the limits; nothing where there are none."""
    file = build.run("write").path / SPENT
    return replace(Spent(**read_json(file)), stopped="", unasked=0) if file.exists() else Spent()


def told(stopped: str, unasked: int) -> dict[str, Any]:
    """A summary's lines on a limit that was reached."""
    return {"stopped by": stopped, "requests not asked": unasked} if stopped else {}
