from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.review.backend import Backend, Item
from factory.review.jsonl import JsonlBackend
from factory.spec import Spec

ITEMS = [
    Item("r1", "my card is gone", "lost", 0.7, "uncertain", ("lost", "fee"), {"origin": "generated"}),
    Item("r2", "what is this fee", None, 0.4, "audit"),
]


def answer(backend: JsonlBackend, spec: Spec, *lines: object) -> None:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    (backend.folder(spec) / "answers.jsonl").write_text(text)


def test_push_and_pull(tmp_path: Path, spec: Spec) -> None:
    backend = JsonlBackend(tmp_path)
    assert backend.pull(spec).answers == []
    as_backend: Backend = backend
    pushed = as_backend.push(spec, ITEMS)
    assert (pushed.where, pushed.new, pushed.total) == (str(backend.folder(spec)), 2, 2)
    assert (backend.folder(spec) / "policy.md").read_text() == spec.template("policy.md")
    first = json.loads((backend.folder(spec) / "to_review.jsonl").read_text().splitlines()[0])
    assert (first["row_id"], first["suggestion"]) == ("r1", "lost")
    answer(
        backend,
        spec,
        {"row_id": "r1", "label": "fee", "reviewer": "anna", "submitted_at": "2026-01-01T10:00:00"},
        {**first, "row_id": "r2", "label": None, "problem": "policy", "comment": "Which fee?"},
    )
    one, two = backend.pull(spec).answers
    assert (one.row_id, one.label, one.reviewer, one.text, one.reason) == (
        "r1",
        "fee",
        "anna",
        "my card is gone",
        "uncertain",
    )
    assert (two.label, two.reason, two.problem, two.comment) == (None, "audit", "policy", "Which fee?")


def test_pushing_again_adds_only_what_is_new(tmp_path: Path, spec: Spec) -> None:
    backend = JsonlBackend(tmp_path)
    backend.push(spec, ITEMS[:1])
    answer(backend, spec, {"row_id": "r1", "label": "fee"})
    changed = Item("r1", "my card is gone", "pin", 0.1, "audit")
    pushed = backend.push(spec, [changed, *ITEMS, ITEMS[1]])
    assert (pushed.new, pushed.total) == (1, 2)
    [kept] = backend.pull(spec).answers
    assert (kept.label, kept.reason) == ("fee", "uncertain")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{broken", "not JSON"),
        ("[1]", "not a JSON object"),
        ({"label": "fee"}, "row_id is missing"),
        ({"row_id": "nobody", "label": "fee"}, "no row 'nobody' was sent"),
        ({"row_id": "r1"}, "label is missing"),
        ({"row_id": "r1", "label": 3}, "label is missing"),
        ({"row_id": "r1", "label": "weather"}, "'weather' is not one of the spec's"),
        ({"row_id": "r1", "label": "fee", "comment": 5}, "comment must be text"),
    ],
)
def test_a_bad_line_is_named_and_costs_no_other(tmp_path: Path, spec: Spec, line: object, said: str) -> None:
    backend = JsonlBackend(tmp_path)
    backend.push(spec, ITEMS)
    answer(backend, spec, {"row_id": "r1", "label": "fee"}, "", line, {"row_id": "r2", "label": "pin"})
    pulled = backend.pull(spec)
    assert [(a.row_id, a.label) for a in pulled.answers] == [("r1", "fee"), ("r2", "pin")]
    [problem] = pulled.problems
    assert "answers.jsonl:3: " in problem
    assert said in problem


def test_a_text_with_odd_line_ends_stays_one_line(tmp_path: Path, spec: Spec) -> None:
    backend = JsonlBackend(tmp_path)
    backend.push(spec, ITEMS)
    line = json.dumps({"row_id": "r1", "label": "fee", "comment": "one\u2028two\x85three"}, ensure_ascii=False)
    answer(backend, spec, line)
    pulled = backend.pull(spec)
    assert pulled.problems == []
    assert pulled.answers[0].comment == "one\u2028two\x85three"
