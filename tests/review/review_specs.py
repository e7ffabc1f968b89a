"""Specs for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

from factory.budget import Budget
from factory.spec import Spec

LABELS = {f"topic_{n:02d}": f"The customer asks about topic {n}, and not about topic {n + 1}." for n in range(77)}
POLICY = """# How to label

Read the message as the bank would, and choose the **one** label that names what the customer wants.

| the message | the label |
| --- | --- |
| names two wishes | the first |
| names none | press Discard |
"""


def make_spec(folder: Path, labels: dict[str, str] | None = None, name: str = "support/intent") -> Spec:
    folder.mkdir(parents=True, exist_ok=True)
    for companion in ("generate.jinja", "judge.jinja"):
        (folder / companion).write_text("-")
    (folder / "policy.md").write_text(POLICY)
    budget = Budget(generate=1, label=0, review=1)
    return Spec(
        name=name,
        title="What a customer wants",
        purpose="For tests.",
        kind="classification",
        text="A message that a customer types into the bank's chat",
        question="What does the customer want?",
        labels=labels or LABELS,
        attributes={"tone": ["calm"]},
        gold=name,
        budgets={"quick": budget, "full": budget},
        folder=folder,
    )
