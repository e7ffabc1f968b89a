"""What the zoo answers and people correct, as JSON for the log, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo.classifier import Answer
from zoo.decision import Decision, LabelDecision, RecordDecision, SpansDecision, WordsDecision
from zoo.errors import BadInput
from zoo.extractor import Extracted
from zoo.manifest import CLASSIFICATION, EXTRACTION, GENERATION, SPANS
from zoo.mark import Mark
from zoo.tagger import Span
from zoo.writer import Written

Said = Answer | Decision | Extracted | Written | list[Span]
"""What a specialist or a cascade says about a text."""
Right = str | Sequence[Span | Mapping[str, Any]] | Mapping[str, Any]
"""What a person says instead: a label or words; spans; values."""


def described(answer: Said, mask: Callable[[str], str]) -> dict[str, Any]:
    """An answer as a JSON object with `kind` and `unsure`.

    Spans are told by their places, without their words, which are the text's.

    Args:
        answer: any kind of answer.
        mask: what is done to words that may come from the text: an extractor's values, a writer's answer.

    Raises:
        BadInput: it is none of the zoo's answers.
    """
    if isinstance(answer, Answer | LabelDecision):
        scores = {} if answer.scores is None else {"scores": _numbers(answer.scores)}
        return {"kind": CLASSIFICATION, **_label(answer), **scores}
    if isinstance(answer, Extracted | RecordDecision):
        scores = {} if answer.scores is None else {"scores": _numbers(answer.scores)}
        return {"kind": EXTRACTION, "values": _masked(answer.values, mask), **scores, **_written(answer)}
    if isinstance(answer, Written | WordsDecision):
        return {"kind": GENERATION, "words": mask(answer.text), **_written(answer)}
    if isinstance(answer, list) and all(isinstance(span, Span) for span in answer):
        return {"kind": SPANS, "spans": [_scored(span) for span in answer], "unsure": any(s.unsure for s in answer)}
    if isinstance(answer, SpansDecision):
        return {"kind": SPANS, "spans": [_scored(span) for span in answer.spans], "unsure": answer.unsure}
    raise BadInput(
        f"An audit log takes the answers of the zoo's specialists and cascades, not {type(answer).__name__}.",
        fix="Let `predict` return a zoo.Answer, Decision, Extracted or Written, or a list of zoo.Span.",
    )


def corrected(kind: str, right: Right, mask: Callable[[str], str]) -> dict[str, Any]:
    """What a person says is right, as a JSON object, by the kind of what is corrected; raises BadInput."""
    if kind == SPANS:
        if isinstance(right, Sequence) and not isinstance(right, str):
            return {"spans": sorted((_span(one) for one in right), key=lambda span: (span["start"], span["end"]))}
        raise BadInput("What is corrected are spans.", fix="Give a list of zoo.Span, or of label, start and end.")
    if kind == EXTRACTION:
        if isinstance(right, Mapping) and all(isinstance(key, str) for key in right):
            return {"values": _masked(right, mask)}
        raise BadInput("What is corrected are values.", fix="Give an object: field to value.")
    if not isinstance(right, str) or not right.strip():
        raise BadInput(f"{'Words' if kind == GENERATION else 'A label'} can't be {right!r}.", fix="Give a text.")
    return {"words": mask(right)} if kind == GENERATION else {"label": right}


def _label(answer: Answer | LabelDecision) -> dict[str, Any]:
    return {"label": answer.label, "confidence": _number(answer.confidence), "unsure": answer.unsure}


def _written(answer: Extracted | Written | RecordDecision | WordsDecision) -> dict[str, Any]:
    complete = {} if isinstance(answer, Decision) else {"complete": answer.complete}
    return {"score": _number(answer.score), "unsure": answer.unsure, **complete}


def _scored(span: Mark) -> dict[str, Any]:
    """A span; whoever gives no score marks none unsure: what became of the text is told of all."""
    score, unsure = (span.score, span.unsure) if isinstance(span, Span) else (None, False)
    return {**_place(span), "score": _number(score), "unsure": unsure}


def _place(span: Mark) -> dict[str, Any]:
    return {"label": span.label, "start": span.start, "end": span.end}


def _span(one: Span | Mapping[str, Any]) -> dict[str, Any]:
    try:
        span = _place(one) if isinstance(one, Mark) else {key: one[key] for key in ("label", "start", "end")}
    except (KeyError, TypeError) as error:
        raise BadInput(f"This is no span: {one!r}.", fix="Give label, start and end.") from error
    whole = all(isinstance(span[key], int) and not isinstance(span[key], bool) for key in ("start", "end"))
    if not (whole and 0 <= span["start"] < span["end"] and isinstance(span["label"], str) and span["label"]):
        raise BadInput(f"This is no span: {one!r}.", fix="Give a label, and start and end as text[start:end] has them.")
    return span


def _masked(values: Mapping[str, Any], mask: Callable[[str], str]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(item) for item in value]
        if isinstance(value, str):
            return mask(value)
        if value is None or isinstance(value, bool | int | float):
            return _number(value)
        raise BadInput(f"A value can't be {value!r}.", fix="Give a text, number, truth value, or a list of these.")

    return {name: one(value) for name, value in values.items()}


def _numbers(scores: Mapping[str, float]) -> dict[str, Any]:
    return {name: _number(score) for name, score in scores.items()}


def _number(value: Any) -> Any:
    """A number as JSON can say it: what is not finite is none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
