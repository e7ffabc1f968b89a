"""Cascades of what gives no labels: spans, records and words are passed on, come back, and are printed and recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
import tiny_kinds
from large_model import LargeModel

import zoo
from zoo.__main__ import main
from zoo.errors import BadInput, BrokenSpecialist, NoQuestion
from zoo.rollout.agreement import agree, gist

BOTH = "word1 word2 then word3 or word9"
"""A Food, of which the tagger is sure, and a Tool, of which it never is."""
LARGE = "large"


def span(text: str, label: str) -> dict[str, str]:
    return {"text": text, "type": label}


REPLY = json.dumps({"spans": [span("word2 then", "Tool"), span("word9", "Tool")]})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return tiny_kinds.make(tmp_path_factory.mktemp("kinds"))


@pytest.fixture
def model() -> Any:
    with LargeModel(lambda body: REPLY) as running:
        yield running


def test_spans_that_it_is_sure_of_stay_and_the_others_are_the_next_tiers(folders: Any, model: LargeModel) -> None:
    tagger: zoo.Tagger = zoo.load(folders["spans"])
    cascade = zoo.Cascade(tagger, zoo.Endpoint(model.url, LARGE))
    food, tool = tagger.predict(BOTH)
    assert (food.unsure, tool.unsure) == (False, True)
    found = cascade.predict(BOTH)
    assert isinstance(found, zoo.SpansDecision)
    assert found.spans == (food, zoo.Mark("Tool", BOTH.index("word9"), len(BOTH), "word9"))
    assert (found.unsure, found.reason, found.tier) == (False, "unsure_escalated", LARGE)
    sure, nothing = cascade.predict(["word1 word2", "word9"])
    assert sure.spans == tuple(tagger.predict("word1 word2")) and sure.reason == nothing.reason == "answered"
    assert nothing.spans == () and len(model.asked) == 1
    assert model.asked[0][1]["messages"][-1]["content"].endswith(BOTH)
    assert model.asked[0][1]["response_format"]["json_schema"]["schema"] == {"type": "object"}


@pytest.mark.parametrize(("said", "reason"), [("Food!", "fallback_invalid"), (503, "fallback_down")])
def test_where_nobody_can_be_asked_the_guess_is_left(folders: Any, said: Any, reason: str) -> None:
    tagger: zoo.Tagger = zoo.load(folders["spans"])
    with LargeModel(lambda body: said) as model:
        found = zoo.Cascade(tagger, zoo.Endpoint(model.url, LARGE), retries=0).predict(BOTH)
    assert found.spans == tuple(tagger.predict(BOTH))
    assert (found.unsure, found.reason, found.tier) == (True, reason, tagger.manifest.id) and found.detail


def test_a_record_comes_from_an_endpoint_a_function_or_a_larger_one(folders: Any) -> None:
    extractor: zoo.Extractor = zoo.load(folders["extraction"])
    guess = extractor.predict("Ada was here")
    assert guess.unsure
    with LargeModel(lambda body: '{"who": "ada", "day": null}') as model:
        found = zoo.Cascade(extractor, zoo.Endpoint(model.url, LARGE)).predict("Ada was here")
    assert isinstance(found, zoo.RecordDecision)
    assert (found.values, found.score, found.scores, found.unsure) == ({"who": "Ada"}, None, None, False)
    by_function = zoo.Cascade(extractor, lambda text: {"who": "Boris"}, retries=0).predict("Ada was here")
    assert (by_function.values, by_function.reason) == (guess.values, "fallback_invalid")
    assert (by_function.score, by_function.scores) == (guess.score, guess.scores)
    twice = zoo.Cascade(extractor, zoo.Cascade(extractor, lambda text: {"who": "Ada"})).predict("Ada was here")
    assert (twice.values, twice.reason, twice.tier) == ({"who": "Ada"}, "unsure_escalated", "<lambda>")
    larger = zoo.Cascade(extractor, extractor).predict("Ada was here")
    assert (larger.values, larger.unsure, larger.reason) == (guess.values, True, "fallback_unsure")


def test_words_come_from_an_endpoint(folders: Any) -> None:
    writer: zoo.Writer = zoo.load(folders["generation"])
    with LargeModel(lambda body: '{"answer": "Hello  there"}') as model:
        found = zoo.Cascade(writer, zoo.Endpoint(model.url, LARGE)).predict("law")
    assert isinstance(found, zoo.WordsDecision)
    assert (found.text, found.score, found.unsure, found.tier) == ("Hello there", None, False, LARGE)


@pytest.mark.parametrize(("unpromised", "asked"), [("escalate", 2), ("answer", 0), (0.5, 0), (0.95, 1)])
def test_without_a_promise_somebody_says_what_spans_stand(
    folders: Any, tmp_path: Path, unpromised: Any, asked: int
) -> None:
    sealed: Any = {"kind": "spans", "labels": tiny.TYPES, "threshold": None}
    tagger: zoo.Tagger = zoo.load(tiny.make(tmp_path / "unpromised", **sealed))
    with pytest.raises(BadInput, match="promises nothing"):
        zoo.Cascade(tagger, lambda text: [])
    said: list[str] = []
    cascade = zoo.Cascade(tagger, lambda text: said.append(text) or [], unpromised=unpromised)
    found = cascade.predict([BOTH, "word9"])  # a text without spans has no score that is too low
    assert len(said) == asked and not any(one.unsure for one in found)
    assert bool(found[0].spans) == (asked == 0)


def test_a_roll_out_of_taggers_stands_before_the_next_tier(folders: Any, model: LargeModel) -> None:
    tagger: zoo.Tagger = zoo.load(folders["spans"])
    both = zoo.Shadow(tagger, tagger)
    cascade = zoo.Cascade(both, zoo.Endpoint(model.url, LARGE))
    assert cascade.predict(BOTH).reason == "unsure_escalated"
    both.close()
    assert both.compared.compared == 1 and both.compared.different == 0


def test_decisions_are_compared_by_what_they_say(folders: Any) -> None:
    tagger: zoo.Tagger = zoo.load(folders["spans"])
    decided = zoo.Cascade(tagger, lambda text: []).predict("word1 word2")
    assert agree(decided, tagger.predict("word1 word2")) and gist(decided) == "Food"
    extractor: zoo.Extractor = zoo.load(folders["extraction"])
    read = zoo.Cascade(extractor, lambda text: {"who": "Ada"}).predict("Ada")
    assert gist(read) == "who" and not agree(read, extractor.predict("Ada"))
    writer: zoo.Writer = zoo.load(folders["generation"])
    written = zoo.Cascade(writer, lambda text: "Hi").predict("law")
    assert gist(written) == "words" and agree(written, writer.predict("law"))


def test_who_is_asked_must_fit(folders: Any, tmp_path: Path) -> None:
    extractor: zoo.Extractor = zoo.load(folders["extraction"])
    with pytest.raises(BadInput, match=r"another kind than test/extraction@1\.0\.0: spans"):
        zoo.Cascade(extractor, zoo.load(folders["spans"]))  # type: ignore[arg-type]
    bare: zoo.Tagger = zoo.load(tiny.make(tmp_path / "bare", kind="spans", labels=tiny.TYPES))
    with pytest.raises(NoQuestion, match=r"holds no ask\.json"):
        zoo.Cascade(bare, zoo.Endpoint("http://127.0.0.1:1/v1", LARGE))
    asks = tiny.ask(tiny.make(tmp_path / "asks", kind="spans", labels=tiny.TYPES))
    strange: zoo.Tagger = zoo.load(tiny.seal(asks, kind="spans", labels=tiny.TYPES))
    with pytest.raises(BrokenSpecialist, match="replies of the kind 'choice' is not known"):
        zoo.Cascade(strange, zoo.Endpoint("http://127.0.0.1:1/v1", LARGE))


def test_every_decision_is_recorded(folders: Any, model: LargeModel, tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    tagger: zoo.Tagger = zoo.load(folders["spans"])
    extractor: zoo.Extractor = zoo.load(folders["extraction"])
    writer: zoo.Writer = zoo.load(folders["generation"])
    said = [
        zoo.audited(zoo.Cascade(tagger, zoo.Endpoint(model.url, LARGE)), log).predict(BOTH),
        zoo.audited(zoo.Cascade(extractor, lambda text: {"who": "Ada"}), log).predict("Ada"),
        zoo.audited(zoo.Cascade(writer, lambda text: "Hi"), log).predict("law"),
    ]
    spans, record, words = (log.find(one.id) for one in said if one.id)
    assert spans["reason"] == record["reason"] == words["reason"] == "unsure_escalated"
    assert [(one["label"], one["score"] is None) for one in spans["answer"]["spans"]] == [
        ("Food", False), ("Tool", True),
    ]  # fmt: skip
    assert (record["answer"]["values"], record["answer"]["score"]) == ({"who": "Ada"}, None)
    assert (words["answer"]["words"], words["answer"]["unsure"], words["tier"]) == ("Hi", False, "<lambda>")
    assert not log.verify().problems


def test_the_command_line_asks_and_prints(folders: Any, model: LargeModel, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["predict", "test/spans", BOTH, "--hub", str(folders["hub"])]
    asked += ["--fallback", model.url, "--fallback-model", LARGE]
    assert main(asked) == 0
    food, tool = "Food 0:11 word1 word2", "Tool 26:31 word9 -"
    line = capsys.readouterr().out.rstrip("\n").split("\t")
    assert line[0].startswith(food) and line[0].endswith(f"; {tool}")
    assert line[1:] == ["sure", "unsure_escalated", LARGE, BOTH]
    assert main([*asked, "--jsonl"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["label"] for one in told["spans"]] == ["Food", "Tool"] and told["text"] == BOTH
    assert (told["reason"], told["spans"][1]["text"]) == ("unsure_escalated", "word9")
