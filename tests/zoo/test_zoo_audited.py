"""Specialists and cascades whose decisions are recorded, and what the factory gets back from them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import tiny
from audit_logs import KINDS, MODEL, SURE, TEXT, UNSURE, add, sql

import zoo
from factory.generate.seed import _passages
from factory.gold import read_gold
from factory.spec_field import Field
from zoo.audit import Exported
from zoo.errors import BadInput, BrokenLog, CannotWrite, Unrecorded
from zoo.manifest import SPANS
from zoo.recorded import Audited


@pytest.fixture
def log(tmp_path: Path) -> zoo.AuditLog:
    return zoo.AuditLog(tmp_path / "audit", keep_text=True)


def commits(log: zoo.AuditLog) -> list[Any]:
    """How many records each commit from now on adds."""
    made, append = [], log._chain.append

    def counted(events: Any, *doubtful: Any) -> Any:
        made.append(len(events))
        return append(events, *doubtful)

    log._chain.append = counted  # type: ignore[method-assign]
    return made


def test_a_classifier_answers_as_before_and_every_answer_is_recorded(specialist: Path, log: zoo.AuditLog) -> None:
    classifier = zoo.load(specialist)
    audited, made = zoo.audited(classifier, log), commits(log)
    texts = ["word1", "word2 word3", "word1"]
    said = audited.predict(texts, scores=True)
    assert [one.answer for one in said] == classifier.predict(texts, scores=True)
    assert made == [3]
    for text, one in zip(texts, said, strict=True):
        found = log.find(str(one.id))
        assert (found["model"], found["text"]) == (MODEL, text)
        assert (found["answer"]["label"], found["answer"]["scores"]) == (one.answer.label, one.answer.scores)
        assert found["seconds"] > 0 and found["sha256"] == sha256(text.encode()).hexdigest()
    assert audited.predict("word1").answer == classifier.predict("word1")
    assert audited.predict([]) == []
    assert str(audited) == f"<zoo.Audited {MODEL}, in {log.folder}>"


def test_a_text_that_cannot_be_asked_about_is_no_decision(specialist: Path, log: zoo.AuditLog) -> None:
    with pytest.raises(BadInput, match="empty"):
        zoo.audited(zoo.load(specialist), log).predict(["word1", ""])
    assert log.verify().records == 0


def test_a_cascade_s_reason_and_tier_are_recorded(tmp_path: Path, log: zoo.AuditLog) -> None:
    small = zoo.load(tiny.seal(tiny.make(tmp_path / "small"), threshold=0.6))
    cascade = zoo.Cascade(small, lambda text: "neutral")
    texts = [f"word{number}" for number in range(8)]
    said = zoo.audited(cascade, log).predict(texts)
    assert {one.answer.reason for one in said} == {"answered", "unsure_escalated"}
    for one in said:
        found = log.find(str(one.id))
        assert found["model"] == MODEL
        assert (found["reason"], found["tier"]) == (one.answer.reason, one.answer.tier)
        assert found["seconds"] == pytest.approx(one.answer.seconds, abs=1e-6)


def test_a_tagger_s_spans_are_recorded(tmp_path: Path, log: zoo.AuditLog) -> None:
    folder = tiny.make(tmp_path / "tagger", kind=SPANS, labels=tiny.TYPES, threshold=None)
    one = zoo.audited(zoo.load(folder), log).predict("word1 word2 word5")
    (span,) = one.answer
    (kept,) = log.find(str(one.id))["answer"]["spans"]
    assert (kept["label"], kept["start"], kept["end"]) == (span.label, span.start, span.end)
    assert zoo.audited(zoo.load(folder), log).predict("word5").answer == []


def test_anything_that_answers_so_can_be_audited_under_a_name(log: zoo.AuditLog) -> None:
    class Fixed:
        def predict(self, text: Any) -> Any:
            return [SURE for _ in text]

    audited: Audited[Any] = zoo.audited(Fixed(), log, model="legal/clause@2.0.0")
    assert log.find(str(audited.predict("text").id))["model"] == "legal/clause@2.0.0"
    with pytest.raises(BadInput, match="is to be called"):
        zoo.audited(Fixed(), log)


def test_no_answer_is_given_out_that_was_not_recorded(
    specialist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    classifier = zoo.load(specialist)
    failing, shedding = (zoo.AuditLog(tmp_path / how, on_trouble=how) for how in ("fail", "shed"))  # type: ignore[arg-type]
    monkeypatch.setattr("zoo.audit.head.write", full)
    with pytest.raises(Unrecorded, match="disk is full"):
        zoo.audited(classifier, failing).predict("word1")
    one = zoo.audited(classifier, shedding).predict("word1")
    assert (one.id, one.answer) == (None, classifier.predict("word1"))


def exported(log: zoo.AuditLog, out: Path, name: str, **how: Any) -> list[dict[str, Any]]:
    log.export(out, **how)
    path = out / "finance/sentiment" / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_doubts_and_corrections_are_exported_as_the_factory_reads_them(log: zoo.AuditLog, tmp_path: Path) -> None:
    sure, doubt, wrong = add(log, "sure text"), add(log, "a doubt", said=UNSURE), add(log, "a wrong one")
    log.correct(wrong[0], "neutral", who="first")
    log.correct(wrong[0], "negative", who="reviewer 4")
    other = add(log, "of another", said=UNSURE, model="legal/clause@1.0.0")
    assert log.export(tmp_path / "out") == Exported(reviewed=1, unlabelled=2, without_text=0, misplaced=0)
    folder = tmp_path / "out" / "finance/sentiment"
    (row,) = read_gold(folder / "reviewed.jsonl", ["positive", "negative"])
    assert (row.id, row.text, row.label) == (wrong[0], "a wrong one", "negative")
    lines = [json.loads(line) for line in (folder / "unlabelled.jsonl").read_text().splitlines()]
    (passage,) = _passages(lines, folder, (1, 100), "salt")
    assert (passage.id, passage.text, passage.source) == (doubt[0], "a doubt", f"audit: {MODEL}")
    assert other[0] in (tmp_path / "out/legal/clause/unlabelled.jsonl").read_text()
    assert sure[0] not in "".join(path.read_text() for path in (tmp_path / "out").rglob("*.jsonl"))

    assert len(exported(log, tmp_path / "one", "unlabelled.jsonl", corrected=False)) == 1
    assert not (tmp_path / "one/finance/sentiment/reviewed.jsonl").exists()
    assert exported(log, tmp_path / "two", "unlabelled.jsonl", unsure=False) == []


def test_corrections_of_every_kind_are_read_by_the_factory(tmp_path: Path) -> None:
    fields = {"company": Field(definition="who", type="quote"), "year": Field(definition="when", type="number")}
    right: dict[str, Any] = {
        "spans": [zoo.Span("Company", 10, 14, "ACME", 1.0, False)],
        "values": {"company": "ACME", "year": 1999.0},
        "words": "It fell.",
    }
    for kind, value in right.items():
        log = zoo.AuditLog(tmp_path / kind, keep_text=True)
        log.correct(add(log, TEXT, said=KINDS[kind])[0], value, who="me")
        log.export(tmp_path / "out" / kind)
        path = tmp_path / "out" / kind / "finance/sentiment/reviewed.jsonl"
        reads = {"spans": "spans", "values": "extraction", "words": "generation"}
        (row,) = read_gold(path, ["Company"], reads[kind], fields)
        assert row.text == TEXT
        if kind == "spans" and row.spans:
            assert [(span.label, span.start, span.end) for span in row.spans] == [("Company", 10, 14)]
        assert row.record == (value if kind == "values" else None)
        assert row.answer == (value if kind == "words" else None)


def test_what_cannot_be_exported_is_counted(tmp_path: Path) -> None:
    bare = zoo.AuditLog(tmp_path / "bare")
    bare.correct(add(bare, TEXT)[0], "negative", who="me")
    add(bare, TEXT, said=UNSURE)
    assert bare.export(tmp_path / "a") == Exported(0, 0, without_text=2, misplaced=0)

    masked = zoo.AuditLog(tmp_path / "masked", keep_text=True, mask=lambda text: text.replace("ACME", "X"))
    for text, end in ((TEXT, 14), ("nobody here", 6), ("nobody here", 60)):
        (id,) = add(masked, text, said=KINDS["spans"])
        masked.correct(id, [{"label": "Company", "start": 0, "end": end}], who="me")
    assert masked.export(tmp_path / "b") == Exported(1, 0, without_text=0, misplaced=2)


def test_an_export_replaces_nothing_and_leaves_nothing_half_done(log: zoo.AuditLog, tmp_path: Path) -> None:
    add(log, "a doubt", said=UNSURE)
    log.export(tmp_path / "out")
    before = (tmp_path / "out/finance/sentiment/unlabelled.jsonl").read_bytes()
    with pytest.raises(BadInput, match="a file of this name already"):
        log.export(tmp_path / "out")
    assert (tmp_path / "out/finance/sentiment/unlabelled.jsonl").read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        log.export(tmp_path / "file")
    add(log, "another", said=UNSURE)
    sql(log.folder, "UPDATE records SET record = replace(record, 'another', 'forged!')")
    with pytest.raises(BrokenLog, match="was changed"):
        log.export(tmp_path / "more")
    assert not [path for path in (tmp_path / "more").rglob("*") if path.is_file()]
