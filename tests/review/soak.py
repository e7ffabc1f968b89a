"""`make soak`: a person at a real browser reviews a build's rows, of every kind, and the next build stands by it.

Twelve rows a kind: `factory review push` makes them and shows them in the embedded Argilla; a person accepts some,
corrects some, discards one with a reason, and changes an answer afterwards; the build that follows has every row as the
person left it, in its dataset too, and the ledger seals who said what, and when. Takes some minutes;
test_argilla_loop.py is the short form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_person import Person
from loop import KINDS, Kind, answer_all, assert_stands
from reviewer import Reviewer

from factory import settings
from factory import spec as specs
from factory.dataset.version import SPLITS, open_version
from factory.files import file_sha256
from factory.lineage import ledger
from factory.review import argilla_text
from factory.review.argilla import connect
from factory.review.backend import Item
from factory.row import read_rows
from factory.services.argilla.server import ArgillaServer
from factory.services.process import free_port
from factory.span import Span, mark
from factory.spec import Spec
from factory.stage import inputs_of
from tests import shop, tiny_encoder
from tests.conftest import Factory

ROWS = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def port(home: Path) -> Iterator[int]:
    """Of the embedded Argilla, which the first push starts."""
    port = free_port()
    yield port
    ArgillaServer(dataclasses.replace(settings.load(), home=home, argilla_port=port)).stop()


@pytest.fixture
def made(kind: Kind, home: Path, tmp_path: Path) -> Iterator[Factory]:
    """A factory with the kind's specialist, of whose rows nobody has seen any."""
    encoder = tiny_encoder.make(tmp_path / "tiny-encoder", kind.place.every_text(), hidden=64)
    answer = shop.teach if kind.place is shop else kind.place.teach
    made = Factory(home, tmp_path / "prompts", tmp_path / "gold", shop.Teacher(answer=answer), encoder)
    budget = {"generate": 32, "label": 12, "judge": 40, "review": ROWS, "measure_teacher": 0}
    # A build that waits for people is not shown their answers while it writes: it makes the very rows they saw.
    changes = {"student": {"encoder": str(encoder)}, "budgets": {"quick": budget, "full": budget}, "review": "required"}
    kind.place.make_specialist(made.prompts / kind.spec, made.gold, changes)
    yield made
    made.teacher.stop()


def shown(server: ArgillaServer, spec: Spec) -> list[Item]:
    """What the person is shown."""
    person, items = Reviewer(server, spec), []
    for row_id, record in person.records.items():
        text = argilla_text.read(record["fields"]["text"], row_id, spec.kind == "spans")
        suggested = person.suggested(row_id)
        if spec.kind == "spans" and suggested is not None:
            suggested = mark(text, [Span.model_validate(one) for one in suggested])
        items.append(Item(row_id, text, suggested, 0.0, record["metadata"]["reason"]))
    return items


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_build_stands_by_what_a_person_said(kind: Kind, made: Factory, port: int, page: Any) -> None:
    variables = {"FACTORY_REVIEW": "argilla", "FACTORY_SIMULATE_REVIEW": "0", "FACTORY_ARGILLA_PORT": str(port)}

    def run(*arguments: str) -> str:
        ended = made.run(*arguments, **variables)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    pushed = run("review", kind.spec, "push")
    assert f"0 of {ROWS} rows" in pushed
    where = dataclasses.replace(made.settings, review="argilla", argilla_port=port)
    server, spec = ArgillaServer(where), specs.load(kind.spec, made.prompts)
    items = shown(server, spec)
    assert len(items) == ROWS and any(item.suggestion is None for item in items)
    person = Person(page, server, pushed.split()[-1], server.home / "screenshots" / kind.name)
    said = answer_all(kind, person, items)
    assert f"{ROWS} answers to {ROWS} rows" in run("review", kind.spec, "pull")
    run("build", kind.spec, "--until", "dataset")

    answers = connect(where).pull(spec).answers
    root = made.home / "builds" / kind.spec
    book = ledger.read(root)
    entry = [entry for entry in book.entries if entry.stage == "review"][-1]
    review = root / "review" / entry.key
    assert_stands(said, answers, read_rows(review / "kept.jsonl"), read_rows(review / "dropped.jsonl"))
    entered = {one["row_id"]: (one["reviewer"], one["submitted_at"]) for one in inputs_of(review)["answers"]}
    assert entered == {answer.row_id: (answer.reviewer, answer.submitted_at) for answer in answers}
    assert entry.files["inputs.json"] == file_sha256(review / "inputs.json") and not book.problems
    last = [entry for entry in book.entries if entry.stage == "dataset"][-1]
    version = open_version(root / "dataset" / last.key)
    published = {row.id: row.decision for split in SPLITS for row in version.rows(split)}
    assert {row_id: decision for row_id, decision in said.items() if decision is not None}.items() <= published.items()
    assert not published.keys() & {row_id for row_id, decision in said.items() if decision is None}
    assert not person.failures
