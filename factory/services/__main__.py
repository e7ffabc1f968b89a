"""`python -m factory.services SERVICE up|down|status`: the embedded servers by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Protocol

from factory import settings
from factory.errors import FactoryError
from factory.review import waiting
from factory.services.argilla.server import ArgillaServer
from factory.services.hub.server import HubServer
from factory.services.prefect import PrefectServer
from factory.services.process import State
from factory.services.watch import WatchServer
from zoo.hub import is_server


class Service(Protocol):
    """What this command asks of an embedded server."""

    def start(self) -> bool:
        """Start it or find it running; True if it was started."""
        ...

    def stop(self) -> bool:
        """Stop it; False if it was not running."""
        ...

    @property
    def state(self) -> State:
        """`up`, `starting` or `down`."""
        ...

    def describe(self) -> str:
        """Where it is, for a person."""
        ...


SERVICES: dict[str, Callable[[settings.Settings], Service]] = {
    "argilla": ArgillaServer,
    "prefect": PrefectServer,
    "hub": HubServer,
    "watch": WatchServer,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, or 1 for a refusal or, with `status`, for a server that is down."""
    parser = argparse.ArgumentParser(prog="python -m factory.services", description=__doc__)
    parser.add_argument("service", choices=[*SERVICES, "all"])
    parser.add_argument("action", choices=["up", "down", "status"])
    asked = parser.parse_args(arguments)
    known = settings.load()
    names = [asked.service]
    if asked.service == "all":  # a hub that is a server already needs none of ours
        names = [name for name in SERVICES if name != "hub" or not is_server(known.hub)]
    if asked.action == "down":
        names.reverse()  # the watch keeps the others up
    try:
        status = max(_act(name, SERVICES[name](known), asked.action) for name in names)
        if asked.action == "status":
            for one in waiting.everything(known.home):
                print(one.told)
        return status
    except FactoryError as error:
        print(error, file=sys.stderr)
        return 1


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


if __name__ == "__main__":
    sys.exit(main())
