"""Every published specialist's dossier: made, verified, and how much there was to compare.

    python benchmarks/dossiers.py [SPEC ...]

Of each specialist that the hub (FACTORY_HUB) has, by default all, the newest version's dossier is made in a folder that
is thrown away, and verified as `python -m factory dossier verify` does, beside builds and gold rows where they are at
hand. Results: benchmarks/results/dossiers.csv, a line a specialist; `differences` is to be 0.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.dossier import make, verify
from factory.evidence.circumstances import here
from factory.publish.hub import open_hub
from zoo.yanked import given

RESULTS = Path(__file__).parent / "results" / "dossiers.csv"
KEY = ("spec",)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make and verify what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="*", help="<vertical>/<task>; all that are published, if none")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    hub = open_hub(where.hub)
    for name in asked.specs or specs.names(where.prompts):
        versions = given(hub, name)
        if not versions:
            print(f"{name}: not published")
            continue
        version, begun = max(versions), time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            made = make.make(f"{name}@{version}", where, Path(folder) / "dossier")
            found = verify.verify(made, where)
        line = {
            "spec": name,
            "version": str(version),
            "files": found.files,
            "figures": found.figures,
            "differences": len(found.differences),
            "seconds": round(time.monotonic() - begun, 1),
            **asdict(here()),
        }
        save(asked.out, KEY, line)


if __name__ == "__main__":
    main()
