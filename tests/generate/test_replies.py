"""What a teacher replies is validated, saved where it can be, and never trips its reader."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from factory.generate.replies import FLOOR, parse_rows, parse_scores, rows_schema

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(lambda text: bool(text.strip()))
finite = st.floats(-30, 0, allow_nan=False)


def reply(*rows: str) -> str:
    return json.dumps({"rows": [{"text": row} for row in rows]})


@given(st.lists(texts, min_size=1, max_size=8))
def test_a_sound_reply_is_read_whole_with_spaces_folded(rows: list[str]) -> None:
    assert parse_rows(reply(*rows)) == ([" ".join(row.split()) for row in rows], "")


@given(st.lists(texts, min_size=1, max_size=5), st.data())
def test_of_a_reply_cut_off_anywhere_every_complete_row_is_kept(rows: list[str], data: st.DataObject) -> None:
    whole = reply(*rows)
    end = data.draw(st.integers(0, len(whole) - 1))
    complete = sum(end >= len(reply(*rows[: number + 1])) - 2 for number in range(len(rows)))
    found, failure = parse_rows(whole[:end])
    assert found == [" ".join(row.split()) for row in rows[:complete]]
    assert failure == "not JSON: cut off or malformed"


@given(st.text(max_size=200))
@example("")
@example("[" * 100_000)
@example('{"rows": ' + "[" * 100_000)
@example("}" * 3_000)
@example('{"rows": [{"text": "a"}, {"text": "\\ud800"}]}')
@example('{"rows": {"text": "a"}}')
@example("1" * 5_000)
@example("NaN")
def test_no_reply_trips_the_reader(junk: str) -> None:
    found, failure = parse_rows(junk)
    assert failure or found
    assert all(text == " ".join(text.split()) and text for text in found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(st.characters(), max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rows", "text", "x"]), inner),
        max_leaves=10,
    )
)
def test_every_json_value_is_either_rows_or_a_reason(value: object) -> None:
    found, failure = parse_rows(json.dumps(value))
    rows = value.get("rows") if isinstance(value, dict) else None
    assert len(found) <= (len(rows) if isinstance(rows, list) else 0)
    if rows or not isinstance(rows, list):
        assert bool(failure) == (not isinstance(rows, list) or len(found) < len(rows))
    for text in found:
        text.encode()  # can be hashed and written


def test_rows_without_a_usable_text_are_counted() -> None:
    value = {"rows": [{"text": "good"}, {"text": "  "}, {"text": 3}, {}, {"text": "lone \ud800"}, "bare", None]}
    assert parse_rows(json.dumps(value)) == (["good", "bare"], "5 rows without a usable text")


def test_the_schema_asks_for_as_many_rows_as_the_cell() -> None:
    rows = rows_schema(7)["properties"]["rows"]
    assert (rows["minItems"], rows["maxItems"]) == (7, 7)


CODES = ["negative", "neutral", "positive"]
LETTERS = ["A", "B", "C", "a"]


@given(st.dictionaries(st.text(max_size=4) | st.sampled_from(["neg", "Pos", " neu", "ne"]), finite), st.text())
def test_scores_are_normalised_or_absent_with_a_reason(tokens: dict[str, float], said: str) -> None:
    scores, failure = parse_scores(said, [tokens], CODES)
    assert (scores is None) == bool(failure)
    if scores is not None:
        assert sum(map(math.exp, scores)) == pytest.approx(1.0)


def test_a_token_speaks_for_the_one_code_that_it_begins() -> None:
    tokens = {"pos": math.log(0.6), " Neg": math.log(0.3), "ne": math.log(0.05), "xyz": math.log(0.04), " ": -0.1}
    scores, failure = parse_scores("positive", [tokens], CODES)
    assert not failure and scores is not None
    negative, neutral, positive = map(math.exp, scores)
    assert positive / negative == pytest.approx(2.0, rel=1e-6)  # "ne" could be two codes: it counts for neither
    assert neutral < 1e-4


@given(st.sets(st.sampled_from(["n", "no", "No", "not", "not_sure", "NOT_sure"]), min_size=2), finite)
def test_a_token_that_is_a_code_speaks_for_it_whatever_else_begins_so(codes: set[str], logprob: float) -> None:
    different = list({code.lower(): code for code in sorted(codes)}.values())
    for place, code in enumerate(different):
        scores, failure = parse_scores("", [{f" {code}": logprob}], different)
        assert not failure or logprob <= FLOOR
        assert scores is None or all(scores[place] >= score for score in scores)


def test_no_is_not_lost_beside_not_sure() -> None:
    tokens = {"no": math.log(0.8), "yes": math.log(0.1), "not": math.log(0.05)}
    scores, _ = parse_scores("no", [tokens], ["yes", "no", "not_sure"])
    assert scores is not None
    assert [round(math.exp(score), 3) for score in scores] == [0.105, 0.842, 0.053]


def test_of_two_tokens_for_a_code_the_likelier_counts() -> None:
    first, _ = parse_scores("", [{"pos": -1.0, "positive": -0.2, "neg": -2.0}], CODES)
    second, _ = parse_scores("", [{"positive": -0.2, "neg": -2.0}], CODES)
    assert first == second


def test_codes_that_differ_by_case_alone_are_told_apart() -> None:
    scores, failure = parse_scores("a", [{"A": math.log(0.2), "a": math.log(0.7)}], LETTERS)
    assert not failure and scores is not None
    assert math.exp(scores[3] - scores[0]) == pytest.approx(3.5)


@pytest.mark.parametrize("reported", [None, [], [{}], [{"hm": -0.1}], [{"n": -0.1}]])
def test_without_a_telling_token_the_reply_itself_decides(reported: list[dict[str, float]] | None) -> None:
    scores, failure = parse_scores(" neutral\n", reported, CODES)
    assert not failure and scores is not None
    assert max(range(3), key=scores.__getitem__) == 1
    assert parse_scores("perhaps", reported, CODES)[0] is None


@pytest.mark.parametrize("odd", [math.nan, math.inf, 1e308, -math.inf, -1e308])
def test_odd_figures_of_a_server_do_no_harm(odd: float) -> None:
    scores, failure = parse_scores("positive", [{"pos": odd, "neg": -1.0}], CODES)
    assert not failure and scores is not None
    assert sum(map(math.exp, scores)) == pytest.approx(1.0)


def test_the_floor_is_small() -> None:
    assert math.exp(FLOOR) < 1e-5
