"""No label drowns the others, and nothing that people labelled pays for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from statistics import median_low

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.hygiene import balance
from factory.hygiene.check import Context, believed
from factory.row import Lineage, Row
from factory.spec_hygiene import Hygiene
from tests.hygiene.hygiene_rows import LABELS, row

Make = Callable[..., Context]


def kept(rows: list[Row], known: Context) -> list[Row]:
    return [one for one, verdict in zip(rows, balance.check(rows, known), strict=True) if verdict.passed]


def test_the_least_believed_of_an_over_full_label_go(make_context: Make) -> None:
    known = make_context(hygiene=Hygiene(balance=2.0))
    many = [
        row(f"card {number}", soft={"card_arrival": 0.5 + number / 20, "neutral": 0.5 - number / 20})
        for number in range(1, 8)
    ]
    few = [row(f"hello {number}", "neutral") for number in range(2)] + [row("law", "Governing Law") for _ in range(1)]
    verdicts = balance.check(many + few, known)
    assert [one.passed for one in verdicts] == [False] * 3 + [True] * 4 + [True] * 3
    assert verdicts[0].reason == "over-full label: card_arrival has 7 rows, 4 are allowed (2 x 2)"
    assert verdicts[0].score == 0.55


def test_a_row_counts_for_its_likeliest_label(make_context: Make) -> None:
    known = make_context(hygiene=Hygiene(balance=1.0))
    soft = {"card_arrival": 0.2, "neutral": 0.8}
    rows = [row(f"a {number}", "card_arrival", "unlabelled", soft=soft) for number in range(3)]
    rows += [row("b", "card_arrival")]
    assert len(kept(rows, known)) == 2


def test_of_records_those_that_hold_nothing_are_no_more_than_hold_the_median_field(make_context: Make) -> None:
    known = make_context(hygiene=Hygiene(balance=2.0))

    def read(text: str, record: dict[str, str], origin: str = "unlabelled") -> Row:
        return Row(text=text, record=record, origin=origin, lineage=Lineage(spec="s"))  # type: ignore[arg-type]

    empty = [read(f"nothing {number}", {}) for number in range(6)]
    held = [read("a", {"due": "x"}), read("b", {"due": "x", "loan": "y"}), read("c", {"due": "x"})]
    verdicts = balance.check([*empty, read("nobody", {}, "reviewed"), *held], known)
    assert [one.passed for one in verdicts[:6]].count(False) == 5 and all(one.passed for one in verdicts[6:])
    reasons = {one.reason for one in verdicts if not one.passed}
    assert reasons == {"over-full label: none has 7 rows, 2 are allowed (2 x 1)"}
    assert all(one.passed for one in balance.check(empty, known)), "nobody has found anything yet"


def test_unasked_it_drops_nothing(make_context: Make) -> None:
    rows = [row(f"a {number}") for number in range(9)] + [row("b", "neutral")]
    assert all(verdict.reason.startswith("not asked") for verdict in balance.check(rows, make_context()))
    assert balance.check([], make_context(hygiene=Hygiene(balance=1.0))) == []


ROW = st.builds(
    lambda text, label, origin, weight, p: row(
        text, label, origin, weight=weight, soft={label: p, "other": 1 - p} if origin == "unlabelled" else None
    ),
    st.text(min_size=1, max_size=6),
    st.sampled_from(list(LABELS)),
    st.sampled_from(["generated", "unlabelled", "reviewed", "example"]),
    st.sampled_from([0.5, 1.0]),
    st.floats(0.51, 1.0),
)


@given(rows=st.lists(ROW, max_size=40, unique_by=lambda one: one.id), factor=st.floats(1.0, 4.0), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_people_s_rows_stay_twice_is_once_and_order_is_nothing(
    make_context: Make, rows: list[Row], factor: float, data: st.DataObject
) -> None:
    known = make_context(hygiene=Hygiene(balance=factor))
    stays = kept(rows, known)
    gone = [one for one in rows if one not in stays]
    assert all(one.origin in ("generated", "unlabelled") for one in gone)
    assert kept(stays, known) == stays
    shuffled = data.draw(st.permutations(rows))
    assert {one.id for one in kept(shuffled, known)} == {one.id for one in stays}
    if rows:
        sizes = Counter(believed(one) for one in rows)
        cap = int(factor * median_low(list(sizes.values())))
        people = Counter(believed(one) for one in rows if one.origin in ("reviewed", "example"))
        left = Counter(believed(one) for one in stays)
        assert all(left[label] == min(size, max(cap, people[label])) for label, size in sizes.items())
