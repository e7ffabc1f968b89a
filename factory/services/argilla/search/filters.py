"""Argilla's filters and sorts as SQL over its own tables (records, responses, suggestions)."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from argilla_server.enums import ResponseStatus, ResponseStatusFilter, SortOrder
from argilla_server.models import Dataset, Question, Record, Response, Suggestion
from argilla_server.search_engine.base import (
    AndFilter,
    Filter,
    MetadataFilterScope,
    Order,
    RangeFilter,
    RecordFilterScope,
    ResponseFilterScope,
    SuggestionFilterScope,
    TermsFilter,
)
from sqlalchemy import Text, and_, case, cast, exists, func, literal, literal_column, or_, select, type_coerce

from factory.services.argilla.search import indexes


def where(dataset: Dataset, asked: Filter) -> Any:
    """The SQL condition on `records` that a filter stands for; raises ValueError for a scope Argilla does not have."""
    if isinstance(asked, AndFilter):
        return and_(*[where(dataset, part) for part in asked.filters])
    scope = asked.scope
    if isinstance(scope, RecordFilterScope):
        return _record(asked)
    if isinstance(scope, MetadataFilterScope):
        name = scope.metadata_property
        return _holds(indexes.metadata(name), each(Record.metadata_, name), asked, str)
    if isinstance(scope, SuggestionFilterScope):
        asked_about = Suggestion.question_id == _question(dataset, scope.question).scalar_subquery()
        suggested = select(Suggestion.record_id).where(asked_about)
        if scope.property in ("agent", "type"):
            # Most suggestions share them. The plus has SQLite look records up in these, not these up among records.
            return literal_column("+records.id").in_(suggested.where(_condition(_suggestion_column(scope), asked)))
        column = _suggestion_column(scope)
        wanted = _holds(type_coerce(column, Text), each(column), asked, json.dumps)
        return Record.id.in_(suggested.where(wanted))
    if isinstance(scope, ResponseFilterScope):
        return _response(asked)
    raise ValueError(f"Cannot filter by {scope}")


def order(dataset: Dataset, asked: Order) -> Any:
    """The SQL sort key that an order stands for; records without a value come last either way."""
    descending = asked.order == SortOrder.desc
    pick = func.max if descending else func.min  # of many values, as Elasticsearch does
    value = _sort_value(dataset, asked.scope, pick)
    return (value.desc() if descending else value.asc()).nulls_last()


def each(json_column: Any, *path: str) -> Any:
    """The values of a JSON column (at a path), one a row: the items of a list, or the one scalar."""
    arguments = (json_column, _json_path(*path)) if path else (json_column,)
    # The name must be one of its own in the statement; SQLAlchemy numbers anonymous aliases.
    return func.json_each(*arguments).table_valued("value", name=None)


def _json_path(*names: str) -> str:
    return "$" + "".join('."' + name.replace('"', '\\"') + '"' for name in names)


def _any_value(values: Any, asked: Filter) -> Any:
    return exists(select(literal(1)).select_from(values).where(_condition(values.c.value, asked)))


def _holds(value: Any, items: Any, asked: Filter, stored: Callable[[str], str]) -> Any:
    """Whether a value fits a filter, or where it is a list, one of its items does.

    Scalars are compared as they are, which an index can do; lists, whose JSON text begins with a bracket, one by one.

    Args:
        value: the SQL value, a list as JSON text.
        items: the same, an item a row.
        asked: the filter.
        stored: how text is written in `value`.
    """
    listed = and_(value >= "[", value < "\\", _any_value(items, asked))
    if isinstance(asked, RangeFilter):
        return or_(and_(func.typeof(value).in_(("integer", "real")), *_within(value, asked)), listed)
    if not isinstance(asked, TermsFilter):
        raise ValueError(f"Cannot filter with {asked}")
    wanted: list[Any] = []
    for item in asked.values:
        text = stored(str(item))
        wanted += [text] if not text.startswith("[") else []
        with contextlib.suppress(ValueError):
            wanted.append(float(item))
    return or_(value.in_(wanted), listed)


def _condition(value: Any, asked: Filter) -> Any:
    if isinstance(asked, TermsFilter):
        return cast(value, Text).in_([str(item) for item in asked.values])
    if isinstance(asked, RangeFilter):
        return and_(func.typeof(value) != "null", *_within(value, asked))
    raise ValueError(f"Cannot filter with {asked}")


def _within(value: Any, asked: RangeFilter) -> list[Any]:
    low = [value >= asked.ge] if asked.ge is not None else []
    return [*low, *([value <= asked.le] if asked.le is not None else [])]


def _question(dataset: Dataset, name: str) -> Any:
    return select(Question.id).where(Question.dataset_id == dataset.id, Question.name == name)


def _suggestion_column(scope: SuggestionFilterScope) -> Any:
    return getattr(Suggestion, scope.property)


def _record(asked: Filter) -> Any:
    column = getattr(Record, asked.scope.property)
    if isinstance(asked, RangeFilter):
        parts = [column >= _date(asked.ge)] if asked.ge is not None else []
        return and_(*parts, *([column <= _date(asked.le)] if asked.le is not None else []))
    values: list[Any] = list(asked.values)
    if asked.scope.property == "id":
        values = [UUID(value) for value in values]
    elif asked.scope.property in ("inserted_at", "updated_at"):
        values = [_date(value) for value in values]
    return column.in_(values)


def _response(asked: Filter) -> Any:
    scope = asked.scope
    answered = select(Response.record_id)
    if scope.user is not None:
        answered = answered.where(Response.user_id == scope.user.id)
    if scope.question:
        return Record.id.in_(answered.where(_any_value(each(Response.values, scope.question, "value"), asked)))
    if scope.property == "status" and isinstance(asked, TermsFilter):
        statuses = [ResponseStatus(value) for value in asked.values if value != ResponseStatusFilter.pending]
        parts: list[Any] = [Record.id.in_(answered.where(Response.status.in_(statuses)))] if statuses else []
        if ResponseStatusFilter.pending in asked.values:
            parts.append(Record.id.not_in(answered))
        return or_(*parts)
    raise ValueError(f"Cannot filter by {scope}")


def _sort_value(dataset: Dataset, scope: Any, pick: Any) -> Any:
    if isinstance(scope, RecordFilterScope):
        return getattr(Record, scope.property)
    if isinstance(scope, MetadataFilterScope):
        value, items = indexes.metadata(scope.metadata_property), each(Record.metadata_, scope.metadata_property)
        return _picked(and_(value >= "[", value < "\\"), value, items, pick, Record)
    mine: tuple[Any, ...]
    if isinstance(scope, SuggestionFilterScope):
        # IN, though it is one question: = has SQLite take the index that makes the pair unique, and read every row,
        # in place of the one that holds all that is wanted.
        mine = (
            Suggestion.record_id == Record.id,
            Suggestion.question_id.in_(_question(dataset, scope.question)),
        )
        if scope.property in ("agent", "type"):
            return select(getattr(Suggestion, scope.property)).where(*mine).correlate(Record).scalar_subquery()
        column = _suggestion_column(scope)
        value = type_coerce(column, Text)
        picked = _picked(func.typeof(value) == "text", value, each(column), pick, Record, Suggestion)
        return select(picked).where(*mine).correlate(Record).scalar_subquery()
    if isinstance(scope, ResponseFilterScope):
        mine = (Response.record_id == Record.id,)
        if scope.user is not None:
            mine = (*mine, Response.user_id == scope.user.id)
        if scope.question:
            values = each(Response.values, scope.question, "value")
            joined = select(func.avg(values.c.value)).select_from(Response).join(values, literal(True)).where(*mine)
            return joined.correlate(Record).scalar_subquery()
        return select(pick(Response.status)).where(*mine).correlate(Record).scalar_subquery()
    raise ValueError(f"Cannot sort by {scope}")


def _picked(listed: Any, value: Any, items: Any, pick: Any, *tables: Any) -> Any:
    """The largest or smallest item where a value is a list (or JSON text of any kind), else the value itself."""
    picked = select(pick(items.c.value)).select_from(items).correlate(*tables).scalar_subquery()
    return case((listed, picked), else_=value)


def _date(value: Any) -> dt.datetime:
    """A UTC time without zone, as Argilla stores it, from ISO 8601 or milliseconds since 1970."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            parsed = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
            return parsed.astimezone(dt.UTC).replace(tzinfo=None) if parsed.tzinfo else parsed
    return dt.datetime.fromtimestamp(value / 1000, dt.UTC).replace(tzinfo=None)
