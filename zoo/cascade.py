"""A small specialist that answers where it is sure, and passes on what it is not sure of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar, Union, Unpack, overload

from zoo.breaker import Breaker, State
from zoo.budget import Budget, Spent
from zoo.classifier import Answer, Classifier
from zoo.decision import Content, Decision, LabelDecision, RecordDecision, SpansDecision, WordsDecision
from zoo.endpoint import Endpoint
from zoo.errors import BadInput
from zoo.escalation import Local, Outcome, Remote, Tier, of_endpoint, of_function
from zoo.extractor import Extracted, Extractor
from zoo.given import Given, Giving, given
from zoo.kinds import kind_of
from zoo.manifest import CLASSIFICATION, Manifest
from zoo.mark import Mark
from zoo.named import Named
from zoo.question import Question
from zoo.shots import Labelled, Shots
from zoo.specialist import Specialist
from zoo.tagger import Span, Tagger
from zoo.writer import Writer, Written

if TYPE_CHECKING:
    from zoo.rollout.pair import Pair

A = TypeVar("A")
D = TypeVar("D", bound=Decision)
Asked = Union[Specialist, "Cascade[Any]", Endpoint, Callable[[str], A]]
"""Whom a cascade passes texts on to."""
Unpromised = Literal["escalate", "answer"] | float
"""What to do with a specialist that promises nothing; a number: the confidence from which on it answers."""
_LEAST = {"escalate": math.inf, "answer": 0.0}


class How(TypedDict, total=False):
    """What Cascade takes beside specialist and fallback; see there."""

    unpromised: Unpromised | None
    calls: int | None
    cost: float | None
    retries: int
    wait: float
    concurrency: int
    breaker: Breaker | None
    budget: Budget | None
    shots: Labelled | str | Path | None


class Cascade(Named, Generic[D]):
    """Answers by a specialist where it is sure, else by the next tier. Safe to use from several threads at once.

    An endpoint is asked what the specialist's teacher was asked when it was measured, by the better of two prompts
    (`ask.json` of its folder), and its reply is an answer only if it is one of the labels; words that stand in the
    text, of types that there are; or a record by the fields whose quotations stand in the text. Where the next tier
    can't be asked, the answer is the specialist's guess, marked unsure, with the reason: a fallback that is down raises
    nothing and loses no text.

    Args:
        specialist: what zoo.load gives, or two versions of one in a zoo.Shadow or zoo.Canary: then these are compared
            on what they say themselves, and the next tier is asked where the one that answered is not sure.
        fallback: a zoo.Endpoint; a larger specialist of the same kind with the same labels; a zoo.Cascade, for more
            tiers; or a function from a text to a label, to spans (zoo.Mark, or objects of label, start and end), to
            values by field, or to words (its errors are caught; how long it may take is its own affair).
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
        shots: rows that people labelled, (text, what is right) each, or a file of them (`.jsonl`, `.csv`, `.parquet`,
            with the column `text` and `label`, `entities`, `record` or `answer`): before a question an endpoint is
            shown those that are most like its text, five at most (zoo.shots). It learns from them what no policy says;
            they go where the texts go.

    Raises:
        BadInput: not a specialist, another kind or other labels, a number or row that can't be, `unpromised` is needed
            and not given, or shots for a fallback that is no endpoint.
        NoQuestion: an endpoint is to be asked, and the specialist does not say what (published before it did).
        Tampered, BrokenSpecialist: it says so in a file that is not the one published, or can't be read.
    """

    @overload
    def __init__(
        self: Cascade[LabelDecision], specialist: Classifier | Pair[Answer], fallback: Asked[str], **how: Unpack[How]
    ) -> None: ...

    @overload
    def __init__(
        self: Cascade[SpansDecision],
        specialist: Tagger | Pair[list[Span]],
        fallback: Asked[Iterable[Mark | Mapping[str, Any]]],
        **how: Unpack[How],
    ) -> None: ...

    @overload
    def __init__(
        self: Cascade[RecordDecision],
        specialist: Extractor | Pair[Extracted],
        fallback: Asked[Mapping[str, Any]],
        **how: Unpack[How],
    ) -> None: ...

    @overload
    def __init__(
        self: Cascade[WordsDecision], specialist: Writer | Pair[Written], fallback: Asked[str], **how: Unpack[How]
    ) -> None: ...

    def __init__(
        self,
        specialist: Any,
        fallback: Any,
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
            raise BadInput(f"A cascade begins with a specialist, not with {type(specialist).__name__}.")
        self.specialist, self._least = specialist, _least(unpromised)
        self._kind = kind_of(specialist.manifest, specialist.folder)
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
        if isinstance(fallback, Specialist | Cascade) and (calls is not None or cost is not None):
            raise BadInput(
                "calls and cost limit what endpoints and functions are asked; this fallback is neither.",
                fix="Give them to the cascade that asks one.",
            )
        if shots is not None and not isinstance(fallback, Endpoint):
            raise BadInput("Only an endpoint is shown rows; this fallback is none.", fix="Leave shots out.")
        self._shots = None if shots is None else Shots(shots, getattr(specialist, "current", specialist), self._kind)
        self.tier: Tier = self._tier(fallback, retries=retries, wait=wait, concurrency=concurrency)
        """Whom it asks where the specialist is not sure."""

    @property
    def manifest(self) -> Manifest:
        """The specialist's, under whose name and version it answers."""
        found: Manifest = self.specialist.manifest
        return found

    @property
    def folder(self) -> Path:
        """The specialist's; its card is there."""
        found: Path = self.specialist.folder
        return found

    @property
    def batch_size(self) -> int | None:
        """Texts a run of the specialist's model takes at most."""
        found: int | None = self.specialist.batch_size
        return found

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """What `shots` has for an endpoint: texts, and the reply that is right for each."""
        return () if self._shots is None else self._shots.rows

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
    def predict(self, text: str, *, scores: bool = False) -> D: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...], *, scores: bool = False) -> list[D]: ...

    def predict(self, text: str | list[str] | tuple[str, ...], *, scores: bool = False) -> D | list[D]:
        """Decide on a text, or on each text of a list.

        Args:
            text: as the specialist takes it.
            scores: of classifiers: also give the specialist's probability of every label.

        Returns:
            a decision for a text (zoo.LabelDecision, SpansDecision, RecordDecision or WordsDecision, by the
            specialist's kind); a list of them, in the texts' order, for a list.

        Raises:
            BadInput: a text the specialist can't be asked about, with its place; before anybody else is asked.
        """
        if isinstance(text, str):
            return self.predict([text], scores=scores)[0]
        return [one.answer for one in self.given(text, scores=scores)]

    def given(self, texts: Sequence[str], *, scores: bool = False) -> list[Given[D]]:
        """As `predict` does about a list, and under which version of the specialist each was decided."""
        guesses = self.guess(texts, scores=scores)
        asked = [place for place, guess in enumerate(guesses) if self.doubts(guess)]
        found = dict(zip(asked, self.tier.answer([texts[place] for place in asked]), strict=True)) if asked else {}
        return [self.decide(guess, found.get(place)) for place, guess in enumerate(guesses)]

    def guess(self, texts: Sequence[str], *, scores: bool = False) -> list[Given[Any]]:
        """What the specialist says: the first half of `given`, for who asks the tier in a way of its own."""
        how = {"scores": scores} if self._classifies else {}
        return given(self.specialist, self.manifest.id, texts, **how)

    def doubts(self, guess: Given[Any]) -> bool:
        """Whether the tier is to be asked."""
        return self._kind.doubted(guess.answer, self._least_of(guess))

    def decide(self, guess: Given[Any], found: Outcome | None) -> Given[D]:
        """What follows from a guess, and from what became of its text at the tier; None: that was not asked."""
        answer, model, seconds = guess
        content: Content = self._kind.held(answer)
        how: dict[str, Any] = {"unsure": False, "reason": "answered", "tier": model}
        if found is not None:
            seconds += found.seconds
            how |= {"unsure": found.reason != "unsure_escalated", "reason": found.reason, "detail": found.detail}
            if found.content is not None:
                content = self._kind.joined(answer, found.content, self._least_of(guess))
                how["tier"] = found.tier
        said: Any = self._kind.decision(**vars(content), **how, seconds=seconds)
        return Given(said, model, seconds)

    @property
    def _classifies(self) -> bool:
        return self.manifest.kind == CLASSIFICATION

    def _least_of(self, guess: Given[Any]) -> float | None:
        """The confidence from which on the specialist's answer stands; None: it says so itself."""
        return self._least if guess.model in self._unpromised else None

    def _tier(self, fallback: object, **how: Any) -> Tier:
        if isinstance(fallback, Specialist | Cascade):
            if fallback.manifest.kind != self.manifest.kind:
                raise BadInput(f"The fallback is of another kind than {self.manifest.id}: {fallback.manifest.kind}.")
            if strange := ", ".join(sorted(set(fallback.labels) ^ set(self.labels))):
                raise BadInput(f"The fallback has other labels than {self.manifest.id}: {strange}.")
            at_once = fallback.tier.concurrency if isinstance(fallback, Cascade) else how["concurrency"]
            return Local(fallback, self._kind, fallback.manifest.id, at_once)
        if isinstance(fallback, Endpoint):
            question = Question.read(self.folder, self.manifest)
            name, (ask, most) = fallback.model, of_endpoint(fallback, self._asked(question), self._kind)
        elif callable(fallback):
            name, (ask, most) = getattr(fallback, "__name__", "function"), of_function(fallback, self._kind)
        else:
            raise BadInput(f"A fallback is an endpoint, a specialist, a cascade or a function, not {fallback!r}.")
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
    """Whether a cascade can begin with it: a specialist, or a roll-out of two, which tells who gave each answer."""
    if isinstance(specialist, Specialist):
        return True
    named = isinstance(getattr(specialist, "manifest", None), Manifest)
    return named and isinstance(specialist, Giving) and not isinstance(specialist, Cascade)


def _manifests(specialist: Any) -> list[Manifest]:
    """Of the version that answers; of a roll-out's both."""
    both = [getattr(specialist, name, None) for name in ("current", "candidate")]
    return [one.manifest for one in both if one is not None] or [specialist.manifest]
