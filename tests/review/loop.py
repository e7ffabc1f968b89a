"""What a person does with the rows of each kind at a browser, and how it must stand in the rows afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

from browser_person import Person

from factory.record import written
from factory.review.backend import Answer, Item
from factory.row import REVIEW, Row
from factory.span import Span, mark, strip
from tests import kitchen, lost, registry, shop

COMMENT = "The policy is silent about this."


@dataclass(frozen=True)
class Kind:
    """How rows of a kind are corrected.

    Attributes:
        name: the kind, as in a spec.
        place: the module of its small specialist.
        corrected: the decision that a row gets, as `Row.decision` writes it; never the suggested one.
        correct: makes it that in the browser.
    """

    name: str
    place: ModuleType
    corrected: Callable[[Item], str]
    correct: Callable[[Person, Item], None]

    @property
    def spec(self) -> str:
        """The specialist's name."""
        return f"loop/{self.place.__name__.rpartition('.')[2]}"


def _next_label(item: Item) -> str:
    labels = list(shop.WORDS)
    return labels[(labels.index(item.suggestion) + 1) % len(labels)] if item.suggestion else labels[0]


def _first_word(item: Item) -> str:
    return item.text.split()[0]


def _one_more(item: Item) -> str:
    suggested = strip(item.suggestion or "", list(kitchen.WORDS))[1]
    return mark(item.text, (Span(start=0, end=len(_first_word(item)), label="Tool"), *suggested))


def _other_shelf(item: Item) -> str:
    cellar = written({"shelf": "cellar"})
    return written({"shelf": "upstairs"}) if item.suggestion == cellar else cellar


def _own_words(item: Item) -> str:
    return "Is there anything of mine?"


def _write_answer(person: Person, item: Item) -> None:
    if item.suggestion is not None:
        person.rate(2)
    person.write(_own_words(item))


KINDS = [
    Kind("classification", shop, _next_label, lambda person, item: person.choose(_next_label(item))),
    Kind("spans", kitchen, _one_more, lambda person, item: person.mark(item.text, _first_word(item), "Tool")),
    Kind("extraction", registry, _other_shelf, lambda person, item: person.write(_other_shelf(item))),
    Kind("generation", lost, _own_words, _write_answer),
]


def answer_all(kind: Kind, person: Person, items: Sequence[Item]) -> dict[str, str | None]:
    """Accept a row, discard the next, correct one, accept and correct in turn, then change the first answer.

    Args:
        kind: of the rows.
        person: at their dataset.
        items: what is shown there, three or more; one without a suggestion is answered by hand.

    Returns:
        What was decided, by row id, as `Row.decision` writes it; None: no decision.
    """
    said: dict[str, str | None] = {}
    waiting = {item.row_id: item for item in items}
    while waiting:
        item = waiting.pop(person.read({row_id: item.text for row_id, item in waiting.items()}))
        person.shot(f"{len(said):02}-shown")
        suggested = [row_id for row_id, decision in said.items() if decision is not None]
        if suggested and None not in said.values():
            said[item.row_id] = None
            person.discard(item.text, "policy", COMMENT)
            continue
        if item.suggestion is not None and len(said) % 2 == 0:
            said[item.row_id] = item.suggestion
        else:
            said[item.row_id] = kind.corrected(item)
            kind.correct(person, item)
            person.shot(f"{len(said):02}-corrected")
        person.submit(item.text)
    first = next(item for item in items if said[item.row_id] is not None and said[item.row_id] == item.suggestion)
    person.find_submitted(first.text)
    kind.correct(person, first)
    person.shot("changed")
    person.update()
    said[first.row_id] = kind.corrected(first)
    return said


def assert_stands(
    said: Mapping[str, str | None], answers: Sequence[Answer], kept: Iterable[Row], dropped: Iterable[Row]
) -> None:
    """Every row is as the person said, and it is told who said it, and when."""
    given = {answer.row_id: answer for answer in answers}
    assert given.keys() == said.keys() and len(given) == len(answers)
    assert len({answer.reviewer for answer in answers}) == 1
    assert all(answer.submitted_at and answer.reviewer.startswith("r-") for answer in answers)
    after = {row.id: row for row in kept}
    gone = {row.id: row for row in dropped}
    for row_id, decision in said.items():
        if decision is None:
            (verdict,) = (one for one in gone[row_id].verdicts if one.check == REVIEW)
            assert verdict.reason == f"No label given. The policy does not decide it: {COMMENT}"
            assert row_id not in after
        else:
            assert (after[row_id].decision, after[row_id].origin) == (decision, "reviewed")
            assert after[row_id].lineage.reviewers == [given[row_id].reviewer]
