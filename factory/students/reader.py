"""What a larger encoder makes of texts. It only helps to label them, so it may take its time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.progress import Progress, silent
from factory.students.encoder import Encoder, half

PART = 128
"""Texts between two saves."""


def read(
    source: Path | str, texts: Sequence[str], max_tokens: int, file: Path, progress: Progress = silent
) -> NDArray[np.float32]:
    """Mean-pooled vectors, float32 [texts, hidden]; not normalised.

    Killed and called again with the same arguments it goes on after the last part it had saved, and gives the same
    bits: a text's vector depends, in the last digits, on the texts it is padded with.

    Args:
        source: the encoder, a local folder or a Hub id.
        texts: what to read.
        max_tokens: longer texts are cut here.
        file: where vectors gather meanwhile; removed at the end.
        progress: called with (texts read, texts in all).
    """
    encoder = Encoder.load(source, [""], max_tokens)
    width = encoder.model.config.hidden_size
    with file.open("ab") as saved, half():
        parts = saved.tell() // (PART * width * 4)
        saved.truncate(parts * PART * width * 4)
        for start in range(parts * PART, len(texts), PART):
            saved.write(encoder.vectors(texts[start : start + PART]).tobytes())
            saved.flush()
            progress(min(start + PART, len(texts)), len(texts))
    vectors = np.fromfile(file, np.float32).reshape(-1, width)
    file.unlink()
    return vectors
