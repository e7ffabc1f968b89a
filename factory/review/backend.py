"""The interface between the factory and the places where people answer; no place's own types pass it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from factory.record import NO_RECORD, Record, plain, read, settle, written
from factory.record import problem as record_problem
from factory.span import Spans, mark, problem
from factory.spec import Spec
from factory.wording import settle as settle_words

AUDIT = "audit"
SPOT_CHECK = "spot check"
DISPUTED = "disputed"
"""Why a row is shown that several people answered without a decision that can be believed: somebody is to settle it."""
UNAIDED = (AUDIT, SPOT_CHECK)
"""Why rows are shown that were drawn at random, of those that the checks kept and of those that they dropped."""
RATINGS = (1, 2, 3, 4, 5)
"""How good a machine's answer is: 1 useless, 5 perfect."""
PROBLEMS = {
    "policy": "The policy does not decide it",
    "several": "More than one answer is right",
    "unusable": "It is not a real text of this kind",
}

UNCLEAR = ("policy", "several")
"""Of these, those that say that the policy leaves open what the label is."""


class Worth(NamedTuple):
    """How often somebody is right, 0 to 1, and among how many decisions people choose."""

    right: float
    options: int


@dataclass(frozen=True)
class Item:
    """A row as it is shown to a person.

    Attributes:
        row_id: the row's id; a row is shown once, however often it is pushed.
        text: what there is to judge.
        suggestion: the machine's label, or the text with the machine's spans as tags (factory.span), its record as
            JSON text, or its answer, to be confirmed or corrected; None: the person judges unaided.
        confidence: the probability the machines give their label, 0 to 1.
        reason: why a person is asked: `audit`, `spot check`, `uncertain`, `coverage` or `disputed`.
        candidates: the labels the machines hesitate between, likeliest first, for their definitions to be shown.
        metadata: more to filter by: name to value.
        people: how many are to judge it, each without the others.
        said: what was said of a disputed row, or of one shown again, as `Answer.decision` writes it.
        again: the policy (factory.review.policy.identity) for whose sake an answered row is shown again; empty: it is
            shown for the first time.
    """

    row_id: str
    text: str
    suggestion: str | None
    confidence: float
    reason: str
    candidates: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    people: int = 1
    said: tuple[str, ...] = ()
    again: str = ""


@dataclass(frozen=True)
class Answer:
    """What one person said of one row.

    Attributes:
        row_id: the row's id.
        label: the label given; None: the person could or would give none.
        reviewer: the person's pseudonym.
        text: the row's text; empty where the backend does not know it.
        reason: why the row was shown, as in Item.
        problem: for a missing label, a key of PROBLEMS or empty.
        comment: in the person's own words.
        submitted_at: ISO 8601, UTC; empty where unknown. Of one person's answers to one row the latest counts.
        worth: what this person's answers are worth (factory.review.reviewers); None: not known.
        policy: the policy that it was given under (factory.review.policy.identity); empty: not known.
    """

    row_id: str
    label: str | None
    reviewer: str
    text: str = ""
    reason: str = ""
    problem: str = ""
    comment: str = ""
    submitted_at: str = ""
    worth: Worth | None = None
    policy: str = ""

    @property
    def decision(self) -> str | None:
        """What was decided, as `Row.decision` writes it."""
        return self.label

    @property
    def decided(self) -> dict[str, Any]:
        """What was decided, as a row's fields; only where something was."""
        return {"label": self.label}

    def unusable(self, spec: Spec) -> str:
        """Why it can't be used; empty if it can."""
        if self.label is not None and self.label not in spec.labels:
            return f"the label {self.label!r} is not one of the spec's"
        return ""


@dataclass(frozen=True)
class SpansAnswer(Answer):
    """What one person said of one row where the decision is a set of spans; `label` is None.

    Attributes:
        spans: the spans; None: the person could or would not mark the text.
    """

    spans: Spans | None = None

    @property
    def decision(self) -> str | None:
        """See Answer.decision."""
        return None if self.spans is None else mark(self.text, self.spans)

    @property
    def decided(self) -> dict[str, Any]:
        """See Answer.decided."""
        return {"spans": self.spans}

    def unusable(self, spec: Spec) -> str:
        """See Answer.unusable."""
        return "" if self.spans is None else problem(self.text, self.spans, spec.labels)


@dataclass(frozen=True)
class RecordAnswer(Answer):
    """What one person said of one row where the decision is a record; `label` is None.

    Attributes:
        record: the record in its one form (factory.record.settle); None: the person could or would not read the text.
    """

    record: Record | None = None

    @property
    def decision(self) -> str | None:
        """See Answer.decision."""
        return None if self.record is None else written(self.record)

    @property
    def decided(self) -> dict[str, Any]:
        """See Answer.decided."""
        return {"record": self.record}

    def unusable(self, spec: Spec) -> str:
        """See Answer.unusable."""
        return "" if self.record is None else record_problem(spec.fields, self.text, self.record)


@dataclass(frozen=True)
class WordedAnswer(Answer):
    """What one person said of one row where the decision is an answer in words; `label` is None.

    Attributes:
        answer: in its one form (factory.wording.settle); None: the person could or would not answer the text.
        rating: how good the machine's answer was, one of RATINGS; None where the person did not say.
    """

    answer: str | None = None
    rating: int | None = None

    @property
    def decision(self) -> str | None:
        """See Answer.decision."""
        return self.answer

    @property
    def decided(self) -> dict[str, Any]:
        """See Answer.decided."""
        return {"answer": self.answer}

    def unusable(self, spec: Spec) -> str:
        """See Answer.unusable."""
        if self.answer is not None and (not self.answer or self.answer != settle_words(self.answer)):
            return "answer: blank, or nothing that can be written down"
        if self.rating is not None and self.rating not in RATINGS:
            return f"rating: {self.rating} is none of {RATINGS[0]} to {RATINGS[-1]}"
        return ""


@dataclass(frozen=True)
class Pushed:
    """What a push did: where people find the rows, how many of them are new there, and how many there are in all."""

    where: str
    new: int
    total: int


@dataclass(frozen=True)
class Pulled:
    """What people said.

    Attributes:
        answers: all of it that can be used.
        problems: what can't be used: one sentence each, with its place.
        missing: how many rows were waited for until the deadline and are not answered.
    """

    answers: list[Answer]
    problems: list[str] = field(default_factory=list)
    missing: int = 0


class Backend(Protocol):
    """A place where people answer."""

    def push(self, spec: Spec, items: Sequence[Item]) -> Pushed:
        """Show rows to people, with policy.md as their guidelines.

        Rows that are there already are left alone, with their answers: pushing twice changes nothing; but one that is
        there for one person and is now for several is shown to these. Rows remember the policy they are shown under,
        and so do their answers; what nobody has answered yet is shown under the present one.

        Raises:
            ReviewError: the place can't be reached, or holds something else under this name.
        """
        ...

    def pull(self, spec: Spec) -> Pulled:
        """Everything people have said so far; nothing where nothing was ever pushed.

        Raises:
            ReviewError: the place can't be reached.
        """
        ...


def checked(spec: Spec, answer: Answer, where: str) -> str:
    """Why an answer can't be used, with its place; empty if it can."""
    reason = answer.unusable(spec)
    return f"{where}: {reason}" if reason else ""


def record_of(spec: Spec, text: str, said: Any) -> tuple[Record | None, str]:
    """A record as a person wrote it, as JSON text or as its value; or None and why it can't be used."""
    if isinstance(said, str):
        found, reason = read(said)
    else:
        found, reason = plain(said), NO_RECORD
    if found is None:
        return None, f"record: {reason}"
    settled, reason = settle(spec.fields, text, found)
    return (None, f"record: {reason}") if reason else (settled, "")
