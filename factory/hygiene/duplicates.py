"""One text, one row: exact and near duplicates, the best-founded one kept.

Rows are visited by origin (reviewed, example, unlabelled, generated) and then by id; a row goes if a kept row has the
same folded text, or shares at least `hygiene.near_duplicate` of its shingles. Candidates come from MinHash LSH (rensa)
and every candidate's Jaccard similarity is computed exactly, so what is kept depends on the set of rows and not on
their order, and no two kept candidates are that alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory.files import canonical
from factory.hygiene.check import Context
from factory.hygiene.words import fold, jaccard, shingles
from factory.row import Row, Verdict

NAME = "duplicates"
PREFERENCE = ("reviewed", "example", "unlabelled", "generated")
SEED = 13


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop all but one of rows that say the same; the score is the similarity to the row that was kept."""
    import rensa

    threshold = context.spec.hygiene.near_duplicate
    width, bands = banding(threshold)
    sets = [shingles(row.text) for row in rows]
    hashes = rensa.RMinHash.from_token_sets([sorted(one) for one in sets], width, SEED)
    index = rensa.RMinHashLSH(threshold=threshold, num_perm=width, num_bands=bands)
    folded: dict[str, int] = {}
    verdicts: dict[int, Verdict] = {}
    for here in sorted(range(len(rows)), key=lambda number: _rank(rows[number])):
        text = fold(rows[here].text)
        if text in folded:
            verdicts[here] = _dropped("exact duplicate", 1.0, rows[folded[text]])
            continue
        alike = [(jaccard(sets[here], sets[there]), -there) for there in index.query(hashes[here])]
        best, there = max(alike, default=(0.0, 0))
        if alike and best >= threshold:
            verdicts[here] = _dropped("near duplicate", best, rows[-there])
            continue
        folded[text] = here
        index.insert(here, hashes[here])
        verdicts[here] = Verdict(check=NAME, passed=True)
    return [verdicts[number] for number in range(len(rows))]


def banding(threshold: float) -> tuple[int, int]:
    """MinHash width and number of LSH bands for a Jaccard threshold.

    With r hashes a band and b bands a pair of similarity s becomes a candidate with probability 1 - (1 - s^r)^b
    (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4). r falls with the threshold, so that the chance to
    miss a pair exactly at the threshold stays below one in two thousand for thresholds from 0.2 up.
    """
    if threshold >= 0.7:
        return 128, 32
    if threshold >= 0.4:
        return 384, 128
    return 512, 256


def _rank(row: Row) -> tuple[int, str, str, str]:
    return PREFERENCE.index(row.origin), row.id, row.label, canonical(row.to_json())


def _dropped(kind: str, score: float, kept: Row) -> Verdict:
    return Verdict(check=NAME, passed=False, score=score, reason=f"{kind}: of {kept.id} ({kept.origin})")
