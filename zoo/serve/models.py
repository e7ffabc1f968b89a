"""What requests and answers look like on the wire; FastAPI makes the OpenAPI description of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from zoo.decision import Reason

Scalar = bool | int | float | str
Score = Annotated[float, Field(ge=0, le=1)]


class ChainAsked(BaseModel):
    """A question to a chain."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "Lithium was given for mania."}]}
    )

    text: str | list[str] = Field(description="One text, or a list of them; answers come in its order.")


class Asked(ChainAsked):
    """A question to a specialist."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "My card has not arrived yet"}]})

    scores: bool = Field(False, description="Of classifiers: every label's probability, too.")


class Label(BaseModel):
    """What a classifier says about a text."""

    label: str = Field(description="The most probable label.")
    confidence: Score = Field(description="Its calibrated probability.")
    unsure: bool = Field(description="Below the specialist's threshold: ask a person. Without a threshold never.")
    scores: dict[str, Score] | None = Field(None, description="Every label's probability, where asked for.")


class Decided(BaseModel):
    """What every decision of a specialist with a fallback has."""

    unsure: bool = Field(description="Nobody stands for it, it is the best guess there is: ask a person.")
    reason: Reason = Field(description="Why: `answered` and `unsure_escalated` are answers, all others are guesses.")
    tier: str = Field(description="Who gave the answer.", examples=["support/intent@1.2.0", "large-model"])
    seconds: Annotated[float, Field(ge=0)] = Field(
        description="How long it took: the specialist's share of its batch, and of what was passed on the fallback."
    )


class DecidedLabel(Decided):
    """What is decided on a text by a classifier with a fallback."""

    label: str
    confidence: Score | None = Field(
        description="Its calibrated probability, by the specialist that gave it; null: an endpoint did."
    )
    scores: dict[str, Score] | None = Field(
        None, description="What the specialist makes of every label, whoever answered; where asked for."
    )


class Mark(BaseModel):
    """A stretch of a text, and what it is, whoever says so."""

    label: str
    start: int = Field(ge=0, description="In Unicode code points, not in UTF-16 units.")
    end: int = Field(ge=0, description="After the last code point.")
    text: str = Field(description="The words there.")
    score: Score | None = Field(description="By the specialist that found it; null: an endpoint did.")
    unsure: bool = Field(description="Below the threshold of the specialist that found it.")


class Span(Mark):
    """A stretch of a text, and what it is."""

    score: Score = Field(description="The calibrated probability of its least sure word piece.")
    unsure: bool = Field(description="Below the specialist's threshold: ask a person. Without a threshold never.")


class Spans(BaseModel):
    """What was found in a text, by start; there may be nothing."""

    spans: list[Span]


class DecidedSpans(Decided):
    """What is found in a text by a tagger with a fallback: what it is sure of stays, the fallback finds the rest."""

    spans: list[Mark]


class Record(BaseModel):
    """What was read out of a text."""

    values: dict[str, Scalar | list[Scalar]] = Field(description="By field; what the text does not have is left out.")
    score: Score = Field(description="How likely the model found what it wrote.")
    scores: dict[str, Score] = Field(description="The same of every field, absent ones too.")
    unsure: bool = Field(description="Below the specialist's threshold, or not complete: ask a person.")
    complete: bool = Field(description="Whether there was room for the whole record.")


class DecidedRecord(Decided):
    """What is read out of a text by an extractor with a fallback."""

    values: dict[str, Scalar | list[Scalar]] = Field(description="By field; what the text does not have is left out.")
    score: Score | None = Field(description="By the specialist that gave them; null: an endpoint did.")
    scores: dict[str, Score] | None = Field(None, description="The same of every field; null: an endpoint did.")


class Words(BaseModel):
    """What was written to a text."""

    text: str = Field(description="The answer; it may be empty.")
    score: Score = Field(description="How likely the model found its words.")
    unsure: bool = Field(description="Below the specialist's threshold, or not complete: ask a person.")
    complete: bool = Field(description="Whether the model came to an end by itself.")


class DecidedWords(Decided):
    """What is written to a text by a writer with a fallback."""

    text: str
    score: Score | None = Field(description="By the specialist that wrote it; null: an endpoint did.")


class _Answered(BaseModel):
    specialist: str = Field(description="Its name.", examples=["support/intent"])
    version: str = Field(description="The version that answered.", examples=["1.2.0"])
    by: list[str] | None = Field(
        None,
        description="Who gave each answer, where another version has its share of the texts.",
        examples=[["support/intent@1.3.0"]],
    )
    ids: list[str | None] | None = Field(
        None, description="Where each answer is recorded, if the service keeps an audit log; null: it was not recorded."
    )


class Labelled(_Answered):
    """A classifier's answers, one a text."""

    kind: Literal["classification"]
    answers: list[Label] | list[DecidedLabel]


class Tagged(_Answered):
    """The spans found in each text."""

    kind: Literal["spans"]
    answers: list[Spans] | list[DecidedSpans]


class Extracted(_Answered):
    """The record read out of each text."""

    kind: Literal["extraction"]
    answers: list[Record] | list[DecidedRecord]


class Written(_Answered):
    """The answer written to each text."""

    kind: Literal["generation"]
    answers: list[Words] | list[DecidedWords]


Answered = Annotated[Labelled | Tagged | Extracted | Written, Field(discriminator="kind")]


class Place(BaseModel):
    """A stretch of a text, and what it is."""

    model_config = ConfigDict(extra="forbid")

    label: str
    start: int = Field(ge=0, description="In Unicode code points of the text that was asked about.")
    end: int = Field(ge=0, description="After the last code point.")


class Correction(BaseModel):
    """What a person says is right."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"right": "lost_card", "who": "r-17"}]})

    right: str | list[Place] | dict[str, Scalar | list[Scalar]] = Field(
        description="A label, or words; the spans; or the record's values."
    )
    who: str = Field(min_length=1, description="Who says so: a pseudonym will do, and will stay.")
    note: str = Field("", description="Why.")


class Corrected(BaseModel):
    """That it is recorded."""

    id: str = Field(description="Of the correction's record.")


class Described(BaseModel):
    """A specialist that is served."""

    name: str = Field(examples=["support/intent"])
    version: str = Field(examples=["1.2.0"])
    follows: str = Field(description="What it was asked for by: without a full version, reloads look for newer ones.")
    kind: Literal["classification", "spans", "extraction", "generation"]
    title: str
    language: str = Field(description="ISO 639-1 code of the texts.")
    labels: list[str] = Field(description="Labels, types of spans, or fields.")
    threshold: float | None = Field(
        description="Answers below it are marked unsure. null: nothing is promised, unless there are `thresholds`."
    )
    thresholds: dict[str, float] = Field(
        description="Labels that have one of their own; without a `threshold` all others are marked unsure."
    )
    risk: float | None = Field(description="At most this share of the answers that are not unsure is wrong.")
    fallback: str | None = Field(description="Who is asked where it is not sure; null: nobody is.")
    forced: bool = Field(description="Published although its gate failed.")
    licence: str
    card: str = Field(description="Path of its card.")


class Listed(BaseModel):
    """The specialists that are served, by name."""

    specialists: list[Described]


class Trouble(BaseModel):
    """Why something could not be done."""

    detail: str
    where: str = ""
    fix: str = ""


class Reloaded(BaseModel):
    """What a reload did with one specialist."""

    name: str
    before: str = Field(description="The version that answered before; empty where none did.")
    after: str = Field(description="The version that answers now; the same where nothing newer was found or loaded.")
    problem: Trouble | None = Field(None, description="Why another version could not be loaded; the old one serves.")


class Reloads(BaseModel):
    """What a reload did."""

    specialists: list[Reloaded]


class Health(BaseModel):
    """Whether the service is well."""

    status: Literal["alive", "ready"]
