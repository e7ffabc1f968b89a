"""One request for rows, as a plan holds it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from factory.files import digest

UNSAID = {"strategy": "label", "against": "", "sources": (), "avoid": (), "told": ()}
"""Left out of a cell's dump while they say nothing, so that cells from before these keys keep their ids."""


class Told(BaseModel):
    """What a row is to say.

    Attributes:
        record: its record.
        said: field to its value as the teacher is told it.
        words: all of these stand in a text that says it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    record: dict[str, Any]
    said: dict[str, str]
    words: tuple[str, ...] = ()


class Cell(BaseModel):
    """One request for rows.

    Attributes:
        label: what the rows must mean.
        attributes: a value for every axis of the spec, or for those the strategy has of its own.
        count: rows asked for.
        examples: texts that have the label: shown as few-shot, or to be rewritten.
        passages: ids of the real passages shown.
        ordinal: how many requests for this label come before it, or rounds, where a cell is a row; two cells are never
            the same question.
        strategy: how the rows are asked for: a name in factory.generate.strategies.
        against: the other label of a minimal pair; half the rows have it.
        sources: groups of the rows that `examples` are the texts of, as a split keeps them together.
        avoid: texts of this label that were written already, to write something else.
        told: what the rows are to say, one each, where that is drawn beforehand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    attributes: dict[str, str]
    count: int
    examples: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    ordinal: int
    strategy: str = "label"
    against: str = ""
    sources: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()

    @model_serializer(mode="wrap")
    def _without_the_unsaid(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said: dict[str, Any] = dump(self)
        unsaid = {name for name, value in UNSAID.items() if getattr(self, name) == value}
        return {name: value for name, value in said.items() if name not in unsaid}

    @property
    def id(self) -> str:
        """16 hex digits over the content."""
        return digest(self.model_dump(mode="json"))[:16]

    @property
    def asks(self) -> dict[str, int]:
        """Label to rows asked for."""
        if not self.against:
            return {self.label: self.count}
        return {self.label: self.count // 2, self.against: self.count // 2}
