"""A reviewer's query as an FTS5 expression (https://www.sqlite.org/fts5.html#full_text_query_syntax)."""

from __future__ import annotations

import re

_TOKEN = re.compile(r'(?P<op>[|+\-])?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s|"()]+))|(?P<pipe>\|)')


def fts_match(query: str) -> str | None:
    """Translate Elasticsearch's simple_query_string: words are ANDed; `|` or, `-` not, "phrase", prefix*.

    Returns:
        An FTS5 expression that is always well formed, or None where nothing is asked for (no word but negated ones).
    """
    groups: list[list[str]] = []
    negative: list[str] = []
    joined = False
    for match in _TOKEN.finditer(query):
        if match["pipe"]:
            joined = True
            continue
        term = _term(match["phrase"], match["word"])
        if term is None:
            continue
        if match["op"] == "-":
            negative.append(term)
        elif (joined or match["op"] == "|") and groups:
            groups[-1].append(term)
        else:
            groups.append([term])
        joined = False
    if not groups:
        return None
    return " AND ".join(f"({' OR '.join(group)})" for group in groups) + "".join(f" NOT {term}" for term in negative)


def _term(phrase: str | None, word: str | None) -> str | None:
    """A quoted FTS5 string, which can hold no operator; None for what holds no letter or digit."""
    raw = phrase if phrase is not None else (word or "")
    prefix = phrase is None and raw.endswith("*")
    # FTS5 reads \x00 as the end of the expression.
    raw = (raw.rstrip("*") if prefix else raw).replace("\x00", " ")
    if not re.search(r"[^\W_]", raw):
        return None
    return '"' + raw.replace('"', '""') + '"' + ("*" if prefix else "")
