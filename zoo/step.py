"""A step of a chain: who is asked, about what, and when; and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from zoo.errors import BadInput
from zoo.given import Predictor
from zoo.manifest import CLASSIFICATION, Manifest

A = TypeVar("A")
When = str | Collection[str] | Callable[[Any], bool]
"""Which answers of an earlier step let a step be asked: a label, several, or a function of the answer."""


@dataclass(frozen=True)
class Outcome(Generic[A]):
    """What became of a step, of one text.

    Attributes:
        state: `answered`; `skipped`: `when` did not hold, or there was nothing to ask about; `failed`.
        answer: as the step's specialist gives it; None unless answered.
        why: it was skipped or failed, for people and logs; empty where it was answered.
        model: who answered, `name@version`; empty where nothing tells.
        seconds: how long that took, of a batch the text's share.
        id: of the record, where the step's specialist is in zoo.audited.
    """

    state: Literal["answered", "skipped", "failed"]
    answer: A | None = None
    why: str = ""
    model: str = ""
    seconds: float = 0.0
    id: str | None = None


@dataclass(frozen=True)
class Step(Generic[A]):
    """Somebody who is asked, within a zoo.Chain.

    Attributes:
        name: what its outcome is called.
        asked: a specialist, a cascade, a roll-out, one of these in zoo.audited, or anything with a `predict` for lists.
        when: of earlier steps, by name, which answers let this one be asked: a label, several labels, or a function of
            the answer. All must hold; where an earlier step has no answer it does not. Empty: always.
        source: the earlier step whose answer it is fed; None: it is fed the text.
        feed: with a source, from the text and the source's answer to what is asked about; without one, from the text
            alone. What returns None skips the step: there is nothing to ask about. No function: the text itself.

    Raises:
        BadInput: what can't be.
    """

    name: str
    asked: Predictor
    when: Mapping[str, When] = field(default_factory=dict)
    source: str | Step[Any] | None = None
    feed: Callable[..., str | None] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise BadInput(f"A step's name can't be {self.name!r}.")
        if not callable(getattr(self.asked, "predict", None)):
            raise BadInput(f"{type(self.asked).__name__} can't be asked.", where=f"step {self.name}")
        if self.source is not None and self.feed is None:
            fix = "Give feed=lambda text, answer: ..., which makes a text of it."
            raise BadInput("Nothing says how the source's answer is asked about.", where=f"step {self.name}", fix=fix)
        if self.feed is not None and not callable(self.feed):
            raise BadInput("feed must be a function.", where=f"step {self.name}")

    @property
    def fed_by(self) -> str | None:
        """The name of the source."""
        return self.source.name if isinstance(self.source, Step) else self.source

    @property
    def needs(self) -> set[str]:
        """The names of the steps before it."""
        return {*self.when, *([self.fed_by] if self.fed_by is not None else [])}

    @property
    def manifest(self) -> Manifest | None:
        """Of who is asked, where it has one: what is in zoo.audited tells by what is in it."""
        found = getattr(self.asked, "manifest", None) or getattr(getattr(self.asked, "asked", None), "manifest", None)
        return found if isinstance(found, Manifest) else None

    def check(self, steps: Mapping[str, Step[Any]]) -> None:
        """See that the steps it names are there, and answer with the labels it waits for; raises BadInput."""
        where = f"step {self.name}"
        for name in sorted(self.needs):
            if name not in steps:
                raise BadInput(f"There is no step {name!r}.", where=where, fix=f"Steps are: {', '.join(steps)}.")
        for name, wanted in self.when.items():
            manifest = steps[name].manifest
            if callable(wanted) or manifest is None:
                continue
            if manifest.kind != CLASSIFICATION:
                fix = "Give a function of its answer: when={...: lambda answer: ...}."
                raise BadInput(f"{name} does not answer with a label.", where=where, fix=fix)
            if strange := ", ".join(sorted(_labels(wanted) - set(manifest.labels))):
                fix = f"Use some of: {', '.join(manifest.labels)}."
                raise BadInput(f"{name} has no label {strange}.", where=where, fix=fix)

    def opens(self, name: str, answer: Any) -> bool:
        """Whether this answer of an earlier step lets it be asked."""
        wanted = self.when[name]
        return bool(wanted(answer)) if callable(wanted) else answer.label in _labels(wanted)


def _labels(wanted: str | Collection[str]) -> set[str]:
    return {wanted} if isinstance(wanted, str) else set(wanted)
