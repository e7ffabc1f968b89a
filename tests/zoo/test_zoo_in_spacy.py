"""A specialist in a spaCy pipeline."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import tiny

import zoo
from zoo.manifest import SPANS

spacy = pytest.importorskip("spacy")


@pytest.fixture
def nlp() -> Any:
    """An English pipeline of a tokenizer alone, in which the wheel's entry point is known."""
    project = tomllib.loads((Path(zoo.__file__).parent.parent / "pyproject.toml").read_text())["project"]
    (point,) = project["entry-points"]["spacy_factories"].items()
    EntryPoint(*point, "spacy_factories").load()
    return spacy.blank("en")


def test_labels_become_categories(nlp: Any, specialist: Path) -> None:
    nlp.add_pipe("zoo", "mood", config={"specialist": str(specialist)})
    expected = zoo.load(specialist).predict("word1 word2", scores=True)
    first, blank, last = nlp.pipe(["word1 word2", "  ", "word3"])
    assert first.cats == expected.scores and first._.zoo["mood"] == vars(expected)
    assert (blank.cats, blank._.zoo) == ({}, {}) and set(last.cats) == set(tiny.LABELS)


def test_spans_become_entities_beside_earlier_ones(nlp: Any, tmp_path: Path) -> None:
    kitchen = tiny.make(tmp_path / "kitchen", kind=SPANS, labels=tiny.TYPES, name="test/kitchen")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "Mine", "pattern": "word3"}])
    nlp.add_pipe("zoo", "kitchen", config={"specialist": str(kitchen)})
    doc = nlp("word9 word1 word2, then word3")
    assert [(span.text, span.label_) for span in doc.spans["kitchen"]] == [("word1 word2", "Food"), ("word3", "Tool")]
    assert doc.spans["kitchen"].attrs["scores"] == [one["score"] for one in doc._.zoo["kitchen"]]
    assert [(entity.text, entity.label_) for entity in doc.ents] == [("word1 word2", "Food"), ("word3", "Mine")]


def test_a_pipeline_is_saved_and_sent_to_processes(nlp: Any, specialist: Path, tmp_path: Path) -> None:
    nlp.add_pipe("zoo", config={"specialist": str(specialist), "weights": "fp32"})
    nlp.to_disk(tmp_path / "saved")
    saved = spacy.load(tmp_path / "saved")
    assert saved("word1").cats == nlp("word1").cats
    (doc,) = nlp.pipe(["word1"], n_process=2)
    assert doc.cats == nlp("word1").cats and doc._.zoo == nlp("word1")._.zoo
