"""What the family takes: seconds by stage, teacher tokens and their price, of every specialist's build.

    FACTORY_HOME=$(mktemp -d) python benchmarks/family.py [SPEC ...] [--budget quick]

Builds them one after the other as `python -m flows.family` does, by default all. What lies in FACTORY_HOME already is
not made again and takes no time: a home that holds nothing but `weights` gives the whole cost. `tokens_*` are those of
replies that were new; `dollars_if_hosted` is what they would cost by the spec's `teacher.prices`. A specialist whose
gate refuses it, or that fails, has a line that says so. Results: benchmarks/results/family.csv, a line a specialist and
budget.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.evidence.circumstances import here
from factory.settings import Settings
from factory.stages import STAGES
from factory.teacher.cache import ReplyCache
from flows import engine
from flows.built import build

RESULTS = Path(__file__).parent / "results" / "family.csv"
KEY = ("spec", "budget")


def main(arguments: Sequence[str] | None = None) -> None:
    """Build what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="*", help="<vertical>/<task>; all of them, if none is named")
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    engine.connect(where)
    for name in asked.specs or specs.names(where.prompts):
        spec = specs.load(name, where.prompts)
        before = _tokens(where)
        built = build(name, asked.budget, where)
        read, written = (after - known for after, known in zip(_tokens(where), before, strict=True))
        line = {
            "spec": name,
            "budget": asked.budget,
            "became": built.became.partition("\n")[0],
            "seconds": round(built.total, 1),
            **{stage: round(built.seconds[stage], 1) if stage in built.seconds else "" for stage in STAGES},
            "tokens_read": read,
            "tokens_written": written,
            "dollars_if_hosted": round(spec.teacher.prices.dollars(read, written), 4),
            "teacher": spec.teacher.model,
            **asdict(here()),
        }
        save(asked.out, KEY, line)


def _tokens(where: Settings) -> tuple[int, int]:
    store = ReplyCache(where.replies)
    try:
        return store.tokens()
    finally:
        store.close()


if __name__ == "__main__":
    main()
