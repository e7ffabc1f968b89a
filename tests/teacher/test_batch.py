"""A teacher who answers by file: what is written, what is read, and a whole build of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factory import settings
from factory.errors import FactoryError, TeacherError
from factory.evidence.records import read_evidence
from factory.teacher.batch import BatchTeacher
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Request
from tests import loopback_teacher, shop
from tests.conftest import Factory

REQUESTS = [Request([{"role": "user", "content": f"Question {number}?"}], choices=["yes", "no"]) for number in range(4)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReplyCache]:
    made = ReplyCache(tmp_path / "replies.db")
    yield made
    made.close()


@pytest.fixture
def teacher(tmp_path: Path) -> BatchTeacher:
    return BatchTeacher("owner/model", tmp_path / "batch")


def asked(teacher: BatchTeacher, store: ReplyCache) -> dict[str, Request]:
    """What the cache has no reply to, by key."""
    keyed = {request.cache_key(teacher.identity): request for request in REQUESTS}
    return {key: request for key, request in keyed.items() if not store.contains(key)}


def answered(questions: Path, how: Callable[[dict[str, Any]], str], leave: int = 0) -> None:
    """A file of replies beside the questions, as `vllm run-batch` writes it; the last `leave` get none."""
    lines = [json.loads(line) for line in questions.read_text().splitlines()]
    with questions.with_name(questions.name.replace("questions-", "replies-")).open("w") as file:
        for line in lines[: len(lines) - leave]:
            body = loopback_teacher.completion(line["body"], how(line["body"]))
            response = {"status_code": 200, "request_id": "r", "body": body}
            file.write(
                json.dumps({"id": "v", "custom_id": line["custom_id"], "response": response, "error": None}) + "\n"
            )


def test_questions_wait_in_a_file_of_openais_format(teacher: BatchTeacher, store: ReplyCache) -> None:
    with pytest.raises(TeacherError, match="4 questions to owner/model wait") as told:
        teacher.exchange(asked(teacher, store), store)
    lines = [json.loads(line) for line in Path(told.value.where).read_text().splitlines()]
    assert {line["custom_id"] for line in lines} == set(asked(teacher, store))
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert lines[0]["body"] == REQUESTS[0].body("owner/model")
    assert "vllm run-batch" in str(told.value.fix)


def test_replies_are_found_and_only_the_rest_is_asked_again(teacher: BatchTeacher, store: ReplyCache) -> None:
    with pytest.raises(TeacherError) as first:
        teacher.exchange(asked(teacher, store), store)
    answered(Path(first.value.where), lambda _: "yes", leave=1)
    with pytest.raises(TeacherError, match="1 questions") as second:
        teacher.exchange(asked(teacher, store), store)
    assert second.value.where != first.value.where and store.count() == 3
    answered(Path(second.value.where), lambda _: "no")
    assert teacher.exchange(asked(teacher, store), store) == {}
    assert not asked(teacher, store)
    replies = [store.get(request.cache_key(teacher.identity)) for request in REQUESTS]
    assert [reply["text"] for reply in replies if reply] == ["yes", "yes", "yes", "no"]


def test_a_question_answered_by_an_error_waits_no_longer(teacher: BatchTeacher, store: ReplyCache) -> None:
    lines = [
        {"custom_id": key, "response": {"status_code": 400, "body": {"message": "too long"}}, "error": None}
        for key in asked(teacher, store)
    ]
    teacher.folder.mkdir()
    (teacher.folder / "replies-a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    errors = teacher.exchange(asked(teacher, store), store)
    assert set(errors) == set(asked(teacher, store)) and all("too long" in error for error in errors.values())
    body = loopback_teacher.completion(REQUESTS[0].body("owner/model"), "yes")
    good = {"custom_id": lines[0]["custom_id"], "response": {"status_code": 200, "body": body}}
    (teacher.folder / "replies-b.jsonl").write_text(json.dumps(good) + "\n")  # it was asked again, with better luck
    assert set(teacher.exchange(asked(teacher, store), store)) == set(asked(teacher, store))
    assert store.count() == 1


@pytest.mark.parametrize("line", ["<html>", "[]", "{}", '{"custom_id": ', "5"])
def test_what_is_no_file_of_replies_is_named_with_its_line(teacher: BatchTeacher, store: ReplyCache, line: str) -> None:
    teacher.folder.mkdir()
    (teacher.folder / "replies-a.jsonl").write_text(f'{{"custom_id": "other", "response": null}}\n{line}\n')
    with pytest.raises(TeacherError, match="Line 2 is no reply of a batch") as told:
        teacher.exchange(asked(teacher, store), store)
    assert told.value.where == str(teacher.folder / "replies-a.jsonl")


def test_it_cannot_be_waited_for(teacher: BatchTeacher) -> None:
    with pytest.raises(TeacherError, match="can't be waited for"):
        teacher.reach()


def test_an_endpoint_and_a_folder_are_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACTORY_TEACHER_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("FACTORY_TEACHER_BATCH", str(tmp_path))
    with pytest.raises(FactoryError, match="Two ways"):
        settings.load()


@pytest.mark.real
def test_a_whole_build_by_files_is_published(factory: Factory, tmp_path: Path) -> None:
    made, batch = factory.elsewhere(tmp_path / "home"), tmp_path / "batch"
    name = made.specialist("test/batch")
    rounds: list[str] = []
    while True:
        ended = made.run("build", name, FACTORY_TEACHER_URL="", FACTORY_TEACHER_BATCH=str(batch))
        if ended.returncode == 0:
            break
        new = {path.name for path in batch.glob("questions-*")} - set(rounds)
        assert "wait for replies" in ended.stdout and len(new) == 1, ended.stdout
        rounds += new
        answered(batch / rounds[-1], shop.teach)
    assert len(rounds) == 4  # written rows, the judge, and the teacher measured, alone and shown examples
    (evidence,) = (made.home / "builds" / name / "evaluate").glob("[!.]*/evidence.jsonl")
    kinds = {(record.who, type(record).__name__) for record in read_evidence(evidence)}
    assert ("teacher", "Record") in kinds and ("teacher", "Speed") not in kinds
    assert (made.home / "hub").exists()
