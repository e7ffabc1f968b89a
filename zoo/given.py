"""Who gave an answer: where several versions stand behind one name, an answer alone does not tell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

A = TypeVar("A")


class Given(NamedTuple, Generic[A]):
    """An answer about a text.

    Attributes:
        answer: as `predict` gives it.
        model: who gave it, `name@version`; what a cascade decides goes by its specialist.
        seconds: how long that took, of a batch the text's share.
    """

    answer: A
    model: str
    seconds: float


class Predictor(Protocol):
    """What answers about a text, and about each text of a list in its order."""

    def predict(self, text: Any, /) -> Any:
        """An answer, or a list of them."""


@runtime_checkable
class Giving(Protocol):
    """What tells for each answer who gave it."""

    def given(self, texts: Sequence[str], **how: Any) -> list[Given[Any]]:
        """The answers, in the texts' order."""
        ...


def given(asked: Predictor, model: str, texts: Sequence[str], **how: Any) -> list[Given[Any]]:
    """Ask about a list of texts, and tell who answered each.

    Args:
        asked: anybody.
        model: what it is called, where it does not say itself who answered.
        texts: as it takes them.
        how: what else it takes.
    """
    if isinstance(asked, Giving):
        return asked.given(texts, **how)
    begun = time.perf_counter()
    said = cast(list[Any], asked.predict(texts, **how))
    share = (time.perf_counter() - begun) / max(1, len(said))
    return [Given(one, model, share) for one in said]
