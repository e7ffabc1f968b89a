"""Duplicates and contamination against the plainest way to compute the same, verdict by verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import rensa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.files import canonical
from factory.hygiene import contamination, duplicates, gold_index
from factory.hygiene.check import Context
from factory.row import Row, Verdict
from factory.spec_hygiene import Hygiene
from factory.words import fold, jaccard, shingles, words
from tests.hygiene.hygiene_rows import row

Make = Callable[..., Context]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WORDS = ["my", "card", "has", "not", "arrived", "yet", "where", "Is", "the", "new", "one", "please", "🙂", "…", "卡"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
ROWS = st.lists(
    st.builds(
        lambda text, label, origin, tone: row(text, label, origin, attributes={"tone": tone}),
        TEXT,
        st.sampled_from(["card_arrival", "neutral"]),
        st.sampled_from(duplicates.PREFERENCE),
        st.sampled_from(["calm", "angry"]),
    ),
    max_size=40,
)


def naive_duplicates(rows: Sequence[Row], threshold: float) -> list[Verdict]:
    """Python sets, and rensa's own index over every row."""

    def turn(number: int) -> tuple[int, str, str, str]:
        one = rows[number]
        return duplicates.PREFERENCE.index(one.origin), one.id, one.label, canonical(one.to_json())

    def dropped(kind: str, score: float, kept: Row) -> Verdict:
        return Verdict(check="duplicates", passed=False, score=score, reason=f"{kind}: of {kept.id} ({kept.origin})")

    width, bands = duplicates.banding(threshold)
    sets = [shingles(one.text) for one in rows]
    hashes = rensa.RMinHash.from_token_sets([sorted(one) for one in sets], width, 13)
    index = rensa.RMinHashLSH(threshold=threshold, num_perm=width, num_bands=bands)
    folded: dict[str, int] = {}
    verdicts: dict[int, Verdict] = {}
    turns: dict[int, int] = {}
    for place, here in enumerate(sorted(range(len(rows)), key=turn)):
        turns[here] = place
        text = fold(rows[here].text)
        if text in folded:
            verdicts[here] = dropped("exact duplicate", 1.0, rows[folded[text]])
            continue
        alike = [(jaccard(sets[here], sets[there]), -turns[there], there) for there in index.query(hashes[here])]
        best, _, there = max(alike, default=(0.0, 0, 0))
        if alike and best >= threshold:
            verdicts[here] = dropped("near duplicate", best, rows[there])
            continue
        folded[text] = here
        index.insert(here, hashes[here])
        verdicts[here] = Verdict(check="duplicates", passed=True)
    return [verdicts[number] for number in range(len(rows))]


def naive_contamination(texts: Sequence[str], gold: Sequence[str], threshold: float) -> list[Verdict]:
    """Every text against every gold text."""

    def within(short: list[str], long: list[str]) -> bool:
        return len(short) >= contamination.CONTAINED_WORDS and any(
            long[start : start + len(short)] == short for start in range(len(long))
        )

    def verdict(text: str) -> Verdict:
        similar = [jaccard(shingles(text), shingles(other)) for other in gold]
        score, kind, which = max(similar), "", 0
        if same := [number for number, other in enumerate(gold) if fold(other) == fold(text)]:
            score, kind, which = 1.0, "is a gold text", same[0]
        elif score >= threshold:
            kind, which = "like a gold text", similar.index(score)
        else:
            for number, other in enumerate(gold):
                if within(words(text), words(other)):
                    kind, which = "stands in a gold text", number
                    break
                if within(words(other), words(text)):
                    kind, which = "holds a gold text", number
                    break
        reason = f"{kind}: gold-{which}" if kind else ""
        return Verdict(check="contamination", passed=not kind, score=score, reason=reason)

    return [verdict(text) for text in texts]


@given(rows=ROWS, threshold=st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]))
@QUICK
def test_duplicates(make_context: Make, rows: list[Row], threshold: float) -> None:
    known = make_context(hygiene=Hygiene(near_duplicate=threshold))
    assert duplicates.check(rows, known) == naive_duplicates(rows, threshold)


@given(rows=ROWS, chance=st.randoms(use_true_random=False))
@QUICK
def test_every_verdict_on_duplicates_is_free_of_order(make_context: Make, rows: list[Row], chance: object) -> None:
    known = make_context()
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    def said(some: list[Row]) -> list[tuple[str, str]]:
        pairs = zip(some, duplicates.check(some, known), strict=True)
        return sorted((one.model_dump_json(), verdict.model_dump_json()) for one, verdict in pairs)

    assert said(rows) == said(shuffled)


@pytest.mark.parametrize("common", [0, 1, 2, 5, 1000])
@given(
    texts=st.lists(TEXT, min_size=1, max_size=12),
    gold=st.lists(TEXT, min_size=1, max_size=25),
    threshold=st.sampled_from([0.3, 0.6, 1.0]),
)
@QUICK
def test_contamination(make_context: Make, common: int, texts: list[str], gold: list[str], threshold: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gold_index, "COMMON", common)
        contamination._examination.cache_clear()
        known = make_context(gold=gold, hygiene=Hygiene(contamination=threshold))
        found = contamination.check([row(text) for text in texts], known)
    contamination._examination.cache_clear()
    assert found == naive_contamination(texts, gold, threshold)
