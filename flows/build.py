"""`python -m flows.build SPEC [--budget quick|full] [--force]`: build, measure, publish and ask a specialist.

Everything finished is kept: started again after an error, a kill or a change, the same command goes on from there.
Exit status: 0 published; 1 an error, said with what to do about it; 2 wrong usage; 3 publishing refused; 4 the build
waits for people, and goes on by itself when they have answered.
"""

from __future__ import annotations

import argparse
import sys
import time

from factory import settings as environment
from factory import spec as specs
from factory.alone import alone
from factory.errors import FactoryError
from factory.generate.seed import unlabelled
from factory.gold import gold_of
from factory.processes import end_with
from factory.progress import clock
from factory.publish.sound import said
from factory.review import waiting
from factory.services.watch import WatchServer
from factory.settings import Settings
from factory.spec import Spec
from flows import engine, terminal
from flows.notify import notify

ASKED = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.build", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("spec", help="the specialist, e.g. support/intent")
    parser.add_argument("--budget", choices=["quick", "full"], default="quick")
    parser.add_argument("--force", action="store_true", help="publish in spite of the gate; the card says so")
    parser.add_argument("--caller", type=int, help=argparse.SUPPRESS)  # a process that it is to end with
    asked = parser.parse_args(arguments)
    if asked.caller is not None:
        end_with(asked.caller)
    begun = time.monotonic()
    try:
        return terminal.ended(lambda: run(asked.spec, asked.budget, asked.force))
    finally:
        terminal.say(f"\nTotal time {clock(time.monotonic() - begun)}")


def run(name: str, budget: str, force: bool) -> int:
    """Build, and ask what was published; returns the exit status. Raises FactoryError, but not for what was asked."""
    settings = environment.load()
    spec = specs.load(name, settings.prompts)
    with alone(spec.name, settings):
        ended = _build(spec, budget, force, settings)
    if not ended:
        _wait(spec, budget, settings)
        return terminal.WAITS
    try:
        with said():
            _ask(spec, settings)
    except FactoryError as error:  # it is published all the same
        terminal.say(f"\nThe published model was not asked:\n{error}")
    return 0


def _build(spec: Spec, budget: str, force: bool, settings: Settings) -> bool:
    """Whether it came to its end; else it waits for people."""
    server = engine.connect(settings)
    from prefect import tags

    from flows import waiting as suspending
    from flows.specialist import build

    engine.close_killed(spec.name)
    ended = True
    with tags(spec.name):
        if spec.review.required:
            ended = suspending.run(spec.name, budget, force)
        else:
            build(spec.name, budget, force)
    terminal.say(f"  {'all runs':<16} {server.url}")
    return ended


def _wait(spec: Spec, budget: str, settings: Settings) -> None:
    """Have the watch go on with the build, and say so."""
    watch = WatchServer(settings)
    watch.start()
    waits = waiting.read(settings.home, spec.name, budget)
    if waits is not None:
        terminal.waits(waits, f"the build goes on by itself; what it says is in {watch.log}")
        notify(f"{spec.name} waits for people", f"{len(waits.rows)} rows are at {waits.where}", settings)


def _ask(spec: Spec, settings: Settings) -> None:
    """Ask the published model about texts that nobody wrote for it."""
    import zoo

    texts = [passage.text for passage in unlabelled(spec, settings)[-ASKED:]]
    if not texts:
        texts = [row.text for row in gold_of(spec, settings.gold)[:ASKED]]
    answered = zoo.load(spec.name, hub=settings.hub).predict(texts)
    terminal.answers(spec.name, list(zip(texts, answered, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
