"""What holds of people's answers whatever they decide on, spans, records or words: helpers of the tests beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.review.backend import Answer, Item, Pulled
from factory.review.jsonl import JsonlBackend
from factory.review.merge import merge
from factory.row import Row
from factory.spec import Spec


def by_file(folder: Path, spec: Spec, shown: Sequence[Item], lines: Sequence[Mapping[str, Any]]) -> Pulled:
    """What is pulled where these items were shown and people wrote these lines."""
    place = JsonlBackend(folder)
    place.push(spec, shown)
    (place.folder(spec) / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return place.pull(spec)


def assert_told(pulled: Pulled, problem: str) -> None:
    """The first line of answers.jsonl was no answer, and what is wrong with it is said."""
    assert pulled.answers == [] and "answers.jsonl:1: " in pulled.problems[0] and problem in pulled.problems[0]


def assert_the_majority_decides(
    made: Sequence[Row], own: str, other: Any, nothing: Any, answer: Callable[..., Answer]
) -> None:
    """Of several people's answers to a row the whole decision that most gave is taken.

    Args:
        made: four rows.
        own: the attribute that holds a row's decision.
        other, nothing: decisions that none of the rows has; `nothing` the empty one.
        answer: a row, a decision and perhaps the reviewer to an answer.
    """
    right, corrected, refused, torn = made
    answers = [
        answer(right, getattr(right, own)),
        *(answer(corrected, other, name) for name in ("ana", "ben")),
        answer(corrected, nothing, "cem"),
        answer(refused, None, problem="unusable"),
        answer(torn, getattr(torn, own)),
        answer(torn, other, "ben"),
    ]
    found = merge(made, answers)
    assert [row.id for row in found.rows] == [right.id, corrected.id, torn.id]
    assert getattr(found.rows[0], own) == getattr(right, own) and found.rows[0].lineage.was is None
    assert getattr(found.rows[1], own) == other and found.rows[1].lineage.was == corrected.decision
    assert found.rows[1].origin == "reviewed" and found.rows[1].lineage.reviewers == ["ana", "ben", "cem"]
    assert found.dropped[0].id == refused.id and found.unresolved == [torn.id]
    assert merge(found.rows, answers).rows == found.rows
