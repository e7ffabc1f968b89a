"""TeacherLLM inside a real distilabel pipeline against a loopback server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.teacher.cache import ReplyCache
from factory.teacher.llm import TeacherLLM
from tests.loopback_teacher import MODEL, LoopbackTeacher, answer_of

SCHEMA = {"type": "object", "properties": {"rows": {"type": "array", "items": {"type": "string"}, "minItems": 2}}}


def llm(teacher: LoopbackTeacher, cache: Path, **settings: Any) -> TeacherLLM:
    return TeacherLLM(url=teacher.url, model=MODEL, identity="loopback@1", cache=str(cache), **settings)


def chat(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


async def test_inputs_carry_their_own_constraints(tmp_path: Path) -> None:
    async with LoopbackTeacher() as teacher:
        model = llm(teacher, tmp_path / "r.db", temperature=0.9)
        plain, chosen, written, twice = await model._agenerate(
            [
                chat("one"),
                (chat("two"), {"choices": ["A", "B"], "top_logprobs": 2, "max_tokens": 1, "temperature": 0.0}),
                (chat("three"), {"format": "json", "schema": SCHEMA}),
                (chat("one"), {"ordinal": 1}),
            ]
        )
        assert (await model._agenerate([chat("five")], num_generations=3))[0]["statistics"]["input_tokens"] == [1] * 3
        assert model._client is not None
        await model._client.__aexit__(None, None, None)
    assert plain["generations"][0].startswith("reply")
    assert chosen["generations"][0] in ("A", "B")
    assert set(chosen["logprobs"][0][0]) == {"A", "B"}
    assert len(json.loads(written["generations"][0])["rows"]) == 2
    assert plain["key"] != twice["key"]
    assert {body["temperature"] for body in teacher.asked} == {0.9, 0.0}
    assert len(teacher.asked) == 7


async def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    async with LoopbackTeacher() as teacher:
        with pytest.raises(ValueError, match="unknown options: beam"):
            await llm(teacher, tmp_path / "r.db")._agenerate([(chat("x"), {"beam": 4})])


def test_no_key_is_written_down(tmp_path: Path) -> None:
    model = TeacherLLM(url="http://x/v1", model="m", identity="m@1", cache=str(tmp_path / "r"), api_key="geheim")
    assert "geheim" not in json.dumps(model.dump()) + repr(model)


PIPELINE = '''
import json, sys
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import Task
from factory.teacher.llm import TeacherLLM

class Judge(Task):
    """A task whose every input has its own choices."""
    @property
    def inputs(self): return ["text"]
    @property
    def outputs(self): return ["label"]
    def format_input(self, input):
        options = {"choices": ["A", "B"], "top_logprobs": 2, "max_tokens": 1}
        return [{"role": "user", "content": input["text"]}], options
    def format_output(self, output, input=None): return {"label": output}

if __name__ == "__main__":
    url, cache, home, count = sys.argv[1:]
    with Pipeline("judge", cache_dir=home) as pipeline:
        rows = LoadDataFromDicts(data=[{"text": f"row {number}"} for number in range(int(count))], batch_size=200)
        llm = TeacherLLM(url=url, model="loopback", identity="loopback@1", cache=cache, concurrency=8)
        rows >> Judge(name="judge", llm=llm, input_batch_size=200, add_raw_input=False)
    result = pipeline.run(use_cache=False)["default"]["train"]
    columns = ("text", "label", "llm_judge_key", "llm_judge_error")
    print(json.dumps([{name: row[name] for name in columns} for row in result]))
'''


@pytest.mark.real
async def test_a_pipeline_labels_every_row_and_outlives_failures(tmp_path: Path) -> None:
    script = tmp_path / "judge_pipeline.py"
    script.write_text(PIPELINE)
    cache = tmp_path / "replies.db"

    async def run() -> list[dict[str, Any]]:
        home = {"PATH": "", "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), teacher.url, str(cache), str(tmp_path / "distilabel"), "300",
            env={**home, "HF_HUB_OFFLINE": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()[-2000:]
        rows: list[dict[str, Any]] = json.loads(out.decode().strip().splitlines()[-1])
        return rows

    async with LoopbackTeacher(delay=0.01) as teacher:
        teacher.failures = [413, "html"]
        rows = await run()
        asked = len(teacher.asked)
        again = await run()
    assert [row["text"] for row in rows] == [f"row {number}" for number in range(300)]
    failed = [row for row in rows if row["label"] is None]
    assert len(failed) == 2
    assert all("refused (413)" in row["llm_judge_error"] or "nginx" in row["llm_judge_error"] for row in failed)
    by_text = {body["messages"][0]["content"]: answer_of(body) for body in teacher.asked}
    assert all(row["label"] == by_text[row["text"]] for row in again)
    assert asked == 300
    assert len(teacher.asked) == 302  # the second run asks for the two that failed, and for nothing else
    assert teacher.most == 8
    store = ReplyCache(cache)
    assert all(store.contains(row["llm_judge_key"]) for row in again)
