"""What a specialist of kind `generation` answers: a part of its spec."""

from __future__ import annotations

from pydantic import Field

from factory.spec_hygiene import Words
from factory.spec_part import Part


class AnswerForm(Part):
    """What an answer is, and how the teacher's are held against that.

    Attributes:
        definition: what an answer is, in words that a writer understands: "one short question that asks what ...".
        words: shortest and longest answer, in words; what people wrote is not held to it.
        copied: an answer is a copy where more than this share of its words stand in the text in one run, 0 to 1.
        samples: how many more answers to each real text are drawn at `teacher.temperature`: of these and the greedy one
            the most agreed upon is taken, and how far they agree is kept; 0: the greedy one stands alone.
        score: an answer that no person wrote is dropped where the teacher, asked by the policy's rules, scores it lower
            than this, 0 (useless) to 1 (perfect); null: the score is kept and drops nothing.
    """

    definition: str = Field(min_length=1)
    words: Words = (1, 60)
    copied: float = Field(default=0.8, gt=0.0, le=1.0)
    samples: int = Field(default=2, ge=0, le=8)
    score: float | None = Field(default=None, ge=0.0, le=1.0)
