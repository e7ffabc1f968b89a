"""A file of rows in blocks gives what rows in memory give, byte for byte, wherever and in whatever order it is done."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.errors import DataError, FactoryError
from factory.hygiene import run as hygiene
from factory.hygiene.blocks import Block, Job, cut
from factory.hygiene.check import Context
from factory.hygiene.runners import Work, in_this_process, on_ray, processes
from factory.hygiene.stream import CHECKS, stream
from factory.row import Row, Verdict, read_rows, write_rows
from tests.hygiene.hygiene_rows import row

Make = Callable[..., Context]
GOLD = ["Why was I charged a fee for taking out cash abroad last week?", "I lost my card on the train this morning"]
SAID = "my card has not arrived yet where is the new one please help today naïve 我 🙂 account transfer fee why"
WORDS = SAID.split()
VERDICTS: list[list[Verdict]] = [
    [],
    [],
    [Verdict(check="other", passed=True)],
    [Verdict(check="other", passed=False)],
    [Verdict(check="duplicates", passed=False), Verdict(check="length", passed=False)],
]
FAST = tuple(name for name in CHECKS if name != "language")  # its detector is slow when asked for a few rows at a time
NAMES = ("kept.jsonl", "dropped.jsonl", "statistics.json")


def make_rows(count: int, seed: int = 0) -> list[Row]:
    """Rows of every kind: fresh, near and exact duplicates, like gold, too short, of no known label."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for _ in range(count):
        text = " ".join(chance.choices(WORDS, k=chance.randint(1, 14)))
        if rows and chance.random() < 0.4:
            words = chance.choice(rows).text.split()
            words[chance.randrange(len(words))] = chance.choice(WORDS)
            text = " ".join(words)
        text = chance.choice([text, text, text, text.upper(), text + "\u2028", GOLD[0] + " " + text])
        rows.append(
            row(
                text,
                chance.choice(["card_arrival", "neutral", "neutral", "unheard of"]),
                chance.choice(["generated", "unlabelled", "reviewed", "example"]),
                attributes={"tone": chance.choice(["calm", "angry"])},
                soft=chance.choice([None, {"neutral": 0.25, "card_arrival": 0.75}, {"neutral": 1.0}]),
                verdicts=chance.choice(VERDICTS),
            )
        )
    return rows


def in_memory(rows: Sequence[Row], known: Context, folder: Path, checks: Sequence[str] = FAST) -> dict[str, bytes]:
    hygiene.write(folder, hygiene.run(rows, known, checks))
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    return {name: (folder / name).read_bytes() for name in NAMES}


@given(count=st.integers(0, 40), seed=st.integers(0, 10**6), block=st.sampled_from([900, 4000, 10**7]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_streamed_is_as_in_memory(
    make_context: Make, tmp_path_factory: pytest.TempPathFactory, count: int, seed: int, block: int
) -> None:
    known, folder, rows = make_context(gold=GOLD), tmp_path_factory.mktemp("stream"), make_rows(count, seed)
    write_rows(folder / "rows.jsonl", rows)
    stream(folder / "rows.jsonl", known, folder / "out", FAST, block=block)
    assert contents(folder / "out") == in_memory(rows, known, folder / "memory")


def test_order_changes_nothing(make_context: Make, tmp_path: Path) -> None:
    known, rows = make_context(gold=GOLD), make_rows(300)
    found = []
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        write_rows(tmp_path / "rows.jsonl", rows)
        stream(tmp_path / "rows.jsonl", known, tmp_path / "out", FAST, block=5000)
        found.append({name: sorted(text.split(b"\n")) for name, text in contents(tmp_path / "out").items()})
    assert found[0] == found[1] == found[2]
    assert len(found[0]["kept.jsonl"]) > 20
    assert len(found[0]["dropped.jsonl"]) > 100


def test_several_processes(make_context: Make, tmp_path: Path) -> None:
    known, rows = make_context(gold=GOLD), make_rows(200)
    write_rows(tmp_path / "rows.jsonl", rows)
    stream(tmp_path / "rows.jsonl", known, tmp_path / "out", FAST, runner=processes(2), block=20_000)
    assert contents(tmp_path / "out") == in_memory(rows, known, tmp_path / "memory")


@pytest.mark.real
def test_ray(make_context: Make, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    known, rows = make_context(gold=GOLD), make_rows(200)
    write_rows(tmp_path / "rows.jsonl", rows)
    stream(tmp_path / "rows.jsonl", known, tmp_path / "out", FAST, runner=on_ray, block=10_000)
    assert contents(tmp_path / "out") == in_memory(rows, known, tmp_path / "memory")


def test_ray_that_is_not_there(make_context: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    write_rows(tmp_path / "rows.jsonl", make_rows(2))
    with pytest.raises(FactoryError, match="Ray is not installed"):
        stream(tmp_path / "rows.jsonl", make_context(), tmp_path / "out", FAST, runner=on_ray)


def test_parquet(make_context: Make, tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet as parquet

    known, rows = make_context(gold=GOLD), make_rows(50)
    table = pyarrow.Table.from_pylist([one.to_json() for one in rows])
    parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=7)
    stream(tmp_path / "rows.parquet", known, tmp_path / "out", FAST)
    in_memory(rows, known, tmp_path / "memory")
    for name in ("kept.jsonl", "dropped.jsonl"):  # Parquet has its own order of a row's probabilities
        assert read_rows(tmp_path / "out" / name) == read_rows(tmp_path / "memory" / name)


@pytest.mark.parametrize("checks", [("schema", "length"), ("duplicates",), ("length", "schema", "duplicates"), CHECKS])
def test_some_checks(make_context: Make, tmp_path: Path, checks: tuple[str, ...]) -> None:
    known, rows = make_context(gold=GOLD), make_rows(60)
    write_rows(tmp_path / "rows.jsonl", rows)
    found = stream(tmp_path / "rows.jsonl", known, tmp_path / "out", checks, block=8000)
    assert [one.check for one in found] == list(checks)
    assert contents(tmp_path / "out") == in_memory(rows, known, tmp_path / "memory", checks)


class Stopping:
    """A runner that is stopped after some blocks of the first pass, and tells which it found done."""

    def __init__(self, after: int) -> None:
        self.after, self.found = after, [False]

    def __call__(self, work: Work, job: Job, blocks: Sequence[Block]) -> Iterator[tuple[Block, int]]:
        if work.__name__ == "examine":
            self.found = [block.file(job, "done").exists() for block in blocks]
        for number, one in enumerate(in_this_process(work, job, blocks)):
            if number == self.after and work.__name__ == "examine":
                raise KeyboardInterrupt
            yield one


def test_done_blocks_are_not_done_again(make_context: Make, tmp_path: Path) -> None:
    known, rows, source = make_context(gold=GOLD), make_rows(200), tmp_path / "rows.jsonl"
    write_rows(source, rows)
    with pytest.raises(KeyboardInterrupt):
        stream(source, known, tmp_path / "out", FAST, runner=Stopping(after=4), block=4000)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".hygiene"]
    again = Stopping(after=10**9)
    stream(source, known, tmp_path / "out", FAST, runner=again, block=4000)
    assert again.found.count(True) == 5
    assert again.found.count(False) > 5
    assert contents(tmp_path / "out") == in_memory(rows, known, tmp_path / "memory")


def test_blocks_of_other_inputs_are_not_used(make_context: Make, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    write_rows(source, make_rows(200))
    with pytest.raises(KeyboardInterrupt):
        stream(source, make_context(gold=GOLD), tmp_path / "out", FAST, runner=Stopping(after=4), block=4000)
    again = Stopping(after=10**9)
    stream(source, make_context(gold=GOLD[:1]), tmp_path / "out", FAST, runner=again, block=4000)
    assert not any(again.found)


@given(lines=st.lists(st.text(max_size=9), max_size=30), size=st.integers(1, 40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_line_is_in_one_block(tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int) -> None:
    from factory.hygiene.blocks import _jsonl

    source = tmp_path_factory.mktemp("cut") / "lines.jsonl"
    source.write_bytes(b"\n".join(json.dumps({"a": line}, ensure_ascii=False).encode() for line in lines))
    assert [value["a"] for block in cut(source, size) for _, value in _jsonl(source, block)] == lines


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "not JSON"),
        (b'["a"]', "not a JSON object"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b'{"text": "a"}', "not a row: origin: Field required"),
        (
            b'{"text": "a", "origin": "generated", "lineage": {"spec": "s"}}',
            "not a row: .*either a label, or spans, or a record",
        ),
        (b'{"text": "\\ud800", "label": "neutral", "origin": "example", "lineage": {"spec": "a"}}', "half a character"),
    ],
)
def test_what_is_no_row_is_told_by_line(make_context: Make, tmp_path: Path, line: bytes, said: str) -> None:
    source = tmp_path / "rows.jsonl"
    write_rows(source, make_rows(20))
    lines = source.read_bytes().split(b"\n")
    source.write_bytes(b"\n".join([*lines[:12], line, *lines[12:]]))
    with pytest.raises(DataError, match=said) as error:
        stream(source, make_context(), tmp_path / "out", FAST, block=1000)
    assert error.value.where == f"{source}:13"


def test_what_cannot_be_asked(make_context: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        stream(tmp_path / "none.jsonl", make_context(), tmp_path / "out", FAST)
    write_rows(tmp_path / "rows.jsonl", make_rows(2))
    with pytest.raises(FactoryError, match="'lenght' can't be asked"):
        stream(tmp_path / "rows.jsonl", make_context(), tmp_path / "out", ("lenght",))
    with pytest.raises(FactoryError, match="looked for last"):
        stream(tmp_path / "rows.jsonl", make_context(), tmp_path / "out", ("duplicates", "length"))


def dies(job: Job, block: Block) -> int:
    """Work that ends its process."""
    os._exit(9)


def test_a_worker_that_is_killed(make_context: Make, tmp_path: Path) -> None:
    job = Job(tmp_path, tmp_path, make_context(), (), False)
    with pytest.raises(FactoryError, match="ended from outside"):
        list(processes(2)(dies, job, [Block(0, 0, 1), Block(1, 1, 2)]))


def test_progress_ends_at_the_number_of_rows(make_context: Make, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", make_rows(100))
    told: dict[str, list[tuple[int, int]]] = {}

    def meters(name: str) -> Any:
        return lambda done, total: told.setdefault(name, []).append((done, total))

    stream(tmp_path / "rows.jsonl", make_context(), tmp_path / "out", FAST, meters=meters, block=3000)
    assert list(told) == ["checks", "duplicates", "files"]
    assert told["checks"][-1] == told["files"][-1] == (100, 100)
    assert all(done <= total for steps in told.values() for done, total in steps)
