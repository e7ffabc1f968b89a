"""Indexes on Argilla's own tables, so that a hundred thousand records are filtered and sorted in a moment.

Argilla leaves searching to Elasticsearch, so its tables lack what a search needs. SQLite keeps an index in step with
its rows within the same transaction; one that a migration of Argilla's should drop is made again at the next start.
"""

from __future__ import annotations

from typing import Any

from argilla_server.database import async_engine
from argilla_server.models import MetadataProperty
from sqlalchemy import literal_column, select, text

# A query is answered from one of these alone, without a look at the rows, which hold the texts.
_FIXED = {
    "records_status": "records (dataset_id, status, id)",
    "records_inserted_at": "records (dataset_id, inserted_at, id)",
    "records_updated_at": "records (dataset_id, updated_at, id)",
    "suggestions_value": "suggestions (question_id, value, record_id)",
    "suggestions_record": "suggestions (question_id, record_id, score, agent, type)",
    "responses_user": "responses (user_id, status, record_id)",
}

_counted = 0  # records there were when they were counted


async def ensure() -> None:
    """Make the indexes that are not there, one of them for each metadata property."""
    async with async_engine.begin() as db:
        for name, columns in _FIXED.items():
            await db.execute(text(f"CREATE INDEX IF NOT EXISTS factory_{name} ON {columns}"))
        for (name,) in (await db.execute(select(MetadataProperty.name).distinct())).all():
            await db.execute(_of_metadata(name))


async def count(records: int) -> None:
    """Have SQLite count what the indexes hold, whenever there are twice as many records as when it last did.

    Without that its planner takes all of them for equally good places to begin a search at: 20,000 records of a source
    as well as 200 of a label.
    """
    global _counted
    if records < max(100, 2 * _counted):
        return
    _counted = records
    async with async_engine.begin() as db:
        await db.execute(text("ANALYZE main"))
    await async_engine.dispose()  # a connection reads the counts when it is opened


async def ensure_metadata(name: str) -> None:
    """Make the index of a metadata property if it is not there; datasets share it by the property's name."""
    async with async_engine.begin() as db:
        await db.execute(_of_metadata(name))


def metadata(name: str) -> Any:
    """A record's value of a metadata property: text or a number as it is, a list as JSON text, or NULL.

    Written as the index has it, to the letter: otherwise SQLite would not see that it has one.
    """
    return literal_column(f"(records.{_value(name)})")


def _value(name: str) -> str:
    path = '$."' + name.replace('"', '\\"') + '"'
    return "metadata ->> '" + path.replace("'", "''") + "'"


def _of_metadata(name: str) -> Any:
    quoted = f"factory_metadata_{name}".replace('"', '""')
    return text(
        f'CREATE INDEX IF NOT EXISTS "{quoted}" ON records (dataset_id, {_value(name)}, id)'.replace(":", "\\:")
    )
