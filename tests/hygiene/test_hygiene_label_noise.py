"""Labels that cross-validated probes contradict are found; people's are never dropped."""

from __future__ import annotations

from collections.abc import Callable

from factory.hygiene import label_noise
from factory.hygiene.check import Context
from factory.row import Origin, Row
from factory.spec_hygiene import Hygiene
from tests.hygiene.hygiene_rows import LABELS, row
from tests.hygiene.word_vectors import word_vectors

Make = Callable[..., Context]
WORDS = {
    "card_arrival": "card arrive post late envelope",
    "neutral": "hello weather nothing fine today",
    "Governing Law": "law courts govern agreement state",
}
EACH = 60
ASKED = Hygiene(label_noise=True)


def rows(origin: Origin = "generated", wrong: int = 0) -> list[Row]:
    """EACH distinct rows a label in the label's own words; the first `wrong` of each carry the next label's name."""
    names = list(LABELS)
    made = []
    for place, (label, said) in enumerate(WORDS.items()):
        for number in range(EACH):
            given = names[(place + 1) % len(names)] if number < wrong else label
            words = said.split()
            text = f"{words[number % 5]} {words[(number + 1) % 5]} {words[number // 5 % 5]} {words[number // 25]}"
            made.append(row(text, given, origin))
    return made


def test_wrong_labels_are_found_and_right_ones_stay(make_context: Make) -> None:
    known = make_context(hygiene=ASKED, vectors=word_vectors)
    made = rows(wrong=2)
    verdicts = label_noise.check(made, known)
    wrong = [number % EACH < 2 for number in range(len(made))]
    dropped = [not verdict.passed for verdict in verdicts]
    assert sum(was and went for was, went in zip(wrong, dropped, strict=True)) >= 4, "of 6"
    assert sum(went and not was for was, went in zip(wrong, dropped, strict=True)) == 0, "of 174"
    scores = [verdict.score or 0.0 for verdict in verdicts]
    assert all(0.0 <= score <= 1.0 for score in scores)
    quality = {flag: [score for score, was in zip(scores, wrong, strict=True) if was is flag] for flag in (True, False)}
    assert max(quality[True]) < sorted(quality[False])[len(quality[False]) // 10], "nearly all right ones score higher"
    assert verdicts[dropped.index(True)].reason.startswith("likely a wrong label: ")


def test_the_order_of_rows_does_not_matter(make_context: Make) -> None:
    known = make_context(hygiene=ASKED, vectors=word_vectors)
    made = rows(wrong=3)
    forwards = label_noise.check(made, known)
    backwards = label_noise.check(made[::-1], known)
    assert [one.passed for one in forwards] == [one.passed for one in backwards[::-1]]


def test_people_s_rows_teach_and_stay(make_context: Make) -> None:
    known = make_context(hygiene=ASKED, vectors=word_vectors)
    wrong = row("card arrive late envelope post", "Governing Law")
    verdicts = label_noise.check([*rows("reviewed", wrong=2), wrong], known)
    assert all(verdict.reason.startswith("not asked") for verdict in verdicts[:-1])
    assert not verdicts[-1].passed


def test_few_rows_and_unlabelled_ones_are_not_asked(make_context: Make) -> None:
    known = make_context(hygiene=ASKED, vectors=word_vectors)
    [few] = label_noise.check([row("a card")], known)
    assert few.reason == "not asked: too few rows to cross-validate"
    rare = row("the court of this state", "Governing Law")
    told = label_noise.check([*rows()[: 2 * EACH], rare, row("real text", origin="unlabelled")], known)
    assert told[-2].reason == "not asked: too few rows of its label"
    assert told[-1].reason == "not asked: real text"
    assert label_noise.check([], known) == []
    [unasked] = label_noise.check([row("a card")], make_context())
    assert unasked.reason == "not asked: the spec does not ask"
