"""What a cascade has to know of a kind of answers: when one is unsure, what a tier may say, what follows of both.

kind.py       what all have in common
labels.py, spans.py, records.py, answers.py
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.kinds.answers import Answers
from zoo.kinds.kind import Kind, Unusable
from zoo.kinds.labels import Labels
from zoo.kinds.records import Records
from zoo.kinds.spans import Spans
from zoo.manifest import CLASSIFICATION, EXTRACTION, GENERATION, PROMPT, SPANS, Manifest
from zoo.prompt import Prompt

__all__ = ["Answers", "Kind", "Labels", "Records", "Spans", "Unusable", "kind_of"]


def kind_of(manifest: Manifest, folder: Path) -> Kind[Any]:
    """The kind of a specialist's answers; raises BrokenSpecialist where its prompt can't be read."""
    if manifest.kind == EXTRACTION:
        return Records(Prompt.read(folder / PROMPT).fields)
    simple: Mapping[str, type[Kind[Any]]] = {CLASSIFICATION: Labels, SPANS: Spans, GENERATION: Answers}
    return simple[manifest.kind](manifest.labels)
