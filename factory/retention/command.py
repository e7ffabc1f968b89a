"""`python -m factory prune`: what nobody needs any more is listed first, and removed when that is asked for."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from factory.errors import FactoryError
from factory.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("specs", metavar="SPEC", nargs="*", help="all that were built here, if none is named")
    parser.add_argument(
        "--keep-days", metavar="N", type=_days, help="spare what was used within so many; default: FACTORY_KEEP_DAYS"
    )
    parser.add_argument("--yes", action="store_true", help="remove it; without, nothing changes")


def run(asked: argparse.Namespace, where: Settings) -> None:
    """List, or remove. Raises FactoryError."""
    from factory.retention import logs, prune, say

    days = asked.keep_days if asked.keep_days is not None else where.keep_days
    if asked.keep_days is None and not days:
        raise FactoryError(
            "Nothing says how long builds are kept, so they are kept for ever.",
            where="FACTORY_KEEP_DAYS",
            fix="Set it to a number of days, or give --keep-days N.",
        )
    built = prune.names(where)
    if unknown := [name for name in asked.specs if name not in built]:
        raise FactoryError(
            f"{unknown[0]} was never built here.",
            where=str(where.builds),
            fix=f"Use one of: {', '.join(built) or 'none'}.",
        )
    now = datetime.now(UTC)
    work = prune.prune if asked.yes else prune.plan
    for name in asked.specs or built:
        print(say.table(work(name, where, days, now)))
    long = logs.long(where.home)
    for line in say.logs([logs.cut(log) for log in long] if asked.yes else long):
        print(line)
    print(say.conclusion(days, removed=asked.yes))


def _days(said: str) -> int:
    if not (said.isascii() and said.isdigit()):
        raise argparse.ArgumentTypeError(f"{said!r} is no number of days")
    return int(said)
