"""Texts that a teacher writes with their spans marked: of each type, of pairs of types, and without any."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from factory.errors import SpecError
from factory.generate.examples import given
from factory.generate.replies import parse_rows
from factory.generate.strategies.balance import Balance, turn
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.few_shot import SHOTS, group
from factory.generate.strategies.label import EXAMPLES_A_CELL, PASSAGES_A_CELL
from factory.generate.strategies.strategy import Draft, Material, Strategy
from factory.row import Lineage
from factory.span import JOIN, NONE, Claim, locate, mark, strata, strip, types_of

_INNER_SPACE = re.compile(r"(<[A-Za-z][\w-]*\s*>)(\s+)|(\s+)(</[A-Za-z][\w-]*\s*>)")


class Marked(Strategy):
    """Every type, every pair of types and none, evenly; a few real passages and the spec's examples are shown."""

    name = "marked"
    template = "generate.jinja"
    axis = "types"

    def cells(self, material: Material) -> Iterator[Cell]:
        """As `asked` orders them; attributes evenly by types; shown texts in turn."""
        spec = material.spec
        chance = self._chance(material)
        balance = Balance(spec.attributes, chance)
        shown = [one.text for one in (spec.examples if material.examples is None else material.examples)]
        for seen, (ordinal, types) in enumerate(asked(list(spec.labels), chance)):
            yield Cell(
                label=types,
                attributes=balance.next(types),
                count=spec.teacher.rows_per_request,
                examples=tuple(turn(shown, seen, EXAMPLES_A_CELL)),
                passages=tuple(passage.id for passage in turn(material.passages, seen, PASSAGES_A_CELL)),
                ordinal=ordinal,
                strategy=self.name,
            )

    def read(self, cell: Cell, reply: str) -> tuple[list[Draft], str]:
        """The texts whose tags can be read; words that are marked once are marked wherever they stand."""
        texts, failure = parse_rows(reply)
        drafts, unread = [], []
        for marked in texts:
            draft, reason = _draft(cell, marked)
            if draft:
                drafts.append(draft)
            else:
                unread.append(reason)
        if unread:
            failure = "; ".join(
                [*filter(None, [failure]), f"{len(unread)} texts whose tags can't be read: {unread[0]}"]
            )
        return drafts, failure

    def attributes(self, cell: Cell) -> dict[str, str]:
        """Also which types were asked for."""
        return {**super().attributes(cell), self.axis: cell.label}

    def _values(self, cell: Cell, material: Material) -> dict[str, Any]:
        spec, wanted = material.spec, types_of(cell.label)
        told = [{"label": label, "definition": definition} for label, definition in spec.labels.items()]
        return {
            "label": cell.label,
            "wanted": [one for one in told if one["label"] in wanted],
            "absent": [one for one in told if one["label"] not in wanted],
            "attributes": cell.attributes,
            "examples": cell.examples,
            "passages": [material.texts[name] for name in cell.passages],
            "avoid": cell.avoid,
            "count": cell.count,
        }


class MarkedFewShot(Marked):
    """The same after rows that people marked, which are shown with their marks."""

    name = "marked_few_shot"

    def cells(self, material: Material) -> Iterator[Cell]:
        """As `asked` orders them; rows of the same types are shown, in turn, where there are any."""
        spec = material.spec
        known = list(material.known) or given(spec, Lineage(spec=spec.identity, source="spec.yaml"))
        if not known:
            raise SpecError(
                f"The strategy {self.name} rests on rows that people marked, and there are none that are trained on.",
                where=str(spec.folder / "spec.yaml"),
                fix=f"Give some under `examples`, have rows reviewed first, or take {self.name} out of `strategies`.",
            )
        chance = self._chance(material)
        balance = Balance(spec.attributes, chance)
        rows = {types: [row for row in known if row.stratum == types] for types in strata(list(spec.labels))}
        for ordinal, types in asked(list(spec.labels), chance):
            shown = turn(rows[types] or known, ordinal, SHOTS)
            yield Cell(
                label=types,
                attributes=balance.next(types),
                count=spec.teacher.rows_per_request,
                examples=tuple(mark(row.text, row.spans or ()) for row in shown),
                sources=tuple(dict.fromkeys(group(row) for row in shown)),
                ordinal=ordinal,
                strategy=self.name,
            )


def asked(labels: Sequence[str], chance: random.Random) -> Iterator[tuple[int, str]]:
    """What texts are to hold, without end, with how many requests for the same come before.

    A round has each type once, as many pairs as there are types (all, up to three types; else the next in turn), and
    one request for none for every four types, at least one: negatives are a quarter where there are two types.
    """
    pairs = [JOIN.join(pair) for pair in itertools.combinations(labels, 2)]
    chance.shuffle(pairs)
    before: Counter[str] = Counter()
    for number in itertools.count():
        drawn = [*labels, *turn(pairs, number, len(labels)), *[NONE] * max(1, len(labels) // 4)]
        chance.shuffle(drawn)
        for types in drawn:
            yield before[types], types
            before[types] += 1


def _draft(cell: Cell, marked: str) -> tuple[Draft | None, str]:
    """What a marked text says, or why it can't be read; whether its types are the spec's is for hygiene to say.

    White space goes out of the tags, and a word marked in one place of a text and left bare in another is marked there
    too: people did so in all but one of 2,000 sentences (medical/entities, reviewed.jsonl), teachers forget.
    """
    moved = _INNER_SPACE.sub(lambda found: f" {found[1]}" if found[1] else f"{found[4]} ", marked)
    text, spans, reason = strip(" ".join(moved.split()))
    if reason or not text.strip():
        return None, reason or "empty text: nothing but tags"
    claims = [Claim(text[span.start : span.end], span.label) for span in spans]
    every, _ = locate(text, claims, {span.label for span in spans}, taken=spans)
    return Draft(text, cell.label, every), ""
