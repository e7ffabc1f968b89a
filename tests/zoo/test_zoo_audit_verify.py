"""Nothing that is stored can be changed unseen: not a byte, not a row, not the end, and not by going on afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from audit_logs import MODEL, SURE, add, sql
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import zoo
from zoo.audit import files, verify
from zoo.audit.record import DECISION, End, link
from zoo.audit.storage import Rotation
from zoo.errors import BrokenLog, UnknownRecord, Unrecorded

FILES, EACH = 3, 4
ROWS = FILES * EACH
where = st.integers(0, ROWS - 1)
byte = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of three files, four records each; not to be changed."""
    folder = tmp_path_factory.mktemp("audit") / "log"
    for number in range(FILES):
        with zoo.AuditLog(folder, keep_text=True, megabytes=1 if number == 0 else 0.000001) as log:
            (id,) = add(log, f"{number} a")
            log._storage._rotation = Rotation()
            log.correct(id, "positive", who="me")
            add(log, f"{number} b")
    found = verify(folder)
    assert (found.files, found.records, found.problems) == (FILES, ROWS, ())
    return folder


@contextmanager
def copied(whole: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(whole, Path(folder) / "log"))


def stored(folder: Path) -> list[tuple[str, int, bytes, bytes]]:
    """What there is, by file."""
    found = []
    for path in files.files(folder):
        with files.reader(path) as database:
            found += [(path.name, *row) for row in files.rows(database)]
    return found


def flipped(data: bytes, place: int) -> bytes:
    place %= len(data)
    return data[:place] + bytes([data[place] ^ (1 + place % 255)]) + data[place + 1 :]


def put(folder: Path, file: str, number: int, record: bytes, hash: bytes) -> None:
    sql(folder, "INSERT INTO records VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT))", number, record, hash, file=file)


def remove(folder: Path, *rows: tuple[str, int, bytes, bytes]) -> None:
    for file, number, _, _ in rows:
        sql(folder, "DELETE FROM records WHERE number = ?", number, file=file)


def change(folder: Path, kind: str, one: int, two: int, place: int) -> None:
    """What somebody may do who can write the log's files."""
    rows = stored(folder)
    file, number, record, hash = rows[one]
    other_file, other_number, other_record, other_hash = rows[two]
    if kind == "edit a record":
        remove(folder, rows[one])
        put(folder, file, number, flipped(record, place), hash)
    elif kind == "edit a hash":
        remove(folder, rows[one])
        put(folder, file, number, record, flipped(hash, place))
    elif kind == "edit a record and its hash":
        made = link(
            {"event": DECISION, "forged": place}, End(number - 1, rows[one - 1][3].decode() if one else "0" * 64)
        )
        remove(folder, rows[one])
        put(folder, file, number, made.text.encode(), made.end.hash.encode())
    elif kind == "edit a number":
        sql(folder, "UPDATE records SET number = ? WHERE number = ?", 100 + place, number, file=file)
    elif kind == "remove":
        remove(folder, rows[one])
    elif kind == "swap":
        assume(one != two)
        remove(folder, rows[one], rows[two])
        put(folder, file, number, other_record, other_hash)
        put(folder, other_file, other_number, record, hash)
    elif kind == "insert":
        made = link({"event": DECISION, "forged": place}, End(number, hash.decode()))
        later = [row for row in rows[one + 1 :] if row[0] == file]
        remove(folder, *later)
        put(folder, file, number + 1, made.text.encode(), made.end.hash.encode())
        for _, after, *values in later:
            put(folder, file, after + 1, *values)
    elif kind == "cut off the end":
        remove(folder, *rows[one:])
    elif kind == "take a file away":
        (folder / file).unlink()
    elif kind == "edit the head":
        head = folder / "head.json"
        head.write_bytes(head.read_bytes().replace(rows[-1][3], flipped(rows[-1][3], place)))
    else:
        raise AssertionError(kind)


KINDS = ["edit a record", "edit a hash", "edit a record and its hash", "edit a number", "remove", "swap", "insert"]
KINDS += ["cut off the end", "take a file away", "edit the head"]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(where, where, byte)
def test_every_change_is_found_and_stays_to_be_found(whole: Path, kind: str, one: int, two: int, place: int) -> None:
    with copied(whole) as folder:
        change(folder, kind, one, two, place)
        assert verify(folder).problems
        with suppress(BrokenLog):  # what can't even be read is not written on
            zoo.AuditLog(folder).record(MODEL, ["more"], [SURE], [0.0])
        assert verify(folder).problems


@settings(max_examples=60)
@given(st.integers(0, FILES - 1), byte)
def test_any_byte_of_the_files_themselves(whole: Path, file: int, place: int) -> None:
    before = stored(whole)
    with copied(whole) as folder:
        path = files.files(folder)[file]
        path.write_bytes(flipped(path.read_bytes(), place))
        try:
            problems = verify(folder).problems
        except BrokenLog:
            return
        assert problems or stored(folder) == before  # most of a small file is room for more


@pytest.mark.parametrize("file", range(FILES))
def test_any_byte_of_a_table_s_definition(whole: Path, file: int) -> None:
    before = stored(whole)
    with copied(whole) as folder:
        path = files.files(folder)[file]
        data = path.read_bytes()
        begin = data.index(b"CREATE TABLE")
        for place in range(begin, begin + len(b"CREATE TABLE records (number INTEGER PRIMARY KEY, ")):
            for flip in (1, 0x20, 0x80):
                path.write_bytes(data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :])
                try:
                    found = verify(folder).problems or stored(folder) == before
                except BrokenLog:
                    found = True
                assert found, (place, flip)
                with suppress(BrokenLog, Unrecorded):
                    zoo.AuditLog(folder).record(MODEL, ["more"], [SURE], [0.0])
                shutil.rmtree(folder)
                shutil.copytree(whole, folder)


@settings(max_examples=30)
@given(where, byte)
def test_a_byte_of_a_record_changed_in_the_file_is_found_there(whole: Path, one: int, place: int) -> None:
    file, number, record, _ = stored(whole)[one]
    with copied(whole) as folder:
        path = folder / file
        data = path.read_bytes()
        assert data.count(record) == 1
        path.write_bytes(data.replace(record, flipped(record, place)))
        assert verify(folder).problems == (f"Record {number} was changed: it is not what its hash was made of.",)


def test_old_files_may_be_moved_away_if_one_knows_their_end(whole: Path) -> None:
    with copied(whole) as folder:
        _, number, _, hash = stored(folder)[EACH - 1]
        last = End(number, hash.decode()).id
        (folder / "00000001.db").unlink()
        (problem,) = verify(folder).problems
        assert f"begins with record {EACH}" in problem and "--after" in problem
        found = verify(folder, after=last)
        assert (found.files, found.records, found.problems) == (FILES - 1, ROWS - EACH, ())
        assert verify(folder, after=f"{number}-{'0' * 12}").problems
        assert verify(folder, after=f"{number - 1}{last[1:]}").problems
        with pytest.raises(UnknownRecord):
            verify(folder, after="yesterday")


def test_the_first_change_is_named_and_one_change_is_one_problem(whole: Path) -> None:
    with copied(whole) as folder:
        for file, number in (("00000002.db", 5), ("00000003.db", 9)):
            sql(folder, "UPDATE records SET record = record || ' ' WHERE number = ?", number, file=file)
        sql(folder, "DELETE FROM records WHERE number = 7", file="00000002.db")
        assert [problem[:32] for problem in verify(folder).problems] == [
            "Record 5 was changed: it is not ",
            "Record 8 does not follow from re",
            "Record 9 was changed: it is not ",
        ]


def test_a_file_of_another_log_does_not_fit(whole: Path, tmp_path: Path) -> None:
    with copied(whole) as folder:
        (folder / "00000003.db").rename(folder / "00000004.db")
        assert verify(folder).problems == (
            f"Record {2 * EACH} does not begin 00000004.db: it was renamed, or its first removed.",
        )


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    zoo.AuditLog(tmp_path / "audit")
    found = verify(tmp_path / "audit")
    assert (found.records, found.files, found.problems) == (0, 0, ())
