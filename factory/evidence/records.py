"""The records of evidence. Cards, gates and reports are views of these and compute nothing.

An evidence file is JSONL, one record a line; `kind` tells which.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from factory.errors import DataError
from factory.evidence.base import Evidence as Evidence
from factory.evidence.conduct import Cost as Cost
from factory.evidence.conduct import Counterfactual as Counterfactual
from factory.evidence.conduct import Export as Export
from factory.evidence.conduct import Footprint as Footprint
from factory.evidence.conduct import Learned as Learned
from factory.evidence.conduct import Robustness as Robustness
from factory.evidence.conduct import Rung as Rung
from factory.evidence.conduct import Seeds as Seeds
from factory.evidence.conduct import Slice as Slice
from factory.evidence.conduct import Speed as Speed
from factory.evidence.conduct import Training as Training
from factory.evidence.decision import said, truth
from factory.files import digest, read_jsonl, write_jsonl
from factory.row import Gold


class Record(Evidence):
    """One figure: `metric` is `accuracy`, `span_f1`, `ece` ...; low and high are its 95 % interval, by `method`."""

    kind: Literal["record"] = "record"
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    method: str = ""


class Comparison(Evidence):
    """`who` against `against`: a metric's difference (who - against), with its 95 % interval.

    Attributes:
        value, other: the metric of either, on the rows compared.
        paired: both were measured on the very same rows.
        p: McNemar's exact two-sided p for accuracy, as an extra; None for other metrics.
    """

    kind: Literal["comparison"] = "comparison"
    against: str
    metric: str
    value: float
    other: float
    difference: float
    low: float
    high: float
    paired: bool = True
    method: str = ""
    p: float | None = None


class ClassFigures(Evidence):
    """One label: precision, recall and F1, 0 where undefined; its gold rows, and how often it was answered.

    Of spans one type, strictly: its spans, and how many were claimed. Of records one field, the same way.

    Attributes:
        relaxed_f1: where overlap counts as right; None: of labels and fields.
    """

    kind: Literal["class"] = "class"
    label: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int
    relaxed_f1: float | None = None


class SpanMistakes(Evidence):
    """What became of people's spans of one type, and which were claimed where there is none.

    Attributes:
        label: the type.
        right: found with both ends.
        boundaries: found, but with another end.
        type: taken for another type.
        missed: not found.
        invented: claimed where people marked nothing.
    """

    kind: Literal["mistakes"] = "mistakes"
    label: str
    right: int
    boundaries: int
    type: int
    missed: int
    invented: int


class Confusion(Evidence):
    """How often rows of `gold` were taken for `predicted` (None: no answer); support is gold's rows."""

    kind: Literal["confusion"] = "confusion"
    gold: str
    predicted: str | None
    count: int
    support: int


class Coverage(Evidence):
    """The error rate among the surest rows, or of spans the surest spans found: `risk` at `coverage`, with its 95 %
    interval. Of records a wrong one has a mistake, of answers in words it is not alike (factory.evidence.words).

    Attributes:
        coverage: share of rows answered, the surest first; or of found spans accepted.
        threshold: the confidence of the least sure of them.
        accepted: how many that is.
        recall: of spans, the share of people's spans that are among them, exactly; None: of other kinds.
    """

    kind: Literal["coverage"] = "coverage"
    coverage: float
    threshold: float
    accepted: int
    risk: float
    low: float
    high: float
    recall: float | None = None


class Reliability(Evidence):
    """How often answers (of spans: found spans) of like confidence are right, with its 95 % interval.

    Attributes:
        bin: which of the bins of equal mass that the calibration error is taken over, from the least sure on, from 1.
        count: how many answers are in it.
        confidence: their mean confidence.
        right: the share of them that is right.
    """

    kind: Literal["reliability"] = "reliability"
    bin: int
    count: int
    confidence: float
    right: float
    low: float
    high: float


class Promise(Evidence):
    """What was promised of answers (or found spans) from the threshold up, and what became of it on gold rows.

    Attributes:
        risk: the share of them that may be wrong, as the spec states it.
        threshold: from which confidence; None: no threshold could be shown on held-out rows, so nothing is promised,
            and what follows is None; unless there are `thresholds`.
        thresholds: of labels (or types) that have one of their own, of each of which the same is promised; None: none
            has.
        answers: how many answers (or found spans) there are in all.
        accepted: how many are from the threshold up.
        coverage: that share, with its 95 % interval.
        error: the share of the accepted that is wrong, with its 95 % interval; None too where none is accepted.
        verdict: `kept`: the error is at most the risk; `broken`: its whole interval lies above; `unclear`: the error
            lies above, but its interval does not, or nothing was accepted; `none`: nothing was promised.
        sentence: the same for a person.
    """

    kind: Literal["promise"] = "promise"
    risk: float
    threshold: float | None
    thresholds: dict[str, float] | None = None
    answers: int
    accepted: int | None = None
    coverage: float | None = None
    coverage_low: float | None = None
    coverage_high: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Literal["kept", "unclear", "broken", "none"]
    sentence: str


class LabelPromise(Evidence):
    """What became of a promise among the accepted answers of one label (or found spans of one type).

    A promise of all answers may be kept on average and broken for one label: that one is shown here.

    Attributes:
        label: what they say.
        own: whether it is promised of this label by itself; else of all together.
        risk: what was promised.
        accepted: how many of them are from the threshold up.
        error: the share of these that is wrong, with its 95 % interval.
        verdict: as of a Promise.
    """

    kind: Literal["label promise"] = "label promise"
    label: str
    own: bool = False
    risk: float
    accepted: int
    error: float
    low: float
    high: float
    verdict: Literal["kept", "unclear", "broken"]


class GateLine(Evidence):
    """One requirement of the gate and whether it was met; `sentence` is for a person.

    Attributes:
        requirement: as the spec says it: `accuracy better than teacher`.
        value: the difference, or the metric itself for a floor; None if it could not be measured.
        low, high: its 95 % interval.
    """

    kind: Literal["gate"] = "gate"
    requirement: str
    passed: bool
    value: float | None = None
    low: float | None = None
    high: float | None = None
    sentence: str


AnyEvidence = (
    Record
    | Comparison
    | ClassFigures
    | SpanMistakes
    | Confusion
    | Coverage
    | Reliability
    | Learned
    | Rung
    | Seeds
    | Slice
    | Robustness
    | Counterfactual
    | Promise
    | LabelPromise
    | Export
    | Speed
    | Footprint
    | Cost
    | Training
    | GateLine
)
_ADAPTER: TypeAdapter[AnyEvidence] = TypeAdapter(Annotated[AnyEvidence, Field(discriminator="kind")])


def rows_hash(gold: Iterable[tuple[str, str]]) -> str:
    """sha256 over (id, label) pairs, whatever their order: the identity of the rows something was measured on."""
    return digest(sorted([row_id, label] for row_id, label in gold))


def gold_hash(gold: Iterable[Gold]) -> str:
    """`rows_hash` of gold rows."""
    return rows_hash((row.id, said(truth(row))) for row in gold)


def write_evidence(path: Path, records: Sequence[AnyEvidence]) -> int:
    """Write records as JSONL, atomically; returns how many."""
    return write_jsonl(path, (record.model_dump(mode="json") for record in records))


def read_evidence(path: Path) -> list[AnyEvidence]:
    """Records from a JSONL file; raises DataError naming the line that is none."""
    records = []
    for number, value in enumerate(read_jsonl(path), 1):
        try:
            records.append(_ADAPTER.validate_python(value))
        except ValidationError as error:
            raise DataError(f"Record {number} is not evidence: {error.errors()[0]['msg']}.", where=str(path)) from error
    return records
