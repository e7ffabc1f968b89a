"""`zoo audit` and `zoo predict --audit`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from audit_logs import KINDS, MODEL, TEXT, UNSURE, add, sql

import zoo
from zoo.__main__ import main
from zoo.classifier import Answer
from zoo.decision import LabelDecision

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(hub: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """ask(*arguments): run the command in this process; returns (exit code, stdout, stderr)."""
    monkeypatch.setenv("ZOO_HUB", str(hub))

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def log(tmp_path: Path) -> zoo.AuditLog:
    return zoo.AuditLog(tmp_path / "audit", keep_text=True)


def test_predict_records_what_it_prints(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    plain = ask("predict", "support/intent", "word1", "word2")[1].splitlines()
    code, out, err = ask("predict", "support/intent", "word1", "word2", "--audit", folder)
    assert (code, err) == (0, "")
    ids, lines = zip(*(line.split("\t", 1) for line in out.splitlines()), strict=True)
    assert list(lines) == plain
    log = zoo.AuditLog(folder)
    found = [log.find(id) for id in ids]
    assert [one["answer"]["label"] for one in found] == [line.split("\t")[0] for line in lines]
    assert {one["model"] for one in found} == {"support/intent@1.0.0"} and "text" not in found[0]

    _, out, _ = ask("predict", "support/intent", "word3", "--jsonl", "--scores", "--audit", folder, "--audit-texts")
    row = json.loads(out)
    assert list(row)[:2] == ["id", "text"]
    assert (log.find(row["id"])["text"], log.find(row["id"])["answer"]["scores"]) == ("word3", row["scores"])
    assert ask("audit", "verify", folder)[0] == 0


def test_predict_records_who_answered_where_it_was_not_sure(ask: Ask, hub: Path, tmp_path: Path) -> None:
    tiny.seal(hub / "support/intent/1.0.0", name="support/intent", threshold=1.0)
    asked = ("predict", "support/intent", "word1", "--fallback", "finance/sentiment@2.0.0", "--audit", tmp_path / "log")
    id = ask(*asked)[1].split("\t")[0]
    code, out, _ = ask("audit", "explain", tmp_path / "log", id)
    assert code == 0
    assert "tier       finance/sentiment@2.0.0\n" in out and "reason     " in out


def test_verify_names_the_first_record_that_does_not_fit(ask: Ask, log: zoo.AuditLog) -> None:
    ids = add(log, "a", "b", "c")
    code, out, err = ask("audit", "verify", log.folder)
    assert (code, err) == (0, "")
    counts = "4 records in 1 files: 3 decisions, 0 corrections, 0 decisions lost"
    assert out == f"{counts}; the last is {ids[-1]}\nas it was written\n"
    sql(log.folder, "UPDATE records SET record = replace(record, 'positive', 'negative') WHERE number >= 2")
    code, out, _ = ask("audit", "verify", log.folder)
    assert code == 1
    assert out.splitlines()[1].startswith("PROBLEM Record 2 was changed") and "not as it was written" in out
    code, out, err = ask("audit", "verify", log.folder.parent / "nothing")
    assert (code, out) == (1, "") and "There is no audit log here" in err


def test_explain_tells_a_decision_s_life(ask: Ask, log: zoo.AuditLog) -> None:
    why: dict[str, Any] = {"reason": "fallback_down", "tier": MODEL, "seconds": 0.25, "detail": "connection refused"}
    said = LabelDecision(label="negative", unsure=True, **why)
    (id,) = add(log, TEXT, said=said)
    log.correct(id, "neutral", who="first")
    correction = log.correct(id, "positive", who="reviewer 4", note="irony")
    code, out, _ = ask("audit", "explain", log.folder, id)
    assert code == 0
    for line in (
        f"decision   {id}",
        f"model      {MODEL}",
        f"text       {TEXT}",
        'answer     {"confidence": null, "label": "negative", "unsure": true}',
        "reason     fallback_down",
        "detail     connection refused",
        "seconds    0.001000",
    ):
        assert f"{line}\n" in out
    last = out.splitlines()[-1]
    assert 'by first to {"label": "neutral"}' in out.splitlines()[-2]
    assert last.endswith(f'by reviewer 4 to {{"label": "positive"}} ({correction}): irony')
    for other, why in ((correction, "no decision"), ("9-000000000000", "no record 9"), ("x", "not the id")):
        code, out, err = ask("audit", "explain", log.folder, other)
        assert (code, out) == (1, "") and why in err


def test_export_says_what_it_could_not_write(ask: Ask, log: zoo.AuditLog, tmp_path: Path) -> None:
    add(log, "a doubt", said=UNSURE)
    log.correct(add(log, TEXT)[0], "negative", who="me")
    add(zoo.AuditLog(log.folder), "not kept", said=UNSURE)
    code, out, _ = ask("audit", "export", log.folder, tmp_path / "out")
    assert code == 0
    assert out == (
        f"1 corrected rows and 1 unsure ones in {tmp_path / 'out'}\n1 could not be written: their texts were not kept\n"
    )
    assert ask("audit", "export", log.folder, tmp_path / "two", "--only", "corrected")[1].startswith(
        "1 corrected rows and 0"
    )
    assert ask("audit", "export", log.folder, tmp_path / "one", "--only", "unsure")[1].startswith(
        "0 corrected rows and 1"
    )
    code, _, err = ask("audit", "export", log.folder, tmp_path / "out")
    assert code == 1 and "There is a file of this name already" in err


def test_rollouts_tells_what_became_of_new_versions(ask: Ask, log: zoo.AuditLog) -> None:
    add(log, TEXT)
    log.rollout("begun", MODEL, "finance/sentiment@1.1.0", share=0.1)
    id = log.difference(TEXT, [(MODEL, UNSURE), ("finance/sentiment@1.1.0", Answer("positive", 0.9, False))])
    bare = zoo.AuditLog(log.folder)
    bare.difference(TEXT, [(MODEL, KINDS["spans"])])
    code, out, _ = ask("audit", "rollouts", log.folder)
    begun, differ, hidden = out.splitlines()
    assert code == 0 and begun.endswith('begun: finance/sentiment@1.1.0 after finance/sentiment@1.0.0 {"share": 0.1}')
    assert f'{id} differ: text {TEXT}; {MODEL}: "negative"; finance/sentiment@1.1.0: "positive"' in differ
    assert TEXT not in hidden and '"start": 10' in hidden
    code, _, err = ask("audit", "explain", log.folder, id)
    assert code == 1 and "is no decision but: difference" in err
