"""The cache: keys, several processes, trouble with the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import FactoryError
from factory.teacher.cache import ReplyCache
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


@given(requests, requests)
def test_different_questions_have_different_keys(one: Request, other: Request) -> None:
    assert (one.cache_key("t@1") == other.cache_key("t@1")) == (one == other)


@given(requests)
def test_another_revision_of_the_teacher_is_another_key(request: Request) -> None:
    assert request.cache_key("t@1") != request.cache_key("t@2")


tokens = st.dictionaries(st.text(max_size=4), st.floats(-50, 0), max_size=4)


@given(st.text(), st.none() | st.lists(tokens, max_size=3), st.integers(0, 9999))
def test_what_is_stored_comes_back(text: str, logprobs: list[dict[str, float]] | None, paid: int) -> None:
    reply = Reply(text, "stop", paid, paid, logprobs, "k", cached=False)
    cache = ReplyCache(Path(":memory:"))
    key = cache.put({"q": text}, reply.stored(), paid, paid)
    stored = cache.get(key)
    assert stored is not None
    assert vars(Reply.restored(stored, "k")) == vars(reply) | {"cached": True}
    assert cache.request(key) == {"q": text}
    assert cache.tokens() == (paid, paid)


def test_the_first_reply_to_a_request_stays(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "new" / "replies.db")
    key = cache.put({"q": 1}, REPLY, 3, 1)
    assert cache.put({"q": 1}, {"text": "no"}, 3, 1) == key
    assert cache.get(key) == REPLY
    assert (cache.contains(key), cache.contains("other"), cache.get("other"), cache.count()) == (True, False, None, 1)


WRITER = """
import sys
from pathlib import Path
from factory.teacher.cache import ReplyCache
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
