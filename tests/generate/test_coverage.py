"""A report hides no row, and compares like with like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from factory.errors import DataError, SpecError
from factory.files import write_json
from factory.generate import confusion
from factory.generate.confusion import confused, read, write
from factory.generate.coverage import diversity, groups, markdown, yields
from factory.generate.plan import grow
from factory.generate.strategies import STRATEGIES
from factory.generate.strategies.cell import Cell
from factory.row import Lineage, Origin, Row, Verdict
from factory.students.encoder import Encoder
from tests.generate.strategy_specs import make, material


def row(text: str, cell: Cell | None = None, label: str = "", origin: Origin = "generated", why: str = "") -> Row:
    attributes = dict(cell.attributes) if cell else {}
    if cell and cell.strategy != "label":
        attributes["strategy"] = cell.strategy
    verdicts = [Verdict(check="length", passed=True)]
    verdicts += [Verdict(check="duplicates", passed=False, reason=f"{why}: of 1234")] if why else []
    lineage = Lineage(spec="s", cell=cell.id if cell else "")
    label = label or (cell.label if cell else "label 0")
    return Row(text=text, label=label, origin=origin, attributes=attributes, lineage=lineage, verdicts=verdicts)


def test_every_row_is_counted_once_an_axis() -> None:
    cells = grow(material(make(strategies={"label": 0.5, "contrastive": 0.5})), 64)
    kept, dropped = [], []
    for place, cell in enumerate(cells):
        for label, count in cell.asks.items():
            texts = [f"{place} {label} {number}" for number in range(count - 1)]  # one of each never came
            kept += [row(texts[0], cell, label)]
            dropped += [row(text, cell, label, why="near duplicate") for text in texts[1:]]
    real = [row("real", origin="unlabelled")]
    table = yields(cells, kept + real, dropped)
    for axis in ("strategy", "label", "tone", "length"):
        for whole in (True, False):
            mine = [one for one in table if one.axis == axis and bool(one.label) != whole]
            if axis == "label" and not whole:
                assert not mine
                continue
            assert sum(one.asked for one in mine) == 64
            assert sum(one.written for one in mine) == len(kept) + len(dropped)
            assert sum(one.kept for one in mine) == len(kept)
            assert sum(one.dropped.get("duplicates: near duplicate", 0) for one in mine) == len(dropped)
    assert {one.value for one in table if one.axis == "strategy"} == {"label", "contrastive"}
    page = markdown(table, [], "notes")
    assert "near duplicate" in page and "| contrastive | 32 |" in page


@pytest.mark.parametrize(("axis", "decision"), [("types", {"spans": ()}), ("fields", {"record": {"due": "never"}})])
def test_what_a_row_was_asked_to_hold_is_counted_once(axis: str, decision: dict[str, Any]) -> None:
    strategy = {"types": "marked", "fields": "filled"}[axis]
    cell = Cell(label="due", attributes={"tone": "calm"}, count=2, ordinal=0, strategy=strategy)
    attributes = STRATEGIES[strategy].attributes(cell)
    rows = [Row(text="a", **decision, origin="generated", attributes=attributes, lineage=Lineage(spec="s"))]
    table = yields([cell], rows, [])
    assert attributes[axis] == "due" and axis not in {one.axis for one in table}
    assert all((one.asked, one.written) == (2, 1) for one in table)


def test_a_value_that_came_to_nothing_is_told() -> None:
    cells = grow(material(make()), 16)
    table = yields(cells, [], [])
    assert all(one.kept == one.written == 0 < one.asked for one in table)
    assert "| 0% |" in markdown(table, [], "notes")


def test_groups_are_measured_on_samples_of_one_size_whatever_their_order() -> None:
    rng = np.random.default_rng(3)
    rows = [row(f"made {n} of {n % 7} words", origin="generated") for n in range(90)]
    rows += [row(f"real thing {n} quite {n * n}", origin="unlabelled") for n in range(200)]
    rows += [row(f"seen by {n}", origin="reviewed") for n in range(5)]
    vectors = rng.normal(size=(len(rows), 8)).astype(np.float32)
    found = diversity(groups(rows, vectors))
    by_name = {line["texts"]: line for line in found}
    assert {name: line["measured"] for name, line in by_name.items()} == {"generated": 90, "real": 90, "reviewed": 5}
    assert by_name["real"]["of"] == 200
    assert by_name["generated"]["distinct-2"] < by_name["real"]["distinct-2"]
    order = rng.permutation(len(rows))
    assert diversity(groups([rows[place] for place in order], vectors[order])) == found
    assert all(0 <= line["to real"] <= 2 for line in found)


def test_several_strategies_are_groups_of_their_own() -> None:
    pair = Cell(label="a", attributes={}, count=2, ordinal=0, strategy="contrastive", against="b")
    rows = [row("one", pair), row("two"), row("three", origin="unlabelled")]
    assert set(groups(rows, np.eye(3, dtype=np.float32))) == {
        "generated", "generated: contrastive", "generated: label", "real"
    }  # fmt: skip
    assert set(groups(rows[1:], np.eye(2, dtype=np.float32))) == {"generated", "real"}


def test_confused_labels_are_counted_either_way() -> None:
    found = confused(list("aabbbc"), list("abaabc"))
    assert found == [("a", "b", 3)]
    assert Counter(pair[2] for pair in confused(list("abc"), list("bca"))) == {1: 3}


def test_confusions_are_read_beside_the_spec_or_refused(tmp_path: Path) -> None:
    spec = make(folder=tmp_path)
    assert read(spec) == []
    file = tmp_path / "confusions.json"
    write_json(file, [{"label": "label 0", "other": "label 2", "times": 3}])
    assert read(spec) == [("label 0", "label 2")]
    for wrong in ({}, [1], [{"label": "label 0"}], [{"label": "label 0", "other": "label 9"}],
                  [{"label": "label 0", "other": "label 0"}]):  # fmt: skip
        write_json(file, wrong)
        with pytest.raises(SpecError, match="confusions") as caught:
            read(spec)
        assert caught.value.where == str(file)


def test_only_students_that_give_labels_are_asked_what_they_confuse(tmp_path: Path) -> None:
    spec = make(tmp_path).model_copy(update={"kind": "spans"})
    with pytest.raises(SpecError, match="Students of kind spans"):
        write(spec, tmp_path / "builds")
    assert not (tmp_path / "confusions.json").exists()


def test_without_a_student_nothing_is_known_of_what_it_confuses(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="trained"):
        write(make(folder=tmp_path), tmp_path)


def trained(root: Path, labels: Sequence[str]) -> Path:
    """A build folder with a student who says of every text that it has the first label of those it was trained for."""
    folder = root / "train" / "one"
    write_json(folder / "inputs.json", {"dataset": "dataset:two"})
    write_json(folder / "config.json", {"id2label": {str(place): label for place, label in enumerate(labels)}})
    return folder


def test_a_student_trained_for_other_labels_is_not_read_by_the_spec_s(tmp_path: Path) -> None:
    spec = make(folder=tmp_path)
    folder = trained(tmp_path, [*list(spec.labels)[:-1], "label of old"])
    with pytest.raises(DataError, match="other labels than the spec has now: label 3, label of old") as caught:
        write(spec, tmp_path)
    assert caught.value.where == str(folder) and "--until train" in caught.value.fix


def test_labels_in_another_order_are_read_as_the_student_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make(folder=tmp_path)
    names = list(spec.labels)
    trained(tmp_path, [*names[1:], names[0]])
    rows = [row(f"text {n}", label=label) for n, label in enumerate(names)]
    version = SimpleNamespace(rows=lambda _: rows)
    student = SimpleNamespace(predict_logits=lambda texts: np.eye(len(names), dtype=np.float32)[[0] * len(texts)])
    monkeypatch.setattr(confusion, "open_version", lambda _: version)
    monkeypatch.setattr(Encoder, "load", lambda *_: student)
    _, pairs = write(spec, tmp_path)
    assert pairs == [("label 0", "label 1", 1), ("label 1", "label 2", 1), ("label 1", "label 3", 1)]
