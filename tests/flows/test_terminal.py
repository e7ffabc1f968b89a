"""What a published model of each kind answered, as it is printed."""

from __future__ import annotations

from typing import Any

import pytest

import zoo
from flows import terminal


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (zoo.Answer("lost", 0.97, unsure=False), ["lost  97%"]),
        (zoo.Answer("lost", 0.4, unsure=True), ["lost  40%  (unsure: below its threshold)"]),
        ([zoo.Span("Food", 0, 3, "rye", 0.9, unsure=False)], ["Food [0:3] 'rye'  90%"]),
        ([], ["nothing"]),
        (
            zoo.Extracted({"law": "Oregon"}, 0.8, {"law": 0.9, "due": 0.7}, unsure=False, complete=True),
            ["law: 'Oregon'  90%", "all of it  80%"],
        ),
        (zoo.Extracted({}, 0.8, {"law": 0.9}, unsure=False, complete=True), ["nothing", "all of it  80%"]),
        (
            zoo.Written("Can I eat it?", 0.6, unsure=True, complete=True),
            ["'Can I eat it?'  60%  (unsure: below its threshold)"],
        ),
    ],
)
def test_an_answer_of_any_kind_is_told(answer: Any, told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    terminal.answers("test/kind", [("May I eat it?", answer)])
    said = capsys.readouterr().out.splitlines()
    assert "'May I eat it?'" in said[2]
    assert [line.strip() for line in said[3:]] == told
