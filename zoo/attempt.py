"""Asking somebody whose failures must not spread: every text gets its answer or what went wrong; nothing is raised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from zoo.errors import BrokenLog, Unrecorded

T = TypeVar("T")


def attempt(ask: Callable[[list[str]], Sequence[T]], texts: Sequence[str]) -> list[T | Exception]:
    """An answer about each text, in order, or an exception in its place.

    Where a batch fails each of its texts is asked about alone: one that can't be read must not count against others.
    Not where an audit log failed, which would fail again for each, after as long a wait.
    """
    try:
        said: list[T | Exception] = [*ask(list(texts))]
        if len(said) != len(texts):
            raise ValueError(f"{len(said)} answers to {len(texts)} texts")
    except Exception as error:  # noqa: BLE001  (whatever somebody else's code may raise)
        if len(texts) == 1 or isinstance(error, Unrecorded | BrokenLog):
            return [error for _ in texts]
        return [one for text in texts for one in attempt(ask, [text])]
    return said
