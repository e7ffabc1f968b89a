"""Argilla's search engine on SQLite.

Filters, sorts, progress and metrics are plain SQL on Argilla's own tables, so they can never be out of step with the
data. Only what SQL cannot do well is kept beside it, in a side-car file (FTS5 text, float32 vectors) that may be
deleted: whatever it lacks is put in again at the next start.

    text.py      a reviewer's query as an FTS5 expression
    sidecar.py   the side-car file: tables, writing, healing
    filters.py   Argilla's filters and sorts as SQL
    engine.py    the SearchEngine that Argilla asks; importing it registers "sqlite"
"""
