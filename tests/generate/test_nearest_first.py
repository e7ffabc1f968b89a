"""Real texts, those first that are like what people's rows hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from factory.generate.nearest_first import like, unknown
from factory.generate.seed import Passage
from factory.row import Lineage, Row


def row(text: str, **record: str) -> Row:
    return Row(text=text, record=dict(record), origin="reviewed", lineage=Lineage(spec="s"))


def passages(*texts: str) -> list[Passage]:
    return [Passage(id=text, text=text) for text in texts]


def test_each_stratum_has_its_turn_and_what_holds_nothing_attracts_nothing() -> None:
    rows = [row("governed by the laws of Ohio", law="x"), row("ends upon notice", notice="x"), row("we insure it")]
    some = passages(
        "they insure it all", "governed by laws of Peru", "governed by the laws", "upon notice it ends", "blue"
    )
    assert [one.text for one in like(rows, some)[:3]] == [
        "governed by the laws",
        "upon notice it ends",
        "governed by laws of Peru",
    ]


def test_without_anything_to_be_like_nothing_moves() -> None:
    some = passages("b", "a")
    assert like([], some) == some and like([row("we insure it")], some) == some and like([row("a", law="x")], []) == []


WORDS = st.lists(st.sampled_from(["law", "notice", "term", "insure", "blue", "red"]), min_size=1, max_size=5).map(
    " ".join
)


@given(texts=st.lists(WORDS, unique=True), rows=st.lists(st.tuples(WORDS, st.sampled_from(["", "law", "term"]))))
def test_every_text_stays_once(texts: list[str], rows: list[tuple[str, str]]) -> None:
    some = passages(*texts)
    people = [row(text, **({name: "x"} if name else {})) for text, name in rows]
    found = like(people, some)
    assert sorted(one.text for one in found) == sorted(texts) and found == like(people, some)


@given(texts=st.lists(WORDS), known=st.lists(WORDS))
def test_what_is_known_already_is_not_taken(texts: list[str], known: list[str]) -> None:
    found = unknown(passages(*texts), [f" {text.upper()}\n" for text in known])
    assert [one.text for one in found] == [text for text in texts if text not in known]
