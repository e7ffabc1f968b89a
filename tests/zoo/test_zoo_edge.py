"""The published folder at the edge: Node answers as Python does."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import edge_models
import pytest
import tiny

import zoo
from zoo.manifest import SPANS

pytestmark = pytest.mark.real
MODULE = Path(zoo.__file__).with_name("serve") / "page/edge.js"
Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return edge_models.pieces(tmp_path_factory.mktemp("edge") / "pieces", "test/pieces")


@pytest.fixture
def ask(npm: Path, tmp_path: Path) -> Ask:
    """ask(folder, texts, weights...): Node, as it ended."""

    def run(folder: Path, texts: list[str], *weights: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "texts.json").write_text(json.dumps(texts))
        script = Path(__file__).with_name("edge_node.mjs")
        command = ["node", script, MODULE, folder, tmp_path / "texts.json", *weights]
        return subprocess.run(command, cwd=npm, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.mark.parametrize("weights", ["int8", "fp32"])
def test_node_answers_as_python_does(ask: Ask, folder: Path, weights: str) -> None:
    texts = edge_models.texts(200)
    expected = zoo.load(folder, weights=weights).predict(texts, scores=True)
    assert len({answer.label for answer in expected}) == 3 and len({answer.unsure for answer in expected}) == 2
    done = ask(folder, texts, weights)
    assert done.returncode == 0, done.stderr
    edge_models.same(json.loads(done.stdout), expected)


def test_what_node_can_not_answer_it_says(ask: Ask, folder: Path, specialist: Path, tmp_path: Path) -> None:
    answers = json.loads(ask(folder, [" ", "\ud800", "abc"]).stdout)
    assert [answer.get("error", "") for answer in answers] == [
        "The text is empty.",
        "The text is not Unicode: half of a surrogate pair is missing.",
        "",
    ]
    assert "can't cut texts as finance/sentiment does (WordLevel)" in ask(specialist, ["a"]).stderr
    spans = tiny.make(tmp_path / "spans", kind=SPANS, labels=tiny.TYPES)
    assert "here only classifiers answer" in ask(spans, ["a"]).stderr
    changed: Any = shutil.copytree(folder, tmp_path / "changed")
    (changed / "tokenizer.json").write_text("{}")
    assert "tokenizer.json is not the file that was published" in ask(changed, ["a"]).stderr
