"""What the routes of one app share: who may do what, and how a question is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request

from zoo.audit import AuditLog
from zoo.chain import Chained
from zoo.decision import Decision
from zoo.errors import UnknownRecord
from zoo.recorded import Recorded
from zoo.serve.batcher import Full
from zoo.serve.chains import Chains
from zoo.serve.keys import KeyFile
from zoo.serve.limits import Limits
from zoo.serve.metrics import Metrics
from zoo.serve.models import Asked, ChainAsked, Correction
from zoo.serve.problem import Problem
from zoo.serve.rate import Rates
from zoo.serve.resident import Resident
from zoo.serve.shelf import Shelf
from zoo.specialist import check_texts

ANYONE = "anyone"
log = logging.getLogger("zoo.serve")


class NoRoom(Problem):
    """A specialist has no room for a request's texts, or no answer in time.

    Attributes:
        specialist: its name.
    """

    def __init__(self, resident: Resident, after: int) -> None:
        self.specialist = resident.specialist.name
        what = f"{resident.specialist.manifest.id} has more to do than it can."
        super().__init__(503, what, fix=f"Ask again in {after} s, or run more of this service.", after=after)


@dataclass
class Service:
    """One app's state.

    Attributes:
        keys: None: whoever reaches the service may use it.
        log: where decisions are recorded; None: nowhere.
        libraries: with which specialists answer in a browser (zoo.serve.libraries); None: they don't.
        failed: why the specialists could not be loaded at the start.
        on_failure: told then; it is logged where nobody else says so.
    """

    shelf: Shelf
    chains: Chains
    keys: KeyFile | None
    rates: Rates
    limits: Limits
    metrics: Metrics
    log: AuditLog | None = None
    libraries: Mapping[str, Path] | None = None
    failed: Exception | None = None
    on_failure: Callable[[Exception], Any] = lambda error: log.error("%s", error, exc_info=error)

    async def open(self) -> None:
        """Load the specialists; raises what Shelf.open and Chains.open raise."""
        await self.shelf.open()
        self.chains.open()
        self.shelf.fits = self.chains.check
        self.shelf.opened = True

    def admit(self, key: str, scope: str) -> None:
        """Let a request with this key ('' for none) do what needs the scope; raises Problem 401, 403 or 429."""
        client = ANYONE
        if self.keys is not None:
            found = self.keys.find(key)
            if found is None:
                what = "This API key is not known." if key else "An API key is needed."
                raise Problem(401, what, where="Authorization", fix="Send the header Authorization: Bearer KEY.")
            if scope not in found.scopes:
                fix = f"Ask whoever runs the service for a key with the scope {scope}."
                raise Problem(403, f"This API key may not do this: it lacks the scope {scope}.", fix=fix)
            client = found.id
        if wait := self.rates.wait(client):
            self.metrics.limited.inc()
            what = f"More than {self.limits.rate:g} requests a second, and {self.limits.burst} at once."
            raise Problem(429, what, fix=f"Ask again in {wait} s, and send several texts in one request.", after=wait)

    def resident(self, name: str) -> Resident:
        """The version that answers under this name; raises Problem 404, or 503 while it is loaded."""
        if found := self.shelf.get(name):
            return found
        if not self.shelf.opened:
            raise self.not_ready()
        there = ", ".join(resident.specialist.name for resident in self.shelf.all())
        raise Problem(404, f"No specialist {name!r} is served here.", fix=f"Served are: {there or 'none yet'}.")

    def chain(self, name: str) -> str:
        """The chain's name; raises Problem 404, or 503 while its specialists are loaded."""
        if not self.shelf.opened:
            raise self.not_ready()
        if name not in self.chains.declared:
            there = ", ".join(self.chains.declared) or "none"
            raise Problem(404, f"No chain {name!r} is served here.", fix=f"Served are: {there}.")
        return name

    async def follow(self, chain: str, asked: ChainAsked) -> list[Chained]:
        """What a chain says about a request's texts, in their order; raises Problem 422 and 503, as `answer`.

        All its steps together have the time of one request.
        """
        texts, until = self.texts(asked), self._until()
        with self._refused():
            return await self.chains.predict(chain, texts, lambda resident, fed: self._ask(resident, fed, until))

    def not_ready(self) -> Problem:
        """The answer as long as not all specialists are loaded."""
        if self.failed is not None:
            return Problem(503, "The specialists could not be loaded.", fix="Tell whoever runs it; its log says why.")
        return Problem(503, "The specialists are being loaded.", fix="Ask /readyz when they are.", after=1)

    async def correct(self, id: str, said: Correction) -> str:
        """Record what a person says is right of a decision; the id of that record.

        Raises:
            Problem: 404 there is no log, or no such decision.
            ZooError: it does not correct an answer of this kind, or can't be recorded.
        """
        if self.log is None:
            raise Problem(404, "This service records no decisions.", fix="Start it with --audit FOLDER.")
        right: Any = said.right
        if isinstance(right, list):
            right = [span.model_dump() for span in right]
        try:
            return await asyncio.to_thread(self.log.correct, id, right, who=said.who, note=said.note)
        except UnknownRecord as error:
            raise Problem(404, error.what, fix="Send an id that came with an answer.") from None

    async def answer(self, resident: Resident, asked: Asked) -> list[Recorded[Any]]:
        """The zoo's answers to a request's texts, in their order, and where they are recorded.

        Raises:
            Problem: 422 a text that can't be asked about, or too much of it; 503 no room.
            ZooError: the specialist failed.
        """
        texts, until = self.texts(asked), self._until()
        with self._refused():
            return await self._ask(resident, texts, until)

    def texts(self, asked: ChainAsked) -> list[str]:
        """A request's texts; raises Problem 422, or BadInput, where they can't be asked about."""
        texts = [asked.text] if isinstance(asked.text, str) else asked.text
        if len(texts) > self.limits.texts:
            what = f"A request may hold {self.limits.texts} texts; this one holds {len(texts)}."
            raise Problem(422, what, where="text", fix="Send them in several requests.")
        for place, text in enumerate(texts):
            if len(text) > self.limits.characters:
                what = f"A text may have {self.limits.characters} characters; this one has {len(text)}."
                raise Problem(422, what, where=f"text {place}", fix="Cut it into parts, and ask about each.")
        check_texts(texts)
        return texts

    def _until(self) -> float:
        """When a request that comes now has to be answered."""
        return asyncio.get_running_loop().time() + self.limits.seconds

    async def _ask(self, resident: Resident, texts: Sequence[str], until: float) -> list[Recorded[Any]]:
        """Answers about texts that were looked at; raises NoRoom."""
        try:
            answers = await resident.ask(texts, until)
        except Full as full:
            raise NoRoom(resident, full.after) from None
        self._passed(resident, texts, answers)
        return answers

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """Count a request that finds no room, once, whichever of its texts that was."""
        try:
            yield
        except NoRoom as error:
            self.metrics.shed.labels(error.specialist).inc()
            raise

    def _passed(self, resident: Resident, texts: Sequence[str], answers: Sequence[Recorded[Any]]) -> None:
        """Count answers, before the client has them."""
        name = resident.specialist.name
        self.metrics.texts.labels(name).inc(len(texts))
        self.metrics.unsure.labels(name).inc(sum(_unsure(one.answer) for one in answers))
        for one in answers:
            if isinstance(one.answer, Decision):
                self.metrics.decisions.labels(name, one.answer.reason).inc()


def service(request: Request) -> Service:
    """The app's, of a request."""
    found: Service = request.app.state.service
    return found


def _unsure(answer: Any) -> bool:
    return any(span.unsure for span in answer) if isinstance(answer, list) else bool(answer.unsure)
