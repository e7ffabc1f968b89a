"""One meaning, one row: texts that say the same in other words, told by the encoder's vectors and SemHash.

Rows are visited in the order of `duplicates` (reviewed, example, unlabelled, generated; then by id); a row goes if a
kept one is at least `hygiene.semantic_duplicate` alike. Up to EXACT rows every pair is compared, so what is kept
depends on the set of rows alone; above, candidates come from SemHash's approximate index, which can miss a pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory.hygiene.check import Context, unasked, unit_vectors
from factory.hygiene.duplicates import PREFERENCE
from factory.row import Row, Verdict

NAME = "semantic_duplicate"
EXACT = 50_000
"""Rows up to which all pairs are compared: about half a gigabyte at once, and some minutes on one core."""


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop all but one of rows that mean the same; the score is the cosine similarity to the row that was kept."""
    threshold = context.spec.hygiene.semantic_duplicate
    if threshold is None:
        return unasked(NAME, rows)
    if not rows:
        return []
    from semhash import SemHash
    from vicinity import Backend

    order = sorted(range(len(rows)), key=lambda place: _rank(rows[place]))
    index = SemHash.from_embeddings(
        unit_vectors([rows[place].text for place in order], context, NAME),
        [{"text": rows[place].text, "place": place} for place in order],
        _NoEncoder(),
        columns=["text"],
        ann_backend=Backend.BASIC if len(rows) <= EXACT else Backend.USEARCH,
    )
    verdicts = [Verdict(check=NAME, passed=True)] * len(rows)
    for found in index.self_deduplicate(threshold=threshold).filtered:
        kept = rows[found.duplicate_of["place"]]
        verdicts[found.record["place"]] = Verdict(
            check=NAME,
            passed=False,
            score=min(1.0, round(float(found.score), 4)),
            reason=f"{'exact' if found.exact else 'semantic'} duplicate: of {kept.id} ({kept.origin})",
        )
    return verdicts


def _rank(row: Row) -> tuple[int, str, str]:
    return PREFERENCE.index(row.origin), row.id, row.label


class _NoEncoder:
    """SemHash asks for an encoder by which to look up further texts; there are none."""

    def encode(self, inputs: Any, **options: Any) -> Any:
        raise AssertionError("SemHash was given every vector, and yet asks for one")
