"""What duplicates need to know of a row once its text is gone: a few hundred bytes."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from factory.hygiene.shingling import Array, Shingled, shingled
from factory.row import Row
from factory.words import fold

PREFERENCE = ("reviewed", "example", "unlabelled", "generated")
SEED = 13
BITS = 512
"""Enough for texts of a few hundred words; of longer ones most bits are set, and tell nothing."""

_CHUNK = 1000  # signatures that are Python's integers at once


@dataclass(frozen=True)
class Sketch:
    """Rows, a number or more a row.

    Attributes:
        origins: uint8, places in PREFERENCE.
        ids: uint64, the rows' ids, which are 16 hex digits.
        labels: the rows' labels, places in `names`, which are sorted: labels compare as their places do.
        names: the labels there are.
        folded: uint64, hash of the folded text. Among a million rows, two texts share one by chance in one of 10^7
            runs.
        bands: uint32, bands x rows; rows alike in one are compared.
        sizes: int64, how many shingles each row has.
        bits: uint8, rows x BITS/8: a bit is set if a shingle of the row falls on it.
    """

    origins: Array
    ids: Array
    labels: Array
    names: list[str]
    folded: Array
    bands: Array
    sizes: Array
    bits: Array

    def __len__(self) -> int:
        return len(self.ids)


def sketch(rows: Sequence[Row], threshold: float) -> tuple[Sketch, Shingled]:
    """The rows' sketch and their shingles, to find those of a Jaccard similarity from `threshold` up."""
    names = sorted({row.label for row in rows})
    places = {name: place for place, name in enumerate(names)}
    made = shingled([row.text for row in rows])
    known = Sketch(
        origins=np.array([PREFERENCE.index(row.origin) for row in rows], dtype=np.uint8),
        ids=np.array([int(row.id, 16) for row in rows], dtype=np.uint64),
        labels=np.array([places[row.label] for row in rows], dtype=np.int32),
        names=names,
        folded=np.array([_short(fold(row.text)) for row in rows], dtype=np.uint64),
        bands=_bands(made, threshold),
        sizes=made.sizes,
        bits=_bits(made),
    )
    return known, made


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


def _bands(made: Shingled, threshold: float) -> Array:
    """uint32, bands x texts: a number for the MinHash values of each band."""
    width, bands = banding(threshold)
    found = np.empty((bands, len(made.sizes)), dtype=np.uint32)
    for start, values in _signatures(made, width):
        mixed = np.zeros((len(values), bands), dtype=np.uint64)
        for column in values.reshape(len(values), bands, -1).transpose(2, 0, 1):
            mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: Knuth's hash
            mixed ^= mixed >> np.uint64(29)
        found[:, start : start + len(values)] = (mixed >> np.uint64(32)).astype(np.uint32).T
    return found


def _bits(made: Shingled) -> Array:
    """Which of BITS bits the shingles of each text fall on."""
    set_bits = np.zeros((len(made.sizes), BITS), dtype=bool)
    set_bits[np.repeat(np.arange(len(made.sizes)), made.sizes), made.flat % np.uint64(BITS)] = True
    return np.packbits(set_bits, axis=1)


def _signatures(made: Shingled, width: int) -> Iterator[tuple[int, Array]]:
    """(number of the first text, uint32 MinHash values, texts x width), chunk by chunk."""
    import rensa

    for start in range(0, len(made.sizes), _CHUNK):
        ends = made.ends[start : start + _CHUNK + 1]
        flat, offsets = made.flat[ends[0] : ends[-1]], (ends - ends[0]).astype(np.uint64)
        digests = rensa.RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, width, SEED)
        values = b"".join([array("I", row).tobytes() for row in digests.to_rows()])
        yield start, np.frombuffer(values, dtype=np.uint32).reshape(-1, width)


def _short(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
