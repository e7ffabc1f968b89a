"""From a spec to judged rows, and from reviewed rows to a dataset version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from factory.dataset import build as dataset_build
from factory.dataset.version import open_version
from factory.errors import DataError
from factory.files import digest, read_json, read_jsonl, write_json, write_jsonl
from factory.generate import committee
from factory.generate import judge as judging
from factory.generate import plan as planning
from factory.generate import write as writing
from factory.generate.plan import Cell
from factory.generate.prompt import messages
from factory.generate.seed import Passage, seed_passages, unlabelled
from factory.hygiene import check, pii
from factory.hygiene import run as hygiene
from factory.review import simulated
from factory.row import Lineage, Row, read_rows, write_rows
from factory.spec import Spec
from factory.stage import Output
from factory.stages.build import SUMMARY, Build

VECTORS = "vectors.npy"
ROWS = "rows.jsonl"
CLEANING = tuple(name for name in hygiene.CHECKS if name not in ("consistency", "balance"))  # those await the committee


def plan(build: Build) -> Output:
    """What to ask the teacher to write: plan.jsonl and coverage.json.

    Raises:
        SpecError, DataError: also for what only later stages need; before anything is paid for.
    """
    spec = build.spec
    _look_ahead(build)
    passages = seed_passages(spec, build.settings)
    cells = planning.plan(spec, build.budget, passages)

    def work(out: Path) -> None:
        write_jsonl(out / "plan.jsonl", (cell.model_dump(mode="json") for cell in cells))
        write_json(out / "coverage.json", [share.model_dump(mode="json") for share in planning.coverage(cells)])
        write_json(out / SUMMARY, {"requests": len(cells), "rows asked for": sum(cell.count for cell in cells)})

    return build.stage("plan", {"cells": [cell.model_dump(mode="json") for cell in cells]}, work)


def write(build: Build) -> Output:
    """The teacher's rows: rows.jsonl, and failed.jsonl with every reply that was not as asked."""
    planned = build.run("plan")
    spec = build.spec

    def work(out: Path) -> None:
        cells = [Cell.model_validate(value) for value in read_jsonl(planned.path / "plan.jsonl")]
        passages = {passage.id: passage.text for passage in seed_passages(spec, build.settings)}
        written = writing.Written([], [])
        if cells:
            meter, replies = build.meter("write", "requests"), build.settings.replies
            written = writing.write(spec, cells, passages, _neighbours(build), build.endpoint(), replies, meter)
        write_rows(out / ROWS, written.rows)
        write_jsonl(out / "failed.jsonl", written.failed)
        write_json(
            out / SUMMARY,
            {"requests": len(cells), "rows written": len(written.rows), "replies not as asked": len(written.failed)},
        )

    inputs = {
        "plan": planned,
        "teacher": build.teacher,
        "sampling": [spec.teacher.temperature, spec.teacher.top_p, spec.teacher.tokens_per_row],
        "prompt": digest([spec.template("generate.jinja"), spec.labels, spec.text, spec.title]),
        "spec": spec.identity,
    }
    return build.stage("write", inputs, work)


def clean(build: Build) -> Output:
    """All candidate rows through every check that needs no committee: kept.jsonl, dropped.jsonl, statistics.json.

    Candidates are written rows, the spec's own examples (so that a teacher's copies of them are found), real
    unlabelled texts (labelled for now by the nearest definition) and, where review is simulated, rows from
    reviewed.jsonl. vectors.npy holds the encoder's view of the kept rows.
    """
    written = build.run("write")
    spec, settings = build.spec, build.settings
    texts = unlabelled(spec, settings)[: build.budget.label]
    people = _people(build)

    def work(out: Path) -> None:
        progress = build.meter("clean", "checks")
        rows = people + _examples(spec) + [_unjudged(spec.identity, passage, build.labels[0]) for passage in texts]
        rows += read_rows(written.path / ROWS)
        if not rows:
            raise DataError(
                "There are no rows to make a dataset of: the teacher is to write none and to label none.",
                where=str(spec.folder / "spec.yaml"),
                fix="Raise `generate` or `label` in the spec's budgets.",
            )
        rows = pii.mask(rows, spec)
        known = check.context(spec, pii.mask_gold(build.gold, spec), build.encoder.vectors)
        checked = hygiene.run(rows, known, check.asked(spec.hygiene, CLEANING), progress)
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
            row.model_copy(update={"label": build.labels[place]}) if row.origin == "unlabelled" else row
            for row, place in zip(checked.kept, nearest, strict=True)
        ]
        hygiene.write(out, hygiene.Result(kept, checked.dropped, checked.statistics))
        np.save(out / VECTORS, vectors, allow_pickle=False)
        np.save(out / f"label_{VECTORS}", labels, allow_pickle=False)
        drops = {f"dropped by {item.check}": item.dropped for item in checked.statistics}
        write_json(out / SUMMARY, {"candidates": len(rows), **drops, "kept": len(kept)})

    inputs = {
        "write": written,
        "unlabelled": [passage.id for passage in texts],
        "people": [row.to_json() for row in people],
        "examples": [example.model_dump() for example in spec.examples],
        "gold": build.gold_file,
        "hygiene": spec.hygiene.model_dump(mode="json"),
        "language": spec.language,
        "encoder": [build.encoder_identity, spec.student.max_tokens],
        "labels": committee.label_texts(spec),
        "policy": spec.template("policy.md"),
    }
    return build.stage("clean", inputs, work)


def judge(build: Build) -> Output:
    """What the teacher thinks of kept rows, up to the budget: judgements.jsonl."""
    cleaned = build.run("clean")
    spec = build.spec

    def work(out: Path) -> None:
        rows = read_rows(cleaned.path / "kept.jsonl")
        vectors, labels = np.load(cleaned.path / VECTORS), np.load(cleaned.path / f"label_{VECTORS}")
        near = np.argsort(-committee.definitions(vectors, labels), axis=1, kind="stable")[:, : spec.teacher.shortlist]
        order = sorted(range(len(rows)), key=lambda i: (rows[i].origin != "reviewed", rows[i].id))[: build.budget.judge]
        found = judging.judge(
            spec,
            [rows[i].text for i in order],
            [[build.labels[place] for place in near[i]] for i in order],
            build.endpoint(),
            build.settings.replies,
            build.meter("judge", "rows"),
        ) if order else []  # fmt: skip
        write_jsonl(
            out / "judgements.jsonl",
            ({"id": rows[i].id, **vars(one)} for i, one in zip(order, found, strict=True)),
        )
        unread = sum(one.scores is None for one in found)
        write_json(out / SUMMARY, {"texts judged": len(found), "replies not as asked": unread})

    inputs = {
        "clean": cleaned,
        "teacher": build.teacher,
        "prompt": digest([spec.template("judge.jinja"), spec.labels, spec.question, spec.rules, spec.title, spec.text]),
        "judge": build.budget.judge,
        "shortlist": spec.teacher.shortlist,
    }
    return build.stage("judge", inputs, work)


def dataset(build: Build) -> Output:
    """An immutable dataset version with its card, from the reviewed stage's rows."""
    reviewed = build.run("review")

    def work(out: Path) -> None:
        rows = read_rows(reviewed.path / "kept.jsonl")
        dropped = read_rows(build.run("clean").path / "dropped.jsonl") + read_rows(reviewed.path / "dropped.jsonl")
        audit = build.summary("review").get("audit")
        planned = read_json(build.run("plan").path / "coverage.json")
        drops = dataset_build.drop_table(dropped)
        version = dataset_build.build(rows, build.spec, out, dropped=drops, audit=audit, planned=planned)
        origins = Counter(row.origin for row in rows)
        write_json(
            out / SUMMARY,
            {"version": version.version, "hash": version.manifest["hash"], **version.manifest["splits"], **origins},
        )

    output = build.stage("dataset", {"review": reviewed, "spec": build.spec.identity}, work)
    open_version(output.path)
    return output


def _look_ahead(build: Build) -> None:
    """Read whatever people wrote for later stages, so that a slip in it is told now."""
    _ = build.gold
    _people(build)
    options = [{"code": "A", "label": label, "definition": build.spec.gist(label)} for label in build.labels]
    messages(build.spec, "judge.jinja", options=options, text="")
    _ = build.spec.rules


def _people(build: Build) -> list[Row]:
    """Rows that stand in for what people have answered already."""
    spec, settings = build.spec, build.settings
    if not settings.simulate_review or not (settings.gold / spec.gold / "reviewed.jsonl").exists():
        return []
    return simulated.read(spec, settings.gold, build.budget.review)


def _examples(spec: Spec) -> list[Row]:
    lineage = Lineage(spec=spec.identity, source="spec.yaml")
    return [Row(text=item.text, label=item.label, origin="example", lineage=lineage) for item in spec.examples]


def _unjudged(spec: str, passage: Passage, label: str) -> Row:
    return Row(text=passage.text, label=label, origin="unlabelled", lineage=Lineage(spec=spec, source=passage.id))


def _neighbours(build: Build) -> Mapping[str, Sequence[str]]:
    """For each label the others, most alike first, in the encoder's space."""
    vectors: Any = build.encoder.vectors(committee.label_texts(build.spec))
    votes = committee.definitions(vectors, vectors)
    order = np.argsort(-votes, axis=1, kind="stable")
    return {label: [build.labels[j] for j in order[i] if j != i] for i, label in enumerate(build.labels)}
