from pathlib import Path

import pytest

from factory import spec as specs
from factory.row import Lineage, Row, Verdict

SPEC = """
title: Mood of a note
kind: classification
purpose: Tell whether a note is glad or sad.
text: a short note
question: How does the writer feel?
labels:
  sad: The writer is | sad.
  glad: The writer is glad.
  calm: Neither.
attributes:
  tone: [plain, loud]
  length: [short, long]
gold: test/mood
budgets:
  quick: {generate: 10, label: 10, review: 5}
  full: {generate: 10, label: 10, review: 5}
"""


@pytest.fixture
def spec(tmp_path: Path) -> specs.Spec:
    folder = tmp_path / "prompts" / "test" / "mood"
    folder.mkdir(parents=True)
    (folder / "spec.yaml").write_text(SPEC)
    for name in specs.COMPANIONS:
        (folder / name).write_text(f"{name} of mood\n")
    return specs.load("test/mood", tmp_path / "prompts")


@pytest.fixture
def rows(spec: specs.Spec) -> list[Row]:
    """Sixty rows of all kinds: hard and soft labels, corrected, generated and real."""
    made = []
    for number in range(60):
        label = ["sad", "glad", "calm"][number % 3]
        generated = number % 2 == 0
        made.append(
            Row(
                text=f"note {number}: ünïcode “quotes” | pipes\nand lines",
                label=label,
                soft={"sad": 0.2, "glad": 0.5, "calm": 0.3} if number % 5 == 0 else None,
                weight=1.0 if number % 4 else 0.25,
                origin="generated" if generated else "unlabelled",
                attributes={"tone": "plain", "length": "short"} if generated else {},
                lineage=Lineage(
                    spec=spec.identity,
                    prompt=f"{number // 4:064x}",
                    teacher="teacher-1@abc",
                    reviewers=["person-1"] if number < 6 else [],
                    was="calm" if number == 0 else None,
                ),
                verdicts=[Verdict(check="length", passed=True, score=4.0), Verdict(check="language", passed=True)],
            )
        )
    return made
