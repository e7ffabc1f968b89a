"""A cascade: who answers, why, what it costs, and that no text is lost whatever the fallback does."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from large_model import LargeModel

import zoo
from zoo.errors import BadInput, NoQuestion

TEXTS = [f"word{number}" for number in range(30)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> zoo.Classifier:
    """A specialist that is sure of about half of the texts, and carries what a large model is asked."""
    folder = tiny.ask(tiny.make(tmp_path_factory.mktemp("cascade") / "small"))
    found: zoo.Classifier = zoo.load(tiny.seal(folder, threshold=0.6))
    unsure = sum(answer.unsure for answer in found.predict(TEXTS))
    assert 5 <= unsure <= 25
    return found


@pytest.fixture
def serve() -> Iterator[Callable[..., LargeModel]]:
    """serve(answer): a large model that answers so."""
    running: list[LargeModel] = []

    def start(answer: Callable[[dict[str, Any]], str | int]) -> LargeModel:
        running.append(LargeModel(answer).__enter__())
        return running[-1]

    yield start
    for model in running:
        model.__exit__()


def by_text(body: dict[str, Any]) -> str:
    """A label that depends on the text, so that a mix-up shows."""
    return tiny.LABELS[number_in(body) % 3]


def number_in(body: dict[str, Any]) -> int:
    return int(re.findall(r"word(\d+)", body["messages"][-1]["content"])[-1])


def test_it_answers_where_it_is_sure_and_asks_where_it_is_not(small: zoo.Classifier, serve: Any) -> None:
    model = serve(by_text)
    cascade = zoo.Cascade(small, zoo.Endpoint(model.url, "large"))
    guesses, found = small.predict(TEXTS), cascade.predict(TEXTS)
    for number, (guess, one) in enumerate(zip(guesses, found, strict=True)):
        if guess.unsure:
            assert (one.label, one.confidence, one.tier) == (tiny.LABELS[number % 3], None, "large")
            assert (one.reason, one.unsure) == ("unsure_escalated", False)
        else:
            assert (one.label, one.confidence, one.tier) == (guess.label, guess.confidence, small.manifest.id)
            assert (one.reason, one.unsure) == ("answered", False)
        assert one.seconds > 0 and one.detail == ""
    assert cascade.spent.calls == len(model.asked) == sum(guess.unsure for guess in guesses)
    assert cascade.predict([]) == []
    assert cascade.predict(TEXTS[0]).label == found[0].label


@pytest.mark.parametrize(
    ("how", "reason", "calls"),
    [
        ("page", "fallback_invalid", 1),
        ("huge", "fallback_invalid", 1),
        ("neither", "fallback_invalid", 1),
        (400, "fallback_refused", 1),
        (503, "fallback_down", 3),
        ("drop", "fallback_down", 3),
        ("hang", "fallback_down", 3),
    ],
)
def test_a_fallback_that_fails_leaves_the_guess_and_says_why(
    small: zoo.Classifier, serve: Any, how: str | int, reason: str, calls: int
) -> None:
    doubted = unsure(small)[0]
    seconds = 0.2 if how == "hang" else 20.0
    endpoint = zoo.Endpoint(serve(lambda body: how).url, "large", timeout=seconds)
    cascade = zoo.Cascade(small, endpoint, retries=2, wait=0.0)
    found, guess = cascade.predict(doubted), small.predict(doubted)
    assert (found.label, found.confidence, found.tier) == (guess.label, guess.confidence, small.manifest.id)
    assert (found.unsure, found.reason) == (True, reason) and found.detail
    assert cascade.spent.calls == calls


def test_a_hiccup_is_retried(small: zoo.Classifier, serve: Any) -> None:
    said = iter([503, "drop", "positive"])
    model = serve(lambda body: next(said))
    found = zoo.Cascade(small, zoo.Endpoint(model.url, "large"), retries=2, wait=0.0).predict(unsure(small)[0])
    assert (found.label, found.reason, found.unsure) == ("positive", "unsure_escalated", False)


def test_who_is_down_is_left_alone_and_found_again(small: zoo.Classifier, serve: Any) -> None:
    up = threading.Event()
    model = serve(lambda body: "positive" if up.is_set() else 503)
    cascade = zoo.Cascade(
        small, zoo.Endpoint(model.url, "large"), retries=0, concurrency=1, breaker=zoo.Breaker(2, pause=0.3)
    )
    found = cascade.predict(unsure(small)[:5])
    assert [one.reason for one in found] == ["fallback_down"] * 2 + ["circuit_open"] * 3
    assert all(one.unsure and one.tier == small.manifest.id for one in found)
    assert cascade.circuit == "open" and len(model.asked) == 2
    up.set()
    time.sleep(0.35)
    assert [one.reason for one in cascade.predict(unsure(small)[:5])] == ["unsure_escalated"] * 5
    assert cascade.circuit == "closed"


def test_labels_it_does_not_know_open_no_circuit(small: zoo.Classifier, serve: Any) -> None:
    cascade = zoo.Cascade(small, zoo.Endpoint(serve(lambda body: "maybe").url, "large"), breaker=zoo.Breaker(1))
    assert {one.reason for one in cascade.predict(unsure(small)[:4])} == {"fallback_invalid"}
    assert cascade.circuit == "closed"


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_budget_of_calls_is_hard(small: zoo.Classifier, serve: Any, concurrency: int) -> None:
    model = serve(by_text)
    cascade = zoo.Cascade(small, zoo.Endpoint(model.url, "large"), calls=3, concurrency=concurrency)
    found = cascade.predict(unsure(small))
    assert [one.reason for one in found].count("unsure_escalated") == 3 == len(model.asked)
    assert {one.reason for one in found} == {"unsure_escalated", "budget_spent"}
    assert all(one.unsure for one in found if one.reason == "budget_spent")


def test_a_budget_of_money_is_hard_and_counts_what_was_billed(small: zoo.Classifier, serve: Any) -> None:
    endpoint = zoo.Endpoint(serve(by_text).url, "large", read_price=1e6, write_price=0.0)  # one a token
    most = endpoint.most(zoo.question.Question.read(small.folder, small.manifest), "word10")
    cascade = zoo.Cascade(small, endpoint, cost=most + 250, concurrency=8)
    found = cascade.predict(unsure(small))
    assert cascade.spent.cost == 100 * cascade.spent.calls <= most + 250
    assert [one.reason for one in found].count("unsure_escalated") == cascade.spent.calls >= 1
    assert [one.reason for one in found].count("budget_spent") >= 1


def test_what_was_sent_and_not_answered_counts_as_paid(small: zoo.Classifier, serve: Any) -> None:
    endpoint = zoo.Endpoint(serve(lambda body: "hang").url, "large", timeout=0.2, read_price=1e6)
    cascade = zoo.Cascade(small, endpoint, retries=0)
    doubted = unsure(small)[0]
    cascade.predict(doubted)
    question = zoo.question.Question.read(small.folder, small.manifest)
    assert cascade.spent == (1, pytest.approx(endpoint.most(question, doubted)))


def test_many_threads_share_one_limit(small: zoo.Classifier, serve: Any) -> None:
    def slowly(body: dict[str, Any]) -> str:
        time.sleep(0.02)
        return by_text(body)

    model = serve(slowly)
    cascade = zoo.Cascade(small, zoo.Endpoint(model.url, "large"), concurrency=3)
    found: dict[int, list[zoo.LabelDecision]] = {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: cascade.predict(TEXTS)})) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(one.label for one in found[n]) for n in range(4)}) == 1
    assert 1 < model.most <= 3


def test_a_larger_specialist_is_the_next_tier(small: zoo.Classifier, tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "larger", name="finance/larger", threshold=0.0)
    larger: zoo.Classifier = zoo.load(folder)
    found = zoo.Cascade(small, larger).predict(TEXTS)
    for guess, one in zip(small.predict(TEXTS), found, strict=True):
        assert one.tier == ("finance/larger@1.0.0" if guess.unsure else small.manifest.id)
    doubting: zoo.Classifier = zoo.load(tiny.seal(folder, name="finance/larger", threshold=1.0))
    one = zoo.Cascade(small, doubting).predict(unsure(small)[0])
    assert (one.unsure, one.reason, one.tier) == (True, "fallback_unsure", "finance/larger@1.0.0")


def test_three_tiers(small: zoo.Classifier, serve: Any, tmp_path: Path) -> None:
    folder = tiny.ask(tiny.make(tmp_path / "larger"))
    doubting: zoo.Classifier = zoo.load(tiny.seal(folder, name="finance/larger", threshold=1.0))
    model = serve(by_text)
    inner = zoo.Cascade(doubting, zoo.Endpoint(model.url, "large"), calls=2, concurrency=1)
    outer = zoo.Cascade(small, inner)
    found = outer.predict(unsure(small)[:3])
    assert [one.reason for one in found] == ["unsure_escalated", "unsure_escalated", "budget_spent"]
    assert [one.tier for one in found] == ["large", "large", "finance/larger@1.0.0"]
    assert outer.spent == inner.spent == (2, 0.0)


def test_a_function_is_a_tier_whatever_it_does(small: zoo.Classifier) -> None:
    def person(text: str) -> Any:
        number = int(text.removeprefix("word"))
        if number % 3 == 0:
            raise ValueError("gone to lunch")
        return "neutral" if number % 3 == 1 else None

    found = zoo.Cascade(small, person, retries=0, breaker=zoo.Breaker(100)).predict(TEXTS)
    for number, (guess, one) in enumerate(zip(small.predict(TEXTS), found, strict=True)):
        if not guess.unsure:
            assert one.reason == "answered"
        elif number % 3 == 0:
            assert one.reason == "fallback_down" and one.detail == "ValueError: gone to lunch"
        elif number % 3 == 1:
            assert (one.label, one.tier, one.reason) == ("neutral", "person", "unsure_escalated")
        else:
            assert (one.label, one.reason) == (guess.label, "fallback_invalid")


def test_without_a_promise_somebody_has_to_say_what_to_do(copy: Path, serve: Any) -> None:
    nothing: zoo.Classifier = zoo.load(tiny.seal(tiny.ask(copy), threshold=None))
    endpoint = zoo.Endpoint(serve(by_text).url, "large")
    with pytest.raises(BadInput, match="promises nothing") as refused:
        zoo.Cascade(nothing, endpoint)
    assert "unpromised='escalate'" in refused.value.fix
    reasons = {
        how: {one.reason for one in zoo.Cascade(nothing, endpoint, unpromised=how).predict(TEXTS)}
        for how in ("escalate", "answer")
    }
    assert reasons == {"escalate": {"unsure_escalated"}, "answer": {"answered"}}


@pytest.mark.parametrize("least", [0, 0.6, 0.61, 1])
def test_without_a_promise_it_may_be_said_from_which_confidence_it_answers(copy: Path, least: float) -> None:
    nothing: zoo.Classifier = zoo.load(tiny.seal(copy, threshold=None))
    guesses = nothing.predict(TEXTS)
    found = zoo.Cascade(nothing, lambda text: "neutral", unpromised=least).predict(TEXTS)
    for guess, one in zip(guesses, found, strict=True):
        assert (one.reason == "answered") == (guess.confidence >= least)
        assert not one.unsure and one.label == (guess.label if one.reason == "answered" else "neutral")


def test_what_is_said_of_the_unpromised_does_not_move_a_threshold(small: zoo.Classifier) -> None:
    found = zoo.Cascade(small, lambda text: "neutral", unpromised=0.0).predict(TEXTS)
    assert [one.reason == "answered" for one in found] == [not guess.unsure for guess in small.predict(TEXTS)]


def test_an_older_specialist_asks_no_endpoint_but_anything_else(copy: Path) -> None:
    older: zoo.Classifier = zoo.load(copy)
    with pytest.raises(NoQuestion, match=r"holds no ask\.json"):
        zoo.Cascade(older, zoo.Endpoint("http://127.0.0.1:1/v1", "large"))
    assert zoo.Cascade(older, lambda text: "neutral").predict("word1").label


def test_what_can_not_be(small: zoo.Classifier, tmp_path: Path) -> None:
    others: zoo.Classifier = zoo.load(tiny.make(tmp_path / "others", labels=("negative", "neutral", "odd")))
    tagger: Any = zoo.load(tiny.make(tmp_path / "tagger", kind="spans", labels=tiny.TYPES))
    for what, says in (
        (lambda: zoo.Cascade(small, others), "other labels than .*: odd, positive"),
        (lambda: zoo.Cascade(tagger, small), "of another kind than finance/sentiment@1.0.0: classification"),
        (lambda: zoo.Cascade(str, small), "begins with a specialist, not with type"),
        (lambda: zoo.Cascade(zoo.Cascade(small, len), small), "begins with a specialist, not with Cascade"),
        (lambda: zoo.Cascade(small, "http://host"), "A fallback is an endpoint"),
        (lambda: zoo.Cascade(small, small, calls=3), "this fallback is neither"),
        (lambda: zoo.Cascade(small, len, calls=-1), "calls must be"),
        (lambda: zoo.Cascade(small, len, cost=float("nan")), "cost must be"),
        (lambda: zoo.Cascade(small, len, retries=-1), "retries must be"),
        (lambda: zoo.Cascade(small, len, concurrency=0), "concurrency must be"),
        (lambda: zoo.Cascade(small, len, wait=-0.1), "wait must be"),
        (lambda: zoo.Cascade(small, len, unpromised=1.1), "unpromised must be"),
        (lambda: zoo.Cascade(small, len, unpromised=True), "unpromised must be"),
        (lambda: zoo.Cascade(small, len, unpromised=float("nan")), "unpromised must be"),
        (lambda: zoo.Cascade(small, len, unpromised="perhaps"), "unpromised must be"),
        (lambda: zoo.Cascade(small, len, shots=[("word1", "neutral")]), "Only an endpoint is shown rows"),
    ):
        with pytest.raises(BadInput, match=says):
            what()


def test_a_text_that_can_not_be_asked_about_is_told_before_anybody_is_asked(small: zoo.Classifier) -> None:
    asked: list[str] = []
    with pytest.raises(BadInput, match="empty"):
        zoo.Cascade(small, lambda text: asked.append(text) or "neutral").predict([*unsure(small), " "])
    assert asked == []


def test_a_text_that_the_next_tier_can_not_read_costs_the_others_nothing(small: zoo.Classifier, tmp_path: Path) -> None:
    class Picky(zoo.Classifier):
        def predict(self, text: Any, *, scores: bool = False) -> Any:
            if isinstance(text, list) and unsure(small)[1] in text:
                raise BadInput("I can't read this.")
            return super().predict(text, scores=scores)

    larger = Picky(folder := tiny.make(tmp_path / "larger"), zoo.Manifest.read(folder))
    found = zoo.Cascade(small, larger).predict(unsure(small)[:3])
    assert [one.reason for one in found][1] == "fallback_refused"
    assert {found[0].tier, found[2].tier} == {"finance/sentiment@1.0.0"}
    assert found[0].reason != "fallback_refused" and found[2].reason != "fallback_refused"


DOINGS = st.sampled_from(["label", "strange", "raise", "none"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    places=st.lists(st.integers(0, 29), max_size=25),
    doings=st.lists(DOINGS, min_size=30, max_size=30),
    how=st.fixed_dictionaries(
        {
            "calls": st.none() | st.integers(0, 12),
            "retries": st.integers(0, 2),
            "concurrency": st.integers(1, 6),
        }
    ),
    failures=st.integers(1, 5),
)
def test_no_text_is_lost_and_all_keep_their_places(
    small: zoo.Classifier, places: list[int], doings: list[str], how: dict[str, Any], failures: int
) -> None:
    lock, calls = threading.Lock(), 0

    def somebody(text: str) -> Any:
        nonlocal calls
        with lock:
            calls += 1
        number = int(text.removeprefix("word"))
        if doings[number] == "raise":
            raise OSError("down")
        return {"label": tiny.LABELS[number % 3], "strange": "odd", "none": None}[doings[number]]

    texts = [f"word{place}" for place in places]
    cascade = zoo.Cascade(small, somebody, wait=0.0, breaker=zoo.Breaker(failures, 60.0), **how)
    found, guesses = cascade.predict(texts), small.predict(texts)
    assert len(found) == len(texts)
    for place, guess, one in zip(places, guesses, found, strict=True):
        if not guess.unsure:
            assert (one.label, one.reason, one.unsure) == (guess.label, "answered", False)
        elif one.reason == "unsure_escalated":
            assert doings[place] == "label" and not one.unsure
            assert (one.label, one.tier) == (tiny.LABELS[place % 3], "somebody")
        else:
            assert one.unsure and (one.label, one.tier) == (guess.label, small.manifest.id) and one.detail
            assert one.reason in {
                "label": ("budget_spent", "circuit_open"),
                "raise": ("fallback_down", "budget_spent", "circuit_open"),
            }.get(doings[place], ("fallback_invalid", "budget_spent", "circuit_open"))
    assert calls == cascade.spent.calls <= (len(texts) * 3 if how["calls"] is None else how["calls"])


def unsure(small: zoo.Classifier) -> list[str]:
    """The texts that it is not sure of."""
    return [text for text, answer in zip(TEXTS, small.predict(TEXTS), strict=True) if answer.unsure]
