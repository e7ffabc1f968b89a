"""How far a judge can be trusted, on rows whose truth is known; below its floor it drops nothing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import cohen_kappa_score

from factory.hygiene import contest, trust
from factory.hygiene import run as hygiene
from factory.hygiene.check import Context
from factory.row import Row, Verdict
from factory.spec_kind import refused
from factory.spec_review import Review
from tests.hygiene.hygiene_rows import make_spec, row

LABEL, OTHER = "card_arrival", "neutral"


def judged(number: int, dropped: bool, check: str = "consistency") -> Row:
    reason = "label not believed: 0.02" if dropped else ""
    return row(f"text {number}", LABEL, verdicts=[Verdict(check=check, passed=not dropped, score=0.5, reason=reason)])


def world(caught: int, spared: int, missed: int, fine: int) -> tuple[list[Row], dict[str, str | None]]:
    """Rows that the judge drops, bad and good, and that it lets pass, bad and good; and what people say of them all."""
    doubts = [True] * (caught + spared) + [False] * (missed + fine)
    bad = [True] * caught + [False] * spared + [True] * missed + [False] * fine
    rows = [judged(number, doubt) for number, doubt in enumerate(doubts)]
    return rows, {one.id: OTHER if wrong else LABEL for one, wrong in zip(rows, bad, strict=True)}


cells = st.tuples(*[st.integers(0, 30)] * 4)


@example((11, 0, 11, 11))  # a kappa of exactly 0.4
@given(cells)
def test_where_people_judged_all_rows_kappa_and_recall_are_the_usual_ones(counts: tuple[int, int, int, int]) -> None:
    rows, people = world(*counts)
    found = trust.measure(rows, people, 0.4)
    caught, spared, missed, fine = counts
    assert found.known == (caught + spared >= 5 and missed + fine >= 5 and sum(counts) >= 20)
    if not found.known:
        assert found.kappa is None and found.precision is None and found.recall is None and not found.suspended
        return
    doubts = [trust.doubted(one) for one in rows]
    usual = cohen_kappa_score(doubts, [people[one.id] != LABEL for one in rows])
    assert found.kappa is not None and found.precision is not None
    assert found.kappa.value == pytest.approx(usual, abs=1e-9)
    assert found.kappa.low <= found.kappa.value <= found.kappa.high
    assert found.precision.value == pytest.approx(caught / (caught + spared))
    assert (found.recall is None) == (caught + missed == 0)
    if found.recall:
        assert found.recall.value == pytest.approx(caught / (caught + missed))
        assert 0 <= found.recall.low <= found.recall.value <= found.recall.high <= 1
    n = sum(counts)
    chance = (caught + spared) * (caught + missed) + (missed + fine) * (spared + fine)
    assert found.suspended == (Fraction(n * (caught + fine) - chance, n * n - chance) < Fraction(2, 5))


def test_what_was_drawn_oftener_does_not_count_for_more() -> None:
    rows, people = world(caught=40, spared=10, missed=30, fine=270)
    all_of_it = trust.measure(rows, people, None)
    # Of the dropped every one is judged, of the others one in ten: 3 bad ones and 27 good ones.
    kept = [one for one in rows if not trust.doubted(one)]
    some = {one.id for one in [*rows[:50], *kept[:3], *kept[30:57]]}
    drawn = trust.measure(rows, {key: said for key, said in people.items() if key in some}, None)
    assert (drawn.judged_dropped, drawn.judged_kept, drawn.missed) == (50, 30, 3)
    assert drawn.kappa and all_of_it.kappa and drawn.recall and all_of_it.recall
    assert drawn.kappa.value == pytest.approx(all_of_it.kappa.value)
    assert drawn.recall.value == pytest.approx(all_of_it.recall.value)
    assert drawn.kappa.low < all_of_it.kappa.low  # and less is known of it


def test_who_is_not_asked_is_not_counted() -> None:
    silent = row("real text", verdicts=[Verdict(check="consistency", passed=True, reason="not asked: real text")])
    guarded = row("gold text", verdicts=[Verdict(check="contamination", passed=False, reason="like a gold row")])
    crowded = judged(1, False)
    crowded.verdicts.append(Verdict(check="balance", passed=False, reason="too many"))
    human = judged(2, False).model_copy(update={"origin": "reviewed"})
    assert [trust.doubted(one) for one in (silent, guarded, crowded, human)] == [None] * 4
    assert trust.doubted(judged(3, True, "disagreement")) is True
    found = trust.measure([silent, guarded, crowded, human], {}, 0.4)
    assert (found.kept, found.dropped) == (0, 0)
    assert found.sentence == "Nothing is dropped on the judge's word."


def test_it_is_said_in_plain_words() -> None:
    few = trust.measure(*world(2, 0, 1, 3), 0.4)
    assert "is not known: people have judged 6 rows" in few.sentence and "Its word drops rows." in few.sentence
    assert few.to_json()["kappa"] is None and few.to_json()["suspended"] is False
    good = trust.measure(*world(18, 2, 2, 38), 0.4)
    assert good.sentence.startswith("The judge's word drops rows: kappa with people is 0.85 (")
    assert "18 of the 20 rows it doubts that people judged are bad" in good.sentence
    assert good.sentence.endswith("; 0.4 is asked.") and good.slice.endswith("unaided")
    weak = trust.measure(*world(5, 15, 10, 30), 0.4)
    assert weak.sentence.startswith(
        "The judge is below its floor, so nothing is dropped on its word: kappa with people"
    )
    assert weak.sentence.endswith("a kappa of 0.4 is asked. 20 rows that it doubts were not dropped for that.")
    assert weak.slice.endswith("without what the judge doubts")
    told = weak.to_json()
    assert (told["suspended"], told["rows"], told["of these doubted"], told["judged"]) == (True, 60, 20, 60)
    assert told["kappa"]["value"] == weak.kappa.value if weak.kappa else False
    unasked = trust.measure(*world(5, 15, 10, 30), None)
    assert not unasked.suspended and unasked.sentence.endswith("; no floor is set.")


def test_below_the_floor_a_check_says_what_it_says_and_the_row_stays(make_context: Callable[..., Context]) -> None:
    soft = {LABEL: 0.02, OTHER: 0.98}
    rows = [row("Where is it?", LABEL, soft=soft), row("It came.", OTHER, soft=soft)]
    context = make_context()
    before = hygiene.run(rows, context, ["consistency"])
    weak = trust.measure(*world(5, 15, 10, 30), 0.4)
    after = hygiene.run(rows, weak.context(context), ["consistency"])
    assert [len(before.dropped), len(after.dropped), after.statistics[0].dropped] == [1, 0, 0]
    [told], [refusal] = after.kept[0].verdicts, before.dropped[0].verdicts
    assert told.passed and told.score == refusal.score == 0.02
    assert told.reason == f"not dropped on the judge's word: {refusal.reason}"
    assert after.kept[1] == before.kept[0]
    assert trust.measure(*world(18, 2, 2, 38), 0.4).context(context) is context
    # A guard is no judge, and goes on.
    guarded = hygiene.run([row("Where?", LABEL)], weak.context(make_context()), ["length"])
    assert len(guarded.dropped) == 1


def test_every_check_of_a_judge_may_be_contested() -> None:
    assert set(trust.CHECKS) <= set(contest.CONTESTED)


def test_a_floor_is_a_kappa_and_is_for_kinds_with_a_judge(tmp_path: Path) -> None:
    for wrong in (0.0, 1.5, "high"):
        with pytest.raises(ValidationError):
            Review.model_validate({"judge_floor": wrong})
    assert "judge_floor" not in Review().model_dump() and Review(judge_floor=0.4).model_dump()["judge_floor"] == 0.4
    spec = make_spec(tmp_path)
    assert refused(spec.model_copy(update={"review": Review(judge_floor=0.4)})) == ""
