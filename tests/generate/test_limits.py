"""Limits are never passed, depend on replies alone, and what is beyond them is told."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.budget import Budget, Prices
from factory.generate.limits import NOT_ASKED, Limits, Spent, within
from factory.generate.pipeline import Answered
from factory.progress import Progress, silent
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Request

ENDPOINT = Endpoint("http://127.0.0.1:9/v1", "loopback", "loopback@1")
number = itertools.count()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "replies.db"


def questions(count: int, length: int = 100) -> list[Request]:
    return [
        Request([{"role": "user", "content": f"{place}".ljust(length, ".")}], max_tokens=50) for place in range(count)
    ]


def teacher(cost: Callable[[str], tuple[int, int]], log: list[int] | None = None, pause: float = 0.0) -> Any:
    """An `ask` that answers from the cache, or for so many tokens read and written."""

    def ask(
        name: str, requests: Sequence[Request], endpoint: Endpoint, cache: Path, concurrency: int, progress: Progress
    ) -> list[Answered]:
        store = ReplyCache(cache)
        try:
            found = []
            for place, request in enumerate(requests):
                key = request.cache_key(endpoint.identity)
                if not store.contains(key):
                    time.sleep(pause)
                    text = request.messages[0]["content"].rstrip(".")
                    read, written = cost(text)
                    reply = {
                        "text": text, "finish_reason": "stop", "top_logprobs": None,
                        "prompt_tokens": read, "completion_tokens": written,
                    }  # fmt: skip
                    store.put(request.canonical(endpoint.identity), reply, read, written)
                    if log is not None:
                        log.append(int(text))
                found.append(Answered(str((store.get(key) or {})["text"]), None, key))
                progress(place + 1, len(requests))
            return found
        finally:
            store.close()

    return ask


def asked(answers: Sequence[Answered]) -> int:
    return sum(answer.text is not None for answer in answers)


def test_without_limits_everything_is_asked_at_once(cache: Path) -> None:
    log: list[int] = []
    answers, spent = within(Limits(), teacher(lambda _: (20, 30), log), "write", questions(9), ENDPOINT, cache, 4)
    assert asked(answers) == 9 and log == list(range(9)) and spent == Spent()


@given(
    limit=st.integers(1, 2000),
    costs=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 50)), min_size=1, max_size=25),
)
def test_tokens_never_pass_their_limit_and_hardly_any_are_left(
    limit: int, costs: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.getbasetemp() / f"replies-{next(number)}.db"
    requests = questions(len(costs))
    cost = teacher(lambda text: costs[int(text)])
    limits = Limits(max_tokens=limit)
    answers, spent = within(limits, cost, "write", requests, ENDPOINT, cache, 4)
    done = asked(answers)
    assert [answer.text for answer in answers[:done]] == [str(place) for place in range(done)]
    assert spent.read + spent.written == sum(map(sum, costs[:done])) <= limit
    assert spent.unasked == len(costs) - done
    if done < len(costs):
        assert spent.stopped == "max_tokens"
        assert spent.read + spent.written + 100 // 2 + 16 + 50 > limit, "another request would have fitted"
        assert {answer.error for answer in answers[done:]} == {f"{NOT_ASKED}max_tokens"}
    else:
        assert spent.stopped == ""
    again, same = within(limits, cost, "write", requests, ENDPOINT, cache, 4)
    assert (again, same.read, same.written, same.stopped) == (answers, spent.read, spent.written, spent.stopped)


def test_replies_of_a_larger_build_do_not_move_the_limit(cache: Path) -> None:
    cost = teacher(lambda _: (20, 30))
    first, _ = within(Limits(max_tokens=400), cost, "write", questions(30), ENDPOINT, cache, 4)
    within(Limits(), cost, "write", questions(30), ENDPOINT, cache, 4)
    again, _ = within(Limits(max_tokens=400), cost, "write", questions(30), ENDPOINT, cache, 4)
    assert again == first and 0 < asked(first) < 30


def test_cost_is_what_the_prices_say(cache: Path) -> None:
    prices = Prices(read=1e6, written=2e6)  # a dollar a token read, two a token written
    limits = Limits(max_cost=1000.0, prices=prices)
    answers, spent = within(limits, teacher(lambda _: (20, 40)), "write", questions(50), ENDPOINT, cache, 4)
    assert spent.stopped == "max_cost" and asked(answers) == spent.read / 20
    assert 800 < prices.dollars(spent.read, spent.written) <= 1000


def test_what_was_spent_before_counts(cache: Path) -> None:
    cost = teacher(lambda _: (20, 30))
    answers, spent = within(
        Limits(max_tokens=1000), cost, "judge", questions(30), ENDPOINT, cache, 4, before=Spent(400, 350)
    )
    assert asked(answers) <= 5 and spent.read + spent.written <= 250
    none, _ = within(Limits(max_tokens=1000), cost, "judge", questions(30), ENDPOINT, cache, 4, before=Spent(900, 99))
    assert asked(none) == 0


def test_time_stops_in_the_middle_and_keeps_what_came(cache: Path) -> None:
    limits = Limits(max_time=0.3 / 60)
    answers, spent = within(limits, teacher(lambda _: (1, 1), pause=0.05), "write", questions(60), ENDPOINT, cache, 4)
    assert 0 < asked(answers) < 60 and spent.stopped == "max_time"
    assert asked(answers) == spent.read and spent.unasked == 60 - asked(answers)
    assert {answer.error for answer in answers if answer.text is None} == {f"{NOT_ASKED}max_time"}


def test_what_was_spent_is_looked_up_at_once_and_not_key_by_key(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def finished(*given: Any) -> list[Answered]:
        return [Answered("", None, "")] * len(given[1])

    within(Limits(), teacher(lambda _: (20, 30)), "write", questions(40), ENDPOINT, cache, 4)
    asked: list[str] = []
    run = ReplyCache._run
    monkeypatch.setattr(ReplyCache, "_run", lambda store, *rest: asked.append(rest[0]) or run(store, *rest))
    _, spent = within(Limits(max_tokens=100_000), finished, "write", questions(40), ENDPOINT, cache, 4)
    assert (spent.read, spent.written) == (800, 1200)
    assert len(asked) < 10


def test_a_question_nobody_can_answer_does_not_stop_a_small_portion(cache: Path) -> None:
    """`ask` gives up where too large a share is lost; each portion is asked together with all before it."""
    seen: list[int] = []

    def ask(name: str, requests: Sequence[Request], *rest: Any) -> list[Answered]:
        seen.append(len(requests))
        return answer(name, requests, *rest)

    answer = teacher(lambda _: (20, 30))
    within(Limits(max_tokens=1000), ask, "write", questions(40), ENDPOINT, cache, 4)
    assert seen == sorted(seen) and len(seen) > 2


def test_how_much_is_left_is_told(cache: Path) -> None:
    told: list[tuple[str, str, int, int]] = []

    def meter(name: str, unit: str) -> Progress:
        return lambda done, total: told.append((name, unit, done, total))

    budget = Budget(generate=1, label=0, review=0, max_tokens=1000, max_cost=0.5)
    limits = Limits.of(budget, Prices(), meter)
    _, spent = within(limits, teacher(lambda _: (20, 30)), "write", questions(5), ENDPOINT, cache, 4, silent)
    assert told[-2:] == [("write: budget", "tokens", 250, 1000), ("write: budget", "cents", 0, 50)]
    assert spent.read + spent.written == 250


def test_a_stage_depends_on_limits_that_are_there_and_on_nothing_else() -> None:
    assert Limits().identity() == {} and not Limits().any
    assert Limits(max_tokens=5, prices=Prices(read=3.0)).identity() == {"max_tokens": 5}
    assert Limits(max_cost=5.0).identity() != Limits(max_cost=5.0, prices=Prices(read=3.0)).identity()


@given(st.integers(1, 5000), st.integers(0, 5000), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5))
def test_shares_of_a_limit_come_to_no_more_than_the_limit(limit: int, before: int, spends: list[float]) -> None:
    """Whatever part of its share each one spends; what one leaves, those after it get."""
    whole = Limits(max_tokens=limit)
    spent = Spent(read=before)
    for number, part in enumerate(spends):
        share = whole.share(spent, len(spends) - number)
        assert share.max_tokens is not None
        room = share.max_tokens - spent.read
        assert 0 <= room <= max(0, limit - spent.read) or number == len(spends) - 1
        if not whole.reached(spent):
            assert not share.reached(spent)
        spent += Spent(read=int(part * max(0, room)))
        assert spent.read <= max(limit, before)
    assert whole.share(spent, 1) is whole
    assert Limits().share(spent, 3) == Limits()


def test_cost_and_time_are_shared_too() -> None:
    prices = Prices(read=1.0, written=1.0)
    share = Limits(max_cost=3.0, max_time=10.0, prices=prices).share(Spent(read=1_000_000, seconds=120.0), 2)
    assert share.max_cost == pytest.approx(2.0)
    assert share.max_time == pytest.approx(6.0)
