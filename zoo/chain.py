"""Several specialists, one after the other or side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar, overload

from zoo.attempt import attempt
from zoo.errors import BadInput
from zoo.given import given
from zoo.recorded import Recorded
from zoo.specialist import check_count, check_texts
from zoo.step import Outcome, Step

A = TypeVar("A")
Asked = tuple[str | None, Outcome[Any] | None]
"""The text a step is asked about, or what became of it already."""


@dataclass(frozen=True)
class Chained:
    """What a chain says about a text.

    Attributes:
        text: what was asked about.
        steps: what became of each step, by its name, in the order of the declaration.
    """

    text: str
    steps: Mapping[str, Outcome[Any]]

    def __getitem__(self, name: str) -> Outcome[Any]:
        return self.steps[name]

    def of(self, step: Step[A]) -> A | None:
        """The answer of a step, as typed as the step is; None: it has none."""
        answer: A | None = self.steps[step.name].answer
        return answer

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the steps that failed."""
        return tuple(name for name, outcome in self.steps.items() if outcome.state == "failed")


class Chain:
    """Asks steps in an order that follows from what each needs. Safe to use from several threads at once.

    Each step is asked once about all texts of a call that reach it. Where one fails, for a text or for all, its outcome
    says so, steps that need it are skipped, and all others are asked.

    Args:
        steps: in any order; see zoo.Step.
        concurrency: how many steps that do not need each other are asked at once, each in a thread; 1: none.

    Raises:
        BadInput: no step, two of one name, a step that is needed and not there, or that needs itself in the end; a
            label that the earlier step does not have.
    """

    def __init__(self, *steps: Step[Any], concurrency: int = 4) -> None:
        check_count("concurrency", concurrency)
        self.steps: Mapping[str, Step[Any]] = {step.name: step for step in steps}
        if not steps or len(self.steps) < len(steps):
            names = sorted(step.name for step in steps)
            twice = {name for name in names if names.count(name) > 1}
            raise BadInput(f"Two steps are called {', '.join(sorted(twice))}." if twice else "A chain needs a step.")
        for step in steps:
            step.check(self.steps)
        self._concurrency, self.rounds = concurrency, _rounds(steps)
        """Its steps in the order of asking; those of a round do not need each other."""

    def __repr__(self) -> str:
        return f"<zoo.Chain {', then '.join(' and '.join(step.name for step in some) for some in self.rounds)}>"

    @overload
    def predict(self, text: str) -> Chained: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...]) -> list[Chained]: ...

    def predict(self, text: str | list[str] | tuple[str, ...]) -> Chained | list[Chained]:
        """Ask about a text, or about each text of a list.

        Returns:
            what became of every step, for the text; a list of these, in the texts' order, for a list.

        Raises:
            BadInput: not a text, an empty one, or one that is not Unicode; names its place in the list.
        """
        if isinstance(text, str):
            return self.predict([text])[0]
        check_texts(text)
        found: dict[str, list[Outcome[Any]]] = {}
        for steps in self.rounds if text else ():
            found |= zip((step.name for step in steps), self._round(steps, text, found), strict=True)
        return [Chained(one, {name: found[name][place] for name in self.steps}) for place, one in enumerate(text)]

    def _round(
        self, steps: Sequence[Step[Any]], texts: Sequence[str], found: Mapping[str, list[Outcome[Any]]]
    ) -> list[list[Outcome[Any]]]:
        """What becomes of steps that do not need each other."""
        if len(steps) == 1 or self._concurrency == 1:
            return [_outcomes(step, texts, found) for step in steps]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(self._concurrency, len(steps)), "zoo-chain") as pool:
            return list(pool.map(lambda step: _outcomes(step, texts, found), steps))


def _rounds(steps: Sequence[Step[Any]]) -> list[list[Step[Any]]]:
    """The steps in rounds, each of which needs the ones before it; raises BadInput where there is no such order."""
    named = {step.name: step for step in steps}
    sorter = TopologicalSorter({step.name: step.needs for step in steps})
    try:
        sorter.prepare()
    except CycleError as error:
        raise BadInput(f"These steps need each other: {' -> '.join(error.args[1])}.") from error
    rounds = []
    while ready := sorter.get_ready():
        rounds.append([named[name] for name in named if name in ready])
        sorter.done(*ready)
    return rounds


def _outcomes(step: Step[Any], texts: Sequence[str], found: Mapping[str, Sequence[Outcome[Any]]]) -> list[Outcome[Any]]:
    """What becomes of a step, of every text."""
    asked = reaching(step, texts, found)
    fed = [text for text, _ in asked if text is not None]
    model = step.manifest.id if step.manifest else ""
    answers = iter(attempt(lambda some: given(step.asked, model, some), fed) if fed else [])
    return [known or outcome_of(next(answers)) for _, known in asked]


def reaching(step: Step[Any], texts: Sequence[str], found: Mapping[str, Sequence[Outcome[Any]]]) -> list[Asked]:
    """What a step is asked about each text, or what became of it already.

    Args:
        step: one whose needs are met.
        texts: what the chain was asked about.
        found: of the earlier steps, what became of them, by text.
    """
    return [_asked(step, text, {name: found[name][place] for name in step.needs}) for place, text in enumerate(texts)]


def _asked(step: Step[Any], text: str, before: Mapping[str, Outcome[Any]]) -> Asked:
    """What a step is asked of a text, or why it is not."""
    for name, outcome in before.items():
        if outcome.state != "answered":
            return None, Outcome("skipped", why=f"{name} has no answer")
    try:
        for name in step.when:
            if not step.opens(name, before[name].answer):
                return None, Outcome("skipped", why=f"{name} does not ask for it")
        if step.feed is None:
            return text, None
        fed = step.feed(text) if step.fed_by is None else step.feed(text, before[step.fed_by].answer)
        if fed is None:
            return None, Outcome("skipped", why="there is nothing to ask about")
        check_texts([fed])
    except Exception as error:  # noqa: BLE001  (of the caller's functions, which may raise anything)
        return None, _failed(error)
    return fed, None


def outcome_of(said: Any) -> Outcome[Any]:
    """What became of a step that was asked: of a zoo.given.Given, or of an exception in its place."""
    if isinstance(said, Exception):
        return _failed(said)
    if isinstance(said.answer, Recorded):
        recorded = said.answer
        return Outcome("answered", recorded.answer, model=recorded.model, seconds=said.seconds, id=recorded.id)
    return Outcome("answered", said.answer, model=said.model, seconds=said.seconds)


def _failed(error: Exception) -> Outcome[Any]:
    return Outcome("failed", why=f"{type(error).__name__}: {error}".replace("\n", " "))
