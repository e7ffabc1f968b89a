"""What a build says to the person who started it; its meters (factory.progress) speak in between."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import zoo
from factory.errors import FactoryError, GateError
from factory.progress import clock
from factory.review.waiting import Waiting
from factory.settings import Settings
from factory.spec import Spec
from zoo.errors import ZooError

WAITS, REFUSED = 4, 3
"""Exit status of a build that waits for people, and of one whose gate refused."""


NOBODY = "Nobody goes on with it: put that right, and start the build again. What is finished is kept."
"""Of a build that nobody watched."""


def ended(work: Callable[[], int]) -> int:
    """Do a command's work; returns its exit status.

    What stops it is told, with what to do about it: 1 where a person can put it right, 3 where a gate refused, 130
    where it was interrupted.
    """
    try:
        return work()
    except (FactoryError, ZooError) as error:
        print(f"\n{error}", file=sys.stderr)
        return REFUSED if isinstance(error, GateError) else 1
    except KeyboardInterrupt:
        print("\nStopped. What is finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130


def header(spec: Spec, budget: str, settings: Settings, run_url: str) -> None:
    """What is being built, and where to watch it."""
    spends = spec.budget(budget)
    say(f"{spec.title} ({spec.name}): {len(spec.labels)} labels")
    say(
        f"  budget   {budget}: {spends.generate} rows to write, {spends.label} real texts, {spends.judge} texts to "
        f"judge, {spends.review} rows for people"
    )
    where = settings.teacher_url or settings.teacher_batch
    say(f"  teacher  {spec.teacher.model}" + (f" at {where}" if where else ""))
    if spec.judges:
        say(f"  judges   {', '.join(spec.judges)}")
    say(f"  files    {settings.home}")
    say(f"  watch    {run_url}")


def stage_begins(stage: str, stages: Sequence[str]) -> None:
    """A heading for the stage."""
    say(f"\n[{stages.index(stage) + 1}/{len(stages)}] {stage}")


def stage_ended(figures: Mapping[str, Any], seconds: float, reused: bool) -> None:
    """The stage's figures, and how long it took."""
    told = [f"{name}: {value}" for name, value in figures.items() if not isinstance(value, dict | list)]
    say(textwrap.fill(", ".join(told), 116, initial_indent="  ", subsequent_indent="  ", break_long_words=False))
    say("  there already" if reused else f"  done in {clock(seconds)}")


def failed_for_now(error: Exception) -> None:
    """An error that is worth another try; the try follows, or the error itself does."""
    say(textwrap.indent(f"A server did not do its part:\n{error}", "  ! "))


def waits(waiting: Waiting, goes_on: str) -> None:
    """What a build waits for, and what becomes of it."""
    say(f"\nThis build waits for people: {waiting.answered} of {len(waiting.rows)} rows are answered")
    say(f"  {'where':<16} {waiting.where}")
    say(f"  {'until':<16} {waiting.until or 'all are answered; the spec sets no deadline'}")
    say(f"  {'then':<16} {goes_on}")
    say(f"  {'how far':<16} make status, or the same command again")


def look(places: Mapping[str, str]) -> None:
    """Where to look."""
    say("\nWhere to look")
    for title, place in places.items():
        say(f"  {title:<16} {place}")


def answers(name: str, said: Sequence[tuple[str, Any]]) -> None:
    """What the published model answered to texts: an answer of its kind each, or a list of zoo.Span."""
    say(f"\nThe published model answers: zoo.load({name!r}).predict(text)")
    for text, answer in said:
        say(f"  {textwrap.shorten(text, 90, placeholder=' ...')!r}")
        for line in _told(answer):
            say(f"    {line}")


def _told(answer: Any) -> list[str]:
    if isinstance(answer, zoo.Written):
        return [f"{answer.text!r}  {answer.score:.0%}{_doubt(answer)}"]
    if isinstance(answer, zoo.Extracted):
        read = [f"{field}: {value!r}  {answer.scores[field]:.0%}" for field, value in answer.values.items()]
        return [*(read or ["nothing"]), f"all of it  {answer.score:.0%}{_doubt(answer)}"]
    if isinstance(answer, list):
        found = [f"{one.label} [{one.start}:{one.end}] {one.text!r}  {one.score:.0%}{_doubt(one)}" for one in answer]
        return found or ["nothing"]
    return [f"{answer.label}  {answer.confidence:.0%}{_doubt(answer)}"]


def _doubt(answer: Any) -> str:
    return "  (unsure: below its threshold)" if answer.unsure else ""


def say(line: str) -> None:
    """A line, at once."""
    print(line, flush=True)
