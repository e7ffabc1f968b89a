"""A student that answers in words (factory.stages.writing)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from factory.evidence import words
from factory.evidence.decision import Decision, Worded
from factory.generate import answering
from factory.row import Row
from factory.spec import Spec
from factory.stages.build import Build
from factory.stages.student import Said
from factory.stages.writing import Writing
from factory.students.nearest import WHAT, nearest
from factory.students.word_baselines import lead, question
from factory.teacher.chat import Request


class Answering(Writing):
    """Of kind `generation`."""

    kind = "generation"
    metrics = ("rouge_l", "rouge_1", "rouge_2")
    named = "the question alone"
    bounds = "an answer in a JSON object"

    def task(self, spec: Spec) -> dict[str, Any]:
        """See Writing.task; there is room for twice the longest answer."""
        most = 16 + 2 * answering.TOKENS_A_WORD * spec.form.words[1]
        return {"instruction": f"{spec.question} {spec.form.definition}", "max_new_tokens": most}

    def decision(self, answer: Any) -> str:
        """The words."""
        return str(answer.text)

    def right(self, row: Row, said: Decision | None) -> bool:
        """Whether it is alike (factory.evidence.words)."""
        return isinstance(said, str) and words.alike(Worded(answer=row.answer or ""), said)

    def opponents(self, build: Build, rows: Sequence[Row], texts: Sequence[str]) -> Mapping[str, Said]:
        """The text's first words, its longest question, and what was answered to the nearest text."""
        most = round(mean(len((row.answer or "").split()) for row in rows))
        said = [row.answer for row in nearest(rows, texts)]
        return {
            "lead": Said([lead(text, most) for text in texts], None, f"the text's first {most} words, as answers have"),
            "question": Said([question(text) for text in texts], None, "the text's longest question"),
            "nearest": Said(said, None, WHAT),
        }

    def question(self, spec: Spec, text: str, policy: bool) -> Request:
        """See Student.question."""
        return answering.question(spec, text, policy)

    def read(self, spec: Spec, text: str, reply: str) -> str | None:
        """See Student.read."""
        return answering.read(spec, text, reply).decision

    def reply(self, spec: Spec, row: Row) -> str:
        """See Student.reply; the answer."""
        return json.dumps({"answer": row.answer}, ensure_ascii=False)
