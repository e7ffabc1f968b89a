"""The chain: what is entered, what a kill leaves, and that nothing can be changed unseen."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from factory import stage
from factory.files import read_json, write_json
from factory.lineage import ledger
from factory.lineage.ledger import FILE, FINISHED, FOUND, HEAD
from factory.lineage.verify import verify
from factory.settings import CHECKOUT
from factory.stage import Output


def make(root: Path, name: str, inputs: dict[str, Any] | None = None, text: str = "made") -> Output:
    """A finished stage with one file and a summary."""

    def work(out: Path) -> None:
        (out / "rows.jsonl").write_text(text)
        write_json(out / "summary.json", {"rows": 3, "passed": True, "where": "elsewhere", "version": "d-1"})

    return stage.run(root, name, inputs or {}, work)


def fill(root: Path, count: int) -> list[Output]:
    """So many stages, each made from the one before, all entered."""
    outputs: list[Output] = []
    for number in range(count):
        outputs.append(make(root, f"stage{number}", {"before": outputs[-1]} if outputs else {}))
        ledger.enter(root, outputs[-1])
    return outputs


def test_an_entry_says_what_was_made_and_from_what(tmp_path: Path) -> None:
    first, second = fill(tmp_path, 2)
    one, two = ledger.read(tmp_path).entries
    assert (one.number, one.previous, one.event, one.output) == (0, ledger.FIRST, FINISHED, f"stage0:{first.key}")
    assert (two.number, two.inputs) == (1, {"before": f"stage0:{first.key}"})
    assert set(two.files) == {"inputs.json", "rows.jsonl", "summary.json"}
    assert two.counts == {"rows": 3, "passed": True} and two.version == "d-1"
    assert "elsewhere" not in (tmp_path / FILE).read_text()  # addresses are this machine's
    assert two.output == f"stage1:{second.key}"
    found = verify(tmp_path)
    assert (found.problems, found.notes, found.files) == ([], [], 6)


def test_what_was_there_already_is_entered_once_and_says_so(tmp_path: Path) -> None:
    make(tmp_path, "plan")
    assert verify(tmp_path).notes == [
        f"plan:{make(tmp_path, 'plan').key} is not in the ledger; it is entered when a build next uses it."
    ]
    entry = ledger.enter(tmp_path, make(tmp_path, "plan"))
    assert entry and entry.event == FOUND
    before = (tmp_path / FILE).read_bytes()
    assert ledger.enter(tmp_path, make(tmp_path, "plan")) is None
    assert (tmp_path / FILE).read_bytes() == before


def test_what_is_made_again_is_entered_again(tmp_path: Path) -> None:
    (output,) = fill(tmp_path, 1)
    for file in output.path.iterdir():
        file.unlink()
    output.path.rmdir()
    ledger.enter(tmp_path, make(tmp_path, "stage0", text="other"))
    assert [entry.event for entry in ledger.read(tmp_path).entries] == [FINISHED, FINISHED]
    assert verify(tmp_path).problems == []


def test_changed_missing_added_and_cleaned_files_are_told_apart(tmp_path: Path) -> None:
    changed, missing, added, cleaned, renamed = fill(tmp_path, 5)
    (changed.path / "rows.jsonl").write_text("other")
    (missing.path / "rows.jsonl").unlink()
    (added.path / "more.jsonl").write_text("")
    for file in cleaned.path.iterdir():
        file.unlink()
    cleaned.path.rmdir()
    write_json(renamed.path / "inputs.json", {"before": "nothing"})
    found = verify(tmp_path)
    assert [line.partition(": ")[2].split(": ")[0] for line in found.problems] == [
        "rows.jsonl was changed",
        "rows.jsonl is missing.",
        "more.jsonl was added.",
        "inputs.json was changed",
    ]
    assert found.notes == [f"stage3:{cleaned.key} was cleaned up: its folder is gone."]


def test_a_folder_that_is_not_named_by_its_inputs_is_found(tmp_path: Path) -> None:
    output = make(tmp_path, "plan")
    write_json(output.path / "inputs.json", {"other": 1})  # before the ledger first met it
    ledger.enter(tmp_path, make(tmp_path, "plan"))
    assert verify(tmp_path).problems == [f"plan:{output.key}: its inputs.json is of another key."]


LINES = 6
where = st.integers(0, LINES - 1)


def changed(lines: list[bytes], kind: str, one: int, two: int, byte: int) -> bytes:
    """The ledger's bytes after somebody changed them."""
    lines = list(lines)
    if kind == "edit":
        place = byte % len(lines[one])
        lines[one] = lines[one][:place] + bytes([lines[one][place] ^ (1 + byte % 255)]) + lines[one][place + 1 :]
    elif kind == "remove":
        del lines[one]
    elif kind == "swap":
        lines[one], lines[two] = lines[two], lines[one]
    elif kind == "copy":
        lines.insert(two, lines[one])
    elif kind == "truncate":
        return b"".join(line + b"\n" for line in lines)[: byte % sum(len(line) + 1 for line in lines)]
    return b"".join(line + b"\n" for line in lines)


@given(
    st.sampled_from(["edit", "remove", "swap", "copy", "truncate"]), where, where, st.integers(0, 10**6), st.booleans()
)
def test_every_edited_removed_moved_or_added_line_is_found(
    kind: str, one: int, two: int, byte: int, then_more: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        outputs = _filled(root)
        before = (root / FILE).read_bytes()
        after = changed(before.splitlines(), kind, one, two, byte)
        assume(after != before)
        (root / FILE).write_bytes(after)
        if then_more:  # a build goes on, and what was done stays to be seen
            ledger.enter(root, make(root, "later", {"after": outputs}))
        assert ledger.read(root).problems
        if then_more:
            ledger.enter(root, make(root, "later still", {"after": outputs}))
            assert ledger.read(root).problems
            assert (root / FILE).read_bytes().startswith(after)


_LEDGER: dict[str, bytes] = {}


def _filled(root: Path) -> str:
    """A ledger of LINES entries, made once and copied; the stages' folders are cleaned up."""
    if not _LEDGER:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), LINES)
            _LEDGER.update({name: (Path(folder) / name).read_bytes() for name in (FILE, HEAD)})
    for name, data in _LEDGER.items():
        (root / name).write_bytes(data)
    assert ledger.read(root).problems == []
    return "stages"


@pytest.mark.parametrize("left", [0, 1, 40])
def test_a_torn_last_line_was_never_committed_and_is_replaced(tmp_path: Path, left: int) -> None:
    fill(tmp_path, 2)
    whole, head = (tmp_path / FILE).read_bytes(), (tmp_path / HEAD).read_bytes()
    later = make(tmp_path, "later")
    ledger.enter(tmp_path, later)
    line = (tmp_path / FILE).read_bytes()[len(whole) :]
    (tmp_path / FILE).write_bytes(whole + line[:left])
    (tmp_path / HEAD).write_bytes(head)
    found = ledger.read(tmp_path)
    assert (found.problems, found.torn, len(found.entries)) == ([], left, 2)
    assert any("never committed" in note for note in verify(tmp_path).notes) == (left > 0)
    ledger.enter(tmp_path, make(tmp_path, "later"))  # was there already
    found = ledger.read(tmp_path)
    assert (found.problems, found.torn, [entry.event for entry in found.entries][2:]) == ([], 0, [FOUND])
    assert (tmp_path / FILE).read_bytes().startswith(whole)


def test_a_kill_between_line_and_head_loses_nothing(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    head = (tmp_path / HEAD).read_bytes()
    fill(tmp_path, 3)
    (tmp_path / HEAD).write_bytes(head)
    assert (len(ledger.read(tmp_path).entries), ledger.read(tmp_path).problems) == (3, [])
    fill(tmp_path, 4)
    assert (len(ledger.read(tmp_path).entries), ledger.read(tmp_path).problems) == (4, [])


@given(st.lists(st.sampled_from(["sync", "head", ""]), max_size=6))
def test_kills_one_after_the_other_leave_one_line_uncounted(moments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, moment in enumerate(moments):
            output = make(root, f"stage{number}")
            with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
                if moment:
                    patch.setattr(*{"sync": (os, "fsync"), "head": (ledger, "write_json")}[moment], killed)
                ledger.enter(root, output)
            found, head = ledger.read(root), read_json(root / HEAD)["entries"] if (root / HEAD).exists() else 0
            assert found.problems == [] and len(found.entries) - head <= 1
        ledger.enter(root, make(root, "last"))
        assert ledger.read(root).problems == []
        assert read_json(root / HEAD)["entries"] == len(ledger.read(root).entries)


def killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("count", [0, 1, 3])
def test_two_lines_that_fit_but_are_not_counted_stay_a_problem(tmp_path: Path, count: int) -> None:
    fill(tmp_path, count)
    head = (tmp_path / HEAD).read_bytes() if count else b"none"
    fill(tmp_path, count + 2)
    (tmp_path / HEAD).write_bytes(head)
    forged = (tmp_path / FILE).read_bytes()
    for name in ("", "later", "later still"):
        if name:
            ledger.enter(tmp_path, make(tmp_path, name))
        assert ledger.read(tmp_path).problems and verify(tmp_path).problems
    assert (tmp_path / FILE).read_bytes().startswith(forged)


@pytest.mark.parametrize("gone", [FILE, HEAD])
def test_a_file_that_is_gone_is_a_problem(tmp_path: Path, gone: str) -> None:
    fill(tmp_path, 3)
    (tmp_path / gone).unlink()
    assert ledger.read(tmp_path).problems


DIES = """
import os, signal, sys
from pathlib import Path
from factory.lineage import ledger
from factory.stage import Output
root, moment = Path(sys.argv[1]), sys.argv[2]
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if moment == "line":  # half of it is on the disk
    usual = ledger.Entry.line
    class Half(bytes):
        def __add__(self, other):
            half = bytes(self)[: len(self) // 2]
            with (root / ledger.FILE).open("ab") as file:
                file.write(half); file.flush(); os.fsync(file.fileno())
            die()
    ledger.Entry.line = lambda entry: Half(usual(entry))
elif moment == "sync":
    os.fsync = die
elif moment == "head":
    ledger.write_json = die
key = sys.argv[3]
ledger.enter(root, Output("plan", key, root / "plan" / key, reused=False))
"""


@pytest.mark.parametrize(("moment", "torn"), [("line", True), ("sync", False), ("head", False)])
def test_killed_in_the_middle_of_an_append(tmp_path: Path, moment: str, torn: bool) -> None:
    fill(tmp_path, 2)
    output = make(tmp_path, "plan")
    ended = subprocess.run(
        [sys.executable, "-c", DIES, str(tmp_path), moment, output.key], cwd=CHECKOUT, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    found = ledger.read(tmp_path)
    assert found.problems == [] and (found.torn > 0) == torn
    ledger.enter(tmp_path, make(tmp_path, "plan"))
    found = ledger.read(tmp_path)
    assert (found.problems, found.torn) == ([], 0)
    assert [entry.stage for entry in found.entries] == ["stage0", "stage1", "plan"]
    assert verify(tmp_path).problems == []


def test_a_full_disk_tears_a_line_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, 1)
    output = make(tmp_path, "plan")

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch, pytest.raises(Exception, match="disk is full"):
        patch.setattr("factory.lineage.ledger.os.fsync", full)
        ledger.enter(tmp_path, output)
    assert ledger.read(tmp_path).problems == []
    ledger.enter(tmp_path, make(tmp_path, "plan"))
    assert len(ledger.read(tmp_path).entries) == 2


def test_many_at_once_make_one_chain(tmp_path: Path) -> None:
    outputs = [make(tmp_path, f"stage{number}") for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda output: ledger.enter(tmp_path, output), outputs))
    code = (
        "import sys; from pathlib import Path; from factory.lineage import ledger; from factory.stage import Output;"
        "r = Path(sys.argv[1]);"
        "[ledger.enter(r, Output(p.parent.name, p.name, p, True)) for p in sorted(r.glob('o*/*'))]"
    )
    for number in range(6):
        make(tmp_path, f"other{number}")
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=CHECKOUT) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    found = ledger.read(tmp_path)
    assert found.problems == []
    assert len({entry.output for entry in found.entries}) == len(found.entries) == 18


def test_a_later_factory_may_say_more(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    line = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({**line, "energy": 3}) + "\n")
    (tmp_path / HEAD).unlink()
    assert len(ledger.read(tmp_path).entries) == 1
