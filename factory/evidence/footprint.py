"""What a specialist takes of a machine: the files that it loads, and the memory of a process that has nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory.errors import FactoryError
from factory.evidence.circumstances import Circumstances
from factory.evidence.records import Footprint, rows_hash
from factory.settings import CHECKOUT
from zoo.manifest import FILE, PROMPT, TOKENIZER, Manifest

TIMEOUT = 600
# VmHWM is of this program alone. ru_maxrss is kept across exec, so that under a large parent it is the parent's; it is
# taken only where there is no /proc, and counts bytes on macOS.
_ALONE = """
import json, resource, sys, time
folder, texts = json.load(sys.stdin)
begun = time.perf_counter()
import zoo
specialist = zoo.load(folder)
loaded = time.perf_counter() - begun
for text in texts:
    specialist.predict(text)
try:
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
others = sorted({name.partition(".")[0] for name in sys.modules} & {"factory", "torch", "transformers"})
print(json.dumps({"seconds": loaded, "peak": peak, "others": others}))
"""


def measure(folder: Path, texts: Sequence[str], who: str, circumstances: Circumstances, what: str = "") -> Footprint:
    """Load a packaged specialist in a fresh Python that imports the zoo alone, and let it answer texts one by one.

    Args:
        folder: the specialist's, with its manifest.
        texts: at least one; the longest there are take the most memory.
        who, what, circumstances: written into the record.

    Raises:
        FactoryError: it can't be loaded there, or something else than the zoo came with it.
    """
    manifest = Manifest.read(folder)
    loaded = [folder / name for name in (FILE, TOKENIZER, manifest.default_weights, PROMPT)]
    found, trouble = _asked(folder.resolve(), texts)
    if trouble:
        raise FactoryError(
            f"The specialist could not be loaded by the zoo alone: {trouble}",
            where=str(folder),
            fix="Try `python -m zoo verify` on it; nothing was published.",
        )
    return Footprint(
        who=who,
        what=what,
        rows=rows_hash((text, "") for text in texts),
        n=len(texts),
        sample="the longest",
        **vars(circumstances),
        disk_bytes=sum(path.stat().st_size for path in loaded if path.is_file()),
        peak_bytes=found["peak"],
        load_seconds=found["seconds"],
    )


def _asked(folder: Path, texts: Sequence[str]) -> tuple[dict[str, Any], str]:
    """What the fresh process says, and what went wrong there; empty where nothing did."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ALONE],
            input=json.dumps([str(folder), list(texts)]),
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}, f"{len(texts)} answers took more than {TIMEOUT} seconds"
    if done.returncode:
        return {}, done.stderr.strip()[-500:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found, f"the zoo imports {', '.join(found['others'])}" if found["others"] else ""
