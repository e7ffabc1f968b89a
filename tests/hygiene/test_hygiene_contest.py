"""Which dropped rows people may see, and what an answer can't undo."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.hygiene import check, contest
from factory.hygiene import run as hygiene
from factory.hygiene.check import Context
from factory.review.select import select
from factory.row import Row, Verdict
from factory.spec_hygiene import Hygiene
from tests.hygiene.hygiene_rows import row

GOLD = "My card was sent two weeks ago and has not come yet, where is it?"
MAIL = "Please write to jane.doe@example.com about the card that I lost in the park."


def refused(text: str, name: str = "length", label: str = "neutral") -> Row:
    return row(text, label, verdicts=[Verdict(check=name, passed=False, score=2.0, reason="too long: 90 words")])


def test_every_check_is_contested_or_a_guard() -> None:
    assert sorted([*contest.CONTESTED, *contest.GUARDS]) == sorted(hygiene.CHECKS)
    assert {"contamination", "semantic_contamination", "pii", "schema"} <= set(contest.GUARDS)
    assert set(contest.WATCHING) <= set(contest.GUARDS)
    assert "contamination" in contest.WATCHING


@pytest.mark.parametrize("name", sorted(contest.GUARDS))
def test_what_a_guard_dropped_is_never_shown(name: str, make_context: Callable[..., Context]) -> None:
    assert contest.showable([refused("A card that is blue.", name)], make_context()) == []
    assert select([], 10, 1.0, dropped=[refused("A card that is blue.", name)], share=1.0) == []


def test_a_row_dropped_early_is_shown_to_the_guards_before_people_see_it(make_context: Callable[..., Context]) -> None:
    context = make_context([GOLD], hygiene=Hygiene(pii="drop", profanity=True))
    harmless = refused("Where do I find the number of my card?")
    others = [GOLD, f"Hello there. {GOLD}", MAIL, "What the fuck is this card for?", "A card\x00.", "x" * 10_001]
    assert contest.showable([harmless, *map(refused, others)], context) == [harmless]
    assert contest.showable([], context) == []


def test_masked_mode_does_not_show_personal_data_either(make_context: Callable[..., Context]) -> None:
    assert contest.showable([refused(MAIL)], make_context(hygiene=Hygiene(pii="mask"))) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.sampled_from([GOLD, GOLD.upper(), f"{GOLD} Thanks a lot.", "Where is it?", "Why is my card blue now?"])
        | st.lists(st.sampled_from(GOLD.split()), max_size=14).map(" ".join),
        max_size=12,
    ),
    names=st.lists(st.sampled_from(sorted(hygiene.CHECKS)), min_size=12, max_size=12),
    budget=st.integers(0, 12),
    share=st.floats(0, 1),
)
def test_no_gold_text_is_ever_shown(
    make_context: Callable[..., Context], texts: list[str], names: list[str], budget: int, share: float
) -> None:
    context = make_context([GOLD])
    dropped = [refused(text, name) for text, name in zip(texts, names, strict=False)]
    shown = select([], budget, 1.0, dropped=contest.showable(dropped, context), share=share)
    found = hygiene.run([contest.forgiven(one.row) for one in shown], context, ["schema", "contamination"])
    assert not found.dropped


def test_a_persons_word_overrules_a_check_and_both_are_told(make_context: Callable[..., Context]) -> None:
    back = contest.forgiven(refused("A card that is blue."))
    assert back.verdicts == [
        Verdict(check="length", passed=True, score=2.0, reason="overruled by people: too long: 90 words")
    ]
    [kept] = contest.admitted([back], make_context([GOLD])).kept
    assert {"length", "schema", "contamination"} <= {verdict.check for verdict in kept.verdicts}


def test_no_answer_brings_the_examination_into_training(make_context: Callable[..., Context]) -> None:
    for name in ("length", "contamination"):
        answered = contest.forgiven(refused(GOLD, name)).model_copy(update={"origin": "reviewed"})
        result = contest.admitted([answered], make_context([GOLD]))
        assert result.kept == []
        assert contest.dropped_by(result.dropped[0]) == "contamination"
    assert "contamination" in check.asked(Hygiene(), contest.WATCHING), "whatever the spec says"
