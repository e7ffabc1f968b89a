"""The published folder at the edge: Node and a browser answer as Python does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import edge_models
import pytest
import tiny
from running import running

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


IN_PAGE = """async ([name, texts]) => {
  const { PreTrainedTokenizer } = await import("/edge/transformers.js");
  const { InferenceSession, Tensor } = await import("/edge/ort.js");
  const { open } = await import("/page/edge.js");
  const read = async (path) => (await fetch(`/v1/specialists/${name}/files/${path}`)).arrayBuffer();
  const { predict } = await open(read, { PreTrainedTokenizer, InferenceSession, Tensor });
  const answers = [];
  for (const text of texts) answers.push(await predict(text));
  return answers;
}"""


def test_a_browser_answers_as_python_does_and_its_page_shows_it(
    npm: Path, folder: Path, page: Any, tmp_path: Path
) -> None:
    texts = edge_models.texts(200)
    expected = zoo.load(folder).predict(texts, scores=True)
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.method, request.url)))
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    shots = Path(os.environ.get("ZOO_SHOTS") or tmp_path)
    with running(str(folder), "--edge", str(npm)) as service:
        page.goto(f"{service.url}/edge")
        for doubt, said in ((False, "Sure."), (True, "Unsure: ask a person.")):
            text, answer = next((text, one) for text, one in zip(texts, expected, strict=True) if one.unsure is doubt)
            page.get_by_label("Text").fill(text)
            page.get_by_role("button", name="Ask").click()
            page.get_by_text(f"{answer.label} ({100 * answer.confidence:.1f} %)").wait_for()
            page.get_by_text(said).wait_for()
            page.screenshot(path=shots / f"edge-{said[:4]}.png")
        page.get_by_label("Text").fill("  ")
        page.get_by_role("button", name="Ask").click()
        page.get_by_text("The text is empty.").wait_for()
        edge_models.same(page.evaluate(IN_PAGE, ["test/pieces", texts]), expected)
    assert not wrong
    assert {method for method, _ in asked} == {"GET"}, "a text was sent"
    assert all(url.startswith((service.url, "data:", "blob:")) for _, url in asked), "the page loads from elsewhere"
