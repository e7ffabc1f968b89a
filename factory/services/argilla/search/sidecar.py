"""The side-car file: one FTS5 table a dataset (a column a field), and the records' vectors.

It is attached to every connection of Argilla's database as `ix`. A server killed between Argilla's commit and the
side-car's leaves records out of the text index; `heal` puts them in at the next start.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from argilla_server.database import AsyncSessionLocal, async_engine
from argilla_server.enums import DatasetStatus
from argilla_server.models import Dataset, Record
from argilla_server.settings import settings
from sqlalchemy import event, select, text
from sqlalchemy.orm import selectinload

FILE = Path(str(settings.home_path)) / "search.db"
_LOG = logging.getLogger("argilla.search")
_version = 0
_BATCH = 500  # SQLite's limit on bound variables was 999 for long

if not settings.database_is_sqlite:
    raise RuntimeError("The embedded search engine needs ARGILLA_DATABASE_URL to be a SQLite database.")


@event.listens_for(async_engine.sync_engine, "connect")
def _attach(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # Readers go on while an answer is written. Argilla's own file keeps synchronous=FULL: an answer that was
    # acknowledged survives a power cut. The side-car may lose its last moments, for it can be healed.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("ATTACH DATABASE ? AS ix", (str(FILE),))
    cursor.execute("PRAGMA ix.journal_mode = WAL")
    cursor.execute("PRAGMA ix.synchronous = NORMAL")
    cursor.execute("CREATE TABLE IF NOT EXISTS ix.docs (n INTEGER PRIMARY KEY, record_id TEXT UNIQUE, dataset_id TEXT)")
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS ix.vecs (settings_id TEXT, record_id TEXT, v BLOB,"
        " PRIMARY KEY (settings_id, record_id)) WITHOUT ROWID"
    )
    cursor.close()


def version() -> int:
    """A number that grows with every change of the side-car by this process, the only one that writes it."""
    return _version


def _changed() -> None:
    global _version
    _version += 1


def table(dataset_id: UUID) -> str:
    """A dataset's FTS5 table: hex digits only, so safe in SQL."""
    return f"t_{dataset_id.hex}"


def column(field_name: str) -> str:
    """A field's column, quoted; prefixed because FTS5 keeps `rank` and `rowid` for itself."""
    return '"f_' + field_name.replace('"', '""') + '"'


async def create(dataset: Dataset) -> None:
    """Make a dataset's text index if it is not there; the dataset's fields must be loaded."""
    columns = ", ".join(column(field.name) for field in dataset.fields)
    async with async_engine.begin() as db:
        await db.execute(
            text(
                f"CREATE VIRTUAL TABLE IF NOT EXISTS ix.{table(dataset.id)}"
                f" USING fts5({columns}, tokenize = 'unicode61 remove_diacritics 2')"
            )
        )


async def drop(dataset: Dataset) -> None:
    """Forget a dataset."""
    mine = {"d": dataset.id.hex}
    async with async_engine.begin() as db:
        await db.execute(text(f"DROP TABLE IF EXISTS ix.{table(dataset.id)}"))
        await db.execute(
            text("DELETE FROM ix.vecs WHERE record_id IN (SELECT record_id FROM ix.docs WHERE dataset_id = :d)"), mine
        )
        await db.execute(text("DELETE FROM ix.docs WHERE dataset_id = :d"), mine)
    _changed()


async def put(dataset: Dataset, records: Sequence[Record]) -> None:
    """Index records, or index them again; their vectors must be loaded, or absent."""
    if not records:
        return
    fields, name = list(dataset.fields), table(dataset.id)
    columns = ", ".join(column(field.name) for field in fields)
    marks = ", ".join(f":c{i}" for i in range(len(fields)))
    async with async_engine.begin() as db:
        await db.execute(
            text("INSERT OR IGNORE INTO ix.docs (record_id, dataset_id) VALUES (:r, :d)"),
            [{"r": record.id.hex, "d": dataset.id.hex} for record in records],
        )
        numbers = await _numbers(db, records)
        rows = [
            {"n": numbers[record.id.hex]}
            | {f"c{i}": _content(field, (record.fields or {}).get(field.name)) for i, field in enumerate(fields)}
            for record in records
        ]
        old = text(f"DELETE FROM ix.{name} WHERE rowid = :n")  # noqa: S608
        await db.execute(old, [{"n": row["n"]} for row in rows])
        await db.execute(text(f"INSERT INTO ix.{name} (rowid, {columns}) VALUES (:n, {marks})"), rows)  # noqa: S608
        vectors = [
            {"s": v.vector_settings_id.hex, "r": record.id.hex, "v": np.asarray(v.value, np.float32).tobytes()}
            for record in records
            for v in (record.vectors or [])
        ]
        if vectors:
            await db.execute(
                text("INSERT OR REPLACE INTO ix.vecs (settings_id, record_id, v) VALUES (:s, :r, :v)"), vectors
            )
    _changed()


async def remove(dataset: Dataset, records: Iterable[Record]) -> None:
    """Forget records."""
    async with async_engine.begin() as db:
        numbers = await _numbers(db, list(records))
        if not numbers:
            return
        texts = text(f"DELETE FROM ix.{table(dataset.id)} WHERE rowid = :n")  # noqa: S608
        await db.execute(texts, [{"n": number} for number in numbers.values()])
        ids = [{"r": record_id} for record_id in numbers]
        await db.execute(text("DELETE FROM ix.vecs WHERE record_id = :r"), ids)
        await db.execute(text("DELETE FROM ix.docs WHERE record_id = :r"), ids)
    _changed()


async def documents() -> int:
    """How many records have ever been indexed, about."""
    async with async_engine.connect() as db:
        return int((await db.execute(text("SELECT max(n) FROM ix.docs"))).scalar() or 0)


async def heal() -> int:
    """Index what Argilla's database holds and the side-car does not; returns how many records that were."""
    healed = 0
    async with AsyncSessionLocal() as db:
        ready = select(Dataset).where(Dataset.status == DatasetStatus.ready).options(selectinload(Dataset.fields))
        for dataset in (await db.execute(ready)).scalars().all():
            await create(dataset)
            missing = text(
                "SELECT id FROM records WHERE dataset_id = :d"
                " AND id NOT IN (SELECT record_id FROM ix.docs WHERE dataset_id = :d)"
            )
            ids = [UUID(value) for (value,) in await db.execute(missing, {"d": dataset.id.hex})]
            for start in range(0, len(ids), _BATCH):
                part = select(Record).where(Record.id.in_(ids[start : start + _BATCH]))
                records = (await db.execute(part.options(selectinload(Record.vectors)))).scalars().all()
                await put(dataset, records)
            healed += len(ids)
    if healed:
        _LOG.warning("%d records were not in the search index; they are now", healed)
    return healed


async def _numbers(db: Any, records: Sequence[Record]) -> dict[str, int]:
    """The side-car's row number of each record (SQLite's own rowids may change when a file is vacuumed)."""
    found: dict[str, int] = {}
    ids = [record.id.hex for record in records]
    for start in range(0, len(ids), _BATCH):
        part = {f"i{k}": value for k, value in enumerate(ids[start : start + _BATCH])}
        marks = ", ".join(f":{name}" for name in part)
        rows = await db.execute(text(f"SELECT record_id, n FROM ix.docs WHERE record_id IN ({marks})"), part)  # noqa: S608
        found.update({record_id: number for record_id, number in rows})
    return found


def _content(field: Any, value: Any) -> str:
    """A field as people read it: the factory sends texts escaped, because Argilla's pages take them for HTML."""
    if value is None or field.is_image:
        return ""
    if field.is_chat:
        return "\n".join(f"{message.get('role', '')} {message.get('content', '')}" for message in value)
    return html.unescape(str(value))
