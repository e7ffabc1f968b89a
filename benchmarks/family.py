"""What the family takes: seconds by stage, teacher tokens and their price, of every specialist's build.

    FACTORY_HOME=$(mktemp -d) python benchmarks/family.py [SPEC ...] [--budget quick]

Builds them one after the other as `python -m flows.family` does, by default all. What lies in FACTORY_HOME already is
not made again and takes no time: a home that holds nothing but `weights` gives the whole cost. One that was killed goes
on when it is started again, and what it took before counts, but for the stage that was killed, which counts from its
last start. `tokens_*` are those of replies that were new; `dollars_if_hosted` is what they would cost by the spec's
`teacher.prices`. A specialist whose gate refuses it, or that fails, has a line that says so. Results:
benchmarks/results/family.csv, a line a specialist and budget.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.evidence.circumstances import here
from factory.files import read_json, write_json
from factory.settings import Settings
from factory.stages import STAGES
from factory.teacher.cache import ReplyCache
from flows import engine
from flows.built import build, stages

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
        begun = where.home / f"family-{name.replace('/', '-')}-{asked.budget}.json"
        if not begun.exists():
            write_json(begun, {"since": datetime.now(UTC).isoformat(), "tokens": _tokens(where)})
        earlier = read_json(begun)
        built = build(name, asked.budget, where)
        read, written = (after - known for after, known in zip(_tokens(where), earlier["tokens"], strict=True))
        seconds = stages(name, datetime.fromisoformat(earlier["since"]))
        line = {
            "spec": name,
            "budget": asked.budget,
            "became": built.became.partition("\n")[0],
            "seconds": round(max(built.total, sum(seconds.values())), 1),
            **{stage: round(seconds[stage], 1) if stage in seconds else "" for stage in STAGES},
            "tokens_read": read,
            "tokens_written": written,
            "dollars_if_hosted": round(spec.teacher.prices.dollars(read, written), 4),
            "teacher": spec.teacher.model,
            **asdict(here()),
        }
        save(asked.out, KEY, line)
        begun.unlink()


def _tokens(where: Settings) -> tuple[int, int]:
    store = ReplyCache(where.replies)
    try:
        return store.tokens()
    finally:
        store.close()


if __name__ == "__main__":
    main()
