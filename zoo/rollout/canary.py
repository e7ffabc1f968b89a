"""A candidate that answers some texts, and is taken back by itself where that goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from zoo.audit import AuditLog
from zoo.errors import BadInput, ZooError
from zoo.given import Given, given
from zoo.rollout import sequential
from zoo.rollout.differences import counts
from zoo.rollout.pair import Pair, Versioned
from zoo.rollout.routing import falls, keys_of

A = TypeVar("A")
State = Literal["running", "promoted", "rolled back"]


@dataclass(frozen=True)
class Health:
    """How a candidate does, on the texts that it was asked about.

    Attributes:
        asked: how many these are.
        errors: of them, those it could not answer.
        disagreements: those it answered otherwise than the current version.
        beyond: evidence that `errors` and `disagreement` are beyond their bounds (see zoo.rollout.sequential): from
            `enough` on the candidate is rolled back.
        within: evidence that they are within; from `enough` on that may be said, at the same level.
        enough: how much evidence is enough.
    """

    asked: int
    errors: int
    disagreements: int
    beyond: dict[str, float]
    within: dict[str, float]
    enough: float


class Canary(Pair[A]):
    """Answers a share of the texts by the candidate, all others by the current version, until one of them has them all.

    The current version is asked about every text, the candidate's too: so a candidate that fails costs no text its
    answer, its texts are compared one by one, and its share takes both times. It is rolled back by itself, and asked no
    more, once its errors or its disagreements with the current version are shown to be beyond their bounds. That is
    looked at after every call, by a test that is meant to be (zoo.rollout.sequential): a candidate that keeps to both
    bounds is ever rolled back with a chance of at most `alpha`. Safe to use from several threads at once.

    Counts and state are this object's, and another process has its own. With a log, what became of the candidate
    outlives them: one that was promoted or rolled back is so when the canary is made again.

    Args:
        current, candidate, same, sample, log: see zoo.rollout.pair.Pair; both must have the same labels. With a log the
            beginning, promotion and roll-back are recorded, with the counts, and some differences, as by zoo.Shadow.
        share: of the texts, 0 to 1. Which ones a hash of the text says, or of the `key` given to `predict`.
        errors: the share of its texts that a candidate may fail to answer, between 0 and 1.
        disagreement: the share of its texts that it may answer otherwise than the current version, between 0 and 1.
        timeout: seconds that the candidate has for the texts of a call, after which they count as errors and the
            current version's answers stand; what it was at goes on in a thread. None: it is waited for.
        alpha: the chance that is borne of rolling a good candidate back, between 0 and 1.
        again: begin anew, whatever the log says.

    Raises:
        BadInput: they are no specialists, not of one kind, with other labels; or a number that can't be.
        Unrecorded, BrokenLog: the beginning could not be recorded, or the log not be read.
    """

    def __init__(
        self,
        current: Versioned[A],
        candidate: Versioned[A],
        *,
        share: float,
        errors: float = 0.01,
        disagreement: float = 0.1,
        timeout: float | None = None,
        alpha: float = 0.05,
        again: bool = False,
        log: AuditLog | None = None,
        sample: int = 20,
        same: Callable[[A, A], bool] | None = None,
    ) -> None:
        super().__init__(current, candidate, same=same, sample=sample, log=log)
        if strange := ", ".join(sorted(set(current.manifest.labels) ^ set(candidate.manifest.labels))):
            what = f"{candidate.manifest.id} has other labels than {current.manifest.id}: {strange}."
            raise BadInput(what, fix="Whoever uses the answers must know its labels first; zoo.Shadow compares them.")
        if not 0 <= share <= 1:
            raise BadInput(f"share must be from 0 to 1, not {share!r}.")
        self.share, self.bounds = share, {"errors": errors, "disagreement": disagreement}
        for what, value in {**self.bounds, "alpha": alpha}.items():
            if not 0 < value < 1:
                raise BadInput(f"{what} must be between 0 and 1, not {value!r}.")
        if timeout is not None and not 0 < timeout < float("inf"):
            raise BadInput(f"timeout must be seconds above 0, not {timeout!r}.")
        self._timeout = timeout
        self._enough = 2 / alpha  # the two tests share alpha
        self._state: State = "running" if again else self._recorded()
        self._lock = threading.Lock()
        if self._state == "running":
            self._tell("begun", share=share, alpha=alpha, **self.bounds)
        else:
            self._say(f"{candidate.manifest.id} is {self._state}, as the audit log has it; again=True begins anew.")

    def __repr__(self) -> str:
        share, current, candidate = f"{100 * self.share:g} %", self.current.manifest.id, self.candidate.manifest.id
        return f"<zoo.Canary {candidate} for {share} of {current}, {self._state}>"

    @property
    def state(self) -> State:
        """`running`; `promoted`: the candidate answers all; `rolled back`: the current version does."""
        return self._state

    @property
    def answering(self) -> Versioned[A]:
        """The candidate, once it is promoted."""
        return self.candidate if self._state == "promoted" else self.current

    @property
    def health(self) -> Health:
        """How the candidate does."""
        found = self._differences.tally
        rates = {  # of what is bounded: how often it was, of how many texts, and the bound
            "errors": (found.failed, found.compared + found.failed, self.bounds["errors"]),
            "disagreement": (found.different, found.compared, self.bounds["disagreement"]),
        }
        return Health(
            asked=found.compared + found.failed,
            errors=found.failed,
            disagreements=found.different,
            beyond={what: sequential.beyond(*rate) for what, rate in rates.items()},
            within={what: sequential.within(*rate) for what, rate in rates.items()},
            enough=self._enough,
        )

    def given(self, texts: Sequence[str], *, key: str | Sequence[str] | None = None, **how: Any) -> list[Given[A]]:
        """See Pair.

        Args:
            key: what tells which version answers, in place of the text: a customer, or a conversation, so that one
                version answers all their texts. One for all texts, or one for each.
        """
        keys, state = keys_of(texts, key), self._state
        if state == "promoted":
            return given(self.candidate, self.candidate.manifest.id, texts, **how)
        answers: list[Given[A]] = given(self.current, self.current.manifest.id, texts, **how)
        salt = self.candidate.manifest.id
        chosen = [place for place, one in enumerate(keys) if falls(one, self.share, salt)] if state == "running" else []
        if not chosen:
            return answers
        asked = [texts[place] for place in chosen]
        begun = time.perf_counter()
        found = self._in_time(asked, how)
        seconds = (time.perf_counter() - begun) / len(asked)
        good = self._differences.add(asked, [answers[place].answer for place in chosen], found)
        self._look()
        if self._state != "rolled back":
            for place, one, fine in zip(chosen, found, good, strict=True):
                if fine and not isinstance(one, Exception):
                    answers[place] = Given(one, salt, seconds)
        return answers

    def promote(self, *, who: str) -> None:
        """Let the candidate answer everything from now on; the current version is asked no more.

        Raises:
            BadInput: nobody says so, or it is not running.
            Unrecorded, BrokenLog: that could not be recorded; then it is not promoted.
        """
        with self._deciding(who, "running"):
            self._tell("promoted", who=who, **counts(self.compared))
            self._state = "promoted"

    def roll_back(self, *, who: str, why: str = "") -> None:
        """Ask the candidate no more, promoted or not.

        Raises:
            BadInput: nobody says so, or it is rolled back.
            Unrecorded, BrokenLog: that could not be recorded; rolled back it is.
        """
        with self._deciding(who, "running", "promoted"):
            self._state = "rolled back"
        self._tell("rolled back", who=who, **({"why": why} if why else {}), **counts(self.compared))

    def _in_time(self, texts: Sequence[str], how: Mapping[str, Any]) -> list[A | Exception]:
        """The candidate's answers, or exceptions, by the time that it has."""
        if self._timeout is None:
            return self._tried(texts, how)
        found: list[list[A | Exception]] = []
        thread = threading.Thread(target=lambda: found.append(self._tried(texts, how)), name="zoo-canary", daemon=True)
        try:
            thread.start()
            thread.join(self._timeout)
        except RuntimeError as error:  # the system has no more threads
            return [error for _ in texts]
        return found[0] if found else [TimeoutError(f"no answer in {self._timeout:g} s") for _ in texts]

    @contextmanager
    def _deciding(self, who: str, *before: State) -> Iterator[None]:
        """Decide alone, and only from these states."""
        if not isinstance(who, str) or not who.strip():
            raise BadInput("Nobody says who decides.", fix="Give who='...': a name, or a pseudonym.")
        with self._lock:
            if self._state not in before:
                raise BadInput(f"The candidate is {self._state} already.", fix="Begin another canary for another try.")
            yield

    def _look(self) -> None:
        """Roll back where the evidence is enough; that is not put off for a log that can't take it."""
        health = self.health
        beyond = {what: much for what, much in health.beyond.items() if much >= health.enough}
        if not beyond:
            return
        with self._lock:
            if self._state != "running":
                return
            self._state = "rolled back"
        why = "; ".join(
            f"{what} is beyond {self.bounds[what]:g} (evidence {much:.3g} of {health.enough:g})"
            for what, much in beyond.items()
        )
        told = f"{self.candidate.manifest.id} is rolled back after {health.asked} texts: {why}."
        try:
            self._tell("rolled back", who="zoo.Canary", why=why, **counts(self.compared))
        except ZooError as error:
            told += f" That could not be recorded: {error.what}"
        self._say(told)

    def _recorded(self) -> State:
        """What the log says last of this candidate."""
        if self.log is not None:
            for one in self.log.rollouts(self.current.manifest.id, self.candidate.manifest.id):
                if one["what"] == "begun":
                    break
                if one["what"] in ("promoted", "rolled back"):
                    state: State = one["what"]
                    return state
        return "running"

    def _say(self, what: str) -> None:
        import logging  # here: importing the zoo is cheap

        logging.getLogger("zoo.rollout").error(what)

    def _tell(self, what: str, **more: Any) -> None:
        if self.log is not None:
            self.log.rollout(what, self.current.manifest.id, self.candidate.manifest.id, **more)
