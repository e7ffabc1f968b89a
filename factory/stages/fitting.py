"""Training a student: in this process, or by several of this machine together (FACTORY_TRAINERS)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from factory.files import read_json, write_json
from factory.processes import Task, cores, side_by_side
from factory.progress import Progress, silent
from factory.row import Row, read_rows, write_rows
from factory.stages.student import Student
from factory.students import crew
from factory.students.encoder import default_device
from factory.students.lesson import Recipe

LIBRARIES = ("torch", "transformers.modeling_utils", "peft", "onnxscript")
"""What training and exporting import."""
FOLDER, LEARNED, HELD, STEPS = "crew", "learned.jsonl", "held.jsonl", "steps.json"
"""Where several processes find their rows; rows to learn, and to choose an epoch by; steps done, of how many."""
Watch = Callable[[], None]
"""Called now and then by whoever waits."""


def fit(
    student: Student,
    rows: Sequence[Row],
    held: Sequence[Row],
    recipe: Recipe,
    out: Path,
    progress: Progress,
    trainers: int,
) -> None:
    """Train a student to a folder, as Student.fit does, or go on with that.

    Args:
        student: of the rows' kind.
        rows: to train on.
        held: held out, to choose the epoch by.
        recipe: how to train; the head of a frozen model is chosen by this process alone.
        out: a folder.
        progress: called with (steps done, steps in all).
        trainers: how many processes train together; 1: this one does.

    Raises:
        FactoryError: one of them failed, and why.
    """
    if trainers < 2 or recipe.frozen:
        student.fit(rows, held, recipe, out, progress)
        return
    folder = out / FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # a file that processes have met by is no place to meet again
    write_rows(folder / LEARNED, rows)
    write_rows(folder / HELD, held)

    def watch() -> None:
        if (folder / STEPS).exists():
            progress(*read_json(folder / STEPS))

    tasks = [(_member, (number, trainers, student, recipe, folder, out)) for number in range(trainers)]
    side_by_side(tasks, trainers, watch, LIBRARIES)
    watch()
    shutil.rmtree(folder)


def each(tasks: Iterable[Task], count: int, trainers: int, watch: Watch) -> None:
    """Do trainings, functions that take `watch` after their arguments: side by side on a processor, where one takes one
    core; else, and where several processes train together, one after the other.

    Args:
        tasks: the next is asked for when it may start.
        count: how many there are, at most.
        trainers: as of `fit`.
        watch: called now and then.
    """
    at_once = min(count, cores()) if default_device() == "cpu" and trainers < 2 else 1
    if at_once > 1:
        side_by_side(tasks, at_once, watch, LIBRARIES)
        return
    for work, arguments in tasks:
        work(*arguments, watch=watch)


def noted(folder: Path, watch: Watch) -> Progress:
    """Leaves the steps of a training in its folder, for `watched`, and has who waits look."""

    def note(done: int, total: int) -> None:
        write_json(folder / STEPS, [done, total])
        watch()

    return note


def watched(folders: Sequence[Path], training: Progress, answering: Progress, answers: str) -> Watch:
    """Tells how far students are that are trained and then asked, in a folder each.

    Args:
        folders: each is left its steps, steps.json, and in the end a file.
        training: called with (steps done, steps in all).
        answering: called, once all are trained, with (students who have answered, students).
        answers: that file's name.
    """

    def watch() -> None:
        steps = [read_json(folder / STEPS) for folder in folders if (folder / STEPS).exists()]
        if not steps:
            return
        done, total = sum(one for one, _ in steps), max(one for _, one in steps) * len(folders)
        training(done, total)
        if done == total:
            answering(sum((folder / answers).exists() for folder in folders), len(folders))

    return watch


def _member(number: int, size: int, student: Student, recipe: Recipe, folder: Path, out: Path) -> None:
    """What each process does."""
    crew.join(number, size, folder / "meet")
    rows, held = (read_rows(folder / name) for name in (LEARNED, HELD))
    student.fit(rows, held, recipe, out, silent if number else noted(folder, lambda: None))
    crew.leave()
