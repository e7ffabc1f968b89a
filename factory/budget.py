"""What a build may spend, and what a teacher bills: two parts of a spec."""

from __future__ import annotations

from pydantic import Field

from factory.spec_part import Part


class Prices(Part):
    """What a teacher bills, in US dollars a million tokens; the defaults are a small hosted model's.

    Attributes:
        read: for the prompt's tokens.
        written: for the reply's.
    """

    read: float = Field(default=0.15, ge=0.0)
    written: float = Field(default=0.60, ge=0.0)

    def dollars(self, read: int, written: int) -> float:
        """The price of so many tokens."""
        return (read * self.read + written * self.written) / 1e6


class Budget(Part):
    """What one build may spend.

    Attributes:
        generate: rows the teacher is asked to write; with `refill`, rows that are to be left of them after cleaning.
        label: real unlabelled texts that become training rows, labelled softly by the committee.
        judge: texts the teacher is asked about for the committee: first those people labelled, which tell how far it
            can be believed, then the others.
        review: rows a person is asked about.
        measure_teacher: gold rows the teacher is measured on (a fixed stratified sample); 0: all of them.
        epochs: passes of training over the rows.
        max_tokens: tokens that writing and judging may read and write together. Replies that are in the cache count
            as if they were asked for, so that a build that is started again stops at the same row.
        max_cost: the same in US dollars, by `teacher.prices`.
        max_time: minutes that writing and judging may take together. What is asked by then depends on the machine:
            such a build can't be repeated exactly; the stages record what was not asked.
    """

    unsaid = ("max_tokens", "max_cost", "max_time")

    generate: int = Field(ge=0)
    label: int = Field(ge=0)
    judge: int = Field(default=0, ge=0)
    review: int = Field(ge=0)
    measure_teacher: int = Field(default=0, ge=0)
    epochs: int = Field(default=10, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_cost: float | None = Field(default=None, gt=0.0)
    max_time: float | None = Field(default=None, gt=0.0)
