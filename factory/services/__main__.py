"""The embedded servers by hand.

python -m factory.services SERVICE up|down|status
python -m factory.services zoo|site reload
python -m factory.services argilla backup FILE
python -m factory.services argilla restore FILE [--replace]
python -m factory.services argilla rotate
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from factory import settings
from factory import spec as specs
from factory.alone import builder
from factory.errors import FactoryError
from factory.review import waiting
from factory.services.argilla import credentials
from factory.services.argilla.server import ArgillaServer
from factory.services.hub.server import HubServer
from factory.services.prefect import PrefectServer
from factory.services.process import port_in_use
from factory.services.service import Service
from factory.services.site.server import SiteServer
from factory.services.watch import WatchServer
from factory.services.worker import WorkerServer
from factory.services.zoo import ZooServer
from zoo.hub import is_server

SERVICES: dict[str, Callable[[settings.Settings], Service]] = {
    "argilla": ArgillaServer,
    "prefect": PrefectServer,
    "hub": HubServer,
    "zoo": ZooServer,
    "site": SiteServer,
    "watch": WatchServer,
    "worker": WorkerServer,
}
RELOADED = ("zoo", "site")
"""Those that look again when they are told to."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, or 1 for a refusal or, with `status`, for a server that is down."""
    asked = _parser().parse_args(arguments)
    try:
        known = settings.load()
        names = [asked.service]
        if asked.service == "all":  # a hub that is a server already needs none of ours
            names = [name for name in SERVICES if name != "hub" or not is_server(known.hub)]
        if asked.action == "down":
            names.reverse()  # worker and watch keep the others up
        if asked.action in KEEPING:
            KEEPING[asked.action](ArgillaServer(known), asked)
            return 0
        if asked.action == "reload":
            told = SERVICES[asked.service](known).reload()
            print(f"{asked.service} {'looks again' if told else 'is not running'}")
            return 0 if told else 1
        status = max(_act(name, SERVICES[name](known), asked.action) for name in names)
        if asked.action == "status":
            print("\n".join(_at_work(known)))
        return status
    except FactoryError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m factory.services", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    services = parser.add_subparsers(dest="service", required=True, metavar="SERVICE")
    for name in (*SERVICES, "all"):
        actions = services.add_parser(name).add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("up", help="start it, or find it running")
        actions.add_parser("down", help="stop it; its data stay")
        actions.add_parser("status", help="say whether it runs, and where")
        if name in RELOADED:
            actions.add_parser("reload", help="have it look for what is new")
        if name == "argilla":
            backup = actions.add_parser("backup", help="write accounts, records, answers and secrets to one file")
            backup.add_argument("file", metavar="FILE", type=Path)
            restore = actions.add_parser("restore", help="put such a file in the place of what is there")
            restore.add_argument("file", metavar="FILE", type=Path)
            restore.add_argument("--replace", action="store_true", help="where there is one already; it is kept aside")
            actions.add_parser("rotate", help="draw all secrets anew; sessions and API keys end")
    return parser


def _backup(server: ArgillaServer, asked: argparse.Namespace) -> None:
    held = server.backup(asked.file)
    print(
        f"{asked.file} holds {_counted(held)}.\nWhoever reads it can sign in as anybody: keep it where nobody else can."
    )


def _restore(server: ArgillaServer, asked: argparse.Namespace) -> None:
    held, aside = server.restore(asked.file, replace=asked.replace)
    print(f"{server.home} holds {_counted(held)}.")
    if aside:
        print(f"What was there before is in {aside}.")
    print("Start it with `python -m factory.services argilla up`; the search index is made anew then.")


def _rotate(server: ArgillaServer, _: argparse.Namespace) -> None:
    running = server.rotate()
    print(
        "All sessions and API keys have ended. The new ones of `owner` and `reviewer`, passwords too, are in "
        f"{credentials.path(server.home)};\nother accounts keep their passwords, and sign in again."
    )
    print("argilla was started again." if running else "argilla was not running, and is not now.")


def _counted(held: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in held.items())


KEEPING: dict[str, Callable[[ArgillaServer, argparse.Namespace], None]] = {
    "backup": _backup,
    "restore": _restore,
    "rotate": _rotate,
}


def _act(name: str, service: Service, action: str) -> int:
    if action == "up":
        started = service.start()
        print(f"{name} is up{'' if started else ' already'}: {service.describe()}")
        return 0
    if action == "down":
        print(f"{name} {'stopped' if service.stop() else 'was not running'}")
        return 0
    state = service.state
    print(f"{name} is {state}" + (f": {service.describe()}" if state == "up" else ""))
    return 0 if state == "up" else 1


def _at_work(known: settings.Settings) -> list[str]:
    """The teacher, builds under way, and what waits for people, a line each."""
    if known.teacher_url or known.teacher_batch:
        teacher = f"is asked at {known.teacher_url or known.teacher_batch}"
    elif port_in_use(known.teacher_port):
        teacher = f"runs on port {known.teacher_port}, and ends with the build that started it"
    else:
        teacher = "does not run; a build that needs it starts it, and ends it"
    building = {name: pid for name in specs.names(known.prompts) if (pid := builder(name, known))}
    waits = [one.told for one in waiting.everything(known.home)]
    return [
        f"the teacher {teacher}",
        *(f"{name} is being built (pid {pid})" for name, pid in building.items()),
        *([] if building else ["no build is under way"]),
        *(waits or ["no build waits for people"]),
    ]


if __name__ == "__main__":
    sys.exit(main())
