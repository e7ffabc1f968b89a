"""Tasks in processes of their own: they overlap, one that fails ends the others, and none outlives its caller."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.errors import FactoryError, SpecError
from factory.files import write_text
from factory.processes import Task, side_by_side


def write(path: Path, text: str) -> None:
    path.write_text(f"{text} {os.getpid()}")


def meet(mine: Path, other: Path) -> None:
    """Come to an end only while another is at work, too."""
    mine.touch()
    sys.exit(0 if there(other) else 4)


def fail(path: Path) -> None:
    sys.exit(3 if there(path) else 4)


def complain(path: Path) -> None:
    raise SpecError("There is no such label.", where=str(path), fix="Name another.")


def there(path: Path) -> bool:
    """Whether a file comes to be within a minute."""
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return path.exists()


def share(path: Path) -> None:
    path.write_text(os.environ.get("OMP_NUM_THREADS", "as many as it likes"))


def imported(path: Path, module: str) -> None:
    path.write_text(f"{module in sys.modules} {os.getppid()}")


def stay(path: Path) -> None:
    write_text(path, str(os.getpid()))  # whole or not at all
    time.sleep(600)


def gone(pid: int) -> bool:
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


def test_each_task_has_a_process_of_its_own(tmp_path: Path) -> None:
    side_by_side([(write, (tmp_path / str(n), f"task {n}")) for n in range(3)], 2, lambda: None)
    said = [(tmp_path / str(n)).read_text().split() for n in range(3)]
    assert [one[:2] for one in said] == [["task", str(n)] for n in range(3)]
    assert len({one[2] for one in said} | {str(os.getpid())}) == 4


def test_two_are_at_work_at_once(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    side_by_side([(meet, (a, b)), (meet, (b, a))], 2, lambda: None)


def test_what_a_task_says_is_wrong_is_said_by_its_caller(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"(?s)no such label.*where: .*here.*fix: +Name another"):
        side_by_side([(stay, (tmp_path / "pid",)), (complain, (tmp_path / "here",))], 2, lambda: None)


def test_no_more_than_that(tmp_path: Path) -> None:
    def tasks() -> Iterator[Task]:
        for number in range(4):
            yield write, (tmp_path / str(number), "")
            most.append(len(multiprocessing.active_children()))

    most: list[int] = []
    side_by_side(tasks(), 1, lambda: None)
    assert max(most) == 1 and len(list(tmp_path.iterdir())) == 4


def test_one_that_fails_ends_the_others(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="ended with 3") as error:
        side_by_side([(stay, (tmp_path / "pid",)), (fail, (tmp_path / "pid",))], 2, lambda: None)
    assert "goes on from there" in error.value.fix
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_is_raised_while_it_waits_ends_all(tmp_path: Path) -> None:
    def watch() -> None:
        if (tmp_path / "pid").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side([(stay, (tmp_path / "pid",))], 2, watch)
    assert gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_they_end_with_a_caller_that_is_killed(tmp_path: Path, how: signal.Signals) -> None:
    code = "import sys, pathlib; from tests.test_processes import *; "
    code += "side_by_side([(stay, (pathlib.Path(sys.argv[1]),))], 1, int)"
    caller = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "pid")])
    assert there(tmp_path / "pid") and caller.poll() is None
    caller.send_signal(how)
    caller.wait(10)
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_process_started_by_hand_ends_with_its_caller(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = "import os, pathlib; from tests.test_processes import *; from factory.processes import end_with; "
    code += f"end_with(os.getppid()); stay(pathlib.Path({str(file)!r}))"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    caller = subprocess.Popen([sys.executable, "-c", start])
    assert there(file) and caller.poll() is None
    time.sleep(1.5)  # it has looked once
    assert Path(f"/proc/{file.read_text()}").exists()
    caller.kill()
    caller.wait(10)
    assert gone(int(file.read_text()))


@pytest.mark.parametrize("imports", [[], ["wave"]])
def test_what_takes_long_to_import_is_imported_once_for_all(tmp_path: Path, imports: list[str]) -> None:
    code = "import sys, pathlib; from tests.test_processes import *; folder = pathlib.Path(sys.argv[1]); "
    code += f"side_by_side([(imported, (folder / name, 'wave')) for name in 'ab'], 1, int, {imports})"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
    one, other = ((tmp_path / name).read_text().split() for name in "ab")
    assert one == other and one[0] == str("wave" in imports)  # both are children of what imported it


def test_each_takes_one_core_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "threads"
    code = "import pathlib; from tests.test_processes import *; "
    code += f"side_by_side([(share, (pathlib.Path({str(file)!r}),))], 1, int)"
    bare = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=bare)
    assert file.read_text() == "1"
