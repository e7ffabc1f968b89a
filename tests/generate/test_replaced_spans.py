"""People's rows with other words in their spans: sound ones, of the same types, and all else of the text stays."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import spec as specs
from factory.dataset.split import split
from factory.errors import SpecError
from factory.generate.plan import cells
from factory.generate.strategies import Material
from factory.generate.strategies.replaced_spans import replaced_spans, words_of
from factory.generate.write import write
from factory.row import Lineage, Row
from factory.span import Span, problem, strip
from factory.spec import Spec
from tests import kitchen

WORDS = {"time": ["7pm", "Half Past Six"], "first_name": ["Ada", "Bo"], "date": ["today"]}


def spans_row(marked: str) -> Row:
    text, spans, _ = strip(marked)
    return Row(text=text, spans=spans, origin="reviewed", lineage=Lineage(spec="s", source="g"))


MARKED = st.lists(
    st.tuples(st.text("ab <&", max_size=4), st.sampled_from(sorted(WORDS)), st.text("aB7", min_size=1, max_size=4)),
    max_size=5,
)


@given(parts=MARKED, seed=st.integers(0, 99))
def test_spans_have_other_words_of_their_type_and_the_rest_stays(parts: list[tuple[str, str, str]], seed: int) -> None:
    text, spans = "", []
    for between, label, words in parts:
        spans.append(Span(start=len(text + between), end=len(text + between + words), label=label))
        text += between + words
    old = Row(text=text or "-", spans=tuple(spans), origin="reviewed", lineage=Lineage(spec="s"))
    found = replaced_spans(old, WORDS, random.Random(seed))
    if found is None:
        assert not spans or all(one == "today" for *_, one in parts)
        return
    new, marks = found
    assert not problem(new, marks) and [one.label for one in marks] == [one.label for one in spans]
    rest = [part for part, *_ in parts]
    starts, ends = [one.start for one in marks], [0, *(one.end for one in marks)]
    assert [new[end:start] for end, start in zip(ends, starts, strict=False)] == rest
    for (_, label, was), one in zip(parts, marks, strict=True):
        words = new[one.start : one.end]
        assert (
            words in {*WORDS[label], *(other.lower() for other in WORDS[label])} and words.casefold() != was.casefold()
        )
        assert not was.islower() or words.islower()


def test_what_is_the_same_stays_the_same_and_small_letters_stay_small() -> None:
    old = spans_row("<first_name>eve</first_name> at <time>8pm</time>, yes <time>8PM</time> for <date>today</date>")
    for seed in range(9):
        text, spans = replaced_spans(old, WORDS, random.Random(seed)) or ("", ())
        first, one, other, day = (text[span.start : span.end] for span in spans)
        assert first in ("ada", "bo") and one == other.lower() and one in ("7pm", "half past six") and day == "today"


def test_a_row_without_others_for_its_spans_is_left() -> None:
    assert replaced_spans(spans_row("<date>Today</date> at 7pm"), WORDS, random.Random(1)) is None
    assert replaced_spans(spans_row("a table at 7pm"), WORDS, random.Random(1)) is None


def test_words_are_drawn_as_often_as_people_have_them() -> None:
    rows = [spans_row("<time>7pm</time> or <time>8pm</time>"), spans_row("<time>7pm</time>")]
    assert words_of(rows) == {"time": ["7pm", "8pm", "7pm"]}


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    changes = {"strategies": {"replaced": 1.0}, "hygiene": {"near_duplicate": 0.97}}
    kitchen.make_specialist(tmp_path / "test" / "kitchen", tmp_path / "gold", changes)
    return specs.load("test/kitchen", tmp_path)


def test_a_plan_holds_peoples_rows_and_nobody_is_asked(spec: Spec, tmp_path: Path) -> None:
    samples = [kitchen.sample(types, number) for number, types in enumerate([*kitchen.MIDDLES] * 3)]
    known = [
        Row(text=text, spans=spans, origin="reviewed", lineage=Lineage(spec="s", source="g")) for text, spans in samples
    ]
    material = Material(spec, known=known)
    plan = list(islice(cells(material), 18))
    assert plan == list(islice(cells(material), 18)) and all(one.label != "none" for one in plan)
    asked: object = None  # no teacher: whoever asked would fail
    written = write(material, plan, asked, tmp_path / "replies.db")  # type: ignore[arg-type]
    assert not written.failed and len(written.rows) == sum(cell.count for cell in plan)
    for made in written.rows:
        assert made.spans and not problem(made.text, made.spans, spec.labels)
        # Every place of a text that has a word of the kitchen is marked, as it was in people's rows.
        assert made.spans == kitchen.spans_of(made.text) and made.text not in {row.text for row in known}
        assert made.attributes["types"] == made.stratum and made.attributes["strategy"] == "replaced"
        assert made.lineage.source == "g" and not made.lineage.teacher


def test_rows_held_out_lend_no_words_and_borrow_none(spec: Spec) -> None:
    """Each row's spans have words of its own, so a word tells whose it was."""
    foods = [f"food{number}" for number in range(60)]
    known = [
        Row(
            text=word, spans=(Span(start=0, end=len(word), label="Food"),), origin="reviewed", lineage=Lineage(spec="s")
        )
        for word in foods
    ]
    sides = split(known)
    side_of = {row.text: sides[row.id] for row in known}
    by_id = {row.id: row for row in known}
    seen = set()
    for cell in islice(cells(Material(spec, known=known)), 60):
        (source,) = cell.sources
        for marked in cell.examples:
            word, *_ = strip(marked)
            if word in side_of:  # else one of the spec's examples
                seen.add(side_of[word])
                assert word != by_id[source].text and side_of[word] == sides[source]
    assert seen == {"train", "held_out"}


def test_without_rows_that_have_spans_the_examples_are_taken_and_without_these_there_is_no_plan(spec: Spec) -> None:
    bare = [Row(text="we talked", spans=(), origin="reviewed", lineage=Lineage(spec="s"))]
    with pytest.raises(SpecError, match="that there are others for"):  # one example, of one food and one tool
        next(cells(Material(spec, known=bare)))
    more = [
        *bare,
        Row(text="honey", spans=(Span(start=0, end=5, label="Food"),), origin="reviewed", lineage=bare[0].lineage),
    ]
    made = next(cells(Material(spec, known=more)))
    assert made.examples == ("<Food>butter</Food>",) * made.count


def test_a_spec_that_would_drop_them_is_refused(tmp_path: Path) -> None:
    kitchen.make_specialist(tmp_path / "test" / "kitchen", tmp_path / "gold", {"strategies": {"replaced": 1.0}})
    with pytest.raises(SpecError, match=r"say 0\.95 or more"):
        specs.load("test/kitchen", tmp_path)
