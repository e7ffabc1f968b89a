"""What a student says of people's rows that it has not learned, so that they can tell how sure it may be.

Those held out are few where people's rows are few, and a promise takes many. So the rows that people answered are also
cut into parts, and for each the student is trained anew on all others (cross-fitting, Chernozhukov et al. 2018): what
it then says of the part counts as what the published student would say of new rows. It has learned a little less than
that one, so it errs, if anything, more often. The same held-out rows choose its epoch.

Where a committee labelled the other rows it had learned all of people's rows, those held out, too, and who learns from
it knows of them. So there the held-out rows are cut into parts as well, and for each part the committee votes anew
without it: neither the student nor who taught it has seen what people said of the rows that tell.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from factory.dataset.split import folds, group
from factory.dataset.version import open_version
from factory.files import read_json, write_json
from factory.generate.strategies.replaced_spans import Words, replaced_spans, words_of
from factory.processes import Task
from factory.progress import silent
from factory.row import Row, read_rows, write_rows
from factory.stage import Output
from factory.stages import model
from factory.stages.ballot import HUMAN, Ballot
from factory.stages.build import SUMMARY, Build
from factory.stages.fitting import HELD, LEARNED, Watch, each, fit, noted, watched
from factory.stages.student import Student
from factory.students.training import Recipe

CROSS_FITTED = 1
"""The version of how it is done."""
ENOUGH = 300
"""Where so many of people's rows are held out, nothing is trained anew."""
ASKED, SAID = "asked.jsonl", "said.json"
"""The rows that were told of; what was said of each, in their order. A part's folder has both, too, beside rows to
learn (factory.stages.fitting)."""
APART = "held out"
"""In the summary: how many of the rows were held out of training."""


def cross_fit(build: Build) -> Output:
    """People's rows, none of them learned by who speaks of them, asked.jsonl, and what was said, said.json."""
    made, trained = build.run("dataset"), build.run("train")
    student, spec = model.student_of(build), build.spec.student
    count = student.folds if spec.folds is None else spec.folds

    def work(out: Path) -> None:
        version = open_version(made.path)
        weights = read_json(trained.path / model.EXPORTS)["weights"]
        learned, held = version.rows("train"), version.rows("held_out")
        apart = _people(held)
        taught = student.committee and any(row.origin not in HUMAN for row in learned)
        rows = [] if taught else apart
        said = list(student.says(trained.path, model.recipe_of(build), rows, weights)) if rows else []
        parts = _parts(_people(learned), apart, count, taught)
        parts = [part for part in parts if _left(learned, part) and _left(held, part)]
        said += _anew(build, parts, taught, weights, out)
        rows = [*rows, *(row for part in parts for row in part)]
        write_rows(out / ASKED, rows)
        write_json(out / SAID, said)
        write_json(out / SUMMARY, {"people's rows": len(rows), APART: len(apart) if rows else 0, "parts": len(parts)})
        for folder in out.glob("part-*"):
            shutil.rmtree(folder)

    return build.stage("cross_fit", {"train": trained, "dataset": made, "folds": count, "version": CROSS_FITTED}, work)


def _people(rows: Sequence[Row]) -> list[Row]:
    """People's among the rows; what production picked is no sample of what comes (factory.dataset.split)."""
    return [row for row in rows if row.origin == "reviewed" and not row.picked]


def _parts(learned: Sequence[Row], apart: Sequence[Row], count: int, taught: bool) -> list[list[Row]]:
    """The parts of people's rows for each of which the student is trained anew; none where those held out tell alone.

    Args:
        learned: people's rows that were trained on.
        apart: those that were held out.
        count: how many parts there are to be.
        taught: whether who labelled the other rows had learned those that were held out.
    """
    if count < 2 or len(apart) >= ENOUGH:
        return [list(apart)] if taught and apart else []
    parts = folds([*learned, *apart] if taught else learned, count)
    return parts if len(parts) > 1 else []


def _left(rows: Sequence[Row], part: Sequence[Row]) -> list[Row]:
    """The rows that are not in a part and do not rest on what is.

    The strategy `replaced` also lends words of people's spans to other rows. Where a row has words that only the part
    has, it has others in their place, as if the part had not been there: without such rows much less would be learned.
    """
    away = {group(row) for row in part}
    left = [row for row in rows if group(row) not in away]
    people = [row for row in left if row.origin in HUMAN]
    lent, words = _marked(part) - _marked(people), words_of(people)
    found = (row if row.origin in HUMAN or lent.isdisjoint(_marked([row])) else _reworded(row, words) for row in left)
    return [row for row in found if row]


def _reworded(row: Row, words: Words) -> Row | None:
    """A row with other words in its spans; None: there are none."""
    made = replaced_spans(row, words, random.Random(row.id))
    return row.model_copy(update={"text": made[0], "spans": made[1]}) if made else None


def _marked(rows: Iterable[Row]) -> set[tuple[str, str]]:
    """Types and words of the rows' spans."""
    return {(one.label, row.text[one.start : one.end].casefold()) for row in rows for one in row.spans or ()}


def _anew(build: Build, parts: Sequence[Sequence[Row]], taught: bool, weights: str, out: Path) -> list[Any]:
    """What the student says of each part's rows when it is trained, as the published one, on all rows but these."""
    if not parts:
        return []
    student, recipe, trainers = model.student_of(build), model.kept(build), build.settings.trainers
    folders = [out / f"part-{number}" for number in range(1, 1 + len(parts))]

    def tasks() -> Iterator[Task]:
        prepared = build.meter("calibrate, label anew", "parts") if taught else silent
        prepared(0, len(parts))
        ballot = Ballot(build, build.run("clean").path, build.run("judge").path) if taught else None
        for number, (part, folder) in enumerate(zip(parts, folders, strict=True), 1):
            if not (folder / SAID).exists():
                _prepare(build, part, ballot, folder)
                prepared(number, len(parts))
                yield learn, (student, recipe, weights, folder, trainers)

    watch = watched(folders, build.meter("calibrate", "texts" if recipe.frozen else "steps"))
    each(tasks(), len(parts), trainers, watch)
    return [one for folder in folders for one in read_json(folder / SAID)]


def learn(
    student: Student,
    recipe: Recipe,
    weights: str,
    folder: Path,
    trainers: int,
    watch: Watch = lambda: None,
) -> None:
    """Train a student on rows in a folder, or go on with that, and leave there what it says of others: said.json."""
    rows = {name: read_rows(folder / name) for name in (LEARNED, HELD, ASKED)}
    learner = folder / "model"
    if not (learner / "training.json").exists():
        fit(student, rows[LEARNED], rows[HELD], recipe, learner, noted(folder, watch), trainers)
    student.export(learner, recipe)
    write_json(folder / SAID, student.says(learner, recipe, rows[ASKED], weights))
    shutil.rmtree(learner)


def _prepare(build: Build, part: Sequence[Row], ballot: Ballot | None, folder: Path) -> None:
    """The rows for `learn`: those to train on and those held out, as they are but for the part and what rests on it;
    labelled without it, too, where a committee labels."""
    if (folder / ASKED).exists():
        return
    version = open_version(build.run("dataset").path)
    learned, held = (_left(version.rows(name), part) for name in ("train", "held_out"))
    if ballot is not None:
        rows = ballot.relabelled([*learned, *held])
        learned, held = rows[: len(learned)], rows[len(learned) :]
    write_rows(folder / LEARNED, learned)
    write_rows(folder / HELD, model.choosing(held, build.spec.student))
    write_rows(folder / ASKED, part)
