"""An opponent that reads no order: a text is the mean of its word pieces' vectors, which an encoder gave once.

After Model2Vec (https://github.com/MinishLab/model2vec): each word piece is read alone by a sentence encoder, vectors
are centred, and weighted by how rare the piece is, by Zipf's law for the vocabulary's order. Its PCA is left out, which
makes vectors shorter and answers no better, and pieces are read when a text first has them: a build's rows have some
thousand of them, a vocabulary thirty thousand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factory.row import Row
from factory.students import probe
from factory.students.classifier import targets
from factory.students.encoder import Encoder, to_numpy
from factory.students.probe import Array

RARE = 1e-4
"""Of smooth inverse frequency: a piece weighs RARE / (RARE + its frequency)."""
_UNUSED = re.compile(r"\[unused\d+\]")
_AT_ONCE = 256


class Static:
    """Static vectors with logistic regression, on the same rows, soft labels and weights as the student.

    Args:
        rows: with labels among these.
        labels: in the order of the probabilities.
        encoder: as it came.
        penalty: the inverse of how much large weights cost, as TF-IDF's.
    """

    def __init__(self, rows: Sequence[Row], labels: Sequence[str], encoder: Encoder, penalty: float = 10.0) -> None:
        self._encoder = encoder
        self._weights = _rarity(encoder)
        self._known: dict[int, Array] = {}
        cut = self._cut([row.text for row in rows])
        self._read(cut)
        self._centre = np.mean(list(self._known.values()), axis=0)
        weights = np.array([row.weight for row in rows], np.float32)
        self._head = probe.fit(
            self._pooled(cut), targets(rows, labels), weights, 1 / (penalty * max(float(weights.sum()), 1.0))
        )

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities [texts, labels]."""
        cut = self._cut(texts)
        self._read(cut)
        weight, bias = self._head
        scores = self._pooled(cut) @ weight.T + bias
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: NDArray[np.float32] = p / p.sum(axis=1, keepdims=True)
        return found

    def _cut(self, texts: Sequence[str]) -> list[list[int]]:
        """Word pieces, without marks that stand around a text."""
        found: list[list[int]] = self._encoder.tokenizer(
            list(texts), add_special_tokens=False, truncation=True, max_length=self._encoder.max_tokens
        )["input_ids"]
        return found

    def _read(self, cut: Sequence[Sequence[int]]) -> None:
        """Let the encoder read the pieces that are new, each alone between its usual marks."""
        import torch

        around = self._encoder.tokenizer("")["input_ids"]
        new = sorted({piece for pieces in cut for piece in pieces} - set(self._known))
        self._encoder.model.eval()
        with torch.no_grad():
            for start in range(0, len(new), _AT_ONCE):
                some = new[start : start + _AT_ONCE]
                batch = torch.tensor([[*around[:1], piece, *around[1:]] for piece in some], device=self._encoder.device)
                hidden = self._encoder.model.base_model(batch, attention_mask=torch.ones_like(batch)).last_hidden_state
                self._known |= dict(zip(some, to_numpy(hidden.mean(1)), strict=True))

    def _pooled(self, cut: Sequence[Sequence[int]]) -> Array:
        """Vectors of length 1 [texts, hidden]; of a text without pieces, zeros."""
        found = np.zeros((len(cut), len(self._centre)), np.float32)
        for number, pieces in enumerate(cut):
            if pieces:
                vectors = np.stack([self._known[piece] for piece in pieces]) - self._centre
                found[number] = self._weights[pieces] @ vectors
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return found


def _rarity(encoder: Encoder) -> Array:
    """A weight for each piece of the vocabulary, by its number [pieces]; vocabularies begin with what is frequent."""
    names = encoder.tokenizer.get_vocab()
    used = sorted(piece for name, piece in names.items() if not _UNUSED.fullmatch(name))
    frequency = 1 / np.arange(2, len(used) + 2)
    frequency /= frequency.sum()
    found = np.ones(max(names.values()) + 1, np.float32)
    found[used] = RARE / (RARE + frequency)
    return found
