"""Specialists called as transformers' pipelines are: the same shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny

import zoo
from zoo.errors import BadInput
from zoo.manifest import SPANS


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    return tiny.make(tmp_path / "kitchen", kind=SPANS, labels=tiny.TYPES, name="test/kitchen")


def shape(value: Any) -> Any:
    """Lists, and keys of dicts with the types of their values."""
    if isinstance(value, list):
        return [shape(one) for one in value]
    return {key: type(one) for key, one in value.items()}


def test_labels(specialist: Path) -> None:
    pipe, expected = zoo.pipeline("text-classification", specialist), zoo.load(specialist).predict("word1", scores=True)
    assert pipe("word1") == [{"label": expected.label, "score": expected.confidence}]
    ranked = sorted(expected.scores.items(), key=lambda pair: -pair[1])
    assert [(one["label"], one["score"]) for one in pipe("word1", top_k=None)] == ranked
    with pytest.raises(BadInput, match="top_k"):
        pipe("word1", top_k=0)


def test_spans(kitchen: Path) -> None:
    pipe = zoo.pipeline("ner", kitchen)
    (food, tool), none = pipe(["word9 word1 word2 word3", "word9"])
    assert (food["entity_group"], food["word"], food["start"], food["end"]) == ("Food", "word1 word2", 6, 17)
    assert tool["entity_group"] == "Tool" and none == []


@pytest.mark.real
def test_shapes_are_those_of_transformers(specialist: Path, kitchen: Path) -> None:
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        BertForTokenClassification,
        PreTrainedTokenizerFast,
        pipeline,
    )

    file = str(specialist / "tokenizer.json")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=file, pad_token="[PAD]", unk_token="[UNK]")
    sizes = {"vocab_size": 42, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = BertConfig(**sizes, intermediate_size=8, id2label={0: "B-Food", 1: "B-Tool", 2: "B-Other"})
    model = BertForSequenceClassification(config)
    theirs = pipeline("text-classification", model=model, tokenizer=tokenizer)
    ours = zoo.pipeline("text-classification", specialist)
    for how in ({}, {"top_k": 1}, {"top_k": 2}, {"top_k": None}):
        for asked in ("word1", ["word1"], ["word1", "word2"]):
            assert shape(ours(asked, **how)) == shape(theirs(asked, **how)), (asked, how)
    tagging = BertForTokenClassification(config)
    marks = pipeline("token-classification", model=tagging, tokenizer=tokenizer, aggregation_strategy="simple")
    (entity, *_), mine = marks("word1 word2"), zoo.pipeline("token-classification", kitchen)
    assert list(mine("word1")[0]) == list(entity)
    for asked in (["word1"], ["word1", "word2"]):
        found = mine(asked)
        assert [type(one) for one in found] == [type(one) for one in marks(asked)] == [list] * len(asked)


def test_wrong_use_says_what_fits(specialist: Path) -> None:
    with pytest.raises(BadInput, match="no pipeline for 'fill-mask'") as caught:
        zoo.pipeline("fill-mask", specialist)
    assert "text-classification" in caught.value.fix
    with pytest.raises(BadInput, match="of the kind 'classification'") as caught:
        zoo.pipeline("ner", specialist)
    assert caught.value.fix == "Use 'text-classification'."
