"""`python -m flows.review`: the watch, which goes on with builds as soon as people have answered.

It runs until it is stopped (`make up` starts it, and so does a build that has to wait), and does three things. It looks
which suspended builds need wait no longer: after every knock at its door, at every deadline, and every few minutes,
because knocks can be lost. It has Argilla knock (a webhook) whenever somebody answers. And it serves the builds'
deployment in Prefect, so that resumed ones run here, one after the other. One that it had begun when it was stopped, or
killed, it begins anew when it is started again: what is finished is found.

A knock is a POST of anything to its address on loopback. It is a reason to look, and nothing in it is believed, so
that it matters little who knocks; looks are a second apart.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from factory import settings as environment
from factory import spec as specs
from factory.alone import builder
from factory.errors import FactoryError
from factory.review import waiting
from factory.review.argilla import ArgillaBackend
from factory.review.backend import Backend
from factory.review.edition import Editions
from factory.review.waiting import Waiting
from factory.services.argilla.server import ArgillaServer
from factory.services.prefect import PrefectServer
from factory.services.process import LOOPBACK
from factory.services.watch import WatchServer
from factory.settings import Settings
from factory.stages.answers import backend, take_in
from flows import engine
from flows.notify import notify
from flows.terminal import NOBODY, say

EVERY = 300.0  # seconds between two looks that nobody asked for
AGAIN = 30.0  # the same after one that failed
APART = 1.0  # seconds in which knocks are gathered into one look
POLL = 5.0  # seconds between two questions to Prefect for resumed builds


class Watch:
    """Looks, when there is a reason to.

    Args:
        settings: where things are.

    Attributes:
        knocked: set when somebody has knocked since the last look.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = WatchServer(settings).url
        self.knocked = threading.Event()
        self._hooked, self._begun = False, datetime.now(UTC)

    def look(self) -> float:
        """Resume the builds that need wait no longer; returns in how many seconds to look again.

        One whose specialist is being built, measured or pruned by another process would find that out and fail, so it
        is left until that has ended.
        """
        from flows.waiting import resume, suspended

        soonest = self._take_up()
        runs = suspended()
        place = backend(self._settings) if runs else None
        self.hook(place)
        for run in runs:
            try:
                waits = self._examine(place, **run.parameters) if place else None
            except FactoryError as error:  # of one build; others go on
                say(f"{run.name}: {error}")
                soonest = min(soonest, AGAIN)
                continue
            if waits is None or waits.verdict != "wait":
                if builder(run.parameters["spec"], self._settings):
                    soonest = min(soonest, AGAIN)
                    continue
                say(f"{run.name} goes on: {waits.missing if waits else 0} rows are missing")
                resume(run, waits)
            elif waits.until:
                left = datetime.fromisoformat(waits.until) - datetime.now(UTC)
                soonest = min(soonest, max(left.total_seconds(), 0.0))
        return soonest

    def _take_up(self) -> float:
        """Begin anew what a watch before this one had begun, and tell of what crashed; returns when to look again."""
        from flows.waiting import again, forget, lost, resumed

        soonest = EVERY
        for run in resumed():
            if lost(run, self._begun):
                if builder(run.parameters["spec"], self._settings):  # it outlived the watch, or another one is at work
                    soonest = min(soonest, AGAIN)
                    continue
                say(f"{run.name} goes on: the watch that was building it had ended")
                again(run)
            elif run.state and run.state.is_crashed():
                what = f"{run.state.message}\n{NOBODY}"
                notify(f"{run.parameters['spec']} could not be built", what, self._settings)
                forget(run)
        return soonest

    def watch(self) -> None:
        """Look again and again, whatever fails."""
        while True:
            try:
                pause = self.look()
            except Exception as error:  # noqa: BLE001  (Argilla or Prefect may be away in any way; they will be back)
                say(f"Could not look: {type(error).__name__}: {error}")
                pause = AGAIN
            self.knocked.wait(pause)
            time.sleep(APART)
            self.knocked.clear()

    @contextmanager
    def at_the_door(self) -> Iterator[None]:
        """Hear knocks for as long as the block lasts; then have nobody knock any longer."""
        knocked = self.knocked

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self.rfile.read(min(int(self.headers.get("content-length") or 0), 1 << 20))
                knocked.set()
                self._answer()

            def _answer(self) -> None:
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: an answer a line is no news."""

        with ThreadingHTTPServer((LOOPBACK, self._settings.watch_port), Door) as server:
            threading.Thread(target=server.serve_forever, name="door", daemon=True).start()
            try:
                yield
            finally:
                self.hook(None)
                server.shutdown()

    def hook(self, place: Backend | None) -> None:
        """Have the embedded Argilla knock while something waits; another server could not reach this address."""
        wanted = place is not None
        if not wanted and self._hooked and ArgillaServer(self._settings).state == "up":
            place = backend(self._settings)
        if isinstance(place, ArgillaBackend) and not self._settings.argilla_url:
            place.notify(self._url, wanted)
            self._hooked = wanted

    def _examine(self, place: Backend, spec: str, budget: str, force: bool) -> Waiting | None:
        """How far a build's review is; None where it waits for nobody any longer."""
        home, declared = self._settings.home, specs.load(spec, self._settings.prompts)
        known = waiting.read(home, spec, budget)
        if known is None or not declared.review.required:
            waiting.end(home, spec, budget)
            return None
        answers = take_in(declared, place, Editions.of(home, declared)).answers
        review = declared.review
        waits = waiting.look(known, answers, review.reviewers, review.patience, datetime.now(UTC))
        waiting.keep(home, waits)
        return waits


async def _serve() -> None:
    """Run what is resumed, until SIGTERM."""
    from prefect.runner import Runner

    from flows.specialist import build
    from flows.waiting import DEPLOYMENT

    runner = Runner(name=DEPLOYMENT, query_seconds=POLL, limit=1, pause_on_shutdown=False)
    await runner.aadd_flow(build, name=DEPLOYMENT)
    await runner.start()


def main() -> int:
    """Watch; returns the exit status."""
    try:
        settings = environment.load()
        engine.connect(settings)
        watch = Watch(settings)
        with watch.at_the_door():
            threading.Thread(target=watch.watch, name="watch", daemon=True).start()
            while True:
                try:
                    PrefectServer(settings).start()
                    asyncio.run(_serve())
                    return 0
                except Exception as error:  # noqa: BLE001  (a runner gives up when Prefect has been away for a while)
                    say(f"Could not serve: {type(error).__name__}: {error}")
                    time.sleep(POLL)
    except FactoryError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
