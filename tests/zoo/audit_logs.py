"""Audit logs for the tests: decisions of every kind, and hands that change what is stored."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import zoo
from zoo.audit.answers import Said
from zoo.classifier import Answer
from zoo.decision import LabelDecision
from zoo.extractor import Extracted
from zoo.tagger import Span
from zoo.writer import Written

MODEL = "finance/sentiment@1.0.0"
SURE, UNSURE = Answer("positive", 0.9, False), Answer("negative", 0.4, True)
ROOT = Path(zoo.__file__).parent.parent
TEXT = "Profit of ACME fell"
KINDS: dict[str, Said] = {
    "label": Answer("positive", 0.75, False, {"positive": 0.75, "negative": 0.25}),
    "decision": LabelDecision(label="negative", unsure=False, reason="unsure_escalated", tier="large", seconds=0.25),
    "spans": [Span("Company", 10, 14, "ACME", 0.5, True)],
    "values": Extracted({"company": "ACME", "years": [1, 2]}, 0.5, {"company": 0.5, "years": 0.5}, True, True),
    "words": Written("ACME fell", 0.5, True, True),
}


WRITER = """
import sys, zoo
where, who, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
log, said = zoo.AuditLog(where, megabytes=0.1, timeout=30), zoo.Answer("positive", 0.9, False)
for call in range(calls):
    texts = [f"{who} {call} {place}" for place in range(1 + call % 4)]
    print(*log.record("finance/sentiment@1.0.0", texts, [said] * len(texts), [0.0] * len(texts)), flush=True)
"""


def add(log: zoo.AuditLog, *texts: str, said: Said = SURE, model: str = MODEL) -> list[Any]:
    """Record decisions about texts; their ids."""
    return list(log.record(model, texts, [said] * len(texts), [0.001] * len(texts)))


def sql(folder: Path, statement: str, *values: Any, file: str = "00000001.db") -> list[Any]:
    """Do to a file of a log what only somebody with write access to it can."""
    with closing(sqlite3.connect(folder / file, isolation_level=None)) as database:
        return database.execute(statement, values).fetchall()


def writer(log: Path | str, who: int, calls: int, out: Path) -> subprocess.Popen[bytes]:
    """A process that records decisions of one text, or two, three, four, and writes the ids of each call as a line."""
    with out.open("wb") as file:
        command = [sys.executable, "-c", WRITER, str(log), str(who), str(calls)]
        return subprocess.Popen(command, cwd=ROOT, stdout=file)


def killed_again_and_again(log: Path | str, folder: Path, pause: Callable[[], float]) -> tuple[list[str], int]:
    """Two writers record to their end, while two others are killed after each pause, and begun anew.

    Returns:
        the ids that all were told, and how many writers there were.
    """
    outs = [folder / f"out{who}" for who in range(4)]
    writers = [writer(log, who, 100_000 if who < 2 else 150, out) for who, out in enumerate(outs)]
    while any(one.poll() is None for one in writers[2:]):
        time.sleep(pause())
        for who in range(2):
            writers[who].send_signal(signal.SIGKILL)
            writers[who].wait()
            outs.append(folder / f"out{len(outs)}")
            writers[who] = writer(log, len(outs), 100_000, outs[-1])
    for one in writers[:2]:
        one.kill()
        one.wait()
    assert [one.returncode for one in writers[2:]] == [0, 0]
    told = [id for out in outs for line in out.read_text().split("\n")[:-1] for id in line.split()]
    assert len(told) == len(set(told)) >= 700
    return told, len(outs)


def forked(log: zoo.AuditLog) -> None:
    """A child records five decisions with its parent's log, which records one before and one after."""
    add(log, "parent")
    child = os.fork()
    if child == 0:
        try:
            add(log, *(f"child {number}" for number in range(5)))
            os._exit(0)
        finally:
            os._exit(1)
    add(log, "parent again")
    assert os.waitpid(child, 0)[1] == 0
