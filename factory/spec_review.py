"""How people take part in a build: the part `review` of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from factory.spec_part import Part

WAITS: Mapping[str, bool | str] = {"none": False, "audit": "audit", "required": True}
"""`review` in one word, and what `required` is then."""
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Review(Part):
    """How people take part. One word says whom a build waits for: `review: none`, `audit` or `required`.

    Attributes:
        required: wait for people before training: for all rows shown (true), for those drawn at random (`audit`: the
            rest is shown, too, and answers to it are taken in), or for none (false).
        deadline: how long a build waits at most, `90m`, `36h` or `3d` since the rows were first shown; then it goes on
            with what is there. None: until all is answered. It is no part of a spec's identity, so moving it makes
            nothing anew.
        audit: share of the rows sent that is drawn at random, for an unbiased measure of the data.
        dropped: share of these that is drawn from rows which checks dropped, to learn whether the checks were right.
        overlap: share of the rows sent, drawn at random, that several people judge, to learn how far they agree.
        reviewers: how many people that is.
        judge_floor: Cohen's kappa of the judge's drops with people's judgement, on rows drawn at random, below which
            nothing is dropped on the judge's word (factory.hygiene.trust); null: it drops rows whatever people say.
    """

    unsaid = ("dropped", "overlap", "reviewers", "judge_floor")

    required: bool | Literal["audit"] = False
    deadline: str | None = Field(default=None, pattern=r"^[1-9][0-9]{0,3}[mhd]$", exclude=True)
    audit: float = Field(default=0.3, ge=0.0, le=1.0)
    dropped: float = Field(default=0.2, ge=0.0, le=1.0)
    overlap: float = Field(default=0.0, ge=0.0, le=1.0)
    reviewers: int = Field(default=2, ge=2, le=20)
    judge_floor: float | None = Field(default=None, gt=0.0, le=1.0)

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in WAITS:
            raise ValueError(f"in one word it is {', '.join(WAITS)}; or give keys such as `deadline: 3d`")
        return {"required": WAITS[value]}

    @model_validator(mode="after")
    def _consistent(self) -> Review:
        if self.required == "audit" and not self.audit:
            raise ValueError("required is `audit`, but `audit: 0` draws no row at random to wait for")
        if self.deadline and not self.required:
            raise ValueError("deadline is set, but nobody is waited for; set `required: true` or `required: audit`")
        return self

    @property
    def patience(self) -> timedelta | None:
        """How long a build waits at most; None: as long as it takes."""
        return timedelta(**{_UNITS[self.deadline[-1]]: int(self.deadline[:-1])}) if self.deadline else None
