"""The opponent that reads no order."""

from __future__ import annotations

import numpy as np
import pytest

from factory.row import Lineage, Row
from factory.students.encoder import Encoder
from factory.students.static import Static
from tests import tiny_encoder

LABELS = ("money", "account", "parcel")
TEXTS = {
    "parcel": ["the parcel came late", "where is my parcel", "a parcel that is lost", "late parcel again"],
    "money": ["my invoice is wrong", "an invoice twice", "the invoice was paid", "invoice please"],
}


def row(text: str, label: str, weight: float = 1.0, soft: dict[str, float] | None = None) -> Row:
    return Row(text=text, label=label, weight=weight, soft=soft, origin="generated", lineage=Lineage(spec="s"))


ROWS = [row(text, label) for label, texts in TEXTS.items() for text in texts]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("encoder")
    return Encoder.load(tiny_encoder.make(folder, [*TEXTS["parcel"], *TEXTS["money"], "door"]), LABELS, 16, "cpu")


def test_it_learns_words_whatever_their_order(encoder: Encoder) -> None:
    found = Static(ROWS, LABELS, encoder)
    p = found.predict_proba(["is the parcel late", "late the is parcel", "twice my invoice", ""])
    assert p.shape == (4, 3) and p.sum(axis=1) == pytest.approx(1.0)
    assert [LABELS[best] for best in p.argmax(axis=1)][:3] == ["parcel", "parcel", "money"]
    assert np.allclose(p[0], p[1], atol=1e-6)


def test_a_text_says_the_same_alone_and_among_others(encoder: Encoder) -> None:
    texts = ["the door is lost", "an invoice"]  # nobody had a door in training
    together = Static(ROWS, LABELS, encoder).predict_proba(texts)
    assert np.allclose(Static(ROWS, LABELS, encoder).predict_proba(texts[:1]), together[:1], atol=1e-5)


def test_soft_labels_and_weights_are_heard(encoder: Encoder) -> None:
    torn = [row(f"{text} door", "money", soft={"money": 0.5, "account": 0.5}) for text in TEXTS["money"]]
    p = Static([*ROWS[:4], *torn], LABELS, encoder).predict_proba(["door"])[0]
    assert abs(p[0] - p[1]) < 0.1 and p[1] > 0.3
    silent = [row(one.text, "account", weight=0.0) for one in torn]
    assert Static([*ROWS, *silent], LABELS, encoder).predict_proba(["door"])[0].argmax() != 1
