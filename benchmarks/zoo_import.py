"""What the light wheel costs: builds it, installs it alone into a fresh environment, and measures there.

    python benchmarks/zoo_import.py                      import time and size of the environment
    python benchmarks/zoo_import.py ./folder/of/version  also loading that specialist and its first answer

Times are of fresh processes (median, and the slowest), on one thread; sizes are of file lengths, and of disk blocks,
without pip and setuptools.
Writes benchmarks/results/zoo_import.csv.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "zoo_import.csv"
IMPORT = """
import time
start, cpu = time.perf_counter(), time.process_time()
import zoo
cpu, wall = time.process_time() - cpu, time.perf_counter() - start
print('{"import zoo": %f, "import zoo, processor time": %f}' % (wall, cpu))
"""
ASK = """
import json, sys, time
marks = [time.perf_counter()]
mark = lambda: marks.append(time.perf_counter())
import zoo; mark()
import onnxruntime, tokenizers, numpy; mark()
zoo.verify(sys.argv[1]); mark()
specialist = zoo.load(sys.argv[1]); mark()
specialist.predict("How long does a transfer take?"); mark()
names = ["import zoo (json imported)", "import onnxruntime, tokenizers, numpy", "verify"]
names += ["load, verify included", "first answer"]
out = {name: later - sooner for name, sooner, later in zip(names, marks, marks[1:])}
texts = ["I was charged twice for one payment, please look into it as soon as you can"] * 100
start = time.perf_counter()
for text in texts:
    specialist.predict(text)
out["one answer, 16 words"] = (time.perf_counter() - start) / len(texts)
print(json.dumps(out))
"""


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description="What the light wheel costs.")
    parser.add_argument("specialist", nargs="?", type=Path, help="folder of one version")
    parser.add_argument("--processes", type=int, default=10, help="fresh processes a figure (default 10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        python = _environment(Path(scratch))
        rows = [(name, size, size, "MB", 1) for name, size in _size(Path(scratch) / "env").items()]
        samples: dict[str, list[float]] = defaultdict(list)
        for code, argument in ((IMPORT, []), *([(ASK, [options.specialist.resolve()])] if options.specialist else [])):
            _run(python, code, argument)  # once to compile and to fill the page cache; not counted
            for _ in range(options.processes):
                for name, seconds in _run(python, code, argument).items():
                    samples[name].append(seconds)
        rows += [(name, statistics.median(s) * 1e3, max(s) * 1e3, "ms", len(s)) for name, s in samples.items()]
    fixed = date.today(), platform.python_version(), f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    load = f"{os.getloadavg()[0]:.1f}"  # of the last minute: above the number of cores, wall times are too long
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "python", "machine", "measure", "median", "worst", "unit", "processes", "load"])
        for name, median, worst, unit, count in rows:
            print(f"{name:42} {median:8.1f} {unit}  (worst {worst:.1f}, {count})")
            writer.writerow([*fixed, name, f"{median:.1f}", f"{worst:.1f}", unit, count, load])


def _environment(scratch: Path) -> Path:
    """Build the wheel, install it into a fresh environment; returns the environment's python."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(scratch), str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    venv.create(scratch / "env", with_pip=True)
    python = scratch / "env" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", next(scratch.glob("*.whl"))], check=True, stderr=subprocess.DEVNULL
    )
    aside = [python, "-m", "pip", "uninstall", "-qy", "setuptools", "pip"]  # what put it there is no part of it
    subprocess.run(aside, check=True, stderr=subprocess.DEVNULL)
    return python


def _size(folder: Path) -> dict[str, float]:
    """Megabytes (10^6 bytes) of all files."""
    found = [path.lstat() for path in folder.rglob("*") if not path.is_dir()]
    return {
        "environment, length of files": sum(stat.st_size for stat in found) / 1e6,
        "environment, blocks on disk": sum(stat.st_blocks * 512 for stat in found) / 1e6,
    }


def _run(python: Path, code: str, arguments: list[Path]) -> dict[str, float]:
    done = subprocess.run([python, "-c", code, *arguments], check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main()
