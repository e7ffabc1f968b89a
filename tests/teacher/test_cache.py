"""The cache: keys, several processes, trouble with the disk."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from factory.errors import FactoryError
from factory.files import canonical
from factory.teacher.cache import Entry, ReplyCache, key_of
from factory.teacher.chat import Reply, Request

REPLY = {"text": "yes", "finish_reason": "stop"}

messages = st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": st.text()}), min_size=1, max_size=3)
schemas = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
)
requests = st.builds(
    Request,
    messages=messages,
    temperature=st.floats(0, 2),
    min_p=st.sampled_from([0.0, 0.05, 0.1]),
    max_tokens=st.integers(1, 512),
    json_schema=st.none() | schemas,
    choices=st.none() | st.lists(st.text(max_size=3), max_size=4),
    ordinal=st.integers(0, 3),
)


def reverse(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reverse(inner) for key, inner in reversed(value.items())}
    return [reverse(inner) for inner in value] if isinstance(value, list) else value


@given(requests)
def test_a_key_does_not_depend_on_the_order_of_keys(request: Request) -> None:
    assert Request(**reverse(vars(request))).cache_key("t@1") == request.cache_key("t@1")


def test_a_key_is_what_it_was_when_the_replies_that_are_kept_were_paid_for() -> None:
    request = Request(
        [{"role": "system", "content": 'Größe: € "5" 😀\n'}, {"role": "user", "content": "a\u2028b\x7f"}],
        temperature=0.9,
        top_p=1e-07,
        max_tokens=300,
        json_schema={"type": "object", "properties": {"b": {"enum": ["x", "ä"]}, "a": {"minimum": 1e16}}},
        top_logprobs=3,
        ordinal=1,
    )
    assert request.cache_key("teacher@1") == "5c3b05e5d0c002dba0853a27f0111bd4658c8622035d073e5de889c93a72a8c1"


@given(requests, requests)
def test_different_questions_have_different_keys(one: Request, other: Request) -> None:
    assert (one.cache_key("t@1") == other.cache_key("t@1")) == (one == other)


@given(requests)
def test_another_revision_of_the_teacher_is_another_key(request: Request) -> None:
    assert request.cache_key("t@1") != request.cache_key("t@2")


tokens = st.dictionaries(st.text(max_size=4), st.floats(-50, 0), max_size=4)


@given(st.text(st.characters()), st.none() | st.lists(tokens, max_size=3), st.integers(0, 9999))
@example("\ud800", None, 1)
@example("a", [{"a": float("-inf")}], 1)
def test_what_is_stored_comes_back(text: str, logprobs: list[dict[str, float]] | None, paid: int) -> None:
    reply = Reply(text, "stop", paid, paid, logprobs, "k", cached=False)
    with tempfile.TemporaryDirectory() as folder:
        cache = ReplyCache(Path(folder) / "replies.db")
        cache.put_all([reply.entry(canonical({"q": paid}))])
        stored = cache.get("k")
        assert stored is not None
        assert vars(Reply.restored(stored, "k")) == vars(reply) | {"cached": True}
        assert cache.request("k") == {"q": paid}
        assert cache.tokens() == (paid, paid)
        cache.close()


@given(st.sets(st.integers(0, 99)), st.sets(st.integers(0, 99)))
def test_of_many_replies_those_held_are_known_at_once(kept: set[int], asked: set[int]) -> None:
    def entry(number: int) -> Entry:
        text = canonical({"q": number})
        return Entry(key_of(text), text, json.dumps(REPLY), 1, 1)

    with tempfile.TemporaryDirectory() as folder:
        cache = ReplyCache(Path(folder) / "replies.db")
        cache.put_all([entry(number) for number in kept])
        found = cache.held(entry(number).key for number in asked)
        assert found == {entry(number).key for number in kept & asked}
        assert cache.get_all([entry(number).key for number in asked]) == dict.fromkeys(found, REPLY)
        assert cache.count() == len(kept)
        assert cache.paid([entry(number).key for number in asked] * 2) == (len(kept & asked),) * 2
        cache.close()


def test_more_replies_than_one_statement_takes_are_all_kept(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.db")
    texts = [canonical({"q": number}) for number in range(12_000)]
    entries = [Entry(key_of(text), text, f'{{"text": "{number}"}}', 1, 2) for number, text in enumerate(texts)]
    cache.put_all(entries + entries[:10])
    assert cache.held([entry.key for entry in entries]) == {entry.key for entry in entries}
    assert cache.get(entries[11_999].key) == {"text": "11999"}
    assert cache.tokens() == cache.paid(entry.key for entry in entries) == (12_000, 24_000)


def test_a_file_made_before_tables_had_row_numbers_is_used_on(tmp_path: Path) -> None:
    path = tmp_path / "replies.db"
    old = sqlite3.connect(path)
    columns = "key TEXT PRIMARY KEY, request TEXT NOT NULL, reply TEXT NOT NULL, prompt_tokens INTEGER NOT NULL"
    old.execute(
        f"CREATE TABLE replies ({columns}, completion_tokens INTEGER NOT NULL, time REAL NOT NULL) WITHOUT ROWID"
    )
    old.execute("INSERT INTO replies VALUES (?, '{}', '{\"text\": \"old\"}', 1, 1, 0.0)", [key_of(canonical({"q": 1}))])
    old.commit()
    old.close()
    cache = ReplyCache(path)
    kept = cache.put({"q": 1}, REPLY, 1, 1)
    assert cache.get(kept) == {"text": "old"}
    assert cache.get(cache.put({"q": 2}, REPLY, 1, 1)) == REPLY


def test_the_first_reply_to_a_request_stays(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "new" / "replies.db")
    key = cache.put({"q": 1}, REPLY, 3, 1)
    assert cache.put({"q": 1}, {"text": "no"}, 3, 1) == key
    assert cache.get(key) == REPLY
    assert (cache.contains(key), cache.contains("other"), cache.get("other"), cache.count()) == (True, False, None, 1)


WRITER = """
import sys
from pathlib import Path
from factory.files import canonical
from factory.teacher.cache import Entry, ReplyCache, key_of
cache = ReplyCache(Path(sys.argv[1]))
number = 0
while True:
    print(cache.put({"writer": sys.argv[2], "n": number}, {"text": "x" * 500}, 1, 1), flush=True)
    number += 1
"""


def test_writers_killed_at_any_moment_lose_nothing_they_were_told_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "replies.db"
    outputs = [tmp_path / f"{name}.txt" for name in "abc"]
    writers = []
    for output in outputs:
        with output.open("w") as sink:
            writers.append(subprocess.Popen([sys.executable, "-c", WRITER, path, output.stem], stdout=sink))
    deadline = time.monotonic() + 60
    while any(output.read_text().count("\n") < 50 for output in outputs) and time.monotonic() < deadline:
        time.sleep(0.05)
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    told = [line for output in outputs for line in output.read_text().splitlines() if len(line) == 64]
    cache = ReplyCache(path)
    assert len(told) >= 150
    assert all(cache.contains(key) for key in told)
    assert cache.count() <= len(told) + len(writers)  # at most one each was stored and not yet told


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.db")
    kept = cache.put({"q": "small"}, REPLY, 1, 1)
    cache._database.execute("PRAGMA max_page_count = 8")
    with pytest.raises(FactoryError, match="disk is full") as caught:
        cache.put({"q": "big"}, {"text": "x" * 100_000}, 1, 1)
    assert caught.value.where == str(tmp_path / "replies.db")
    assert cache.get(kept) == REPLY


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "replies.db"
    path.write_text("this is no database, however long one looks at it. " * 50)
    with pytest.raises(FactoryError, match="damaged") as caught:
        ReplyCache(path)
    assert "Move the file away" in caught.value.fix
