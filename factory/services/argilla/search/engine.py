"""The SearchEngine that Argilla asks, registered as "sqlite" when this module is imported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from argilla_server.database import async_engine
from argilla_server.enums import MetadataPropertyType, SimilarityOrder
from argilla_server.models import Dataset, MetadataProperty, Record, Response, Suggestion, User, VectorSettings
from argilla_server.search_engine.base import (
    Filter,
    FloatMetadataMetrics,
    IntegerMetadataMetrics,
    MetadataMetrics,
    Order,
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    TermsMetrics,
    TextQuery,
)
from sqlalchemy import Text, cast, false, func, literal, literal_column, select, text, type_coerce

from factory.services.argilla.search import filters, indexes, sidecar, vectors
from factory.services.argilla.search.text import fts_match

NAME = "sqlite"


@SearchEngine.register(engine_name=NAME)
class SQLiteSearchEngine(SearchEngine):  # type: ignore[misc]
    """One is made for every request, so making one costs nothing; connections come from Argilla's own pool."""

    @classmethod
    async def new_instance(cls) -> SQLiteSearchEngine:
        """A new engine."""
        return cls()

    async def close(self) -> None:
        """Nothing is held."""

    async def ping(self) -> bool:
        """Whether the database answers."""
        async with async_engine.connect() as db:
            return bool((await db.execute(text("SELECT 1"))).scalar() == 1)

    async def info(self) -> dict[str, Any]:
        """What the status page shows."""
        async with async_engine.connect() as db:
            version = (await db.execute(text("SELECT sqlite_version()"))).scalar()
            documents = (await db.execute(text("SELECT count(*) FROM ix.docs"))).scalar()
        return {"name": NAME, "version": {"number": version}, "documents": documents}

    async def create_index(self, dataset: Dataset) -> None:
        """Prepare for a dataset's records."""
        await sidecar.create(dataset)
        await indexes.ensure()

    async def delete_index(self, dataset: Dataset) -> None:
        """Forget a dataset."""
        await sidecar.drop(dataset)

    async def index_records(self, dataset: Dataset, records: Iterable[Record]) -> None:
        """Make records findable by text and by vector."""
        await sidecar.put(dataset, list(records))
        await indexes.count(await sidecar.documents())

    async def delete_records(self, dataset: Dataset, records: Iterable[Record]) -> None:
        """Forget records."""
        await sidecar.remove(dataset, records)

    async def configure_metadata_property(self, dataset: Dataset, metadata_property: MetadataProperty) -> None:
        """Prepare for filters and sorts by a metadata property."""
        await indexes.ensure_metadata(metadata_property.name)

    # Nothing is copied for these: metadata, status, responses and suggestions are read where Argilla wrote them.

    async def configure_index_vectors(self, vector_settings: VectorSettings) -> None:
        """Nothing to do."""

    async def partial_record_update(self, record: Record, **update: Any) -> None:
        """Nothing to do."""

    async def update_record_response(self, response: Response) -> None:
        """Nothing to do."""

    async def delete_record_response(self, response: Response) -> None:
        """Nothing to do."""

    async def update_record_suggestion(self, suggestion: Suggestion) -> None:
        """Nothing to do."""

    async def delete_record_suggestion(self, suggestion: Suggestion) -> None:
        """Nothing to do."""

    async def get_dataset_progress(self, dataset: Dataset) -> dict[str, int]:
        """Records by status, and their total."""
        if dataset.is_draft:
            return {}
        return await _counts(
            select(Record.status, func.count()).where(Record.dataset_id == dataset.id).group_by(Record.status)
        )

    async def get_dataset_user_progress(self, dataset: Dataset, user: User) -> dict[str, int]:
        """One user's responses by status, and their total."""
        if dataset.is_draft:
            return {}
        return await _counts(
            select(Response.status, func.count())
            .join(Record, Record.id == Response.record_id)
            .where(Record.dataset_id == dataset.id, Response.user_id == user.id)
            .group_by(Response.status)
        )

    async def compute_metrics_for(self, metadata_property: MetadataProperty) -> MetadataMetrics:
        """The terms and their counts, or the range, of a metadata property."""
        each = filters.each(Record.metadata_, metadata_property.name)
        values = (
            select(each.c.value)
            .select_from(Record)
            .join(each, literal(True))
            .where(Record.dataset_id == metadata_property.dataset_id, each.c.value.is_not(None))
            .subquery()
        )
        count = func.count()
        async with async_engine.connect() as db:
            if metadata_property.type == MetadataPropertyType.terms:
                terms = select(cast(values.c.value, Text), count).group_by(values.c.value)
                rows = (await db.execute(terms.order_by(count.desc(), values.c.value))).all()
                return TermsMetrics(
                    total=sum(number for _, number in rows),
                    values=[{"term": term, "count": number} for term, number in rows],
                )
            low, high = (await db.execute(select(func.min(values.c.value), func.max(values.c.value)))).one()
        integer = metadata_property.type == MetadataPropertyType.integer
        return (IntegerMetadataMetrics if integer else FloatMetadataMetrics)(min=low, max=high)

    async def search(
        self,
        dataset: Dataset,
        query: TextQuery | str | None = None,
        filter: Filter | None = None,
        sort: list[Order] | None = None,
        offset: int = 0,
        limit: int = 100,
        user_id: UUID | None = None,
    ) -> SearchResponses:
        """A page of records; `user_id` is not in the abstract signature, but Argilla's handlers pass it."""
        found, score = _found(dataset, query, filter)
        keys = [filters.order(dataset, asked) for asked in sort or []]
        if not keys and score is not None:
            keys = [score.desc()]
        if not keys and user_id is not None:  # a shuffle that differs between users and stays put for each
            seed = UUID(str(user_id)).int % 2147483647
            keys = [((literal_column("records.rowid") * 2654435761 + seed) * 40503) % 2147483647]
        page = found.add_columns(score if score is not None else literal(1.0))
        page = page.order_by(*keys, literal_column("records.rowid")).offset(offset).limit(limit)
        async with async_engine.connect() as db:
            total = (await db.execute(select(func.count()).select_from(found.subquery()))).scalar_one()
            rows = (await db.execute(page)).all()
        return SearchResponses(items=[SearchResponseItem(record_id=r, score=s) for r, s in rows], total=total)

    async def similarity_search(
        self,
        dataset: Dataset,
        vector_settings: VectorSettings,
        value: list[float] | None = None,
        record: Record | None = None,
        query: TextQuery | str | None = None,
        filter: Filter | None = None,
        max_results: int = 100,
        order: SimilarityOrder = SimilarityOrder.most_similar,
        threshold: float | None = None,
    ) -> SearchResponses:
        """The records nearest to a vector or to another record by cosine, exactly: all vectors are compared."""
        if record is not None and not value:
            value = record.vector_value_by_vector_settings(vector_settings)
        elif record is not None or not value:
            raise ValueError("Must provide either vector value or record to compute the similarity search")
        allowed = None
        if filter or query:
            found = _found(dataset, query, filter)[0].with_only_columns(type_coerce(Record.id, Text))
            async with async_engine.connect() as db:
                allowed = [record_id for (record_id,) in await db.execute(found)]
        best = await vectors.nearest(
            vector_settings.id,
            value,
            allowed=allowed,
            without=record.id if record is not None else None,
            least=order == SimilarityOrder.least_similar,
            limit=max_results,
            threshold=threshold,
        )
        return SearchResponses(items=[SearchResponseItem(record_id=r, score=s) for r, s in best], total=len(best))


async def _counts(query: Any) -> dict[str, int]:
    async with async_engine.connect() as db:
        counts = {str(status.value): number for status, number in await db.execute(query)}
    return {"total": sum(counts.values()), **counts}


def _found(dataset: Dataset, query: TextQuery | str | None, asked: Filter | None) -> tuple[Any, Any]:
    """The SELECT of the ids that match, and its score column (None without a text query)."""
    found, score = select(Record.id).where(Record.dataset_id == dataset.id), None
    if query is not None:
        asked_text: Any = TextQuery(q=query) if isinstance(query, str) else query
        match = fts_match(asked_text.q)
        if match is None:
            return found.where(false()), None
        if asked_text.field:
            match = "{" + sidecar.column(asked_text.field) + "} : (" + match + ")"
        table = sidecar.table(dataset.id)
        hits = (
            text(
                f"SELECT d.record_id AS record_id, -bm25({table}) AS score FROM ix.{table} AS t"  # noqa: S608
                f" JOIN ix.docs AS d ON d.n = t.rowid WHERE {table} MATCH :match"
            )
            .bindparams(match=match)
            .columns(record_id=Text, score=literal(1.0).type)
            .subquery("hits")
        )
        # The table holds this dataset's texts alone, so the records' own column need not be looked at; asked for it,
        # SQLite would start at every record of the dataset instead of at the hits. A CAST would lose the index on ids.
        found = select(Record.id).join(hits, hits.c.record_id == type_coerce(Record.id, Text))
        score = hits.c.score
    if asked:
        found = found.where(filters.where(dataset, asked))
    return found, score
