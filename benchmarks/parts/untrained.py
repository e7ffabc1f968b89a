"""A classifier as large as all-MiniLM-L6-v2, of random weights: as fast as a trained one, and made without data."""

from __future__ import annotations

import random
from pathlib import Path

from factory.students.export import export
from zoo.manifest import Manifest, describe_files

WORDS = [f"word{number}" for number in range(5000)]
LABELS = ("negative", "neutral", "positive")
NAME = "benchmark/untrained"
_TOKENS = 64


def texts(count: int, *, seed: int = 1) -> list[str]:
    """Texts of 8 to 24 words, each of one token."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=chance.randint(8, 24))) for _ in range(count)]


def make(folder: Path) -> Path:
    """Write the specialist; returns the folder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    vocabulary = {"[PAD]": 0, "[UNK]": 1, **{word: place for place, word in enumerate(WORDS, 2)}}
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(1)
    size = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    model = BertForTokenClassification(BertConfig(vocab_size=len(vocabulary), num_labels=len(LABELS), **size))
    model.save_pretrained(folder)
    export(folder, LABELS, _TOKENS, folder)
    Manifest(
        name=NAME,
        version="1.0.0",
        title="Random weights",
        language="en",
        labels=LABELS,
        max_tokens=_TOKENS,
        licence="Apache-2.0",
        created="2026-01-01",
        files=describe_files(folder),
    ).write(folder)
    return folder
