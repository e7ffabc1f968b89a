"""Specialists called as transformers' pipelines are, with the same lists of dicts out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.classifier import Classifier
from zoo.errors import BadInput
from zoo.loader import load
from zoo.manifest import CLASSIFICATION, SPANS
from zoo.tagger import Span, Tagger

TASKS = {
    "text-classification": CLASSIFICATION,
    "sentiment-analysis": CLASSIFICATION,
    "token-classification": SPANS,
    "ner": SPANS,
}
"""transformers' names of tasks, and whose kind they are."""
_UNSAID: Any = object()


def pipeline(task: str, name: str | Path, **how: Any) -> TextClassification | TokenClassification:
    """A specialist, called as `transformers.pipeline(task, model)` is; transformers is not needed.

    Args:
        task: `text-classification` (or `sentiment-analysis`), `token-classification` (or `ner`).
        name, how: as for `zoo.load`.

    Raises:
        BadInput: another task, or a specialist of another kind; and what `zoo.load` raises.
    """
    if task not in TASKS:
        raise BadInput(f"There is no pipeline for {task!r}.", fix=f"Use one of: {', '.join(TASKS)}.")
    specialist = load(name, **how)
    if specialist.manifest.kind != TASKS[task]:
        fits = next((name for name, kind in TASKS.items() if kind == specialist.manifest.kind), None)
        fix = f"Use {fits!r}." if fits else "Ask it by zoo.load(...).predict."
        raise BadInput(f"{specialist.manifest.id} is of the kind {specialist.manifest.kind!r}.", where=task, fix=fix)
    return TextClassification(specialist) if TASKS[task] == CLASSIFICATION else TokenClassification(specialist)


class TextClassification:
    """transformers' TextClassificationPipeline over a classifier; scores are calibrated.

    Attributes:
        specialist: who answers.
    """

    def __init__(self, specialist: Classifier) -> None:
        self.specialist = specialist

    def __call__(self, inputs: str | list[str], *, top_k: int | None = _UNSAID) -> Any:
        """Label a text, or each of a list.

        Args:
            inputs: one text, or a list.
            top_k: so many labels, the most probable first; None: all.

        Returns:
            without top_k a {"label", "score"} for each text, in a list even for one text alone; with top_k, be it 1, a
            list of these dicts for a text, and a list of such lists for a list. So it is in transformers.

        Raises:
            BadInput: as `zoo.Classifier.predict`; top_k below 1.
        """
        if top_k is _UNSAID:
            given = [inputs] if isinstance(inputs, str) else inputs
            return [{"label": answer.label, "score": answer.confidence} for answer in self.specialist.predict(given)]
        if isinstance(inputs, str):
            return self([inputs], top_k=top_k)[0]
        if top_k is not None and (not isinstance(top_k, int) or top_k < 1):
            raise BadInput(f"top_k must be a whole number from 1, or None, not {top_k!r}.")
        return [
            [
                {"label": label, "score": score}
                for label, score in sorted((answer.scores or {}).items(), key=lambda pair: -pair[1])[:top_k]
            ]
            for answer in self.specialist.predict(inputs, scores=True)
        ]


class TokenClassification:
    """transformers' TokenClassificationPipeline, with an aggregation_strategy, over a tagger.

    Attributes:
        specialist: who answers.
    """

    def __init__(self, specialist: Tagger) -> None:
        self.specialist = specialist

    def __call__(self, inputs: str | list[str]) -> Any:
        """Mark a text, or each of a list.

        Returns:
            a list of {"entity_group", "score", "word", "start", "end"} for one text; a list of these for a list. `word`
            is what stands in the text, and not tokens put together again; `score` the zoo's: of the least sure piece.

        Raises:
            BadInput: as `zoo.Tagger.predict`.
        """
        if isinstance(inputs, str):
            return [_entity(span) for span in self.specialist.predict(inputs)]
        return [[_entity(span) for span in spans] for spans in self.specialist.predict(inputs)]


def _entity(span: Span) -> dict[str, Any]:
    return {"entity_group": span.label, "score": span.score, "word": span.text, "start": span.start, "end": span.end}
