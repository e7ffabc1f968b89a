"""Processes that train one model together: they end with the same weights, which are those of one with larger steps."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from factory.errors import SpecError
from factory.files import read_json, write_json
from factory.row import Row
from factory.stages.classifying import Classifying
from factory.stages.fitting import FOLDER, fit
from factory.stages.model import learned
from factory.students import classifier, training
from factory.students.classifier import ContrastRecipe, Labels
from factory.students.took import TOOK
from tests.students.conftest import SUBJECTS


class Wide(Labels):
    """Steps by as many rows as two processes do."""

    batch = 2 * Labels.batch


@pytest.fixture(scope="module")
def recipe(encoder: Path) -> ContrastRecipe:
    return ContrastRecipe(
        str(encoder), tuple(SUBJECTS), max_tokens=16, rank=2, learning_rate=5e-3, epochs=3, contrast=0.0
    )


def silent(done: int, total: int) -> None: ...


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def test_two_learn_what_one_does_and_say_what_it_took(rows: list[Row], recipe: ContrastRecipe, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    by_contrast = replace(recipe, contrast=0.5)
    fit(Classifying(), rows[:48], rows[48:], by_contrast, tmp_path, lambda *one: told.append(one), 2)
    said = read_json(tmp_path / "training.json")
    assert told[-1] == (6, 6)  # three batches of 16 are two steps, three times
    assert read_json(tmp_path / TOOK)["threads"] == 2
    assert not (tmp_path / FOLDER).exists() and not (tmp_path / "checkpoint").exists()
    classifier.train(rows[:48], rows[48:], by_contrast, tmp_path / "alone")
    alone = read_json(tmp_path / "alone" / "training.json")
    assert said["epochs"][0]["train"] == pytest.approx(alone["epochs"][0]["train"], rel=0.1)
    assert said["epochs"][-1]["train"] < said["epochs"][0]["train"]


def test_a_step_is_that_of_all_their_rows(
    rows: list[Row], recipe: ContrastRecipe, encoder: Path, tmp_path: Path
) -> None:
    """32 rows are one step of two processes, and one of a process whose batches are twice as large."""
    plain = shutil.copytree(encoder, tmp_path / "encoder")
    config = read_json(plain / "config.json")
    write_json(plain / "config.json", config | {name: 0.0 for name in config if "dropout" in name and config[name]})
    twice = replace(recipe, encoder=str(plain), epochs=2)
    fit(Classifying(), rows[:32], rows[:8], twice, tmp_path / "two", silent, 2)
    training.train(Wide, rows[:32], rows[:8], twice, tmp_path / "one")
    training.train(Wide, rows[:32], rows[:8], replace(twice, learning_rate=0.0), tmp_path / "none")
    # Not the head's: that begins where its gradients are nearly zero, of which Adam makes full steps either way.
    inside = "bert.encoder.layer.0.attention.self.value.weight"
    two, one, none = (weights(tmp_path / name)[inside] for name in ("two", "one", "none"))
    assert np.allclose(two, one, atol=1e-6) and not np.allclose(two, none, atol=1e-3)
    (mine, kept), (theirs, _) = (learned(tmp_path / name) for name in ("two", "one"))
    assert kept > 0  # the first step only warms up
    # Adam's first steps make much of gradients that are nearly zero, so the last digits differ.
    assert [one["held_out"] for one in mine] == pytest.approx([one["held_out"] for one in theirs], abs=2e-4)


def test_killed_they_end_as_if_they_had_not_been_and_are_heard_by_nobody_else(
    rows: list[Row], recipe: ContrastRecipe, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    slow = replace(recipe, epochs=40, learning_rate=1e-5)  # every epoch is a little better than the one before
    fit(Classifying(), rows[:48], rows[48:], slow, whole, silent, 2)
    heard: set[str] = set()

    def kill(done: int, total: int) -> None:
        for child in psutil.Process().children(recursive=True):
            heard.update(one.laddr.ip for one in child.net_connections() if one.status == psutil.CONN_LISTEN)
        if (killed / "checkpoint" / "history.json").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Classifying(), rows[:48], rows[48:], slow, killed, kill, 2)
    assert not (killed / "training.json").exists()
    fit(Classifying(), rows[:48], rows[48:], slow, killed, silent, 2)
    assert heard <= {"127.0.0.1", "::1"}
    mine, theirs = weights(whole), weights(killed)
    assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


def test_what_one_of_them_can_t_do_is_told_as_one_alone_tells_it(
    rows: list[Row], recipe: ContrastRecipe, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=r"student.max_tokens is 100000"):
        fit(Classifying(), rows[:32], rows[48:], replace(recipe, max_tokens=100_000), tmp_path, silent, 2)
