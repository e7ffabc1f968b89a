"""A log in a real PostgreSQL: the same chain as in a folder, which nobody edits unseen."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from audit_logs import KINDS, MODEL, TEXT, UNSURE, add
from running import running

import zoo
from tests.postgres import Server
from zoo.__main__ import main
from zoo.audit import verify
from zoo.audit.opening import opened
from zoo.audit.reading import events
from zoo.audit.record import DECISION, End, link
from zoo.errors import BadInput, BrokenLog, MissingExtra, UnknownRecord, Unrecorded

pytestmark = pytest.mark.real


def as_role(url: str, role: str) -> str:
    return url.replace("owner@", f"{role}@")


def do(url: str, *statements: str, values: Sequence[Any] | None = None) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement, values)  # type: ignore[call-overload]


def meddle(url: str, *statements: str) -> None:
    """What only somebody can do who owns the tables: past the triggers."""
    off = [f"ALTER TABLE zoo_audit.{table} DISABLE TRIGGER ALL" for table in ("records", "head")]
    do(url, *off, *statements, *(statement.replace("DISABLE", "ENABLE") for statement in off))


def test_a_database_holds_what_a_folder_does(url: str, tmp_path: Path) -> None:
    found = []
    for place in (url, tmp_path / "folder"):
        with zoo.AuditLog(place, keep_text=True) as log:
            ids = [add(log, TEXT, said=said)[0] for said in KINDS.values()]
            log.correct(ids[0], "negative", who="r-1", note="irony")
            doubt = add(log, "ein Zweifel \u20ac \U0001f600 \x00 \ud800", said=UNSURE)
            log.rollout("begun", MODEL, "finance/sentiment@1.1.0", share=0.1)
        assert log.find(ids[0])["text"] == TEXT
        verified = log.verify()
        assert (verified.problems, verified.decisions, verified.corrections) == ((), 6, 1)
        assert [one["share"] for one in log.rollouts(MODEL, "finance/sentiment@1.1.0")] == [0.1]
        with pytest.raises(UnknownRecord, match="its hash is another"):
            log.find(f"{doubt[0].partition('-')[0]}-{'0' * 12}")
        with pytest.raises(UnknownRecord, match="no record 99"):
            log.find("99-000000000000")
        exported = log.export(tmp_path / f"out{len(found)}")
        rows = [value for _, value in events(place, DECISION)]
        for row in rows:
            del row["time"], row["previous"]
        found.append((exported, rows, verified.files, verified.records))
    assert found[0] == found[1]


def test_nobody_edits_a_log_and_who_only_writes_cannot_take_that_away(postgres: Server, url: str) -> None:
    assert main(["audit", "create", url, "--writer", "app", "--reader", "auditor"]) == 0
    writing, reading = as_role(url, "app"), as_role(url, "auditor")
    with zoo.AuditLog(writing) as log:
        add(log, "a", "b")
    edits = [
        "UPDATE zoo_audit.records SET record = ''",
        "DELETE FROM zoo_audit.records",
        "TRUNCATE zoo_audit.records",
        "DELETE FROM zoo_audit.head",
        "UPDATE zoo_audit.head SET number = 0",
    ]
    powers = ["ALTER TABLE zoo_audit.records DISABLE TRIGGER ALL", "DROP TABLE zoo_audit.records"]
    powers += ["DROP TRIGGER append_only ON zoo_audit.records", "CREATE TABLE zoo_audit.other (a int)"]
    additions = ["INSERT INTO zoo_audit.records VALUES (9, 1, 'x', 'y')", "UPDATE zoo_audit.head SET number = 99"]
    for place, refused in ((url, edits), (writing, edits + powers), (reading, edits + powers + additions)):
        for statement in refused:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                do(place, statement)
    assert verify(reading).problems == () and verify(reading).decisions == 2
    with pytest.raises(Unrecorded, match="may not be written"):
        add(zoo.AuditLog(reading), "c")


def test_a_role_that_may_not_make_a_log_is_told_what_to_do(url: str) -> None:
    with pytest.raises(Unrecorded) as caught:
        zoo.AuditLog(as_role(url, "app"))
    assert "zoo audit create" in caught.value.fix
    with pytest.raises(BrokenLog, match="no audit log here"):
        verify(as_role(url, "auditor"))


CHANGES = {
    "edit a record": ["UPDATE zoo_audit.records SET record = replace(record, 'positive', 'negative') WHERE number = 3"],
    "edit a hash": ["UPDATE zoo_audit.records SET hash = repeat('a', 64) WHERE number = 3"],
    "remove": ["DELETE FROM zoo_audit.records WHERE number = 3"],
    "cut off the end": ["DELETE FROM zoo_audit.records WHERE number > 3"],
    "remove all": ["DELETE FROM zoo_audit.records"],
    "move": ["UPDATE zoo_audit.records SET number = 30 WHERE number = 3"],
    "swap": [
        "UPDATE zoo_audit.records SET number = 30 WHERE number = 3",
        "UPDATE zoo_audit.records SET number = 3 WHERE number = 4",
        "UPDATE zoo_audit.records SET number = 4 WHERE number = 30",
    ],
    "call it another file's": ["UPDATE zoo_audit.records SET file = 2 WHERE number = 3"],
    "edit the head": ["UPDATE zoo_audit.head SET hash = repeat('a', 64)"],
    "remove the head": ["DELETE FROM zoo_audit.head"],
}


@pytest.mark.parametrize("change", [*CHANGES, "add", "replace"])
def test_what_the_owner_of_the_tables_changes_is_found_and_stays_to_be_found(url: str, change: str) -> None:
    log = zoo.AuditLog(url)
    add(log, *"abcdef")
    if change in CHANGES:
        meddle(url, *CHANGES[change])
    else:
        rows = list(opened(url).rows())
        number, _, hash = rows[-1] if change == "add" else rows[3]
        forged = link({"event": DECISION}, End(number if change == "add" else number - 1, hash.decode()))
        meddle(url, "DELETE FROM zoo_audit.records WHERE number = 3" if change == "replace" else "SELECT 1")
        row = (forged.end.number, 1, forged.text, forged.end.hash)
        do(url, "INSERT INTO zoo_audit.records VALUES (%s, %s, %s, %s)", values=row)
    assert verify(url).problems
    with suppress(BrokenLog):
        add(log, "more")
    assert verify(url).problems


def test_a_server_that_was_told_not_to_wait_for_its_disk_does_for_this(url: str) -> None:
    do(url, "ALTER ROLE owner SET synchronous_commit = off")
    try:
        log = zoo.AuditLog(url)
        with log._storage.turn(time.monotonic() + 5):
            assert log._storage._connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    finally:
        do(url, "ALTER ROLE owner RESET synchronous_commit")


def test_old_files_may_be_taken_away_if_one_knows_their_end(url: str) -> None:
    log = zoo.AuditLog(url, megabytes=0.01)
    ids = [id for number in range(20) for id in add(log, *(f"{number} {place}" for place in range(5)))]
    whole = log.verify()
    assert whole.problems == () and whole.files > 3 and whole.decisions == 100
    rows = list(opened(url).rows())
    second = [number for number, record, _ in rows if b'"event":"opened"' in record][1]
    last = End(second - 1, rows[second - 1][2].decode()).id
    meddle(url, "DELETE FROM zoo_audit.records WHERE file = 1")
    assert "begins with record" in verify(url).problems[0]
    assert verify(url, after=last).problems == () and verify(url, after=last).files == whole.files - 1
    add(log, "more")
    assert verify(url, after=last).problems == () and log.find(ids[-1])


def test_a_schema_holds_a_log_and_processes_may_begin_it_at_once(url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        logs = list(threads.map(lambda _: zoo.AuditLog(f"{url}&schema=intent"), range(4)))
    for log in logs:
        add(log, "a")
    add(zoo.AuditLog(url), "b")
    assert verify(f"{url}&schema=intent").decisions == 4 and verify(url).decisions == 1
    assert logs[0].where.endswith("?schema=intent")
    with pytest.raises(BadInput, match="no schema"):
        zoo.AuditLog(f"{url}&schema=a;b")


def test_a_database_that_does_not_keep_every_text_is_refused(postgres: Server) -> None:
    postgres.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(Unrecorded, match="keeps LATIN1"):
        zoo.AuditLog(postgres.url("latin"))


def test_a_password_is_told_to_nobody(postgres: Server, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    secret = url.replace("owner@", "owner:hunter2@")
    log = zoo.AuditLog(secret)
    add(log, "a")
    said = [repr(log), log.where, repr(zoo.audited(zoo.Chain, log, MODEL))]  # type: ignore[arg-type]
    for broken in (secret.replace("host=", "port=1&host="), f"{secret}&nonsense=1", secret.replace("?", "/x?")):
        with pytest.raises((Unrecorded, BadInput)) as caught:
            zoo.AuditLog(broken)
        said.append(str(caught.value))
        assert main(["audit", "verify", broken]) == 1
    assert main(["audit", "create", secret]) == 0
    said += capsys.readouterr()
    assert "hunter2" not in "".join(said)


def test_the_commands_take_a_database(url: str, hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running("support/intent", "--hub", str(hub), "--audit", url, "--audit-texts") as service:
        asked = f"{service.url}/v1/specialists/support/intent/predict"
        (id,) = httpx.post(asked, json={"text": ["word1"]}).json()["ids"]
        right = {"right": "other", "who": "r-1"}
        assert httpx.post(f"{service.url}/v1/decisions/{id}/corrections", json=right).status_code == 201
    assert main(["predict", "support/intent", "word2", "--hub", str(hub), "--audit", url]) == 0
    assert main(["audit", "verify", url]) == 0
    assert main(["audit", "explain", url, id]) == 0
    assert main(["audit", "export", url, str(tmp_path / "out"), "--only", "corrected"]) == 0
    out = capsys.readouterr().out
    assert "2 decisions, 1 corrections" in out and "text       word1\n" in out and "by r-1 to" in out
    assert "1 corrected rows" in out and "other" in (tmp_path / "out/support/intent/reviewed.jsonl").read_text()


def test_what_is_missing_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "zoo.audit.postgres", raising=False)
    with pytest.raises(MissingExtra) as caught:
        zoo.AuditLog("postgresql://localhost/audit")
    assert caught.value.fix == "pip install 'specialist-zoo[postgres]'"
    with pytest.raises(BadInput, match="by a text"):
        zoo.AuditLog(Path("postgresql://localhost/audit"))
