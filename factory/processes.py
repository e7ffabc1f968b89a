"""Tasks side by side, each in a process of its own that ends with its caller, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from factory.errors import FactoryError


class _Running(NamedTuple):
    """A process, and where it says why it failed."""

    process: BaseProcess
    ear: Connection


Task = tuple[Callable[..., None], tuple[Any, ...]]
"""A function of a module, and its arguments; it leaves files."""


def cores() -> int:
    """How many of the machine's this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(tasks: Iterable[Task], at_once: int, watch: Callable[[], None], imports: Sequence[str] = ()) -> None:
    """Run all tasks, so many at a time.

    Args:
        tasks: the next one is asked for as soon as one may start: making it ready takes this process's time alone.
        at_once: how many processes there are at most.
        watch: called about once a second while tasks run.
        imports: modules that tasks need and that take long to import; they are imported once for all.

    Raises:
        FactoryError: a task failed, with its own FactoryError where that is why; the others are ended.
    """
    # A fork of this process would copy locks that its threads hold; the server only imports.
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(list(imports))
    running: list[_Running] = []
    try:
        for work, arguments in tasks:
            while len(running) >= at_once:
                _look(running, watch)
            ear, mouth = server.Pipe(duplex=False)
            process: BaseProcess = server.Process(target=_run, args=(work, arguments, mouth))
            process.start()
            mouth.close()
            running.append(_Running(process, ear))
        while running:
            _look(running, watch)
    finally:
        for one in running:
            one.process.kill()
            one.process.join()


def end_with_caller() -> None:
    """Have this process, which another one started, leave Ctrl-C to that and end when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end, daemon=True).start()


def end_with(caller: int) -> None:
    """End this process as soon as another, which started it, has ended, however it did.

    Args:
        caller: that one's number.
    """

    def watch() -> None:
        while os.getppid() == caller:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run(work: Callable[..., None], arguments: tuple[Any, ...], mouth: Connection) -> None:
    end_with_caller()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the others have the other cores
    try:
        work(*arguments)
    except FactoryError as error:
        mouth.send(error)
        sys.exit(1)


def _end() -> None:
    if caller := multiprocessing.parent_process():
        caller.join()
        os._exit(1)


def _look(running: list[_Running], watch: Callable[[], None]) -> None:
    """Wait a second at most for one to end; those that have are taken off the list."""
    wait([one.process.sentinel for one in running], timeout=1.0)
    watch()
    for one in [one for one in running if not one.process.is_alive()]:
        running.remove(one)
        if one.process.exitcode:
            raise _why(one)


def _why(ended: _Running) -> FactoryError:
    try:
        error: FactoryError = ended.ear.recv()
    except EOFError:
        return FactoryError(
            f"A process that worked beside others ended with {ended.process.exitcode}.",
            fix="What it said is above; nothing there: it was ended from outside, perhaps for lack of memory. The "
            "same command goes on from there.",
        )
    return error
