"""Nearest records by cosine, exactly: all vectors of a kind are compared, and stay in memory between two questions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from argilla_server.database import async_engine
from sqlalchemy import text

from factory.services.argilla.search import sidecar

_LARGEST = 512 << 20  # bytes of vectors that are kept; larger sets are read anew for every question
_kept: _Vectors | None = None


@dataclass(frozen=True)
class _Vectors:
    """The vectors of one kind.

    Attributes:
        settings_id: which kind.
        version: the side-car's when they were read.
        ids: the records', as hex digits.
        places: id to its place among them.
        rows: one a record, of length 1 (or 0).
    """

    settings_id: str
    version: int
    ids: list[str]
    places: dict[str, int]
    rows: Any


async def nearest(
    settings_id: UUID,
    target: list[float],
    *,
    allowed: Collection[str] | None,
    without: UUID | None,
    least: bool,
    limit: int,
    threshold: float | None,
) -> list[tuple[UUID, float]]:
    """Records and their scores, best first.

    Args:
        settings_id: which kind of vector.
        target: what they are compared with.
        allowed: ids of records, as hex digits, to choose from; None: all of them.
        without: a record to leave out.
        least: the farthest are best.
        limit: how many.
        threshold: the lowest score; scores are on Elasticsearch's scale, 0 to 1.
    """
    known = await _read(settings_id.hex)
    if not known.ids:
        return []
    wanted = np.asarray(target, np.float32)
    scores = (1 + known.rows @ (wanted / (np.linalg.norm(wanted) or 1.0))) / 2
    if least:
        scores = 1 - scores
    asked = np.ones(len(known.ids), bool)
    if allowed is not None:
        asked[:] = False
        asked[[known.places[one] for one in allowed if one in known.places]] = True
    if without is not None and without.hex in known.places:
        asked[known.places[without.hex]] = False
    if threshold is not None:
        asked &= scores >= threshold
    (places,) = np.nonzero(asked)
    best = places[np.argsort(-scores[places], kind="stable")[:limit]]
    return [(UUID(hex=known.ids[place]), float(scores[place])) for place in best]


async def _read(settings_id: str) -> _Vectors:
    global _kept
    kept, version = _kept, sidecar.version()
    if kept is not None and (kept.settings_id, kept.version) == (settings_id, version):
        return kept
    async with async_engine.connect() as db:
        stored = text("SELECT record_id, v FROM ix.vecs WHERE settings_id = :s")
        found = (await db.execute(stored, {"s": settings_id})).all()
    ids = [record_id for record_id, _ in found]
    rows: Any = np.frombuffer(b"".join(blob for _, blob in found), np.float32).reshape(len(ids), -1 if ids else 0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(lengths == 0, 1.0, lengths)
    read = _Vectors(settings_id, version, ids, {one: place for place, one in enumerate(ids)}, rows)
    _kept = read if rows.nbytes <= _LARGEST else None
    return read
