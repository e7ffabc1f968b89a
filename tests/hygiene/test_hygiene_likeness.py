"""Duplicates and contamination: what is claimed about them, on rows made at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.hygiene import contamination, duplicates
from factory.hygiene.check import Context
from factory.row import Row
from factory.spec_hygiene import Hygiene
from factory.words import fold, jaccard, shingles
from tests.hygiene.hygiene_rows import row

Make = Callable[..., Context]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WORDS = ["my", "card", "has", "not", "arrived", "yet", "where", "is", "the", "new", "one", "please", "help", "today"]
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join)
ORIGIN = st.sampled_from(duplicates.PREFERENCE)
ROWS = st.lists(st.builds(lambda text, origin: row(text, origin=origin), TEXT, ORIGIN), max_size=25)


def kept(rows: list[Row], known: Context) -> list[Row]:
    return [one for one, verdict in zip(rows, duplicates.check(rows, known), strict=True) if verdict.passed]


@given(rows=ROWS, seed=st.integers(0, 10**6))
@QUICK
def test_what_is_kept_does_not_depend_on_order(make_context: Make, rows: list[Row], seed: int) -> None:
    known = make_context()
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert sorted(str(one.to_json()) for one in kept(rows, known)) == sorted(
        str(one.to_json()) for one in kept(shuffled, known)
    )


@given(rows=ROWS)
@QUICK
def test_kept_rows_are_not_alike_and_dropped_rows_are_like_a_kept_one(make_context: Make, rows: list[Row]) -> None:
    known = make_context()
    survivors = kept(rows, known)
    for a, b in combinations(survivors, 2):
        assert jaccard(shingles(a.text), shingles(b.text)) < 0.7
    for one, verdict in zip(rows, duplicates.check(rows, known), strict=True):
        if not verdict.passed:
            twin = next(other for other in survivors if other.id in verdict.reason)
            assert verdict.score is not None
            assert verdict.score >= 0.7
            assert duplicates.PREFERENCE.index(twin.origin) <= duplicates.PREFERENCE.index(one.origin)
    assert kept(survivors, known) == survivors


def test_the_best_founded_row_stays(make_context: Make) -> None:
    rows = [row("Where is my card?", origin=origin) for origin in ("generated", "unlabelled", "example", "reviewed")]
    rows.append(row("  where IS my\ncard? ", origin="generated"))
    verdicts = duplicates.check(rows, make_context())
    assert [verdict.passed for verdict in verdicts] == [False, False, False, True, False]
    assert verdicts[4].reason.startswith("exact duplicate: of ")


def test_near_but_not_the_same(make_context: Make) -> None:
    rows = [
        row("I have been waiting ten days for the new card that you promised me"),
        row("I have been waiting nine days for the new card that you promised me"),
        row("I have lost my wallet and my phone on the train to work"),
        row("🙂"),
        row("..."),
    ]
    assert [verdict.passed for verdict in duplicates.check(rows, make_context())].count(False) == 1
    lenient = make_context(hygiene=Hygiene(near_duplicate=1.0))
    assert all(verdict.passed for verdict in duplicates.check(rows, lenient))


def test_banding_misses_almost_nothing() -> None:
    for threshold in [number / 100 for number in range(20, 101)]:
        width, bands = duplicates.banding(threshold)
        assert width % bands == 0
        assert (1 - threshold ** (width // bands)) ** bands < 1 / 2000


GOLD = [
    "I ordered a new card two weeks ago and it still has not come in the post",
    "Why was I charged a fee for taking out cash abroad last week?",
    "card late",
]


@given(
    which=st.integers(0, 1),
    place=st.integers(0, 11),
    origin=ORIGIN,
    new=st.sampled_from(["", "really", "🙂"]),
    up=st.booleans(),
)
@QUICK
def test_planted_gold_is_found(make_context: Make, which: int, place: int, origin: str, new: str, up: bool) -> None:
    words = GOLD[which].split()
    words[place] = new  # one word removed or replaced
    text = " ".join(words)
    planted = row(text.upper() if up else text, origin=origin)
    sound = row("The app closes when I open the settings page", origin=origin)
    verdicts = contamination.check([sound, planted], make_context(gold=GOLD))
    assert [verdict.passed for verdict in verdicts] == [True, False]
    assert verdicts[1].reason.endswith(f": gold-{which}")


def test_contained_and_containing(make_context: Make) -> None:
    texts = [
        "Hello there, I hope you are well and that somebody reads this at last. " + GOLD[1] + " It makes me angry!",
        "charged a fee for taking out cash",
        "a fee for taking",  # four words: chance
        "my card late again, it was due on Monday",  # holds a gold text of two words: chance
        "CARD   late",  # is one
    ]
    verdicts = contamination.check([row(text) for text in texts], make_context(gold=GOLD))
    kinds = [verdict.reason.split(":")[0] for verdict in verdicts]
    assert kinds == ["holds a gold text", "stands in a gold text", "", "", "is a gold text"]


@given(texts=st.lists(TEXT, min_size=1, max_size=12), gold=st.lists(TEXT, min_size=1, max_size=6))
@QUICK
def test_the_score_is_the_highest_overlap(make_context: Make, texts: list[str], gold: list[str]) -> None:
    for text, verdict in zip(
        texts, contamination.check([row(text) for text in texts], make_context(gold=gold)), strict=True
    ):
        best = max(jaccard(shingles(text), shingles(other)) for other in gold)
        if fold(text) in map(fold, gold):
            best = 1.0
        assert verdict.score is not None
        assert abs(verdict.score - best) < 1e-9
        assert best < 0.6 or not verdict.passed


def test_no_gold_asks_nothing(make_context: Make) -> None:
    assert contamination.check([row("x")], make_context())[0].reason.startswith("not asked")
