"""Specialists for the tests of the edge, and texts to ask them about."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import tiny
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from zoo.classifier import Answer
from zoo.manifest import WEIGHTS

LETTERS = "abcdefghijklmnopqrs"


def pieces(folder: Path, name: str) -> Path:
    """A specialist whose tokenizer normalizes, cuts words into pieces, and puts [CLS] and [SEP] around them.

    Its int8 weights have 7 bits, of which no products saturate: with 8, processors without VNNI (and Python on them)
    round what a browser does not, and what is compared here is code.
    """
    tiny.make(folder)
    fp32, int8 = (folder / WEIGHTS[name] for name in ("fp32", "int8"))
    quantize_dynamic(fp32, int8, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"], reduce_range=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    tokenizer = Tokenizer(WordPiece({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    special = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    tokenizer.save(str(folder / "tokenizer.json"))
    return tiny.seal(folder, name=name, threshold=0.6, thresholds={tiny.LABELS[0]: 0.5})


def texts(count: int) -> list[str]:
    """Words and non-words, short and beyond max_tokens, with capitals, accents and signs."""
    choose = random.Random(11)
    letters = LETTERS + "ABCéÜ\U0001f600"
    kinds = (lambda: choose.choice(tiny.WORDS), lambda: "".join(choose.choices(letters, k=choose.randint(1, 5))))
    return [
        choose.choice(("", "- ", "¿")) + " ".join(choose.choice(kinds)() for _ in range(choose.randint(1, 14)))
        for _ in range(count)
    ]


def same(found: list[dict[str, Any]], expected: list[Answer]) -> None:
    """Assert that answers of JavaScript are those of Python."""
    assert [one["label"] for one in found] == [one.label for one in expected]
    assert [one["unsure"] for one in found] == [one.unsure for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["scores"] == pytest.approx(other.scores, abs=1e-3)
