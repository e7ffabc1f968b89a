"""A small specialist that answers where it is sure, and passes on what it is not sure of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from zoo.breaker import Breaker, State
from zoo.budget import Budget, Spent
from zoo.classifier import Answer, Classifier
from zoo.endpoint import Endpoint
from zoo.errors import BadInput
from zoo.escalation import Local, Outcome, Reason, Remote, Tier, of_endpoint, of_function
from zoo.given import Given, Giving, given
from zoo.manifest import CLASSIFICATION, Manifest
from zoo.named import Named
from zoo.question import Question
from zoo.shots import Labelled, Shots

if TYPE_CHECKING:
    from zoo.rollout.pair import Pair

Unpromised = Literal["escalate", "answer"] | float
"""What to do with a specialist that promises nothing; a number: the confidence from which on it answers."""
_LEAST = {"escalate": math.inf, "answer": 0.0}


@dataclass(frozen=True)
class Decision:
    """What a cascade says about a text.

    Attributes:
        label: the answer; where `unsure`, the best guess there is, and nobody stands for it.
        confidence: its calibrated probability by the specialist that gave it; None: an endpoint or a function did.
        unsure: nobody was sure, or who would have been asked could not be: ask a person.
        reason: why. Of answers:
            `answered`: the specialist was sure;
            `unsure_escalated`: it was not, and the next tier answered.
            Of guesses, where it was not sure and
            `fallback_unsure`: the next tier was not either;
            `fallback_invalid`: its reply was no label, or could not be read;
            `fallback_refused`: it would not take this text;
            `fallback_down`: it did not answer in time, or with an error;
            `circuit_open`: it has failed so often that it is left alone for a while;
            `budget_spent`: no more may be asked of it;
            `fallback_busy`: too many texts waited for it (of `zoo serve` alone).
        tier: who gave the label: `finance/sentiment@1.0.0`, an endpoint's model, a function's name.
        seconds: how long it took: the specialist's share of the batch, and of what was passed on the tier's answer.
        detail: what went wrong, for people and logs; empty where nothing did. It may hold words of an endpoint's reply.
        scores: what the specialist makes of every label, whoever answered; None unless asked for.
    """

    label: str
    confidence: float | None
    unsure: bool
    reason: Reason
    tier: str
    seconds: float
    detail: str = ""
    scores: Mapping[str, float] | None = field(default=None, hash=False)


class Cascade(Named):
    """Answers by a specialist where it is sure, else by the next tier. Safe to use from several threads at once.

    An endpoint is asked what the specialist's teacher was asked when it was measured, by the better of two prompts
    (`ask.json` of its folder), and its reply is an answer only if it is one of the labels. Where the next tier can't be
    asked, the answer is the specialist's guess, marked unsure, with the reason: a fallback that is down raises nothing
    and loses no text.

    Args:
        specialist: a classifier, or two versions of one in a zoo.Shadow or zoo.Canary: then these are compared on what
            they say themselves, and the next tier is asked where the one that answered is not sure.
        fallback: a zoo.Endpoint; a larger zoo.Classifier with the same labels; a zoo.Cascade, for more tiers; or a
            function from a text to a label (its errors are caught; how long it may take is its own affair).
        unpromised: what to do with a specialist for which no threshold could be shown (manifest.doubt promises
            nothing), so that nothing tells when it is sure: `escalate` all its texts, `answer` all of them, or a
            confidence from 0 to 1 from which on it answers: its card says how often it was wrong from there up on rows
            that people labelled, and nothing is promised.
        calls: how often an endpoint or function may be asked, in all; None: any number.
        cost: what that may cost, in the money of the endpoint's prices; None: any. A question is asked only if the most
            that it can cost is left.
        retries: how often a question is asked again that was not answered.
        wait: seconds before the first retry; twice as long before each further one.
        concurrency: questions on their way at once, from all threads together.
        breaker: when to leave a fallback alone; None: a zoo.Breaker of its own. Cascades of one endpoint may share one.
        budget: in place of `calls` and `cost`, a zoo.budget.Budget that cascades of one endpoint share.
        shots: rows that people labelled, (text, label) each, or a file of them (`.jsonl`, `.csv`, `.parquet`, with the
            columns `text` and `label`): before a question an endpoint is shown those that are most like its text, five
            at most (zoo.shots). It learns from them what no policy says; they go where the texts go.

    Raises:
        BadInput: not a classifier, other labels, a number or row that can't be, `unpromised` is needed and not given,
            or shots for a fallback that is no endpoint.
        NoQuestion: an endpoint is to be asked, and the specialist does not say what (published before it did).
        Tampered, BrokenSpecialist: it says so in a file that is not the one published, or can't be read.
    """

    def __init__(
        self,
        specialist: Classifier | Pair[Answer],
        fallback: Classifier | Cascade | Endpoint | Callable[[str], str],
        *,
        unpromised: Unpromised | None = None,
        calls: int | None = None,
        cost: float | None = None,
        retries: int = 1,
        wait: float = 0.5,
        concurrency: int = 8,
        breaker: Breaker | None = None,
        budget: Budget | None = None,
        shots: Labelled | str | Path | None = None,
    ) -> None:
        if not _begins(specialist):
            raise BadInput(f"A cascade begins with a classifier, not with {type(specialist).__name__}.")
        self.specialist, self._least = specialist, _least(unpromised)
        self._unpromised = {one.id for one in _manifests(specialist) if not one.doubt.promises}
        if self._unpromised and unpromised is None:
            raise BadInput(
                f"{', '.join(sorted(self._unpromised))} promises nothing: no threshold could be shown for it, so "
                "nothing tells when it is sure.",
                fix="Say unpromised='escalate' to pass all texts on, unpromised='answer' to pass none on, or the "
                "confidence from which on it answers; its card has a table of how often it is wrong from there.",
            )
        if budget is not None and (calls is not None or cost is not None):
            raise BadInput("A budget has its own limits: give either it, or calls and cost.")
        self._budget, self._breaker = budget or Budget(calls, cost), breaker or Breaker()
        if isinstance(fallback, Cascade):
            self._budget, self._breaker = fallback._budget, fallback._breaker  # what is asked at its end
        if isinstance(fallback, Classifier | Cascade) and (calls is not None or cost is not None):
            raise BadInput(
                "calls and cost limit what endpoints and functions are asked; this fallback is neither.",
                fix="Give them to the cascade that asks one.",
            )
        if shots is not None and not isinstance(fallback, Endpoint):
            raise BadInput("Only an endpoint is shown rows; this fallback is none.", fix="Leave shots out.")
        reader: Any = specialist
        self._shots = None if shots is None else Shots(shots, getattr(reader, "current", reader))
        self.tier: Tier = self._tier(fallback, retries=retries, wait=wait, concurrency=concurrency)
        """Whom it asks where the specialist is not sure."""

    @property
    def manifest(self) -> Manifest:
        """The specialist's, under whose name and version it answers."""
        return self.specialist.manifest

    @property
    def folder(self) -> Path:
        """The specialist's; its card is there."""
        return self.specialist.folder

    @property
    def batch_size(self) -> int | None:
        """Texts a run of the specialist's model takes at most."""
        return self.specialist.batch_size

    @property
    def spent(self) -> Spent:
        """What the endpoint or function has been asked so far."""
        return self._budget.spent

    @property
    def circuit(self) -> State:
        """Whether the endpoint or function is asked (`closed`), left alone (`open`) or tried (`half-open`)."""
        return self._breaker.state

    def __repr__(self) -> str:
        return f"<zoo.Cascade {self.specialist.manifest.id}, then {self.tier.name}>"

    @overload
    def predict(self, text: str, *, scores: bool = False) -> Decision: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...], *, scores: bool = False) -> list[Decision]: ...

    def predict(self, text: str | list[str] | tuple[str, ...], *, scores: bool = False) -> Decision | list[Decision]:
        """Decide on a text, or on each text of a list.

        Args:
            text: as the specialist takes it.
            scores: also give the specialist's probability of every label.

        Returns:
            a Decision for a text; a list of them, in the texts' order, for a list.

        Raises:
            BadInput: a text the specialist can't be asked about, with its place; before anybody else is asked.
        """
        if isinstance(text, str):
            return self.predict([text], scores=scores)[0]
        return [one.answer for one in self.given(text, scores=scores)]

    def given(self, texts: Sequence[str], *, scores: bool = False) -> list[Given[Decision]]:
        """As `predict` does about a list, and under which version of the specialist each was decided."""
        guesses = self.guess(texts, scores=scores)
        asked = [place for place, guess in enumerate(guesses) if self.doubts(guess)]
        found = dict(zip(asked, self.tier.answer([texts[place] for place in asked]), strict=True)) if asked else {}
        return [self.decide(guess, found.get(place)) for place, guess in enumerate(guesses)]

    def guess(self, texts: Sequence[str], *, scores: bool = False) -> list[Given[Answer]]:
        """What the specialist says: the first half of `given`, for who asks the tier in a way of its own."""
        return given(self.specialist, self.manifest.id, texts, scores=scores)

    def doubts(self, guess: Given[Answer]) -> bool:
        """Whether the tier is to be asked."""
        answer = guess.answer
        return answer.confidence < self._least if guess.model in self._unpromised else answer.unsure

    def decide(self, guess: Given[Answer], found: Outcome | None) -> Given[Decision]:
        """What follows from a guess, and from what became of its text at the tier; None: that was not asked."""
        answer, model, share = guess
        label, tier = answer.label, model
        confidence: float | None = answer.confidence
        if found is None:
            return Given(
                Decision(label, confidence, False, "answered", tier, share, scores=answer.scores), model, share
            )
        unsure, seconds = found.reason != "unsure_escalated", share + found.seconds
        if found.label is not None:
            label, confidence, tier = found.label, found.confidence, found.tier
        said = Decision(label, confidence, unsure, found.reason, tier, seconds, found.detail, answer.scores)
        return Given(said, model, seconds)

    def _tier(self, fallback: object, **how: Any) -> Tier:
        if isinstance(fallback, Classifier | Cascade):
            if strange := ", ".join(sorted(set(fallback.labels) ^ set(self.labels))):
                raise BadInput(f"The fallback has other labels than {self.specialist.manifest.id}: {strange}.")
            first = fallback.specialist if isinstance(fallback, Cascade) else fallback
            at_once = fallback.tier.concurrency if isinstance(fallback, Cascade) else how["concurrency"]
            return Local(fallback, first.manifest.id, at_once)
        if isinstance(fallback, Endpoint):
            question = Question.read(self.specialist.folder, self.specialist.manifest)
            name, (ask, most) = fallback.model, of_endpoint(fallback, self._asked(question))
        elif callable(fallback):
            name, (ask, most) = getattr(fallback, "__name__", "function"), of_function(fallback, self.labels)
        else:
            raise BadInput(f"A fallback is an endpoint, a classifier, a cascade or a function, not {fallback!r}.")
        return Remote(name, ask, most, budget=self._budget, breaker=self._breaker, **how)

    def _asked(self, question: Question) -> Callable[[str], Question]:
        """What an endpoint is asked about a text: after the rows that are shown with it, where there are any."""
        if (shots := self._shots) is None:
            return lambda text: question
        question.after(shots.rows[:1])  # whether it can be asked so is told now
        return lambda text: question.after(shots.near(text))


def _least(unpromised: object) -> float:
    """From which confidence on a specialist answers that promises nothing; of None nobody asks."""
    if unpromised is None:
        return math.inf
    if isinstance(unpromised, str) and unpromised in _LEAST:
        return _LEAST[unpromised]
    if isinstance(unpromised, int | float) and not isinstance(unpromised, bool) and 0 <= unpromised <= 1:
        return float(unpromised)
    raise BadInput(f"unpromised must be 'escalate', 'answer' or a number from 0 to 1, not {unpromised!r}.")


def _begins(specialist: Any) -> bool:
    """Whether a cascade can begin with it: a classifier, or a roll-out of two, which tells who gave each answer."""
    if isinstance(specialist, Classifier):
        return True
    of_labels = getattr(getattr(specialist, "manifest", None), "kind", None) == CLASSIFICATION
    return of_labels and isinstance(specialist, Giving) and not isinstance(specialist, Cascade)


def _manifests(specialist: Any) -> list[Manifest]:
    """Of the version that answers; of a roll-out's both."""
    both = [getattr(specialist, name, None) for name in ("current", "candidate")]
    return [one.manifest for one in both if one is not None] or [specialist.manifest]
