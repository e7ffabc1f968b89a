"""The circuit breaker against a plain model of one, whatever happens to it; and by hand."""

from __future__ import annotations

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from zoo.breaker import Breaker
from zoo.errors import BadInput


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Machine(RuleBasedStateMachine):
    """Questions that overlap and come back late, against what a breaker is: a word, a count and a time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(failures=3, pause=10.0, clock=self.clock)
        self.state, self.in_a_row, self.opened = "closed", 0, 0.0
        self.out: list[tuple[int, str]] = []  # tickets, and in which state's round they were given
        self.round = 0

    def turn(self, state: str) -> None:
        self.state, self.in_a_row, self.opened = state, 0, self.clock.now
        self.round += 1

    @rule()
    def enter(self) -> None:
        ticket = self.breaker.enter()
        rested = self.clock.now - self.opened >= 10.0
        trying = any(state == f"trial {self.round}" for _, state in self.out)
        if self.state == "closed":
            assert ticket is not None
            self.out.append((ticket, f"closed {self.round}"))
        elif rested and not trying:
            assert ticket is not None
            self.out.append((ticket, f"trial {self.round}"))
        else:
            assert ticket is None

    @rule(which=st.integers(0, 50), good=st.sampled_from([True, False, None]))
    def leave(self, which: int, good: bool | None) -> None:
        if not self.out:
            return
        ticket, given = self.out.pop(which % len(self.out))
        self.breaker.leave(ticket, good)
        if good is None or not given.endswith(f" {self.round}"):
            return  # not asked after all; or a late one, which says nothing
        if given.startswith("trial"):
            self.turn("closed" if good else "open")
        elif good:
            self.in_a_row = 0
        else:
            self.in_a_row += 1
            if self.in_a_row == 3:
                self.turn("open")

    @rule(seconds=st.sampled_from([1.0, 9.9, 10.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def says_what_it_is(self) -> None:
        if self.state == "closed":
            assert self.breaker.state == "closed"
        else:
            trying = any(state == f"trial {self.round}" for _, state in self.out)
            rested = self.clock.now - self.opened >= 10.0
            assert self.breaker.state == ("half-open" if trying or rested else "open")


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_it_is_what_a_breaker_is = Machine.TestCase


def test_of_many_that_wait_one_makes_the_trial() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock=clock)
    ticket = breaker.enter()
    assert ticket is not None
    breaker.leave(ticket, False)
    assert breaker.state == "open" and breaker.enter() is None
    clock.now = 5.0
    found: list[int | None] = []
    threads = [threading.Thread(target=lambda: found.append(breaker.enter())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in found) == 1


@pytest.mark.parametrize("how", [{"failures": 0}, {"failures": 1.5}, {"failures": True}, {"pause": -1}])
def test_numbers_that_can_not_be(how: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        Breaker(**how)  # type: ignore[arg-type]
