"""What every record of evidence tells."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Evidence(BaseModel):
    """What every record tells.

    Attributes:
        who: whom it is about: `student:int8`, `teacher`, `few_shot`, `tfidf`, `static`, `reviewed_only`, `majority`; of
            other kinds other baselines in place of `tfidf`, `static` and `majority`.
        what: what that is, in words: `MiniLM-L6 + LoRA, 1,204 rows, ONNX int8`.
        rows: sha256 over the gold ids and labels it was measured on.
        n: how many rows those are.
        sample: which rows: `all`, or `stratified 200 of 1004, seed 13`.
        hardware: the machine, without its name.
        commit: the code's commit, with `+` if files had been changed since.
        created: UTC, ISO 8601.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    who: str
    what: str = ""
    rows: str
    n: int = Field(ge=0)
    sample: str = "all"
    hardware: str = ""
    commit: str = ""
    created: str = ""
