"""The pipeline's process: replies of every kind, several servers, and how it tells how far it is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factory import spec as specs
from factory.generate import pipeline
from factory.generate.plan import plan
from factory.generate.strategies import Material
from factory.generate.write import write
from factory.row import read_rows, write_rows
from factory.spec import Spec
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Request
from tests import shop

GOOD = [{"text": "Where is my parcel?"}, {"text": "My invoice is wrong."}]
REPLIES = [
    json.dumps({"rows": GOOD}),
    json.dumps({"rows": [*GOOD, {"text": "cut"}]})[:-9],
    json.dumps({"rows": [{"text": "bell \x07"}, {"text": "half \ud83d"}, *GOOD]}),
    json.dumps({"rows": [{"text": "\x00"}, {"txt": "wrong key"}, 5, None]}),
    "I am sorry, but as a language model I cannot do that.",
    '{"rows": ' + "[" * 50_000,
    json.dumps({"rows": [{"text": "long " * 200_000}]}),
]


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    shop.make_specialist(tmp_path / "prompts" / "test" / "shop", tmp_path / "gold", {"unlabelled": None})
    return specs.load("test/shop", tmp_path / "prompts")


@pytest.fixture
def teachers() -> Iterator[list[shop.Teacher]]:
    started = [shop.Teacher(), shop.Teacher()]
    yield started
    for teacher in started:
        teacher.stop()


@pytest.mark.real
def test_of_odd_replies_through_two_servers_everything_is_rows_or_a_reason(
    spec: Spec, teachers: list[shop.Teacher], tmp_path: Path
) -> None:
    turn = itertools.cycle(REPLIES)
    for teacher in teachers:
        teacher.server._answer = lambda _: next(turn)
        teacher.server.failures = ["drop", 500]
    cells = plan(spec, spec.budget("quick").model_copy(update={"generate": 160}))
    neighbours = {label: [] for label in spec.labels}
    endpoint = Endpoint(",".join(teacher.server.url for teacher in teachers), "loopback", "loopback@1")
    told: list[tuple[int, int]] = []
    cache = tmp_path / "replies.db"
    material = Material(spec, neighbours=neighbours)
    written = write(material, cells, endpoint, cache, lambda *now: told.append(now))
    asked = [len(teacher.asked) for teacher in teachers]
    assert sum(asked) == len(cells) + 4 and min(asked) > 2
    assert told == sorted(told) and told[-1] == (len(cells), len(cells))
    # Every cell ends as rows, or with a reason, or both.
    with_rows, with_reason = {row.lineage.cell for row in written.rows}, {entry["cell"] for entry in written.failed}
    assert with_rows | with_reason == {cell.id for cell in cells}
    assert with_reason - with_rows and with_rows - with_reason and with_rows & with_reason
    write_rows(tmp_path / "rows.jsonl", written.rows)
    assert [row.text for row in read_rows(tmp_path / "rows.jsonl")] == [row.text for row in written.rows]
    assert all(row.text.isprintable() for row in written.rows)
    assert all(entry["reason"].isprintable() for entry in written.failed)
    assert written == write(material, cells, endpoint, cache)  # from the cache
    assert [len(teacher.asked) for teacher in teachers] == asked


@pytest.mark.real
def test_the_same_question_twice_is_asked_once(teachers: list[shop.Teacher], tmp_path: Path) -> None:
    endpoint = Endpoint(teachers[0].server.url, "loopback", "loopback@1")
    requests = [Request([{"role": "user", "content": "TEXT: my invoice"}], choices=["money", "parcel"])] * 3
    told: list[tuple[int, int]] = []
    found = pipeline.ask("test", requests, endpoint, tmp_path / "replies.db", 4, lambda *now: told.append(now))
    assert [one.text for one in found] == ["money"] * 3
    assert len(teachers[0].asked) == 1
    assert told[-1] == (3, 3)


def test_progress_is_what_is_known_and_what_the_process_has_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [Request([{"role": "user", "content": str(number)}]) for number in range(4)]
    cache = tmp_path / "replies.db"
    store = ReplyCache(cache)
    kept = {"text": "a", "finish_reason": "stop", "prompt_tokens": 1, "completion_tokens": 1, "top_logprobs": None}

    def keep(request: Request) -> None:
        store.put(request.canonical("t@1"), kept, 1, 1)

    def run(name: str, missing: list[Request], *rest: Any) -> dict[str, str]:
        assert missing == requests[1:]
        rest[-1](1)
        for request in missing:
            keep(request)
        rest[-1](9)  # a worker that was started twice may tell more than there is
        return {}

    keep(requests[0])
    monkeypatch.setattr(pipeline, "_run", run)
    told: list[tuple[int, int]] = []
    endpoint = Endpoint("http://127.0.0.1:9/v1", "t", "t@1")
    pipeline.ask("test", requests, endpoint, cache, 1, lambda *now: told.append(now))
    assert told == [(2, 4), (4, 4), (4, 4)]
