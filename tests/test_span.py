"""Tags and offsets say the same, whatever the text holds; claims are found or refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.span import Span, apart, locate, mark, problem, ragged, stratum, strip
from factory.strata import names_in, strata
from zoo.claims import Claim

LABELS = ["Chemical", "Disease"]
PIECES = st.sampled_from(
    ["<", ">", "</", "&lt;", "&amp;", "&", "<Disease>", "</Chemical>", "<br/>", "a", "é", " ", "😀"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=20).map("".join))


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, tuple[Span, ...]]:
    """A text, and spans that do not overlap; they may touch."""
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    labels = st.sampled_from([*LABELS, None])
    drawn = [(start, end, draw(labels)) for start, end in pairwise(cuts)]
    return text, tuple(Span(start=start, end=end, label=label) for start, end, label in drawn if label)


@given(marked_texts())
def test_tags_give_text_and_spans_back(drawn: tuple[str, tuple[Span, ...]]) -> None:
    text, spans = drawn
    assert problem(text, spans, LABELS) == ""
    assert strip(mark(text, spans), LABELS) == (text, spans, "")
    assert strip(mark(text, spans)) == (text, spans, "")


@given(TEXTS)
def test_whatever_is_read_is_sound_or_has_a_reason(marked: str) -> None:
    text, spans, reason = strip(marked, LABELS)
    if reason:
        assert (text, spans) == ("", ()) and ": " in reason
    else:
        assert problem(text, spans, LABELS) == ""
        assert strip(mark(text, spans), LABELS) == (text, spans, "")


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        ("<Disease>gout", "unclosed tag: Disease"),
        ("gout</Disease>", "stray tag: </Disease> closes nothing"),
        ("<Disease>gout</Chemical>", "stray tag: </Chemical> closes nothing"),
        ("<Disease>lead <Chemical>lead</Chemical></Disease>", "nested tags: Chemical in Disease"),
        ("<Gene>p53</Gene>", "unknown type: 'Gene'"),
        ("<Disease></Disease>", "empty tag: Disease"),
        ("<Disease gout>", "broken tag: '<Disease gout>'"),
        ("a <Disease", "broken tag: '<Disease'"),
    ],
)
def test_tags_that_say_nothing_clear_are_refused(marked: str, reason: str) -> None:
    assert strip(marked, LABELS) == ("", (), reason)


def test_what_is_no_tag_is_text() -> None:
    text = "P < 0.05 & a > b, [3H]dopamine (5 mg)"
    assert strip(text, LABELS) == (text, (), "")
    assert mark(text, ()) == text
    assert strip("<disease>gout</DISEASE >", LABELS) == ("gout", (Span(start=0, end=4, label="Disease"),), "")


@given(TEXTS, st.lists(st.builds(Claim, st.text(max_size=5), st.sampled_from([*LABELS, "Gene"])), max_size=6))
def test_claims_are_found_or_refused(text: str, claims: list[Claim]) -> None:
    spans, refused = locate(text, claims, LABELS)
    assert problem(text, spans, LABELS) == "" and ragged(text, spans) == ""
    assert {one.claim for one in refused} <= set(claims)
    for claim in {*claims} - {one.claim for one in refused}:
        assert any(text[span.start : span.end] == claim.text.strip() and span.label == claim.label for span in spans)


def test_every_occurrence_is_found_and_words_are_not_cut() -> None:
    text = "lead , Leads and lead - lead poisoning"
    spans, refused = locate(text, [Claim("lead", "Chemical"), Claim("lead poisoning", "Disease")], LABELS)
    assert [(text[s.start : s.end], s.start, s.label) for s in spans] == [
        ("lead", 0, "Chemical"), ("lead", 17, "Chemical"), ("lead poisoning", 24, "Disease")
    ]  # fmt: skip
    assert refused == []


@pytest.mark.parametrize(
    ("claim", "category"),
    [
        (Claim("tin", "Chemical"), "not in the text"),
        (Claim("ead", "Chemical"), "not in the text"),
        (Claim("poisoning", "Disease"), "overlaps another span"),
        (Claim(" ", "Disease"), "empty"),
        (Claim("lead", "Metal"), "unknown type"),
    ],
)
def test_a_claim_that_does_not_hold_says_why(claim: Claim, category: str) -> None:
    spans, refused = locate("of lead poisoning", [Claim("lead poisoning", "Disease"), claim], LABELS)
    assert spans == (Span(start=3, end=17, label="Disease"),)
    assert [(one.claim, one.reason.split(":")[0]) for one in refused] == [(claim, category)]


def test_scripts_without_spaces_may_be_cut_anywhere() -> None:
    (span,), _ = locate("患者は頭痛を訴えた", [Claim("頭痛", "Disease")], LABELS)
    assert (span.start, span.end) == (3, 5)


@pytest.mark.parametrize(
    ("spans", "category"),
    [
        ([(0, 9, "Disease")], "out of bounds"),
        ([(0, 3, "Disease"), (2, 5, "Chemical")], "overlapping spans"),
        ([(0, 2, "Gene")], "unknown type"),
    ],
)
def test_unsound_spans_have_a_reason_and_no_tags(spans: list[tuple[int, int, str]], category: str) -> None:
    made = [Span(start=start, end=end, label=label) for start, end, label in spans]
    assert problem("in rats", made, LABELS).startswith(category)
    if category != "unknown type":
        with pytest.raises(ValueError, match=category):
            mark("in rats", made)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.sampled_from(LABELS))))
def test_spans_apart_are_sound_and_leave_out_none_that_fits(given: list[tuple[int, int, str]]) -> None:
    every = [Span(start=start, end=start + length, label=label) for start, length, label in given]
    found = apart(every, LABELS)
    assert not problem("x" * 14, found, LABELS) and set(found) <= set(every)
    assert apart(found[::-1], LABELS) == found
    for one in set(every) - set(found):
        shorter = [other for other in found if other.end - other.start <= one.end - one.start]
        assert any(one.start < other.end and other.start < one.end for other in shorter)


def test_of_equal_spans_the_type_named_first_stays() -> None:
    here = [Span(start=0, end=2, label=label) for label in (*LABELS, "Unknown")]
    assert apart(here[::-1], LABELS) == [Span(start=0, end=2, label=LABELS[0])]


def test_strata_name_sets_of_types() -> None:
    assert strata(["A", "B", "C"]) == ["A", "B", "C", "A + B", "A + C", "B + C", "none"]
    spans = [Span(start=0, end=1, label="B"), Span(start=2, end=3, label="A"), Span(start=4, end=5, label="B")]
    assert stratum(spans) == "A + B" and stratum(spans, ["B", "A"]) == "B + A" and stratum([]) == "none"
    assert names_in("A + B") == ["A", "B"] and names_in("none") == []
