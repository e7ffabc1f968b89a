"""What checks are worth, on rows whose truth is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.hygiene import advice, worth
from factory.review import merge
from factory.review.backend import AUDIT, Answer
from factory.row import Row, Verdict
from tests.hygiene.hygiene_rows import row


def checked(number: int, label: str, dropped: bool, score: float | None = None, check: str = "roles") -> Row:
    reason = "bad: it seems" if dropped else ""
    return row(f"text {number}", label, verdicts=[Verdict(check=check, passed=not dropped, score=score, reason=reason)])


def people_say(rows: list[Row], label: str) -> dict[str, str | None]:
    return {one.id: label for one in rows}


def test_precision_recall_and_auc_are_counted_on_judged_rows() -> None:
    wrong = [checked(n, "neutral", n < 8, score=0.1) for n in range(10)]
    right = [checked(n, "card_arrival", n < 12, score=0.9) for n in range(10, 40)]
    unknown = [checked(n, "neutral", True) for n in range(100, 105)]
    [one] = worth.table([*wrong, *right, *unknown], people_say(wrong + right, "card_arrival"))
    assert (one.check, one.dropped, one.judged, one.bad, one.flagged, one.caught) == ("roles", 15, 40, 10, 10, 8)
    assert one.precision is not None
    assert one.recall is not None
    assert one.precision.value == pytest.approx(0.8)
    assert one.precision.low == pytest.approx(0.4902, abs=1e-3)  # Wilson 1927, 8 of 10
    assert one.recall.value == pytest.approx(0.8)
    assert one.auc == 0.0
    assert one.earns is True


def test_a_row_nobody_would_label_is_bad_and_not_asked_is_not_judged() -> None:
    unusable = checked(1, "neutral", True)
    silent = row("text 2", verdicts=[Verdict(check="roles", passed=True, reason="not asked: real text")])
    [one] = worth.table([unusable, silent], {unusable.id: None, silent.id: "card_arrival"})
    assert (one.judged, one.bad, one.caught) == (1, 1, 1)
    assert one.auc is None


def test_what_nobody_judged_is_not_known() -> None:
    [one] = worth.table([checked(1, "neutral", True)], {})
    assert (one.precision, one.recall, one.earns) == (None, None, None)
    assert one.sentence == "roles dropped 1 row; people have judged none of these, so its worth is not known."
    told = one.to_json()
    assert (told["precision"], told["recall"], told["auc"], told["earns"]) == (None, None, None, "unknown")


def test_a_check_that_drops_good_rows_does_not_earn_its_keep() -> None:
    wrong = [checked(n, "neutral", False) for n in range(30)]
    right = [checked(n, "card_arrival", True) for n in range(100, 130)]
    found = worth.table(wrong + right, people_say(wrong + right, "card_arrival"))
    assert found[0].earns is False
    assert found[0].sentence == (
        "roles does not earn its keep: 0 of the 30 drops that people judged were right (0% to 11%); "
        "of 30 judged rows that it let pass, 30 are bad."
    )


def test_drops_no_worse_than_the_rest_do_not_show_that_a_check_earns_its_keep() -> None:
    rows = [checked(n, "neutral" if n % 2 else "card_arrival", n < 20) for n in range(40)]
    [one] = worth.table(rows, people_say(rows, "card_arrival"))
    assert (one.flagged, one.caught, one.earns) == (20, 10, None)
    assert "is not known to earn its keep: 10 of the 20" in one.sentence


def test_nobody_is_asked_what_a_guard_is_worth() -> None:
    rows = [checked(n, "neutral", True, 0.9, "contamination") for n in range(30)]
    [one] = worth.table(rows, people_say(rows, "card_arrival"))
    assert one.earns is None
    told = one.to_json()
    assert (told["dropped"], told["judged"], told["precision"], told["earns"]) == (30, None, None, "not asked")
    assert "contamination dropped 30 rows; people are not asked, because it guards the examination" in one.sentence


def test_a_label_says_nothing_against_real_text_that_no_machine_had_labelled() -> None:
    rows = [
        row("real", "neutral", "unlabelled", verdicts=[Verdict(check="roles", passed=False)]),
        row("real, but no use", "neutral", "unlabelled", verdicts=[Verdict(check="roles", passed=False)]),
    ]
    [one] = worth.table(rows, {rows[0].id: "card_arrival", rows[1].id: None})
    assert (one.judged, one.bad) == (2, 1)


def test_rows_are_judged_alike_before_and_after_merging() -> None:
    rows = [row(f"text {number}", "neutral") for number in range(4)]
    said = ["neutral", "card_arrival", None]
    answers = [
        Answer(row_id=one.id, reviewer="ann", label=label, reason=AUDIT, submitted_at="2026-01-01T00:00:00Z")
        for one, label in zip(rows, said, strict=False)
    ]
    merged = merge.merge(rows, answers)
    found = merge.said(answers)
    assert found == {rows[0].id: "neutral", rows[1].id: "card_arrival", rows[2].id: None}
    after = [
        one.model_copy(update={"verdicts": [Verdict(check="roles", passed=True, score=0.5), *one.verdicts]})
        for one in merged.rows + merged.dropped
    ]
    [one] = worth.table(after, found)
    assert (one.judged, one.bad) == (3, 2), "corrected and unusable are bad, confirmed is not"


@pytest.mark.parametrize("low_is_bad", [True, False])
def test_a_sweep_shows_every_threshold(low_is_bad: bool) -> None:
    sign = 1 if low_is_bad else -1
    rows = [checked(0, "neutral", False, sign * 0.1), checked(1, "neutral", False, sign * 0.3)]
    rows += [checked(n, "card_arrival", False, sign * 0.3) for n in (2, 3)]
    rows += [checked(4, "card_arrival", False, sign * 0.9), checked(5, "neutral", False)]
    people = people_say(rows, "card_arrival")
    points = advice.sweep(rows, people, "roles", low_is_bad)
    assert [(p.threshold, p.flagged) for p in points] == [(sign * 0.1, 1), (sign * 0.3, 4), (sign * 0.9, 5)]
    assert [p.precision.value for p in points] == [1.0, 0.5, pytest.approx(0.4)]
    assert [p.recall.value for p in points] == [0.5, 1.0, 1.0]
    assert advice.sweep(rows, people, "another") == []


def scored(wrong: list[float], right: list[float], floor: float = 0.1) -> tuple[list[Row], dict[str, str | None]]:
    """Rows with a score of consistency, dropped below the floor, and what people say of them."""
    rows = [
        checked(number, "neutral" if number < len(wrong) else "card_arrival", score < floor, score, "consistency")
        for number, score in enumerate([*wrong, *right])
    ]
    return rows, people_say(rows, "card_arrival")


def suggested(wrong: list[float], right: list[float]) -> dict[str, Any]:
    rows, people = scored(wrong, right)
    return advice.advise(rows, people, "consistency", 0.1)


def test_too_few_judged_is_said_and_nothing_is_guessed() -> None:
    told = suggested([0.01] * 10, [0.9] * 9)
    assert (told["suggested"], told["judged"], told["n"]) == (None, 19, 0)
    assert told["sentence"] == (
        "hygiene.consistency is 0.1: too few judged to suggest another value (19 rows, 20 are needed)."
    )


def test_a_setting_is_raised_lowered_or_left_by_what_people_said() -> None:
    told = suggested([0.02] * 6 + [0.2] * 12, [0.9] * 20)
    assert (told["suggested"], told["n"]) == (0.201, 12), "the rows between were judged bad"
    told = suggested([0.02] * 12, [0.06] * 12 + [0.9] * 20)
    assert (told["suggested"], told["n"]) == (0.021, 12), "only the lowest of the dropped were judged bad"
    told = suggested([0.02] * 12, [0.9] * 20)
    assert (told["suggested"], told["n"]) == (0.1, 12)
    assert "it can stay; of 12 judged rows below, 100% (76% to 100%) are bad" in told["sentence"]
    told = suggested([0.02] * 2, [0.02] * 12 + [0.9] * 20)
    assert told["suggested"] is None
    assert "no value makes sure" in told["sentence"]


scores = st.lists(st.integers(0, 1000).map(lambda n: n / 1000), max_size=40)


@given(scores, scores)
def test_a_suggested_setting_drops_mostly_bad_rows_of_its_side(wrong: list[float], right: list[float]) -> None:
    told = suggested(wrong, right)
    assert told["judged"] == len(wrong) + len(right)
    value = told["suggested"]
    if value is None:
        return
    side = (lambda s: 0.1 <= s < value) if value > 0.1 else (lambda s: s < value)
    bad, good = sum(map(side, wrong)), sum(map(side, right))
    assert bad + good == told["n"] <= told["judged"]
    assert bad >= good


def divided(wrong: list[float], right: list[float], now: float | None) -> dict[str, Any]:
    """What is suggested for a setting above which rows are dropped."""
    rows = [
        checked(number, "neutral" if number < len(wrong) else "card_arrival", score > (now or 1), score, "disagreement")
        for number, score in enumerate([*wrong, *right])
    ]
    return advice.advise(rows, people_say(rows, "card_arrival"), "disagreement", now, low_is_bad=False)


def test_a_first_threshold_is_suggested_where_there_is_none() -> None:
    told = divided([0.4] * 12, [0.1] * 20, None)
    assert (told["suggested"], told["n"], told["now"]) == (0.399, 12, None)
    assert told["sentence"] == (
        "hygiene.disagreement is not set: 0.399 is suggested; of 12 judged rows above, 100% (76% to 100%) are bad."
    )
    assert divided([0.1] * 12, [0.4] * 20, None)["suggested"] is None
    assert divided([0.4] * 12, [0.1] * 20, 0.3)["sentence"].startswith("hygiene.disagreement is 0.3: it can stay;")
    assert divided([0.9] * 12, [0.5] * 12 + [0.1] * 20, 0.3)["suggested"] == 0.899


@given(scores, scores, st.none() | st.just(0.5))
def test_a_suggested_ceiling_drops_mostly_bad_rows_of_its_side(
    wrong: list[float], right: list[float], now: float | None
) -> None:
    told = divided(wrong, right, now)
    value, top = told["suggested"], 1.0 if now is None else now
    if value is None:
        return
    side = (lambda s: value < s <= top) if value < top else (lambda s: s > value)
    bad, good = sum(map(side, wrong)), sum(map(side, right))
    assert value >= 0 and bad + good == told["n"] <= told["judged"]
    assert bad >= good


def test_a_check_that_doubts_labels_is_right_where_the_machines_label_is_wrong() -> None:
    said = [Verdict(check=name, passed=False, score=0.9, reason="x: y") for name in ("disagreement", "length")]
    real = [row(f"real {n}", "neutral", "unlabelled", verdicts=said) for n in range(3)]
    people = {real[0].id: "neutral", real[1].id: "card_arrival", real[2].id: None}
    found = {one.check: one for one in worth.table(real, people)}
    assert (found["disagreement"].flagged, found["disagreement"].caught) == (3, 2)
    assert (found["length"].flagged, found["length"].caught) == (3, 1), "the text is what it was asked about"


@given(
    st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.sampled_from(["neutral", "card_arrival"])), max_size=40),
    st.dictionaries(st.integers(0, 30), st.sampled_from(["neutral", "card_arrival", None])),
)
def test_counts_fit_together(given_rows: list[tuple[int, bool, str]], said: dict[int, str | None]) -> None:
    rows = [checked(number, label, dropped, 0.5) for number, dropped, label in given_rows]
    people = {row(f"text {number}").id: label for number, label in said.items()}
    for one in worth.table(rows, people):
        assert 0 <= one.caught <= min(one.bad, one.flagged)
        assert one.bad - one.caught <= one.judged - one.flagged
        assert one.judged == len({each.id for each in rows} & people.keys())
        assert one.to_json()["sentence"]
