"""What checks are worth, on rows whose truth is known."""

from __future__ import annotations

import pytest

from factory.hygiene import worth
from factory.review import merge
from factory.review.backend import AUDIT, Answer
from factory.row import Row, Verdict
from tests.hygiene.hygiene_rows import row


def checked(number: int, label: str, dropped: bool, score: float | None = None, check: str = "guess") -> Row:
    reason = "bad: it seems" if dropped else ""
    return row(f"text {number}", label, verdicts=[Verdict(check=check, passed=not dropped, score=score, reason=reason)])


def people_say(rows: list[Row], label: str) -> dict[str, str | None]:
    return {one.id: label for one in rows}


def test_precision_recall_and_auc_are_counted_on_judged_rows() -> None:
    wrong = [checked(n, "neutral", n < 8, score=0.1) for n in range(10)]
    right = [checked(n, "card_arrival", n < 12, score=0.9) for n in range(10, 40)]
    unknown = [checked(n, "neutral", True) for n in range(100, 105)]
    [one] = worth.table([*wrong, *right, *unknown], people_say(wrong + right, "card_arrival"))
    assert (one.check, one.dropped, one.judged, one.bad, one.flagged, one.caught) == ("guess", 15, 40, 10, 10, 8)
    assert one.precision is not None
    assert one.recall is not None
    assert one.precision.value == pytest.approx(0.8)
    assert one.precision.low == pytest.approx(0.4902, abs=1e-3)  # Wilson 1927, 8 of 10
    assert one.recall.value == pytest.approx(0.8)
    assert one.auc == 0.0
    assert one.earns is True


def test_a_row_nobody_would_label_is_bad_and_not_asked_is_not_judged() -> None:
    unusable = checked(1, "neutral", True)
    silent = row("text 2", verdicts=[Verdict(check="guess", passed=True, reason="not asked: real text")])
    [one] = worth.table([unusable, silent], {unusable.id: None, silent.id: "card_arrival"})
    assert (one.judged, one.bad, one.caught) == (1, 1, 1)
    assert one.auc is None


def test_what_nobody_judged_is_not_known() -> None:
    [one] = worth.table([checked(1, "neutral", True)], {})
    assert (one.precision, one.recall, one.earns) == (None, None, None)
    assert "| guess | 1 | 0 | 0 | 0 | 0 | – | – | – | not known |" in worth.markdown([one])


def test_a_check_that_drops_good_rows_does_not_earn_its_keep() -> None:
    wrong = [checked(n, "neutral", False) for n in range(30)]
    right = [checked(n, "card_arrival", True) for n in range(100, 130)]
    found = worth.table(wrong + right, people_say(wrong + right, "card_arrival"))
    assert found[0].earns is False
    assert "0.00 (0.00–0.11)" in worth.markdown(found)


def test_people_s_words_are_read_from_merged_rows() -> None:
    rows = [row(f"text {number}", "neutral") for number in range(4)]
    said = ["neutral", "card_arrival", None]
    answers = [
        Answer(row_id=one.id, reviewer="ann", label=label, reason=AUDIT, submitted_at="2026-01-01T00:00:00Z")
        for one, label in zip(rows, said, strict=False)
    ]
    merged = merge.merge(rows, answers)
    found = worth.judged(merged.rows + merged.dropped)
    assert found == {rows[0].id: "neutral", rows[1].id: "card_arrival", rows[2].id: None}
    after = [
        one.model_copy(update={"verdicts": [Verdict(check="guess", passed=True, score=0.5), *one.verdicts]})
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
    points = worth.sweep(rows, people, "guess", low_is_bad)
    assert [(p.threshold, p.flagged) for p in points] == [(sign * 0.1, 1), (sign * 0.3, 4), (sign * 0.9, 5)]
    assert [p.precision.value for p in points] == [1.0, 0.5, pytest.approx(0.4)]
    assert [p.recall.value for p in points] == [0.5, 1.0, 1.0]
    assert worth.sweep(rows, people, "another") == []
