"""Whether an audit log loses a decision that was told, and how many it takes in a second.

    python benchmarks/audit.py [DECISIONS]            default: 100000

Writers in processes of their own (eight, and for comparison one) share a log and record made-up answers, so that no
model's time counts: one decision a call, or 32. Each notes the ids that its calls returned. Of eight, two are killed
(SIGKILL) some forty times, and begun anew. Then the log is verified, by as many ids as were told; a byte of one record
is changed in the file, and must be found. `told` is how many decisions the calls returned; `in_log` may be more by what
a kill let be written but not told. `lost` counts ids that were told and are not in the log: it must be 0. Results go to
benchmarks/results/audit.csv, a line a measurement.
"""

from __future__ import annotations

import datetime
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zoo
from benchmarks.parts.table import save
from factory.evidence.circumstances import hardware
from zoo.audit import files, verify

RESULTS = Path(__file__).parent / "results" / "audit.csv"
KEY = ("decisions", "writers", "batch")
KILLED, KILLS = 2, 40


def main(decisions: int) -> None:
    """Measure and write the table."""
    for writers, batch in ((1, 1), (1, 32), (8, 1), (8, 32)):
        with tempfile.TemporaryDirectory() as folder:
            save(RESULTS, KEY, measure(Path(folder), decisions, writers, batch))


def measure(folder: Path, decisions: int, writers: int, batch: int) -> dict[str, object]:
    """Write, kill, verify, change a byte."""
    log, each = folder / "audit", -(-decisions // writers)
    zoo.AuditLog(log).close()
    running = [Writer(log, folder / f"told.{who}", each, batch) for who in range(writers)]
    doomed = running[:KILLED] if writers > KILLED else []
    begun, kills, chance = time.perf_counter(), 0, random.Random(0)
    while any(writer.running() for writer in running):
        time.sleep(0.5 + chance.random() if doomed else 0.02)
        for writer in doomed if kills < KILLS else []:
            kills += writer.kill()
    seconds = time.perf_counter() - begun
    told = {id for writer in running for id in writer.told()}
    begun = time.perf_counter()
    found = verify(log)
    verifying = time.perf_counter() - begun
    if found.problems or (doomed and not kills):
        raise SystemExit(f"not whole, or nobody was killed: {found.problems[:1]}, {kills} kills")
    there = {id for id, _ in files.events(log, "decision")}
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "decisions": decisions,
        "writers": writers,
        "batch": batch,
        "kills": kills,
        "told": len(told),
        "in_log": found.decisions,
        "lost": len(told - there),
        "decisions_per_second": f"{found.decisions / seconds:.0f}",
        "verified_per_second": f"{found.records / verifying:.0f}",
        "bytes_per_decision": f"{sum(path.stat().st_size for path in files.files(log)) / found.decisions:.0f}",
        "changed_byte": "found" if change(log) == verify(log).problems else "NOT FOUND",
        "hardware": hardware(),
    }


class Writer:
    """A process that records, and notes what it was told; killed, it is begun anew and does what is left."""

    def __init__(self, log: Path, out: Path, decisions: int, batch: int) -> None:
        self._out = out
        what = (Path(__file__).resolve(), "--write", log, out, decisions, batch)
        self._command = [sys.executable, *map(str, what)]
        self._process = subprocess.Popen(self._command)

    def running(self) -> bool:
        """Whether it is at work; raises SystemExit where it failed."""
        if self._process.poll():
            raise SystemExit(f"A writer ended with {self._process.returncode}.")
        return self._process.returncode is None

    def kill(self) -> int:
        """Kill it, whatever it is doing, and begin it anew; 1, or 0 where it had ended."""
        if not self.running():
            return 0
        self._process.kill()
        self._process.wait()
        self._process = subprocess.Popen(self._command)
        return 1

    def told(self) -> list[str]:
        """The ids that its calls returned."""
        return self._out.read_text().split()


def write(log: Path, out: Path, decisions: int, batch: int) -> None:
    """A writer's process."""
    said = zoo.Answer("card_arrival", 0.93, False)
    with zoo.AuditLog(log, keep_text=True, timeout=60) as into, out.open("a+") as notes:
        notes.seek(0)
        done = len(notes.read().split())
        while done < decisions:
            numbers = range(done, min(decisions, done + batch))
            texts = [f"My card has not arrived yet, number {number}" for number in numbers]
            ids = into.record("support/intent@1.0.0", texts, [said] * len(texts), [0.004] * len(texts))
            notes.write(" ".join(map(str, ids)) + "\n")
            notes.flush()
            done += len(texts)


def change(log: Path) -> tuple[str, ...]:
    """Change a byte in the middle of the first file, where a record is; what verify has to say then."""
    path = files.files(log)[0]
    with files.reader(path) as database:
        rows = list(files.rows(database))
    number, record, _ = rows[len(rows) // 2]
    data = path.read_bytes()
    place = data.index(record) + len(record) // 2
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    return (f"Record {number} was changed: it is not what its hash was made of.",)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
