"""What requests to chains and their answers look like on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from zoo.serve.models import DecidedLabel, DecidedRecord, DecidedSpans, DecidedWords, Label, Record, Spans, Words

Answer = Label | DecidedLabel | Spans | DecidedSpans | Record | DecidedRecord | Words | DecidedWords


class Stepped(BaseModel):
    """What became of a step of a chain, of one text."""

    state: Literal["answered", "skipped", "failed"]
    why: str = Field(description="It was skipped, or failed; empty where it was answered.")
    model: str = Field(description="Who answered; empty where nobody did.", examples=["medical/section@1.0.0"])
    kind: Literal["classification", "spans", "extraction", "generation"]
    answer: Answer | None = Field(description="By kind; null unless answered.")
    seconds: Annotated[float, Field(ge=0)] = Field(description="How long it took, waits in queues included.")
    id: str | None = Field(None, description="Where the answer is recorded, if the service keeps an audit log.")


class Chained(BaseModel):
    """What a chain says about a text."""

    steps: dict[str, Stepped] = Field(description="By name, in the order of the declaration.")
    failed: list[str] = Field(description="The steps that failed; what needs them is skipped, and no other is.")


class ChainAnswered(BaseModel):
    """What a chain says about each text."""

    chain: str = Field(description="Its name.", examples=["notes"])
    answers: list[Chained]


class StepDescribed(BaseModel):
    """A step of a chain."""

    name: str
    model: str = Field(description="Who is asked by now.", examples=["medical/section@1.0.0"])
    when: dict[str, list[str]] = Field(description="By earlier step: labels, types or fields, one of which it needs.")
    source: str | None = Field(description="The earlier step whose answer it is fed; null: none.")
    feed: str = Field(description="What it is asked about.", examples=["{text}", "What is {answer.Chemical} for?"])


class ChainDescribed(BaseModel):
    """A chain that is served."""

    name: str = Field(examples=["notes"])
    title: str
    steps: list[StepDescribed]


class ChainsListed(BaseModel):
    """The chains that are served, by name."""

    chains: list[ChainDescribed]
