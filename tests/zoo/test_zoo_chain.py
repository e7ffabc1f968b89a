"""Chains: who is asked about what, in batches, and what a failure costs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from rolled import Scripted, always, raising

import zoo
from zoo.errors import BadInput
from zoo.manifest import SPANS

TEXTS = [f"word{number}" for number in range(12)]


def by_number(text: str) -> str:
    return tiny.LABELS[int(text.removeprefix("word")) % 3]


def test_real_specialists_hand_over(tmp_path: Path) -> None:
    triage = zoo.Step("triage", zoo.load(tiny.make(tmp_path / "label")))
    folder = tiny.make(tmp_path / "span", name="test/span", kind=SPANS, labels=tiny.TYPES, threshold=None)
    entities: zoo.Step[list[zoo.Span]] = zoo.Step("entities", zoo.load(folder))
    of_first = zoo.Step(
        "mood",
        zoo.load(tmp_path / "label"),
        source=entities,
        feed=lambda text, spans: spans[0].text if spans else None,
    )
    chain = zoo.Chain(of_first, triage, entities)
    texts = ["word5 word1 word2", "word7"]
    first, second = chain.predict(texts)
    assert list(first.steps) == ["mood", "triage", "entities"]
    assert first.of(triage) == triage.asked.predict(texts[0])
    assert first.of(entities) == entities.asked.predict(texts[0])
    assert first.of(of_first) == triage.asked.predict("word1 word2")
    assert (first["mood"].model, first["entities"].model) == ("finance/sentiment@1.0.0", "test/span@1.0.0")
    assert first["mood"].seconds > 0 and first.failed == ()
    assert (second["mood"].state, second["mood"].why) == ("skipped", "there is nothing to ask about")
    assert second.of(of_first) is None
    assert chain.predict(texts[0]).text == texts[0] and chain.predict([]) == []
    assert str(chain) == "<zoo.Chain triage and entities, then mood>"
    with pytest.raises(BadInput, match="text 1"):
        chain.predict(["word1", " "])


def test_each_step_is_asked_once_about_the_texts_that_reach_it() -> None:
    triage, moods, all_of_them = (Scripted("1.0.0", by_number) for _ in range(3))
    chain = zoo.Chain(
        zoo.Step("triage", triage),
        zoo.Step("some", moods, when={"triage": ["negative", "neutral"]}, feed=lambda text: text.removesuffix("!")),
        zoo.Step("function", all_of_them, when={"triage": lambda answer: answer.label == "positive"}),
    )
    found = chain.predict(TEXTS)
    reached = [text for text in TEXTS if by_number(text) != "positive"]
    assert triage.calls == [TEXTS] and moods.calls == [reached]
    assert all_of_them.calls == [[text for text in TEXTS if text not in reached]]
    for text, one in zip(TEXTS, found, strict=True):
        assert one["some"].state == ("answered" if text in reached else "skipped")
        assert one["function"].state != one["some"].state
    assert found[2]["some"].why == "triage does not ask for it"


def test_a_failure_loses_nothing_else() -> None:
    def picky(text: str) -> str:
        if text == "word3":
            raise RuntimeError("no")
        return by_number(text)

    chain = zoo.Chain(
        zoo.Step("picky", Scripted("1.0.0", picky)),
        zoo.Step("broken", Scripted("1.0.0", raising(MemoryError("too much")))),
        zoo.Step("after", Scripted("1.0.0", by_number), when={"picky": tiny.LABELS}),
        zoo.Step("later", Scripted("1.0.0", by_number), source="broken", feed=lambda text, answer: answer.label),
        zoo.Step("wrong", Scripted("1.0.0", by_number), source="picky", feed=lambda text, answer: 5),  # type: ignore[arg-type, return-value]
        zoo.Step("raises", Scripted("1.0.0", by_number), when={"picky": lambda answer: 1 / 0 > 1}),
    )
    found = chain.predict(TEXTS)
    assert [one["picky"].state for one in found].count("failed") == 1
    assert (found[3]["picky"].why, found[3]["after"].why) == ("RuntimeError: no", "picky has no answer")
    assert [one["after"].state for one in found].count("answered") == 11
    for one in found:
        assert one["broken"].why == "MemoryError: too much"
        assert (one["later"].state, one["later"].why) == ("skipped", "broken has no answer")
    assert found[0]["wrong"].why == "BadInput: Give texts, not int." and "ZeroDivisionError" in found[0]["raises"].why
    assert found[0].failed == ("broken", "wrong", "raises") and found[0]["picky"].answer.label == "negative"


def test_decisions_are_recorded_step_by_step(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log", keep_text=True)
    triage = zoo.audited(Scripted("1.0.0", by_number), log)
    mood = zoo.audited(
        zoo.Canary(Scripted("1.1.0", always("positive")), Scripted("1.2.0", always("positive")), share=1), log
    )
    step: zoo.Step[Any] = zoo.Step(
        "mood", mood, when={"triage": "negative"}, source="triage", feed=lambda text, said: said.label
    )
    chain = zoo.Chain(zoo.Step("triage", triage), step)
    found = chain.predict(TEXTS)
    for text, one in zip(TEXTS, found, strict=True):
        assert log.find(str(one["triage"].id))["text"] == text
        if by_number(text) == "negative":
            record = log.find(str(one["mood"].id))
            assert (record["text"], record["model"]) == ("negative", one["mood"].model)
            assert one["mood"].model == "finance/sentiment@1.2.0"
            answer = one.of(step)
            assert answer is not None and answer.label == "positive"
    assert log.verify().decisions == len(TEXTS) + 4
    (log.folder / "head.json").unlink()
    unrecorded = chain.predict(TEXTS)
    assert {one["triage"].state for one in unrecorded} == {"failed"}, "no answer is given out that was not recorded"
    assert triage.asked.calls == [TEXTS, TEXTS], "a log that fails is not tried for each text"  # type: ignore[attr-defined]


def test_steps_that_do_not_need_each_other_are_asked_at_once() -> None:
    meet = threading.Barrier(3, timeout=20)

    def together(text: str) -> str:
        meet.wait()
        return "positive"

    chain = zoo.Chain(*(zoo.Step(name, Scripted("1.0.0", together)) for name in "abc"))
    assert chain.predict("word1").failed == ()
    alone = zoo.Chain(*(zoo.Step(name, Scripted("1.0.0", by_number)) for name in "abc"), concurrency=1)
    assert alone.predict("word1").failed == ()


def test_many_threads_share_a_chain() -> None:
    chain = zoo.Chain(
        zoo.Step("a", Scripted("1.0.0", by_number)),
        zoo.Step("b", Scripted("1.0.0", by_number), when={"a": "neutral"}),
        zoo.Step("c", Scripted("1.0.0", by_number), when={"a": "positive"}),
    )
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append([_states(one) for one in chain.predict(TEXTS)])) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and all(one == found[0] for one in found)


def test_what_can_not_be_is_told_when_it_is_declared(tmp_path: Path) -> None:
    one = Scripted("1.0.0", by_number)
    tagger = Scripted("1.0.0", by_number, kind=SPANS)
    log = zoo.AuditLog(tmp_path / "log")

    def step(name: str, asked: Any = one, **how: Any) -> zoo.Step[Any]:
        return zoo.Step(name, asked, **how)

    for what, says in (
        (lambda: zoo.Chain(), "needs a step"),
        (lambda: zoo.Chain(step("a"), step("a")), "Two steps are called a"),
        (lambda: zoo.Chain(step("a", when={"b": "positive"})), "There is no step 'b'"),
        (lambda: zoo.Chain(step("a", source="b", feed=str)), "There is no step 'b'"),
        (lambda: zoo.Chain(step("a", when={"a": "positive"})), "need each other: a -> a"),
        (
            lambda: zoo.Chain(
                step("a", when={"b": "neutral"}), step("b", source="c", feed=str), step("c", when={"a": "neutral"})
            ),
            "need each other",
        ),
        (lambda: zoo.Chain(step("a"), step("b", when={"a": "odd"})), "a has no label odd"),
        (lambda: zoo.Chain(step("a", zoo.audited(one, log)), step("b", when={"a": "odd"})), "a has no label odd"),
        (lambda: zoo.Chain(step("a", tagger), step("b", when={"a": "positive"})), "does not answer with a label"),
        (lambda: zoo.Chain(step("a"), concurrency=0), "concurrency must be"),
        (lambda: step(""), "name can't be"),
        (lambda: step("a", object()), "object can't be asked"),
        (lambda: step("a", source="b"), "Nothing says how"),
        (lambda: step("a", feed="text"), "must be a function"),
    ):
        with pytest.raises(BadInput, match=says):
            what()


@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_any_graph_without_a_cycle_runs_and_any_other_is_refused(needs: list[set[int]], order: Any) -> None:
    steps = [
        zoo.Step(
            str(number),
            Scripted("1.0.0", always("positive")),
            when={str(one): "positive" for one in before if one < len(needs)},
        )
        for number, before in enumerate(needs)
    ]
    order.shuffle(steps)
    try:
        chain = zoo.Chain(*steps)
    except BadInput as error:
        assert "need each other" in error.what and _cyclic({step.name: step.needs for step in steps})
        return
    assert not _cyclic({step.name: step.needs for step in steps})
    assert {outcome.state for outcome in chain.predict("word1").steps.values()} == {"answered"}


def _cyclic(needs: dict[str, set[str]]) -> bool:
    left = dict(needs)
    while free := [name for name, before in left.items() if not before & set(left)]:
        for name in free:
            del left[name]
    return bool(left)


def _states(one: zoo.Chained) -> list[str]:
    return [outcome.state for outcome in one.steps.values()]
