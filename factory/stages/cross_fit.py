"""What a student says of people's rows that it has not learned: how sure it may be, and which way of training pays.

Held-out rows are few where people's rows are few, and a promise takes many. So the rows that people answered are also
cut into parts, and for each the student is trained anew on all others (cross-fitting, Chernozhukov et al. 2018): what
it then says of the part counts as what the published student would say of new rows. It has learned a little less than
that one, so it errs, if anything, more often. The same held-out rows choose its epoch; its head has the penalty of that
one's, or the one would be surer than the other, and no threshold would fit both.

Where a committee labelled the other rows it had learned all of people's rows, those held out, too, and who learns from
it knows of them. So there the held-out rows are cut into parts as well, and for each part the committee votes anew
without it: neither the student nor who taught it has seen what people said of the rows that tell. Of those that were
held out one number knows, the penalty, which is one of four and was chosen by them.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from factory.dataset.split import folds, without
from factory.dataset.version import DatasetVersion, open_version
from factory.evidence.metrics import Floats
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
from factory.students.lesson import Recipe
from zoo.manifest import WEIGHTS

CROSS_FITTED = 3
"""The version of how it is done."""
ENOUGH = 300
"""Where so many of people's rows are held out, nothing is trained anew."""
ASKED, SAID = "asked.jsonl", "said.json"
"""People's rows; what was said of each, in their order, by either export. A part's folder has both, too, beside rows to
learn (factory.stages.fitting)."""


def cross_fit(build: Build, recipe: Recipe, whole: Path) -> Output:
    """Parts of people's rows, asked.jsonl, and what the student says of each who has learned the others, said.json.

    No rows where nothing is to be trained anew, or too little would be left to learn.

    Args:
        build: whose.
        recipe: how it is trained.
        whole: a folder with the model that was trained by it on all rows.
    """
    made, student, stated = build.run("dataset"), model.student_of(build), build.spec.student.folds
    recipe, count = model.as_trained(recipe, whole), student.folds if stated is None else stated

    def work(out: Path) -> None:
        version = open_version(made.path)
        learned, held = version.rows("train"), version.rows("held_out")
        taught = _taught(student, learned)
        parts = _parts(people(learned), people(held), count, taught)
        parts = [part for part in parts if _left(learned, part) and _left(held, part)]
        folders = [out / f"part-{number}" for number in range(1, 1 + len(parts))]
        _anew(build, recipe, list(zip(parts, folders, strict=True)), taught)
        told = [read_json(folder / SAID) for folder in folders]
        write_rows(out / ASKED, [row for part in parts for row in part])
        write_json(out / SAID, {name: [one for said in told for one in said[name]] for name in WEIGHTS})
        write_json(out / SUMMARY, {"parts": len(parts), "people's rows": sum(map(len, parts))})
        for folder in folders:
            shutil.rmtree(folder)

    inputs = {
        "dataset": made,
        "recipe": model.identity(build, recipe),
        "exporter": student.exporter,
        **({} if recipe.penalty is None else {"penalty": recipe.penalty}),
        "folds": count,
        "version": CROSS_FITTED,
    }
    return build.stage("cross_fit", inputs, work)


def wrong(build: Build, recipe: Recipe, whole: Path) -> tuple[Floats, Floats] | None:
    """What is wrong with what is said of the parts' rows by a recipe's students, and the rows' weights, [rows] each.

    Args:
        build: whose.
        recipe: how they are trained.
        whole: as of cross_fit.

    Returns:
        None where there are no parts.
    """
    told, student = cross_fit(build, recipe, whole).path, model.student_of(build)
    rows = read_rows(told / ASKED)
    if not rows:
        return None
    figures = student.wrong(whole, recipe, rows, read_json(told / SAID)["fp32"])
    return np.asarray(figures, dtype=np.float64), np.ones(len(rows))


def news(build: Build, version: DatasetVersion) -> list[Row]:
    """People's rows that were held out, if the trained student knows nothing of them: whoever taught it does not."""
    taught = _taught(model.student_of(build), version.rows("train"))
    return [] if taught else people(version.rows("held_out"))


def people(rows: Sequence[Row]) -> list[Row]:
    """People's among the rows; what production picked is no sample of what comes (factory.dataset.split)."""
    return [row for row in rows if row.origin == "reviewed" and not row.picked]


def _taught(student: Student, learned: Sequence[Row]) -> bool:
    """Whether who labelled rows to learn had learned all of people's, those held out, too."""
    return student.committee and any(row.origin not in HUMAN for row in learned)


def _parts(learned: Sequence[Row], apart: Sequence[Row], count: int, taught: bool) -> list[list[Row]]:
    """The parts of people's rows for each of which the student is trained anew; none where those held out tell alone.

    Args:
        learned: people's rows that were trained on.
        apart: those that were held out.
        count: how many parts there are to be.
        taught: see _taught.
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
    left = without(rows, part)
    kept = [row for row in left if row.origin in HUMAN]
    lent, words = _marked(part) - _marked(kept), words_of(kept)
    found = (row if row.origin in HUMAN or lent.isdisjoint(_marked([row])) else _reworded(row, words) for row in left)
    return [row for row in found if row]


def _reworded(row: Row, words: Words) -> Row | None:
    """A row with other words in its spans; None: there are none."""
    made = replaced_spans(row, words, random.Random(row.id))
    return row.model_copy(update={"text": made[0], "spans": made[1]}) if made else None


def _marked(rows: Iterable[Row]) -> set[tuple[str, str]]:
    """Types and words of the rows' spans."""
    return {(one.label, row.text[one.start : one.end].casefold()) for row in rows for one in row.spans or ()}


def _anew(build: Build, recipe: Recipe, parts: Sequence[tuple[Sequence[Row], Path]], taught: bool) -> None:
    """Leave in each part's folder what the student says of it that is trained, by a recipe, on all rows but these."""
    if not parts:
        return
    student, trainers, name = model.student_of(build), build.settings.trainers, f"cross-fit, {recipe.method}"

    def tasks() -> Iterator[Task]:
        prepared = build.meter(f"{name}, label anew", "parts") if taught else silent
        prepared(0, len(parts))
        ballot = Ballot(build, build.run("clean").path, build.run("judge").path) if taught else None
        for number, (part, folder) in enumerate(parts, 1):
            if not (folder / SAID).exists():
                _prepare(build, part, ballot, folder)
                prepared(number, len(parts))
                yield learn, (student, recipe, folder, trainers)

    meters = build.meter(name, "texts" if recipe.frozen else "steps"), build.meter(f"{name}, ask", "parts")
    each(tasks(), len(parts), trainers, watched([folder for _, folder in parts], *meters, SAID))


def learn(student: Student, recipe: Recipe, folder: Path, trainers: int, watch: Watch = lambda: None) -> None:
    """Train a student on rows in a folder, or go on with that, and leave there what it says of others: said.json."""
    rows = {name: read_rows(folder / name) for name in (LEARNED, HELD, ASKED)}
    learner = folder / "model"
    if not (learner / "training.json").exists():
        fit(student, rows[LEARNED], rows[HELD], recipe, learner, noted(folder, watch), trainers)
    student.export(learner, recipe)
    write_json(folder / SAID, {name: list(student.says(learner, recipe, rows[ASKED], name)) for name in WEIGHTS})
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
