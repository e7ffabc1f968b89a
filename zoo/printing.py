"""Answers as the command line prints them: a line of columns, or a JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from zoo.audit.answers import Said
from zoo.classifier import Answer
from zoo.decision import Decision, LabelDecision, SpansDecision, WordsDecision
from zoo.mark import Mark
from zoo.tagger import Span
from zoo.writer import Written


def as_json(text: str, answer: Said) -> dict[str, Any]:
    """A text and its answer as a JSON object: the answer's own keys, without scores that nobody asked for."""
    if isinstance(answer, list):
        return {"text": text, "spans": [vars(span) for span in answer]}
    said = {key: value for key, value in vars(answer).items() if value or key != "scores"}
    if isinstance(answer, SpansDecision):
        said["spans"] = [vars(span) for span in answer.spans]
    if isinstance(answer, Written | WordsDecision):
        said["answer"] = answer.text
    return {"text": text} | said | {"text": text}  # first, and not a writer's answer, which is called so, too


def as_line(text: str, answer: Said, *, promised: bool) -> str:
    """Columns apart by tabs: the answer, how sure it is, of a cascade why and who; and the text last of all.

    Args:
        promised: the specialist has a threshold, so that what is not unsure is sure.
    """
    if isinstance(answer, list):
        return "\t".join((_spans(answer), _folded(text)))
    doubt = "unsure" if answer.unsure else "sure" if promised or isinstance(answer, Decision) else "no promise"
    columns = [*_said(answer), doubt]
    if isinstance(answer, Decision):
        columns += [answer.reason, answer.tier]
    if isinstance(answer, Answer | LabelDecision) and answer.scores:
        ranked = sorted(answer.scores.items(), key=lambda pair: -pair[1])
        columns.append(" ".join(f"{label}={score:.4f}" for label, score in ranked))
    return "\t".join((*columns, _folded(text)))


def _said(answer: Any) -> list[str]:
    """The answer, and its score; of spans each has its own."""
    if isinstance(answer, SpansDecision):
        return [_spans(answer.spans)]
    if isinstance(answer, Answer | LabelDecision):
        return [answer.label, _number(answer.confidence)]
    words = isinstance(answer, Written | WordsDecision)
    said = answer.text if words else json.dumps(answer.values, ensure_ascii=False)
    return [_folded(said), _number(answer.score)]


def _spans(spans: Iterable[Mark]) -> str:
    """Each with its place, one after the other."""
    found = (
        f"{one.label} {one.start}:{one.end} {_folded(one.text)} {_number(getattr(one, 'score', None))}"
        + (" unsure" if isinstance(one, Span) and one.unsure else "")
        for one in spans
    )
    return "; ".join(found) or "none"


def _number(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"


def _folded(words: str) -> str:
    return " ".join(words.split())
