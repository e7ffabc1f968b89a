"""What a strategy is: a way to make a teacher write rows, from cells of a plan to rows read from replies."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from factory.dataset.split import split
from factory.files import digest
from factory.generate.prompt import messages
from factory.generate.replies import parse_rows, rows_schema
from factory.generate.seed import Passage
from factory.generate.strategies.cell import Cell
from factory.record import Record
from factory.row import Row
from factory.span import Spans
from factory.spec import Spec
from factory.spec_declared import Example
from factory.teacher.chat import Request

CONTRASTS = 4


class Draft(NamedTuple):
    """A text a teacher wrote, and the label it was asked for; or its spans, record or answer by the same teacher."""

    text: str
    label: str
    spans: Spans | None = None
    record: Record | None = None
    answer: str | None = None


@dataclass(frozen=True)
class Material:
    """What strategies may look at. Gold rows are not among it, and must never be.

    Attributes:
        spec: the specialist.
        passages: real texts, in order.
        examples: few-shot rows; None: the spec's own.
        known: rows with labels by people that every budget trains on.
        neighbours: for each label the others, most alike first.
        near: for each label passages, nearest to its definition first.
        confused: pairs of labels that are mistaken for each other, worst first.
    """

    spec: Spec
    passages: Sequence[Passage] = ()
    examples: Sequence[Example] | None = None
    known: Sequence[Row] = ()
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)
    near: Mapping[str, Sequence[Passage]] = field(default_factory=dict)
    confused: Sequence[tuple[str, str]] = ()

    @cached_property
    def texts(self) -> dict[str, str]:
        """Passages' texts by id."""
        return {passage.id: passage.text for passage in self.passages}

    @cached_property
    def shown(self) -> dict[str, list[str]]:
        """Few-shot texts by label."""
        found: dict[str, list[str]] = {label: [] for label in self.spec.labels}
        for example in self.spec.examples if self.examples is None else self.examples:
            found[example.label].append(example.text)
        return found

    @cached_property
    def taught(self) -> list[Row]:
        """Those of the known rows that are trained on: a text written after a held-out row would give it away."""
        parts = split(self.known)
        return [row for row in self.known if parts[row.id] == "train"]

    @cached_property
    def known_by_label(self) -> dict[str, list[Row]]:
        """Those that may be shown, by label; labels without any are left out."""
        found: dict[str, list[Row]] = {}
        for label in self.spec.labels:
            if rows := [row for row in self.taught if row.label == label]:
                found[label] = rows
        return found


class Strategy(ABC):
    """A way to make a teacher write rows.

    Attributes:
        name: as a spec names it.
        template: the file that its requests are rendered from: the spec's own of that name, else the built-in one;
            empty: no teacher is asked, and `made` has the rows.
        axis: what a cell's `label` is, in tables of a plan, where it is the same for all (`axis_of`).
    """

    name: ClassVar[str]
    template: ClassVar[str] = ""
    axis: ClassVar[str] = "label"

    @property
    def asks(self) -> bool:
        """Whether a teacher is asked."""
        return bool(self.template)

    def axis_of(self, cell: Cell) -> str:
        """What a cell's `label` is."""
        return self.axis

    @abstractmethod
    def cells(self, material: Material) -> Iterator[Cell]:
        """Cells without end; a cell depends on those before it only, and the labels served come evenly.

        Raises:
            SpecError: the material lacks what this strategy rests on.
        """

    def request(self, cell: Cell, material: Material) -> Request:
        """The question for a cell."""
        spec = material.spec
        return Request(
            messages(spec, self.template, **self._values(cell, material)),
            max_tokens=cell.count * spec.teacher.tokens_per_row * 2 + 40,
            json_schema=self._schema(cell, material),
            ordinal=cell.ordinal,
            **spec.teacher.sampling,
        )

    def read(self, cell: Cell, reply: str) -> tuple[list[Draft], str]:
        """The rows in a reply, and what is wrong with it, if anything; whatever could be read is kept."""
        texts, failure = parse_rows(reply)
        return [Draft(text, cell.label) for text in texts], failure

    def made(self, cell: Cell) -> list[Draft]:
        """The rows of a cell that it has by itself: none, where a teacher is asked for them."""
        return []

    def source(self, cell: Cell) -> str:
        """What the cell's rows rest on, as their lineage cites it: a split keeps rows of one source together."""
        return ",".join((*cell.passages, *cell.sources))

    def attributes(self, cell: Cell) -> dict[str, str]:
        """What a row remembers of its cell: the attributes, and by which strategy, where it is not `label`."""
        return cell.attributes if cell.strategy == "label" else {**cell.attributes, "strategy": cell.strategy}

    def _schema(self, cell: Cell, material: Material) -> dict[str, Any]:
        return rows_schema(cell.count)

    def _values(self, cell: Cell, material: Material) -> dict[str, Any]:
        spec, neighbours = material.spec, material.neighbours.get(cell.label, ())
        return {
            "label": cell.label,
            "definition": spec.labels[cell.label],
            "contrasts": [{"label": label, "definition": spec.labels[label]} for label in neighbours[:CONTRASTS]],
            "attributes": cell.attributes,
            "examples": cell.examples,
            "passages": [material.texts[name] for name in cell.passages],
            "avoid": cell.avoid,
            "count": cell.count,
        }

    def _chance(self, material: Material) -> random.Random:
        return random.Random(digest(["plan", material.spec.name, self.name]))
