"""`python -m flows.refresh SPEC [--log LOG ...]`: look at production, and build again where that is worth it.

What people corrected and what the specialist was unsure of is taken out of the audit logs, and drift is measured
against the version published last. Where drift is found, or enough was corrected, the specialist is built again with
what came back; it is published if its gate lets it, as ever. Each refresh leaves its decision, with the reasons, in
`<home>/refresh/<vertical>/<task>/`. What was considered once is not considered again, and a refresh that was killed, or
whose build waits for people, goes on with that build. With FACTORY_KEEP_DAYS it ends by removing what nobody needs.

Exit status: 0 published, or there was nothing to do; 1 an error, said with what to do about it; 2 wrong usage; 3
publishing refused, and the decision says why; 4 the build waits for people; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys

from factory import settings as environment
from factory.errors import FactoryError
from factory.feedback import decide
from factory.publish.sound import said
from flows import engine
from flows.terminal import ended
from zoo.audit.opening import opened

SECRET = {"password", "sslpassword"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.refresh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("spec", help="the specialist, e.g. support/intent")
    parser.add_argument("--budget", choices=["quick", "full"], default="quick")
    parser.add_argument(
        "--log",
        metavar="LOG",
        action="append",
        default=[],
        help="an audit log, folder or URL without a password; default: <home>/audit",
    )
    parser.add_argument(
        "--enough", type=int, default=decide.ENOUGH, help=f"new corrections worth a build; default: {decide.ENOUGH}"
    )
    parser.add_argument("--since", metavar="TIME", default="", help="look for drift since: 7d, 24h, 2w, or a date")
    asked = parser.parse_args(arguments)
    if asked.enough < 1:
        parser.error("--enough must be at least 1")
    return ended(lambda: _flow(asked))


def _flow(asked: argparse.Namespace) -> int:
    settings, logs = environment.load(), [_place(log) for log in asked.log]
    engine.connect(settings)
    from flows.deployed import refresh

    return int(refresh(asked.spec, logs, asked.budget, asked.enough, asked.since))


def _place(log: str) -> str:
    """A log as a parameter of the run, which Prefect keeps and shows; raises FactoryError where that tells a secret."""
    with said():
        place = opened(log)
        if place.folder:
            return str(place.folder.resolve())
        from zoo.audit.postgres_url import parsed

        known, _ = parsed(log)
    if known.keys() & SECRET:
        raise FactoryError(
            "The log's URL holds a password, and Prefect would keep it and show it.",
            where=f"--log {place.where}",
            fix="Leave it out, and put it into ~/.pgpass or PGPASSWORD.",
        )
    return log


if __name__ == "__main__":
    sys.exit(main())
