"""Chains behind a service: their steps are asked of what is served, and share its queues, fallbacks and log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.chain import Chain, Chained, outcome_of, reaching
from zoo.chain_file import Declared, StepDeclared
from zoo.errors import BadInput, ZooError
from zoo.given import Given
from zoo.loader import is_folder
from zoo.manifest import Manifest
from zoo.names import Reference, Version
from zoo.recorded import Recorded
from zoo.serve.problem import Problem
from zoo.serve.resident import Name, Resident
from zoo.serve.served import Served
from zoo.serve.shelf import Shelf, called
from zoo.step import Outcome, Step

Ask = Callable[[Resident, Sequence[str]], Awaitable[list[Recorded[Any]]]]
log = logging.getLogger("zoo.serve")


class _Place:
    """Who is served under a name, whichever version that is by now."""

    def __init__(self, shelf: Shelf, asked: str | Path) -> None:
        self._shelf, self._asked = shelf, asked

    @property
    def resident(self) -> Resident:
        found = self._shelf.find(self._asked)
        if found is None:
            raise BadInput(f"{self._asked} is not served.")
        return found

    @property
    def manifest(self) -> Manifest:
        return self.resident.specialist.manifest

    def predict(self, text: Any) -> Any:
        return self.resident.specialist.predict(text)


class Chains:
    """The chains of a service, by name.

    Args:
        declared: as files have them.
        shelf: what is served.

    Raises:
        BadInput: two of one name.
    """

    def __init__(self, declared: Sequence[Declared], shelf: Shelf) -> None:
        names = [one.name for one in declared]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(f"Two chains are called {', '.join(twice)}.")
        self.declared: Mapping[str, Declared] = {one.name: one for one in sorted(declared, key=lambda one: one.name)}
        self._shelf = shelf
        self._opened: dict[str, Chain] = {}

    def open(self) -> None:
        """Once the specialists are loaded; raises BadInput where a chain does not fit them."""
        for resident in self._shelf.all():
            self.check(resident.specialist)
        for name, declared in self.declared.items():
            self._opened[name] = declared.open(lambda asked: _Place(self._shelf, asked))

    def check(self, specialist: Served) -> None:
        """Whether all chains would still do with this one under its name; raises BadInput."""
        for declared in self.declared.values():
            for step in declared.steps:
                if not is_folder(step.asked):
                    _wanted(declared, step, specialist)
            declared.open(lambda asked: specialist if _is(asked, specialist) else _Place(self._shelf, asked))

    def steps(self, name: str) -> list[tuple[StepDeclared, Resident]]:
        """A chain's steps, and who is asked by now."""
        return [(step, _Place(self._shelf, step.asked).resident) for step in self.declared[name].steps]

    async def predict(self, name: str, texts: Sequence[str], ask: Ask) -> list[Chained]:
        """What becomes of every step, for each text.

        Args:
            name: of a chain that is there.
            texts: that can be asked about.
            ask: how a specialist is asked.

        Raises:
            Problem: there is no room.
        """
        chain, found = self._opened[name], dict[str, list[Outcome[Any]]]()
        for steps in chain.rounds:
            said = await asyncio.gather(*(_outcomes(step, texts, found, ask) for step in steps))
            found |= zip((step.name for step in steps), said, strict=True)
        return [Chained(one, {name: found[name][place] for name in chain.steps}) for place, one in enumerate(texts)]


def with_chains(names: Sequence[Name], declared: Sequence[Declared]) -> list[Name]:
    """What is to be served, and what else the chains ask."""
    all_of, known = [*names], {str(called(name)) for name in names}
    for step in (step for one in declared for step in one.steps):
        if str(called(step.asked)) not in known:
            known.add(str(called(step.asked)))
            all_of.append(step.asked)
    return all_of


async def _outcomes(
    step: Step[Any], texts: Sequence[str], found: Mapping[str, Sequence[Outcome[Any]]], ask: Ask
) -> list[Outcome[Any]]:
    place: Any = step.asked
    resident: Resident = place.resident

    async def one(fed: str) -> Outcome[Any]:
        begun = asyncio.get_running_loop().time()
        try:  # each text for itself, so that none fails for another's sake; the queue puts them together again
            (recorded,) = await ask(resident, [fed])
        except BadInput as error:
            return outcome_of(error)
        except Problem:  # no room, for this text or for any: worth asking again
            raise
        except Exception as error:  # whatever it is, it must not lose what the other steps say
            log.error("step %s: %s", step.name, error, exc_info=None if isinstance(error, ZooError) else error)
            return Outcome("failed", why="the service can't answer")
        return outcome_of(Given(recorded, recorded.model, asyncio.get_running_loop().time() - begun))

    reached = reaching(step, texts, found)
    answers = iter(await asyncio.gather(*(one(fed) for fed, _ in reached if fed is not None)))
    return [known or next(answers) for _, known in reached]


def _is(asked: str | Path, specialist: Served) -> bool:
    return not is_folder(asked) and Reference.parse(str(asked)).name == specialist.name


def _wanted(declared: Declared, step: StepDeclared, specialist: Served) -> None:
    reference = Reference.parse(str(step.asked))
    if reference.name == specialist.name and reference.newest([Version.parse(specialist.version)]) is None:
        what = f"The chain {declared.name} asks {step.asked}, and {specialist.manifest.id} is served."
        raise BadInput(what, where=declared.where, fix="Serve what it asks for, or name that in the file.")
