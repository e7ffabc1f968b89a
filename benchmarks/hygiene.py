"""How fast a file of rows is cleaned, in how much memory, and whether that grows with the rows.

    python benchmarks/hygiene.py [ROWS ...]           default: 10000 100000; 1000000 takes some minutes

Rows are made from the seed text: three short fragments each; of 10 rows, 2 are an earlier one with a word changed and 1
is an earlier one in capitals; one in 200 is a gold row with a word changed. Measured, each in processes of its own:

- `exact, near, n-gram`: the checks schema, contamination and duplicates, in one process a core and in one process;
- `duplicates alone`, and beside it datasketch (one process), if it can be imported: the same texts, threshold and
  permutations, candidates not even verified;
- `personal data alone`: presidio, in a spec that asks for it, on the smallest number of rows;
- `all checks` but that: length, language and roles too, on the same.

Memory is the highest sum of the resident sets of all processes, sampled; pages they share count twice. Results go to
benchmarks/results/hygiene.csv, a line a measurement; lines of other sizes stay. `per_row` is time a row over that of
the run's fewest rows, so 1.0 is linear; of 10,000 rows much is the start.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.evidence.circumstances import hardware
from factory.row import Lineage, Row, read_gold

RESULTS = Path(__file__).parent / "results" / "hygiene.csv"
KEY = ("what", "rows", "workers")
SPEC = "support/intent"
CHECKS = {
    "exact, near, n-gram": "schema,contamination,duplicates",
    "duplicates alone": "duplicates",
    "personal data alone": "pii",
    "all checks": "schema,length,language,roles,contamination,consistency,duplicates",
}
CORES = os.cpu_count() or 1


def main(sizes: list[int]) -> None:
    """Measure and write the table."""
    table: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            source = Path(folder) / f"{size}.jsonl"
            make(source, size)
            runs = [("exact, near, n-gram", CORES), ("exact, near, n-gram", 1)]
            if size == min(sizes):
                runs += [
                    ("duplicates alone", 1),
                    ("datasketch", 1),
                    ("personal data alone", CORES),
                    ("all checks", CORES),
                ]
            elif size > 200_000:
                runs = runs[:1]
            for what, workers in runs:
                if what == "datasketch" and importlib.util.find_spec("datasketch") is None:
                    continue
                table.append(measure(what, source, size, workers, Path(folder)))
                first = next(one for one in table if (one["what"], one["workers"]) == (what, workers))
                seconds = [float(str(one["seconds"])) / int(str(one["rows"])) for one in (table[-1], first)]
                table[-1]["per_row"] = f"{seconds[0] / seconds[1]:.2f}"
                save(RESULTS, KEY, table[-1])
            source.unlink()


def measure(what: str, source: Path, size: int, workers: int, folder: Path) -> dict[str, object]:
    """Run one measurement in a process of its own and watch it."""
    out = folder / "out"
    command = [sys.executable, "-m", "factory", "hygiene", SPEC, str(source), "--out", str(out)]
    command += ["--checks", CHECKS.get(what, ""), "--workers", str(workers)]
    if what == "datasketch":
        command = [sys.executable, str(Path(__file__).resolve()), "--datasketch", str(source), str(out)]
    environment = {**os.environ, "FACTORY_PROMPTS": str(_asking(what, folder))}
    load, begun, peak, before = os.getloadavg()[0], time.perf_counter(), 0, os.times()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as child:
        watched = psutil.Process(child.pid)
        while child.poll() is None:
            peak = max(peak, _resident(watched))
            time.sleep(0.25)  # looking at all processes takes long itself
        if child.returncode:
            raise SystemExit(child.stderr.read().decode() if child.stderr else "")
    seconds, after = time.perf_counter() - begun, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    with (out / "kept.jsonl").open("rb") as kept:
        count = sum(1 for _ in kept)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "what": what,
        "rows": size,
        "workers": workers,
        "rows_per_second": f"{size / seconds:.0f}",
        "seconds": f"{seconds:.1f}",
        "processor_seconds": f"{processor:.1f}",
        "per_row": "",
        "peak_mib": peak >> 20,
        "kept": count,
        "load_before": f"{load:.1f}",
        "hardware": hardware(),
    }


def _asking(what: str, folder: Path) -> Path:
    """The folder of specs; where personal data are looked for, a copy of it in which the spec asks for that."""
    prompts = settings.load().prompts
    if CHECKS.get(what) != "pii":
        return prompts
    copy = folder / "prompts"
    shutil.copytree(prompts, copy, dirs_exist_ok=True)
    declared = (prompts / SPEC / "spec.yaml").read_text(encoding="utf-8")
    (copy / SPEC / "spec.yaml").write_text(
        declared.replace("\nhygiene:\n", "\nhygiene:\n  pii: mask\n"), encoding="utf-8"
    )
    return copy


def make(path: Path, size: int) -> None:
    """Write so many rows; the same every time."""
    where = settings.load()
    spec = specs.load(SPEC, where.prompts)
    gold = [one.text for one in read_gold(where.gold / spec.gold / "validation.jsonl", spec.labels)]
    labels, identity, chance = list(spec.labels), spec.identity, random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for text in texts(where, gold, size, chance):
            row = Row(
                text=text,
                label=chance.choice(labels),
                origin="generated" if chance.random() < 0.7 else "unlabelled",
                lineage=Lineage(spec=identity, source="benchmark"),
            )
            file.write(json.dumps(row.to_json(), ensure_ascii=False) + "\n")


def texts(where: settings.Settings, gold: list[str], size: int, chance: random.Random) -> Iterator[str]:
    """Texts as the module's docstring describes them."""
    words: list[str] = []
    for path in sorted(where.seed.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            words += json.loads(line)["text"].split() if line else []
    earlier: list[str] = []
    for _ in range(size):
        kind = chance.random()
        if kind < 0.3 and earlier:
            text = chance.choice(earlier)
            yield _changed(text, chance, words) if kind < 0.2 else text.upper()
        elif kind < 0.305:
            yield _changed(chance.choice(gold), chance, words)
        else:
            starts = [chance.randrange(len(words) - 8) for _ in range(3)]
            text = " ".join(word for start in starts for word in words[start : start + chance.randint(3, 8)])
            if len(earlier) < 20_000:
                earlier.append(text)
            else:
                earlier[chance.randrange(len(earlier))] = text
            yield text


def datasketch(source: Path, out: Path) -> None:
    """The peer: near duplicates of a file's texts, the first kept."""
    from datasketch import MinHash, MinHashLSH

    from factory.words import shingles

    out.mkdir(exist_ok=True)
    index = MinHashLSH(threshold=0.7, num_perm=128, params=(32, 4))
    with source.open(encoding="utf-8") as rows, (out / "kept.jsonl").open("w", encoding="utf-8") as kept:
        for number, line in enumerate(rows):
            signature = MinHash(num_perm=128, seed=13)
            signature.update_batch([shingle.encode() for shingle in shingles(json.loads(line)["text"])])
            if not index.query(signature):
                index.insert(number, signature)
                kept.write(line)


def _changed(text: str, chance: random.Random, words: list[str]) -> str:
    found = text.split()
    found[chance.randrange(len(found))] = chance.choice(words)
    return " ".join(found)


def _resident(process: psutil.Process) -> int:
    """Bytes of a process and those it started."""
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


if __name__ == "__main__":
    if sys.argv[1:2] == ["--datasketch"]:
        datasketch(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main([int(size) for size in sys.argv[1:]] or [10_000, 100_000])
