from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.files import digest
from factory.hygiene.contest import CONTESTED
from factory.review import herding, merge
from factory.review.backend import Answer
from factory.review.select import Selection, entropy, select, uncertainty
from factory.row import Lineage, Row, Verdict

LABELS = ["lost", "fee", "pin"]
WORDS = ["card", "lost", "fee", "charge", "pin", "today", "help", "bank", "why", "abroad"]


def make(text: str, p: float | None = None, label: str = "lost", origin: str = "generated") -> Row:
    other = next(name for name in LABELS if name != label)
    soft = None if p is None else {label: p, other: 1.0 - p}
    return Row(text=text, label=label, soft=soft, origin=origin, lineage=Lineage(spec="t/t#1"))  # type: ignore[arg-type]


def refused(text: str, check: str = "roles") -> Row:
    return make(text).model_copy(update={"verdicts": [Verdict(check=check, passed=False, reason="no: good")]})


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
rows = st.lists(
    st.builds(
        make,
        text=texts,
        p=st.none() | st.floats(0.5, 1.0),
        label=st.sampled_from(LABELS),
        origin=st.sampled_from(["generated", "unlabelled", "reviewed", "example"]),
    ),
    max_size=40,
)


def jaccard(a: str, b: str) -> float:
    one, two = set(re.findall(r"\w+", a.casefold())), set(re.findall(r"\w+", b.casefold()))
    return len(one & two) / len(one | two)


def lot(row_id: str, seed: int) -> str:
    """Where a row is drawn for the audit."""
    return digest(["audit", seed, row_id])


def reserved(ids: Iterable[str], audit: float, seed: int = 0) -> set[str]:
    """The rows that are for the audit, whatever the budget."""
    return {one for one in ids if int(lot(one, seed)[:8], 16) < audit * 16**8}


def nothing_else(rows: list[Row], chosen: list[Selection], audit: float, seed: int = 0) -> bool:
    """Whether every row that is not for the audit is shown, or one nearly the same."""
    texts = {row.id: row.text for row in rows if row.origin in ("generated", "unlabelled")}
    free = texts.keys() - reserved(texts, audit, seed) - {one.row.id for one in chosen}
    return all(any(jaccard(texts[one], other.row.text) >= 0.8 for other in chosen) for one in free)


@given(rows, st.integers(0, 30), st.floats(0, 1), st.integers(0, 3), st.randoms())
def test_what_always_holds(rows: list[Row], budget: int, audit: float, seed: int, shuffler: random.Random) -> None:
    chosen = select(rows, budget, audit, seed)
    machine = {row.id for row in rows if row.origin in ("generated", "unlabelled")}
    ids = [selection.row.id for selection in chosen]
    assert len(ids) <= budget
    assert len(set(ids)) == len(ids)
    assert set(ids) <= machine
    audited = [selection for selection in chosen if selection.reason == "audit"]
    share = min(round(budget * audit), len(machine))
    assert len(audited) >= share
    assert chosen[: len(audited)] == audited
    assert ids[: len(audited)] == sorted(machine, key=lambda one: lot(one, seed))[: len(audited)]
    assert len(audited) == share or nothing_else(rows, chosen, audit, seed)
    rest = chosen[len(audited) :]
    assert all(0.0 <= selection.score <= 1.0 for selection in chosen)
    assert [selection.score for selection in rest] == sorted((s.score for s in rest), reverse=True)
    for n, selection in enumerate(rest):
        others = [*audited, *rest[:n]]
        assert all(jaccard(selection.row.text, other.row.text) < 0.8 for other in others)
    # Rows with one text are one row; which of them stands is the last: keep their order, shuffle the rest.
    unique = list({row.id: row for row in rows if row.origin in ("generated", "unlabelled")}.values())
    shuffler.shuffle(unique)
    assert [s.row.id for s in select(unique, budget, audit, seed)] == ids


@given(
    rows,
    st.lists(
        st.builds(refused, texts, st.sampled_from([*CONTESTED, "contamination", "duplicates", "pii"])), max_size=30
    ),
    st.integers(0, 40),
    st.floats(0, 1),
    st.floats(0, 1),
    st.randoms(),
)
def test_dropped_rows_have_their_share_of_the_audit_slice(
    rows: list[Row], dropped: list[Row], budget: int, audit: float, share: float, shuffler: random.Random
) -> None:
    chosen = select(rows, budget, audit, dropped=dropped, share=share)
    room = round(budget * audit)
    ids = [one.row.id for one in chosen]
    assert len(set(ids)) == len(ids) <= budget
    spots = [one for one in chosen if one.reason == "spot check"]
    assert len(spots) <= round(room * share)
    assert all(one.row.verdicts[-1].check in CONTESTED for one in spots)
    assert all(one.item().suggestion is None and one.item().candidates == () for one in spots)
    audited = [one for one in chosen if one.reason == "audit"]
    assert len(audited) + len(spots) <= room or nothing_else(rows, chosen, audit)
    shown = set(ids)
    if len(spots) < round(room * share):  # fewer only where every row that may be shown is shown
        assert {row.id for row in dropped if row.verdicts[-1].check in CONTESTED} <= shown
    shuffler.shuffle(dropped)
    assert [one.row.id for one in select(rows, budget, audit, dropped=dropped, share=share)] == ids
    assert [one for one in select(rows, budget, audit, dropped=dropped) if one.reason == "spot check"] == []


@given(rows, st.tuples(st.integers(0, 40), st.integers(0, 40)), st.floats(0, 1), st.booleans())
def test_what_a_small_budget_shows_is_no_other_thing_to_a_large_one(
    rows: list[Row], budgets: tuple[int, int], audit: float, aware: bool
) -> None:
    vectors = {row.id: np.random.default_rng(int(row.id[:8], 16)).normal(size=4).astype(np.float32) for row in rows}
    small, large = (select(rows, budget, audit, vectors=vectors if aware else None) for budget in sorted(budgets))
    drawn, later = ([one.row.id for one in some if one.reason == "audit"] for some in (small, large))
    assert later[: len(drawn)] == drawn[: len(later)]
    machine = {row.id for row in rows if row.origin in ("generated", "unlabelled")}
    # Where fewer rows are for the audit, by their lots, than it has room for, others must do.
    others = max(0, len(later) - len(reserved(machine, audit)))
    assert len(({one.row.id for one in small} - set(drawn)) & set(later)) <= others


@pytest.mark.parametrize("aware", [False, True])
def test_an_audit_that_grows_with_the_budget_is_not_optimistic(aware: bool) -> None:
    """People see 60 rows and then 240 of 600, of which the machines are unsure of 200 and wrong about half of these."""
    off = []
    for world in range(10):
        drawn = random.Random(world)
        rows = [make(f"thing{world}x{n} place{n}", drawn.uniform(0.5, 0.6) if n % 3 == 0 else 0.98) for n in range(600)]
        wrong = {row.id for n, row in enumerate(rows) if n % 6 == 0}
        vectors = {row.id: np.random.default_rng(n).normal(size=4).astype(np.float32) for n, row in enumerate(rows)}
        answers: dict[str, Answer] = {}
        for budget in (60, 240):
            for one in select(rows, budget, 0.3, vectors=vectors if aware else None):
                label = "fee" if one.row.id in wrong else one.row.label
                answers.setdefault(one.row.id, Answer(one.row.id, label, "ana", reason=one.reason))
        found = merge.audit(rows, list(answers.values()))
        assert found.n == 72
        off.append(found.right / found.n - 5 / 6)
    assert abs(sum(off) / len(off)) < 0.03


@given(rows, st.integers(0, 30), st.floats(0, 1), st.randoms())
def test_what_holds_with_vectors_too(rows: list[Row], budget: int, audit: float, shuffler: random.Random) -> None:
    rows = list({row.id: row for row in rows}.values())
    vectors = {row.id: np.random.default_rng(int(row.id[:8], 16)).normal(size=4).astype(np.float32) for row in rows}
    chosen = select(rows, budget, audit, vectors=vectors)
    unaware = select(rows, budget, audit)
    assert [one for one in chosen if one.reason == "audit"] == [one for one in unaware if one.reason == "audit"]
    ids = [one.row.id for one in chosen]
    assert len(set(ids)) == len(ids) <= budget
    assert set(ids) <= {row.id for row in rows if row.origin in ("generated", "unlabelled")}
    rest = [one for one in chosen if one.reason != "audit"]
    assert [one.score for one in rest] == sorted((one.score for one in rest), reverse=True)
    for n, one in enumerate(chosen):
        if one in rest:
            assert all(jaccard(one.row.text, other.row.text) < 0.8 for other in chosen[:n])
    shuffler.shuffle(rows)
    assert {one.row.id for one in select(rows, budget, audit, vectors=vectors)} == set(ids)


def test_a_crowd_that_people_know_waits() -> None:
    known = make("card lost abroad", origin="reviewed")
    near, far = make("my card was lost in rome", 0.5), make("why was a fee charged", 0.6, "fee")
    vectors = {known.id: [1.0, 0.0], near.id: [1.0, 0.01], far.id: [0.0, 1.0]}
    arrays = {row_id: np.array(vector, np.float32) for row_id, vector in vectors.items()}
    assert [one.row for one in select([known, near, far], 1, 0.0)] == [near]
    assert [one.row for one in select([known, near, far], 1, 0.0, vectors=arrays)] == [far]


def test_more_rows_than_can_be_held_against_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herding, "MOST", 20)
    rows = [make(f"thing{n} place{n}", 0.6, origin="unlabelled" if n % 2 else "reviewed") for n in range(100)]
    vectors = {row.id: np.random.default_rng(n).normal(size=4).astype(np.float32) for n, row in enumerate(rows)}
    assert len(select(rows, 8, 0.0, vectors=vectors)) == 8


def test_every_check_has_its_turn() -> None:
    dropped = [refused(f"long thing{n}", "length") for n in range(50)]
    dropped += [refused(f"role thing{n}") for n in range(3)] + [refused(f"odd thing{n}", "language") for n in range(2)]
    spots = select([], 9, 1.0, dropped=dropped, share=1.0)
    assert Counter(one.row.verdicts[-1].check for one in spots) == {"length": 4, "roles": 3, "language": 2}
    other = select([], 9, 1.0, seed=1, dropped=dropped, share=1.0)
    assert {one.row.id for one in other} != {one.row.id for one in spots}


def test_without_dropped_rows_the_audit_slice_is_as_it_was() -> None:
    rows = [make(f"thing{n} place{n}", 0.6) for n in range(40)]
    assert select(rows, 20, 0.5, dropped=[], share=0.2) == select(rows, 20, 0.5)
    some = select(rows, 20, 0.5, dropped=[refused("a", "length")], share=0.2)
    assert [one.reason for one in some[:10]] == ["audit"] * 9 + ["spot check"]
    assert some[:9] == select(rows, 20, 0.5)[:9]


def test_the_least_sure_come_first() -> None:
    rows = [make(f"{word} {n}", p) for n, (word, p) in enumerate(zip(WORDS, [0.9, 0.5, 0.7, 0.99, 0.6], strict=False))]
    chosen = select(rows, 3, 0.0)
    assert [round(s.score, 2) for s in chosen] == [1.0, 0.8, 0.6]
    assert {s.reason for s in chosen} == {"uncertain"}


def test_sure_rows_fill_what_is_left() -> None:
    chosen = select([make("one thing"), make("another matter", 0.6)], 5, 0.0)
    assert [(s.reason, round(s.score, 2)) for s in chosen] == [("uncertain", 0.8), ("coverage", 0.0)]


def test_no_label_takes_it_all() -> None:
    rows = [make(f"lost thing{n} place{n}", 0.5) for n in range(50)]
    rows += [make(f"fee thing{n} place{n}", 0.8, "fee") for n in range(50)]
    taken = Counter(s.row.label for s in select(rows, 10, 0.0))
    assert taken == {"lost": 10}  # two labels: twice the even share is everything
    rows += [make(f"pin thing{n} place{n}", 0.9, "pin") for n in range(50)]
    taken = Counter(s.row.label for s in select(rows, 9, 0.0))
    assert taken == {"lost": 6, "fee": 3}


def test_the_audit_slice_does_not_look_at_the_labels() -> None:
    rows = [make(f"thing{n} place{n}", 0.5 if n % 10 == 0 else None) for n in range(400)]
    drawn = [s.row for s in select(rows, 200, 1.0)]
    uncertain = sum(row.soft is not None for row in drawn)
    assert 8 <= uncertain <= 32  # 20 expected of 200 at random; the most uncertain first would be 40
    again = {row.id for row in (s.row for s in select(rows, 200, 1.0, seed=1))}
    assert again != {row.id for row in drawn}


def test_audited_rows_come_without_a_suggestion() -> None:
    rows = [make(f"thing{n} place{n}", 0.6) for n in range(10)]
    items = [s.item() for s in select(rows, 10, 0.3)]
    assert [item.suggestion for item in items[:3]] == [None] * 3
    assert [item.suggestion for item in items[3:]] == ["lost"] * 7
    assert items[5].confidence == 0.6
    assert [item.candidates for item in items[2:4]] == [(), ("lost", "fee")]


def test_rows_already_asked_about_are_passed_over() -> None:
    rows = [make(f"thing{n} place{n}", 0.6) for n in range(4)]
    asked = {rows[0].id, rows[1].id}
    assert {s.row.id for s in select(rows, 10, 0.5, asked=asked)} == {rows[2].id, rows[3].id}


def test_measures() -> None:
    assert uncertainty(make("a")) == 0.0
    assert uncertainty(make("a", 0.5)) == 1.0
    assert uncertainty(make("a", 0.75)) == pytest.approx(0.5)
    assert entropy(make("a", 0.5)) == pytest.approx(0.6931, abs=1e-4)
    assert entropy(make("a")) == 0.0


@given(rows, st.floats(0.0, 1.0))
def test_judges_who_disagree_are_a_doubt(rows: list[Row], score: float) -> None:
    for row in rows:
        verdict = Verdict(check="disagreement", passed=True, score=score)
        divided = row.model_copy(update={"verdicts": [verdict]})
        assert uncertainty(divided) == pytest.approx(max(uncertainty(row), score))


def test_a_row_that_judges_are_divided_over_comes_before_a_sure_one() -> None:
    sure, divided = make("card lost abroad", 0.95), make("why a charge", 0.95)
    divided = divided.model_copy(update={"verdicts": [Verdict(check="disagreement", passed=True, score=0.6)]})
    [first] = select([sure, divided], 1, 0.0)
    assert (first.row.text, first.reason, first.score) == ("why a charge", "uncertain", 0.6)
