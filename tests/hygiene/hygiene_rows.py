"""Rows and specs for the tests of hygiene."""

from __future__ import annotations

from pathlib import Path

from factory.budget import Budget
from factory.row import Lineage, Origin, Row
from factory.spec import Spec
from factory.spec_hygiene import Hygiene

LABELS = {
    "card_arrival": "The customer asks when a card that was ordered some days ago will arrive by post.",
    "neutral": "Nothing is asked.",
    "Governing Law": "The clause names the law.",
}


def row(text: str, label: str = "card_arrival", origin: Origin = "generated", **more: object) -> Row:
    return Row.model_validate(
        {"text": text, "label": label, "origin": origin, "lineage": Lineage(spec="t/t#0"), **more}
    )


def make_spec(folder: Path, hygiene: Hygiene | None = None, language: str = "en") -> Spec:
    budget = Budget(generate=1, label=0, review=0)
    return Spec(
        name="test/test",
        title="Test",
        purpose="testing",
        kind="classification",
        text="a message",
        question="what is it about?",
        labels=LABELS,
        attributes={"tone": ["calm", "angry"], "channel": ["chat"]},
        gold="test/test",
        language=language,
        hygiene=hygiene or Hygiene(),
        budgets={"quick": budget, "full": budget},
        folder=folder,
    )
