"""Sketches of all blocks of a file as one, and what of its rows stays on disk until it is asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np

from factory.files import canonical, explained, read_json
from factory.hygiene.blocks import Block, Job
from factory.hygiene.run import Statistics, total
from factory.hygiene.shingling import Array
from factory.hygiene.sketch import BITS, Sketch, banding


class Shelf:
    """A file's sound rows, numbered through. Use it as a context manager.

    Attributes:
        sketch: in memory.
        parts: which of the rows are each block's.
    """

    def __init__(self, job: Job, blocks: Sequence[Block]) -> None:
        self._job, self._blocks = job, blocks
        self._path = job.folder / "shingles"
        with explained(self._path):
            self._load()
        self._shingles = os.open(self._path, os.O_RDONLY)

    def __enter__(self) -> Shelf:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._shingles)

    def shingles(self, number: int) -> list[int]:
        """The shingles of a row."""
        start, end = self._ends[number], self._ends[number + 1]
        return memoryview(os.pread(self._shingles, 8 * (end - start), 8 * start)).cast("Q").tolist()

    def content(self, number: int) -> str:
        """All of a row, as text that tells rows apart."""
        block = self._blocks[int(np.searchsorted(self._starts, number, side="right")) - 1]
        with block.file(self._job, "rows").open("rb") as file:
            file.seek(int(self._offsets[number]))
            return canonical(json.loads(file.readline()))

    def _load(self) -> None:
        counts, names = [], set()
        for block in self._blocks:
            with self._open(block) as found:
                counts.append(len(found["ids"]))
                names.update(found["names"].tolist())
        ends = np.cumsum([0, *counts])
        self.parts = [slice(start, end) for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
        self._starts, rows = ends[:-1], int(ends[-1])
        known: dict[str, Array] = {
            "origins": np.empty(rows, dtype=np.uint8),
            "ids": np.empty(rows, dtype=np.uint64),
            "labels": np.empty(rows, dtype=np.int32),
            "folded": np.empty(rows, dtype=np.uint64),
            "bands": np.empty((banding(self._job.context.spec.hygiene.near_duplicate)[1], rows), dtype=np.uint32),
            "sizes": np.empty(rows, dtype=np.int64),
            "bits": np.empty((rows, BITS // 8), dtype=np.uint8),
        }
        self._offsets = np.empty(rows, dtype=np.int64)
        ordered = sorted(names)
        places = {name: place for place, name in enumerate(ordered)}
        with self._path.open("wb") as shingles:
            for block, part in zip(self._blocks, self.parts, strict=True):
                with self._open(block) as found:
                    for name, column in known.items():
                        column[(..., part) if name == "bands" else part] = found[name]
                    renamed = np.array([places[name] for name in found["names"].tolist()], dtype=np.int32)
                    known["labels"][part] = renamed[found["labels"]]
                    self._offsets[part] = found["offsets"]
                shingles.write(block.file(self._job, "shingles").read_bytes())
        self._ends = memoryview(np.cumsum(np.concatenate([[0], known["sizes"]])))  # type: ignore[arg-type]
        self.sketch = Sketch(names=ordered, **known)

    def _open(self, block: Block) -> Any:
        return np.load(block.file(self._job, "sketch.npz"), allow_pickle=False)


def statistics(job: Job, blocks: Sequence[Block]) -> list[Statistics]:
    """What each check of single rows did to all blocks."""
    found = [read_json(block.file(job, "done"))["statistics"] for block in blocks]
    return [total(name, [Statistics(**one[place]) for one in found]) for place, name in enumerate(job.checks)]
