"""What is read out of an audit log."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import zoo
from factory.drift import traffic
from factory.drift.sample import CONFIDENCE, CORRECTIONS, LABELS, TEXTS, confidence_of, said_by
from factory.drift.traffic import Corrections
from factory.errors import DataError, FactoryError
from tests.zoo.audit_logs import KINDS, MODEL, SURE, UNSURE, add, sql
from zoo.audit.answers import described

NAME, VERSION = "finance/sentiment", "1.0.0"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_decisions_of_a_version_and_what_people_said_of_them(tmp_path: Path) -> None:
    with zoo.AuditLog(tmp_path / "log", keep_text=True) as log:
        sure = add(log, *(f"text {number}" for number in range(40)))
        unsure = add(log, "who knows", "nobody", said=UNSURE)
        add(log, "another", model="finance/sentiment@1.1.0")
        add(log, "another", model="finance/other@1.0.0")
        log.correct(sure[0], "negative", who="r-1")
        log.correct(sure[1], "negative", who="r-1")
        log.correct(sure[1], "positive", who="r-2")  # the last one counts, and confirms the answer
        log.correct(unsure[0], "positive", who="r-1")
    found = traffic.read(tmp_path / "log", NAME, VERSION)
    assert (found.decisions, found.others) == (42, {"1.1.0": 1})
    assert found.corrections == Corrections(looked_at=3, wrong=2, sure=40, sure_wrong=1)
    sample = found.sample
    assert sorted(sample.labels) == ["negative"] * 2 + ["positive"] * 40
    assert sorted(sample.confidences) == [0.4] * 2 + [0.9] * 40
    assert len(sample.texts) == 42 and "who knows" in sample.texts
    assert not sample.lacks
    assert found.first <= found.last


def test_spans_are_right_one_by_one(tmp_path: Path) -> None:
    found = [zoo.Span("Company", 0, 4, "ACME", 0.9, False), zoo.Span("Company", 9, 12, "XYZ", 0.4, True)]
    with zoo.AuditLog(tmp_path / "log") as log:
        ids = log.record(MODEL, ["ACME and XYZ"] * 3, [found] * 3, [0.1] * 3)
        log.correct(str(ids[0]), found[1:], who="r-1")
        log.correct(str(ids[1]), found, who="r-1")
    corrections = traffic.read(tmp_path / "log", NAME, VERSION).corrections
    assert corrections == Corrections(looked_at=2, wrong=1, sure=3, sure_wrong=1)


@pytest.mark.parametrize(
    ("kind", "label", "sure"),
    [
        ("label", "positive", 0.75),
        ("decision", "negative", None),
        ("spans", "Company", 0.5),
        ("values", "company + years", 0.5),
        ("words", None, 0.5),
    ],
)
def test_what_an_answer_says_by_kind(kind: str, label: str | None, sure: float | None) -> None:
    answer = described(KINDS[kind], lambda words: words)
    assert (said_by(answer), confidence_of(answer)) == (label, sure)


def test_a_text_without_spans_is_none_and_has_no_confidence() -> None:
    answer = described([], lambda words: words)
    assert (said_by(answer), confidence_of(answer)) == ("none", None)


def test_what_the_log_cannot_tell_is_said(tmp_path: Path) -> None:
    with zoo.AuditLog(tmp_path / "silent") as log:
        add(log, "text")
    assert "holds no text of 1 of 1" in traffic.read(tmp_path / "silent", NAME, VERSION).sample.lacks[TEXTS]
    with zoo.AuditLog(tmp_path / "masked", keep_text=True, mask=lambda text: text.replace("ACME", "X")) as log:
        add(log, "ACME", "text")
    assert traffic.read(tmp_path / "masked", NAME, VERSION).sample.lacks == {
        TEXTS: "1 of 2 texts were masked in the log"
    }
    with zoo.AuditLog(tmp_path / "cascade", keep_text=True) as log:
        add(log, "text", said=KINDS["decision"])
    lacks = traffic.read(tmp_path / "cascade", NAME, VERSION).sample.lacks
    assert set(lacks) == {LABELS, CONFIDENCE, CORRECTIONS} and "a cascade made 1 of 1" in lacks[LABELS]


def test_a_large_log_is_sampled_evenly_and_the_same_way_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "SAMPLED", 200)
    texts = [f"text {number}" for number in range(1000)]
    with zoo.AuditLog(tmp_path / "log", keep_text=True) as log:
        add(log, *texts)
    found = traffic.read(tmp_path / "log", NAME, VERSION)
    assert found.sample.what == "200 of 1000 decisions"
    assert found == traffic.read(tmp_path / "log", NAME, VERSION)
    early = sum(texts.index(text) < 500 for text in found.sample.texts)
    assert len(set(found.sample.texts)) == 200 and 60 < early < 140


def test_only_what_was_decided_since(tmp_path: Path) -> None:
    with zoo.AuditLog(tmp_path / "log") as log:
        add(log, "early")
        between = datetime.now(UTC)
        add(log, "late", said=UNSURE)
    assert traffic.read(tmp_path / "log", NAME, VERSION, between).sample.labels == ["negative"]
    assert traffic.read(tmp_path / "log", NAME, VERSION, between + timedelta(days=1)).decisions == 0


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("7d", timedelta(days=-7)),
        ("24h", timedelta(days=-1)),
        ("2 w", timedelta(days=-14)),
        ("90m", timedelta(minutes=-90)),
    ],
)
def test_since_when(said: str, meant: timedelta) -> None:
    assert traffic.since(said, NOW) == NOW + meant


def test_since_a_date_or_nonsense() -> None:
    assert traffic.since("2026-01-31", NOW) == datetime(2026, 1, 31, tzinfo=UTC)
    with pytest.raises(FactoryError, match="'a while' is no time"):
        traffic.since("a while", NOW)


def test_no_log_and_a_changed_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no audit log here"):
        traffic.read(tmp_path, NAME, VERSION)
    with zoo.AuditLog(tmp_path / "log") as log:
        add(log, "text", said=SURE)
    (text,) = sql(tmp_path / "log", "SELECT record FROM records WHERE number = 1")[0]
    other = json.dumps({**json.loads(text), "seconds": random.random()})
    sql(tmp_path / "log", "UPDATE records SET record = ? WHERE number = 1", other)
    with pytest.raises(DataError, match="Record 1 was changed"):
        traffic.read(tmp_path / "log", NAME, VERSION)
