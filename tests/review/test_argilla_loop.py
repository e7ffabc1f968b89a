"""Rows of each kind go to a person at a real browser, and what was said comes back: the short form of soak.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser_person import Person
from loop import KINDS, Kind, answer_all, assert_stands

from factory import spec as specs
from factory.review.argilla import ArgillaBackend
from factory.review.backend import Item
from factory.review.merge import merge
from factory.row import Lineage, Row
from factory.services.argilla.server import ArgillaServer
from factory.span import Spans
from tests import kitchen, lost, registry, shop

pytestmark = pytest.mark.real

TROUBLE = "😀 R&D <b>my</b> &lt; <img src=x onerror=document.title='owned'>"
"""What a page that takes a text for HTML would run, or lose, and what is two units long where JavaScript counts."""


def troubled(text: str, spans: Spans = ()) -> tuple[str, Spans]:
    """A text with trouble behind its first word, and its spans, all of which lie further on."""
    first, rest = text.split(" ", 1)
    by = len(TROUBLE) + 1
    moved = (span.model_copy(update={"start": span.start + by, "end": span.end + by}) for span in spans)
    return f"{first} {TROUBLE} {rest}", tuple(moved)


def rows(kind: Kind) -> list[Row]:
    made = {"origin": "generated", "lineage": Lineage(spec="s")}
    if kind.place is shop:
        return [Row(text=troubled(shop.text_of("money", number))[0], label="money", **made) for number in range(4)]
    if kind.place is kitchen:
        found = [troubled(*kitchen.sample("Food + Tool", number)) for number in range(4)]
        return [Row(text=text, spans=spans, **made) for text, spans in found]
    if kind.place is registry:
        read = [registry.sample("borrower + due", number) for number in range(4)]
        return [Row(text=troubled(text)[0], record=record, **made) for text, record in read]
    return [Row(text=troubled(text)[0], answer=answer, **made) for text, answer in map(lost.sample, range(4))]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_what_a_person_says_stands_in_the_rows(kind: Kind, argilla: ArgillaServer, page: Any, tmp_path: Path) -> None:
    kind.place.make_specialist(tmp_path / "prompts" / kind.spec, tmp_path / "gold", {})
    spec = specs.load(kind.spec, tmp_path / "prompts")
    place = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    made = rows(kind)
    items = [Item(row.id, row.text, row.decision, 0.5, "uncertain") for row in made]
    person = Person(page, argilla, place.push(spec, items).where, argilla.home / "screenshots" / kind.name)
    said = answer_all(kind, person, items)
    assert sorted(said.values(), key=str) != sorted((item.suggestion for item in items), key=str)
    pulled = place.pull(spec)
    merged = merge(made, pulled.answers)
    assert_stands(said, pulled.answers, merged.rows, merged.dropped)
    corrected = {row.id: row.decision for row in made if said[row.id] not in (None, row.decision)}
    assert len(corrected) == 2
    assert {row.id: row.lineage.was for row in merged.rows if row.lineage.was is not None} == corrected
    assert not pulled.problems and not person.failures
    assert page.title() == "Argilla"
