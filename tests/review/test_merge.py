from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from factory.review.backend import Answer
from factory.review.merge import adopt, appeal, audit, keep_reviewed, merge
from factory.review.merge import said as majority
from factory.row import Lineage, Row, Verdict, row_id

LABELS = ["lost", "fee", "pin"]


def make(text: str, label: str = "lost") -> Row:
    return Row(
        text=text,
        label=label,
        soft={label: 0.6, "other": 0.4},
        weight=0.5,
        origin="generated",
        lineage=Lineage(spec="t/t#1", cell="c"),
        verdicts=[Verdict(check="length", passed=True)],
    )


def said(text: str, label: str | None, reviewer: str = "anna", **more: str) -> Answer:
    return Answer(row_id=row_id(text), label=label, reviewer=reviewer, text=text, **more)


def test_a_correction() -> None:
    [row] = merge([make("a", "lost")], [said("a", "fee")]).rows
    assert (row.label, row.soft, row.weight, row.origin) == ("fee", None, 1.0, "reviewed")
    assert (row.lineage.was, row.lineage.reviewers, row.lineage.cell) == ("lost", ["anna"], "c")
    assert [(v.check, v.passed, v.reason) for v in row.verdicts] == [
        ("length", True, ""),
        ("review", True, "corrected from lost"),
    ]


def test_a_confirmation() -> None:
    [row] = merge([make("a", "lost")], [said("a", "lost")]).rows
    assert (row.label, row.soft, row.origin, row.lineage.was) == ("lost", None, "reviewed", None)
    assert row.verdicts[-1].reason == "confirmed"


def test_a_discard_keeps_the_row_with_its_reason() -> None:
    merged = merge([make("a"), make("b")], [said("a", None, problem="unusable", comment="just a greeting")])
    assert [row.text for row in merged.rows] == ["b"]
    [row] = merged.dropped
    assert row.label == "lost"
    assert not row.verdicts[-1].passed
    assert "just a greeting" in row.verdicts[-1].reason
    assert "not a real text" in row.verdicts[-1].reason
    assert row.lineage.reviewers == ["anna"]


def test_the_majority_decides_and_a_tie_decides_nothing() -> None:
    rows = [make("a"), make("b")]
    answers = [
        *(said("a", label, name) for label, name in (("fee", "anna"), ("fee", "ben"), ("pin", "cid"))),
        *(said("b", label, name) for label, name in (("fee", "anna"), (None, "ben"))),
    ]
    merged = merge(rows, answers)
    assert [row.label for row in merged.rows] == ["fee", "lost"]
    assert merged.rows[0].lineage.reviewers == ["anna", "ben", "cid"]
    assert merged.rows[1] == rows[1]
    assert merged.unresolved == [rows[1].id]


@given(st.lists(st.none() | st.sampled_from([*LABELS, "app", "atm"]), min_size=1, max_size=12))
def test_where_nothing_is_known_of_people_most_of_them_decide(given: list[str | None]) -> None:
    (most, count), *others = Counter(given).most_common()
    tie = bool(others) and others[0][1] == count
    found = majority(said("a", label, f"person {number}") for number, label in enumerate(given))
    assert found == ({} if tie else {row_id("a"): most})


def test_of_one_persons_answers_the_latest_counts() -> None:
    late, early = said("a", "fee", submitted_at="2026-02-01T00:00:00"), said("a", "pin", submitted_at="2026-01-01")
    assert merge([make("a")], [late, early]).rows[0].label == "fee"
    assert merge([make("a")], [said("a", "pin"), said("a", "fee")]).rows[0].label == "fee"


def test_answers_without_a_row_are_not_lost() -> None:
    merged = merge([make("a")], [said("gone", "fee"), said("gone too", None)])
    assert [answer.text for answer in merged.orphans] == ["gone", "gone too"]
    [row] = adopt(merged.orphans, "t/t#1")
    assert (row.text, row.label, row.origin, row.lineage.reviewers) == ("gone", "fee", "reviewed", ["anna"])
    assert row.lineage.source == row.id


def test_answers_to_dropped_rows_find_their_rows() -> None:
    refusal = Verdict(check="length", passed=False, reason="too short: 1 words, 3 are asked")
    dropped = [make(text).model_copy(update={"verdicts": [refusal]}) for text in ("a", "a", "b", "c", "d")]
    orphans = [
        *(said(text, label) for text, label in (("a", "lost"), ("b", "fee"), ("c", None), ("gone", "pin"))),
        said("d", "fee", "anna"),
        said("d", "pin", "ben"),
    ]
    merged = appeal(dropped, orphans)
    assert [(row.text, row.label, row.origin) for row in merged.rows] == [
        ("a", "lost", "reviewed"),
        ("b", "fee", "reviewed"),
    ]
    assert all(row.verdicts[0] == refusal and row.verdicts[1].check == "review" for row in merged.rows)
    [row] = merged.dropped
    assert (row.text, [verdict.passed for verdict in row.verdicts]) == ("c", [False, False])
    assert merged.unresolved == [make("d").id]
    assert [answer.text for answer in merged.orphans] == ["gone"]
    assert majority(orphans) == {make("a").id: "lost", make("b").id: "fee", make("c").id: None, make("gone").id: "pin"}


def test_real_text_that_was_dropped_had_no_label_to_correct() -> None:
    real = make("a", "pin").model_copy(update={"origin": "unlabelled", "soft": None})
    [row] = appeal([real], [said("a", "fee")]).rows
    assert (row.label, row.lineage.was, row.verdicts[-1].reason) == ("fee", None, "confirmed")


def test_no_machine_overwrites_a_person() -> None:
    reviewed = merge([make("a", "lost")], [said("a", "fee")]).rows
    kept = keep_reviewed([make("a", "pin"), make("b")], reviewed)
    assert [(row.text, row.label, row.origin) for row in kept] == [("a", "fee", "reviewed"), ("b", "lost", "generated")]


answers = st.lists(
    st.builds(
        said,
        text=st.sampled_from("abcdefgh"),
        label=st.none() | st.sampled_from(LABELS),
        reviewer=st.sampled_from(["anna", "ben", "cid"]),
        submitted_at=st.sampled_from(["", "2026-01-01", "2026-01-02"]),
        reason=st.sampled_from(["audit", "uncertain"]),
    ),
    max_size=30,
)
rows = st.lists(st.sampled_from("abcdef"), unique=True).flatmap(
    lambda texts: st.tuples(*(st.builds(make, st.just(text), st.sampled_from(LABELS)) for text in texts))
)


@given(rows, answers)
def test_nothing_is_lost_and_merging_twice_changes_nothing(rows: tuple[Row, ...], answers: list[Answer]) -> None:
    merged = merge(rows, answers)
    assert Counter(row.id for row in [*merged.rows, *merged.dropped]) == Counter(row.id for row in rows)
    answered = {answer.row_id for answer in answers}
    assert {answer.row_id for answer in merged.orphans} == answered - {row.id for row in rows}
    for row in merged.rows:
        assert (row.origin == "reviewed") == (row.id in answered and row.id not in merged.unresolved)
    again = merge(merged.rows, answers)
    assert again.rows == merged.rows
    assert again.dropped == []


@given(rows, answers)
def test_the_audit_counts_what_people_decided(rows: tuple[Row, ...], answers: list[Answer]) -> None:
    measured = audit(rows, answers)
    assert 0 <= measured.right <= measured.n <= len(rows)
    assert 0.0 <= measured.low <= measured.high <= 1.0
    if measured.n:
        assert measured.low <= measured.right / measured.n <= measured.high


def test_the_audit() -> None:
    rows = [make("a", "lost"), make("b", "lost"), make("c", "lost"), make("d", "lost"), make("e", "lost")]
    answers = [
        said("a", "lost", reason="audit"),
        said("b", "fee", reason="audit"),
        said("c", None, reason="audit"),  # not fit to train on, whatever its label
        said("d", "fee", reason="uncertain"),  # not drawn at random
        said("e", "lost", "anna", reason="audit"),
        said("e", "fee", "ben", reason="audit"),  # a tie
    ]
    measured = audit(rows, answers)
    assert (measured.n, measured.right) == (3, 1)
    assert audit(merge(rows[:2], answers).rows, answers).right == 1  # a correction does not hide that it was wrong
    nobody = audit(rows, [])
    assert (nobody.n, nobody.low, nobody.high) == (0, 0.0, 1.0)
