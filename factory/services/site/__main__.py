"""`python -m factory.services.site --port PORT`: serve `<home>/site`; make it at the start and at every SIGHUP."""

from __future__ import annotations

import argparse
import signal
import threading
import time

import uvicorn

from factory import settings
from factory.errors import FactoryError
from factory.services.process import LOOPBACK
from factory.services.site.app import application
from factory.settings import Settings
from factory.site.make import make


class Making:
    """Makes the site whenever there is news; news that come meanwhile make it once more.

    Args:
        where: hub, builds and home.
    """

    def __init__(self, where: Settings) -> None:
        self._where = where
        self.news = threading.Event()

    def forever(self) -> None:
        """Wait for news and make it, whatever fails: the site that is there stays."""
        while self.news.wait():
            self.news.clear()
            begun = time.monotonic()
            try:
                index, problems = make(self._where)
                print(f"{index} was made in {time.monotonic() - begun:.1f} s", *problems, sep="\n  ", flush=True)
            except FactoryError as error:
                print(f"The site could not be made: {error}", flush=True)


def main() -> None:
    """Run the server in the foreground."""
    parser = argparse.ArgumentParser(prog="python -m factory.services.site", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on loopback")
    port = parser.parse_args().port
    where = settings.load()
    making = Making(where)
    signal.signal(signal.SIGHUP, lambda *_: making.news.set())
    making.news.set()
    threading.Thread(target=making.forever, name="making", daemon=True).start()
    app = application(where.site, hosts=[LOOPBACK, "localhost"])
    config = uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
