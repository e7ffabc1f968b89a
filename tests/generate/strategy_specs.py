"""Specs and material for tests of strategies: invented labels, passages and rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factory.budget import Budget
from factory.generate.seed import Passage
from factory.generate.strategies import Material
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.spec_declared import Example, Teacher

ALL = ("label", "seed_grounded", "few_shot", "rewrite", "contrastive", "out_of_scope")


def make(folder: Path = Path("nowhere"), labels: int = 4, rows_per_request: int = 4, **changes: Any) -> Spec:
    """A spec with an out-of-scope label, the last."""
    names = [f"label {number}" for number in range(labels)]
    values: dict[str, Any] = {
        "name": "notes/mood",
        "title": "t",
        "purpose": "p",
        "kind": "classification",
        "text": "a note on a fridge",
        "question": "What is the note about?",
        "labels": {name: f"The note says {name}. And more." for name in names},
        "attributes": {"tone": ["calm", "angry", "glad"], "length": ["short", "long"]},
        "examples": [Example(text=f"a note by hand about {names[0]}", label=names[0])],
        "strategies": {"label": 1.0},
        "gold": "none",
        "out_of_scope": names[-1],
        "teacher": Teacher(rows_per_request=rows_per_request),
        "budgets": {name: Budget(generate=8, label=0, review=0) for name in ("quick", "full")},
        "folder": folder,
    }
    return Spec(**{**values, **changes})


def material(spec: Spec, passages: int = 7, known: int = 5) -> Material:
    """Passages, rows people labelled (of all labels but one) and neighbours in the labels' order."""
    labels = list(spec.labels)
    rows = [
        Row(
            text=f"known note {number} of {label}",
            label=label,
            origin="reviewed",
            lineage=Lineage(spec="notes/mood#0", source=f"gold-{place}-{number}"),
        )
        for place, label in enumerate(labels[:-1])
        for number in range(known)
    ]
    return Material(
        spec,
        [Passage(f"p{number}", f"a real passage, number {number}") for number in range(passages)],
        known=rows,
        neighbours={label: [other for other in labels if other != label] for label in labels},
    )
