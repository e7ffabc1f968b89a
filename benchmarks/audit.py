"""Whether an audit log loses a decision that was told, and how many it takes in a second.

    python benchmarks/audit.py [DECISIONS [URL]]            default: 100000, in a folder

URL is postgresql://... of a database that this role owns; each measurement makes a schema and drops it.

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
from typing import Any

import zoo
from benchmarks.parts.table import save
from factory.evidence.circumstances import hardware
from zoo.audit import files, verify
from zoo.audit.reading import events

RESULTS = Path(__file__).parent / "results" / "audit.csv"
KEY = ("storage", "decisions", "writers", "batch")
KILLED, KILLS = 2, 40
_CHANGED = "Record {} was changed: it is not what its hash was made of."


def main(decisions: int, url: str) -> None:
    """Measure and write the table."""
    for writers, batch in ((1, 1), (1, 32), (8, 1), (8, 32)):
        with tempfile.TemporaryDirectory() as name, Database(url) if url else Files(name) as place:
            save(RESULTS, KEY, measure(Path(name), place, decisions, writers, batch))


def measure(folder: Path, place: Files | Database, decisions: int, writers: int, batch: int) -> dict[str, object]:
    """Write, kill, verify, change a byte."""
    log, each = place.log, -(-decisions // writers)
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
    there = {id for id, _ in events(log, "decision")}
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "storage": place.kind,
        "decisions": decisions,
        "writers": writers,
        "batch": batch,
        "kills": kills,
        "told": len(told),
        "in_log": found.decisions,
        "lost": len(told - there),
        "decisions_per_second": f"{found.decisions / seconds:.0f}",
        "verified_per_second": f"{found.records / verifying:.0f}",
        "bytes_per_decision": f"{place.size() / found.decisions:.0f}",
        "changed_byte": "found" if place.change() == verify(log).problems else "NOT FOUND",
        "hardware": hardware(),
    }


class Writer:
    """A process that records, and notes what it was told; killed, it is begun anew and does what is left."""

    def __init__(self, log: str, out: Path, decisions: int, batch: int) -> None:
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


def write(log: str, out: Path, decisions: int, batch: int) -> None:
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


class Files:
    """A log in a folder."""

    kind = "folder"

    def __init__(self, folder: str) -> None:
        self.log = str(Path(folder) / "audit")

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        pass  # the folder goes with the one around it

    def size(self) -> int:
        """Bytes on the disk."""
        return sum(path.stat().st_size for path in files.files(Path(self.log)))

    def change(self) -> tuple[str, ...]:
        """Change a byte in the middle of the first file, where a record is; what verify has to say then."""
        path = files.files(Path(self.log))[0]
        with files.reader(path) as database:
            rows = list(files.rows(database))
        number, record, _ = rows[len(rows) // 2]
        data = path.read_bytes()
        place = data.index(record) + len(record) // 2
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        return (_CHANGED.format(number),)


class Database:
    """A log in a schema of its own."""

    kind, _schema = "postgresql", "zoo_audit_bench"

    def __init__(self, url: str) -> None:
        self._url = url
        self.log = f"{url}{'&' if '?' in url else '?'}schema={self._schema}"

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self._do("DROP SCHEMA IF EXISTS {schema} CASCADE")

    def size(self) -> int:
        """Bytes on the server's disk, with the index."""
        return int(self._do("SELECT pg_total_relation_size('{schema}.records')"))

    def change(self) -> tuple[str, ...]:
        """Change a letter in the middle of a record in the middle, past the triggers; what verify has to say then."""
        self._do("ALTER TABLE {schema}.records DISABLE TRIGGER ALL")
        number = int(self._do("SELECT max(number) / 2 FROM {schema}.records"))
        what = "UPDATE {schema}.records SET record = overlay(record PLACING '~' FROM length(record) / 2)"
        self._do(f"{what} WHERE number = {number}")
        return (_CHANGED.format(number),)

    def _do(self, statement: str) -> Any:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            said = connection.execute(statement.format(schema=self._schema))  # type: ignore[call-overload]
            return said.fetchone()[0] if said.description else None


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, sys.argv[2] if len(sys.argv) > 2 else "")
