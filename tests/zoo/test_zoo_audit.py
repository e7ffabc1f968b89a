"""The audit log: what is recorded, by whom it may be corrected, what becomes of trouble with the disk."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from audit_logs import KINDS, MODEL, SURE, TEXT, UNSURE, add, forked, sql

import zoo
from zoo.audit import files, verify
from zoo.audit.storage import Rotation
from zoo.errors import BadInput, BadName, BrokenLog, UnknownRecord, Unrecorded

RIGHT: dict[str, Any] = {"label": "ACME", "decision": "x", "spans": [], "values": {"a": ["ACME"]}, "words": "ACME"}
HASH = sha256(TEXT.encode()).hexdigest()


@pytest.fixture
def log(tmp_path: Path) -> zoo.AuditLog:
    return zoo.AuditLog(tmp_path / "audit")


def limit(log: zoo.AuditLog, pages: int) -> None:
    """Let the file grow no further than so many pages: to SQLite that is a full disk."""
    database = log._storage._database
    assert database
    database.execute(f"PRAGMA max_page_count = {pages}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_decision_is_recorded_by_its_kind_without_the_text(log: zoo.AuditLog, kind: str) -> None:
    (id,) = add(log, TEXT, said=KINDS[kind])
    found = log.find(id)
    assert (found["event"], found["model"], found["sha256"], found["seconds"]) == ("decision", MODEL, HASH, 0.001)
    assert "text" not in found and ("ACME" in json.dumps(found)) == (kind in ("values", "words"))
    expected: dict[str, Any] = {
        "label": {"label": "positive", "confidence": 0.75, "unsure": False, "kind": "classification"}
        | {"scores": {"positive": 0.75, "negative": 0.25}},
        "decision": {"label": "negative", "confidence": None, "unsure": False, "kind": "classification"},
        "spans": {"kind": "spans", "unsure": True}
        | {"spans": [{"label": "Company", "start": 10, "end": 14, "score": 0.5, "unsure": True}]},
        "values": {"values": {"company": "ACME", "years": [1, 2]}, "scores": {"company": 0.5, "years": 0.5}}
        | {"kind": "extraction", "score": 0.5, "unsure": True, "complete": True},
        "words": {"words": "ACME fell", "kind": "generation", "score": 0.5, "unsure": True, "complete": True},
    }
    assert found["answer"] == expected[kind]
    assert (found.get("reason"), found.get("tier")) == (
        ("unsure_escalated", "large") if kind == "decision" else (None, None)
    )


def test_texts_are_kept_where_that_is_said_and_masked_with_what_comes_from_them(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "plain", keep_text=True)
    assert log.find(add(log, TEXT)[0])["text"] == TEXT

    masking = zoo.AuditLog(tmp_path / "masked", keep_text=True, mask=lambda text: text.replace("ACME", "<COMPANY>"))
    for kind, said in KINDS.items():
        (id,) = add(masking, TEXT, said=said)
        masking.correct(id, RIGHT[kind], who="me")
    found = masking.find(id)
    assert (found["text"], found["masked"], found["sha256"]) == ("Profit of <COMPANY> fell", True, HASH)
    stored = [row for (row,) in sql(masking.folder, "SELECT record FROM records")]
    assert [row for row in stored if "ACME" in row and '"label":"ACME"' not in row] == []


def test_a_mask_that_fails_lets_nothing_through(tmp_path: Path) -> None:
    def broken(text: str) -> str:
        raise RuntimeError("no model")

    for mask, said in ((broken, RuntimeError), (lambda text: None, BadInput)):
        log = zoo.AuditLog(tmp_path / "audit", keep_text=True, mask=mask, on_trouble="shed")  # type: ignore[arg-type]
        with pytest.raises(said):
            add(log, TEXT)
    assert verify(tmp_path / "audit").records == 0


def test_what_json_and_unicode_cannot_say_is_recorded_all_the_same(log: zoo.AuditLog) -> None:
    (id,) = add(log, "\ud800", said=zoo.Answer("\ud800", float("nan"), True))
    assert log.find(id)["answer"] == {"kind": "classification", "label": "?", "confidence": None, "unsure": True}
    assert log.verify().problems == ()


def test_a_correction_is_added_and_edits_nothing(log: zoo.AuditLog) -> None:
    (id,) = add(log, TEXT, said=UNSURE)
    before = log.find(id)
    correction = log.correct(id, "positive", who="reviewer 4", note="irony")
    said = log.find(correction)
    assert (said["event"], said["of"], said["right"]) == ("correction", id, {"label": "positive"})
    assert (said["who"], said["note"]) == ("reviewer 4", "irony")
    assert log.find(id) == before
    with pytest.raises(UnknownRecord, match="is no decision"):
        log.correct(correction, "positive", who="me")


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("label", ""),
        ("label", ["positive"]),
        ("words", {"a": 1}),
        ("spans", "Company"),
        ("spans", [{"label": "Company", "start": 3}]),
        ("spans", [{"label": "Company", "start": 3, "end": 3}]),
        ("spans", [{"label": "Company", "start": True, "end": 3}]),
        ("spans", [3]),
        ("values", "ACME"),
        ("values", {"company": {"name": "ACME"}}),
    ],
)
def test_what_corrects_no_answer_of_this_kind_is_refused(log: zoo.AuditLog, kind: str, right: Any) -> None:
    (id,) = add(log, TEXT, said=KINDS[kind])
    with pytest.raises(BadInput):
        log.correct(id, right, who="me")
    with pytest.raises(BadInput, match="Nobody says"):
        log.correct(id, "positive", who=" ")


def test_an_id_names_one_record_with_this_content(log: zoo.AuditLog) -> None:
    (id,) = add(log, TEXT)
    for other in ("", "1", "one-two", f"9{id}", f"{id}0"):
        with pytest.raises(UnknownRecord):
            log.find(other)
    with pytest.raises(UnknownRecord, match="its hash is another"):
        log.find(f"{id.partition('-')[0]}-{'0' * 12}")
    sql(log.folder, "UPDATE records SET record = replace(record, 'positive', 'negative')")
    with pytest.raises(UnknownRecord, match="the log was changed since"):
        log.find(id)


def test_what_is_no_decision_is_refused(log: zoo.AuditLog) -> None:
    for model in ("sentiment", "finance/sentiment", "finance/sentiment@1", "../../etc@1.0.0"):
        with pytest.raises(BadName):
            add(log, TEXT, model=model)
    with pytest.raises(BadInput, match="not str"):
        add(log, TEXT, said="positive")  # type: ignore[arg-type]
    assert log.record(MODEL, [], [], []) == []
    assert log.verify().records == 0


@pytest.mark.parametrize("how", [{"on_trouble": "hope"}, {"megabytes": 0}, {"days": -1}, {"timeout": float("inf")}])
def test_settings_that_cannot_be_are_refused(tmp_path: Path, how: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        zoo.AuditLog(tmp_path / "audit", **how)


def test_a_folder_that_cannot_be_one_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unrecorded, match="can't be written"):
        zoo.AuditLog(tmp_path / "file")
    with pytest.raises(BrokenLog, match="no audit log here"):
        verify(tmp_path)


def test_a_full_log_goes_on_in_a_new_file(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "audit", megabytes=0.05)
    ids = [id for number in range(40) for id in add(log, *(f"{number} {place}" for place in range(10)))]
    found = log.verify()
    assert found.problems == () and found.files > 3 and found.decisions == 400
    assert found.records == 400 + found.files
    assert [int(id.partition("-")[0]) for id in ids] == sorted({int(id.partition("-")[0]) for id in ids})
    ((first,),) = sql(log.folder, "SELECT record FROM records LIMIT 1", file="00000002.db")
    ((last,),) = sql(log.folder, "SELECT hash FROM records ORDER BY number DESC LIMIT 1")
    opened = json.loads(first)
    assert (opened["event"], opened["follows"], opened["previous"]) == ("opened", "00000001.db", last)
    assert [log.find(id)["sha256"] for id in (ids[0], ids[-1])] == [
        sha256(text).hexdigest() for text in (b"0 0", b"39 9")
    ]
    assert len(zoo.AuditLog(log.folder).record(MODEL, ["more"], [SURE], [0.0])) == 1
    assert log.verify().decisions == 401


def test_an_old_file_is_followed_by_a_new_one(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "audit", days=1)
    add(log, "first")
    add(log, "second")
    assert log.verify().files == 1
    log._storage._rotation = Rotation(days=1e-9)
    add(log, "third")
    assert log.verify().files == 2, "in the process that began the first one, too"


def test_a_file_that_is_followed_is_whole_though_others_have_it_open(tmp_path: Path) -> None:
    log, other = (zoo.AuditLog(tmp_path / "audit", megabytes=0.05) for _ in range(2))
    ids = add(other, "first")
    while not (log.folder / "00000002.db").exists():  # type: ignore[operator]
        ids += add(log, "more")
    (tmp_path / "moved").mkdir()
    (log.folder / "00000001.db").rename(tmp_path / "moved" / "00000001.db")  # type: ignore[operator]
    ((number, hash),) = sql(tmp_path / "moved", "SELECT number, hash FROM records ORDER BY number DESC LIMIT 1")
    assert ids[-2] == f"{number}-{hash[:12]}"
    add(other, "goes on")
    assert log.verify(after=ids[-2]).problems == ()


def test_who_reads_a_file_that_is_followed_holds_nobody_up(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "audit", megabytes=0.05, timeout=2.0)
    add(log, "first")
    with files.reader(tmp_path / "audit" / "00000001.db") as reading:
        took = []
        while log.verify().files < 2:
            begun = time.monotonic()
            add(log, "more")
            took.append(time.monotonic() - begun)
        assert max(took) < 1.5 and len(list(files.rows(reading))) == 2
    assert log.verify().problems == () and log.verify().decisions == 1 + len(took)


def test_a_full_disk_fails(log: zoo.AuditLog) -> None:
    (first,) = add(log, "small")
    limit(log, 2)
    with pytest.raises(Unrecorded, match="disk is full") as caught:
        add(log, "x", said=zoo.Answer("x" * 100_000, 0.5, False))
    assert "shed" in caught.value.fix
    assert log.find(first)
    add(log, "small again")  # the connection, and with it the limit, is a new one
    assert (log.verify().decisions, log.verify().problems) == (2, ())


def test_what_was_shed_is_counted_and_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = zoo.AuditLog(tmp_path / "audit", on_trouble="shed")
    (id,) = add(log, "first")
    with monkeypatch.context() as patch:
        patch.setattr("zoo.audit.head.write", _full)
        assert add(log, "a", "b") == [None, None] and add(log, "c") == [None]
        with pytest.raises(Unrecorded):
            log.correct(id, "positive", who="me")  # what people say is never shed
        log.close()
    assert log.lost == 3
    add(log, "second")
    log.close()
    found = log.verify()
    assert (found.lost, found.decisions, found.problems) == (3, 2, ())
    gaps = [json.loads(row) for (row,) in sql(log.folder, "SELECT record FROM records") if '"event":"gap"' in row]
    assert [(gap["lost"], gap["why"]) for gap in gaps] == [(3, "The audit log's disk is full.")]
    assert gaps[0]["since"] < gaps[0]["until"] < gaps[0]["time"]


def test_what_was_shed_is_told_when_the_log_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zoo.AuditLog(tmp_path / "audit", on_trouble="shed") as log, monkeypatch.context() as patch:
        patch.setattr("zoo.audit.head.write", _full)
        add(log, "a")
    assert verify(tmp_path / "audit").lost == 1


def test_what_was_shed_is_not_forgotten_where_a_call_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    log = zoo.AuditLog(tmp_path / "audit", on_trouble="shed")
    for stops in (_full, interrupted):
        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr("zoo.audit.head.write", stops)
            add(log, "a")
    add(log, "b")
    assert (log.verify().lost, log.verify().decisions) == (1, 1)


def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, done = zoo.AuditLog(tmp_path / "audit", on_trouble="block"), threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr("zoo.audit.head.write", _full)
        waiting = threading.Thread(target=lambda: (add(log, "a"), done.set()))
        waiting.start()
        assert not done.wait(0.3)
    waiting.join(10)
    assert done.is_set() and log.verify().decisions == 1


def test_who_waits_too_long_for_a_turn_is_told(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "audit", timeout=0.2)
    add(log, "first")
    with log._chain._threads, pytest.raises(Unrecorded, match="no turn to write came in"):
        add(log, "threads wait for each other")
    other = zoo.AuditLog(log.folder, timeout=0.2)
    with log._storage._locked(time.monotonic()):
        begun = time.monotonic()
        with pytest.raises(Unrecorded, match="no turn"):
            add(other, "and so do processes")
        assert time.monotonic() - begun < 5
    held = sqlite3.connect(log.folder / "00000001.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unrecorded, match="no turn"):
        add(log, "whoever holds the file itself")
    held.close()
    assert log.verify().decisions == 1


def test_a_damaged_file_is_named_and_nobody_waits_for_it(tmp_path: Path) -> None:
    for trouble in ("fail", "block"):
        folder = tmp_path / trouble
        zoo.AuditLog(folder)
        (folder / "00000001.db").write_text("this is no database, however long one looks at it. " * 50)
        log = zoo.AuditLog(folder, on_trouble=trouble)  # type: ignore[arg-type]
        with pytest.raises(BrokenLog, match="damaged"):
            add(log, "a")


def test_a_log_without_a_head_takes_nothing_more(log: zoo.AuditLog) -> None:
    add(log, "a")
    (log.folder / "head.json").unlink()
    with pytest.raises(BrokenLog, match="nothing tells where the log ends"):
        add(zoo.AuditLog(log.folder), "b")
    assert "The head is missing" in log.verify().problems[0]


def test_a_file_that_was_taken_away_is_not_written_on(log: zoo.AuditLog) -> None:
    add(log, "a", "b")
    (log.folder / "00000001.db").rename(log.folder / "elsewhere.db")
    (id,) = add(log, "c")
    assert log.find(id)
    assert log.verify().problems


def test_a_forked_process_writes_on_by_itself(log: zoo.AuditLog) -> None:
    forked(log)
    assert (log.verify().decisions, log.verify().problems) == (7, ())


def _full(*_: Any, **__: Any) -> None:
    raise OSError(28, os.strerror(28))
