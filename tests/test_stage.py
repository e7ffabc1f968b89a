"""A stage runs once for the same content, whole or not at all, and goes on from what a killed attempt left."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import stage
from factory.errors import FactoryError
from factory.stage import Output

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
inputs = st.dictionaries(st.text(min_size=1, max_size=5), values, min_size=1, max_size=4)


def writes(text: str = "made", runs: list[str] | None = None) -> Callable[[Path], None]:
    def work(out: Path) -> None:
        (runs if runs is not None else []).append(text)
        (out / "out.txt").write_text(text)

    return work


def key_of(given_inputs: dict[str, Any]) -> str:
    """The key a stage would have; nothing is written."""

    class Stop(Exception):  # noqa: N818
        pass

    found: list[str] = []

    def work(out: Path) -> None:
        found.append(out.name)
        raise Stop

    import tempfile

    with tempfile.TemporaryDirectory() as root, pytest.raises(Stop):
        stage.run(Path(root), "s", given_inputs, work)
    return found[0]


def test_the_second_run_is_the_first_ones_output(tmp_path: Path) -> None:
    runs: list[str] = []
    first = stage.run(tmp_path, "write", {"a": 1}, writes("x", runs))
    second = stage.run(tmp_path, "write", {"a": 1}, writes("y", runs))
    assert runs == ["x"]
    assert (first.reused, second.reused) == (False, True)
    assert second.path == first.path == tmp_path / "write" / first.key
    assert (second.path / "out.txt").read_text() == "x"
    assert stage.inputs_of(second.path) == {"a": 1}


@given(inputs, st.randoms())
def test_the_order_of_inputs_is_no_part_of_the_key(given_inputs: dict[str, Any], chance: Any) -> None:
    items = list(given_inputs.items())
    chance.shuffle(items)
    assert key_of(dict(items)) == key_of(given_inputs)


@given(inputs, inputs)
def test_other_inputs_have_another_key(one: dict[str, Any], two: dict[str, Any]) -> None:
    import json

    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    assert (key_of(one) == key_of(two)) == same


def test_files_count_by_content_and_not_by_place(tmp_path: Path) -> None:
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("same")
    two.write_text("same")
    before = key_of({"file": one})
    assert before == key_of({"file": two})
    os.utime(one, (1, 1))
    assert before == key_of({"file": one})
    one.write_text("other")
    assert before != key_of({"file": one})
    assert key_of({"file": tmp_path / "missing"}) not in (before, key_of({"file": one}))


def test_outputs_count_by_their_key_wherever_they_lie(tmp_path: Path) -> None:
    here = Output("plan", "0" * 16, tmp_path / "a", reused=True)
    there = Output("plan", "0" * 16, tmp_path / "b", reused=False)
    other = Output("plan", "1" * 16, tmp_path / "a", reused=True)
    assert key_of({"plan": here}) == key_of({"plan": there}) != key_of({"plan": other})


def test_what_fails_leaves_no_output_and_keeps_its_leftovers(tmp_path: Path) -> None:
    def fails(out: Path) -> None:
        (out / "checkpoint").write_text("epoch 3")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        stage.run(tmp_path, "train", {"a": 1}, fails)
    assert [path.name for path in (tmp_path / "train").glob("[!.]*")] == []

    def goes_on(out: Path) -> None:
        assert (out / "checkpoint").read_text() == "epoch 3"
        (out / "checkpoint").unlink()
        (out / "model").write_text("done")

    done = stage.run(tmp_path, "train", {"a": 1}, goes_on)
    assert sorted(path.name for path in done.path.iterdir()) == ["inputs.json", "model"]
    assert list((tmp_path / "train").iterdir()) == [done.path]


def test_what_a_kill_tore_is_not_sealed_with_the_rest(tmp_path: Path) -> None:
    def killed(out: Path) -> None:
        (out / "data").mkdir()
        (out / "data" / ".rows.jsonl.4711.part").write_text('{"te')
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        stage.run(tmp_path, "write", {"a": 1}, killed)
    done = stage.run(tmp_path, "write", {"a": 1}, lambda out: None)
    assert [path.name for path in done.path.rglob("*") if path.is_file()] == ["inputs.json"]


def test_a_kill_between_the_last_file_and_the_rename_costs_only_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("factory.stage.Path.replace", killed)
        stage.run(tmp_path, "write", {"a": 1}, writes())
    assert list((tmp_path / "write").glob("[!.]*")) == []
    assert stage.run(tmp_path, "write", {"a": 1}, writes()).reused is False
    assert stage.run(tmp_path, "write", {"a": 1}, writes()).reused is True


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "can't be written")])
def test_a_disk_that_refuses_is_told_to_a_person(tmp_path: Path, number: int, said: str) -> None:
    def fails(_: Path) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(FactoryError, match=said) as caught:
        stage.run(tmp_path, "train", {"a": 1}, fails)
    assert str(tmp_path) in caught.value.where
    assert stage.run(tmp_path, "train", {"a": 1}, writes()).reused is False


def test_a_file_elsewhere_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    def fails(_: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/models/student/model.safetensors")

    with pytest.raises(FactoryError, match="or read") as caught:
        stage.run(tmp_path, "train", {"a": 1}, fails)
    assert caught.value.where == "/models/student/model.safetensors"
