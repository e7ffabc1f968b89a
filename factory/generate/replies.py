"""What a teacher replied, parsed and validated: a server's word that its output is constrained is not believed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.words import UNPRINTABLE

FLOOR = -12.0
"""Natural logarithm of the probability given to an option that is not among those a server reported."""

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


def rows_schema(
    count: int, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """JSON schema of a reply with rows: texts, and what a row has before its text and after it, by its schema."""
    properties = {**(before or {}), "text": {"type": "string"}, **(after or {})}
    row = {"type": "object", "properties": properties, "required": list(properties)}
    rows = {"type": "array", "items": row, "minItems": count, "maxItems": count}
    return {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}


def parse_rows(reply: str) -> tuple[list[str], str]:
    """The texts of a reply to a writing request, and what is wrong with it, if anything.

    A reply that was cut off in the middle is paid for all the same: its complete rows are kept.

    Returns:
        texts, stripped, and an empty string; or the texts that could be saved and a reason.
    """
    found, failure = parse_items(reply)
    return [text for text, _ in found], failure


def parse_items(reply: str) -> tuple[list[tuple[str, Any]], str]:
    """As `parse_rows`, with each text the whole item that it is the `text` of, as the teacher wrote it."""
    try:
        value = json.loads(reply)
        failure = ""
        rows = value.get("rows") if isinstance(value, dict) else None
    except (ValueError, RecursionError):  # RecursionError: brackets nested without end
        rows, failure = _salvage(reply), "not JSON: cut off or malformed"
    if not isinstance(rows, list):
        return [], failure or "no list named rows"
    texts = [(row.get("text") if isinstance(row, dict) else row, row) for row in rows]
    good = [(" ".join(text.split()), row) for text, row in texts if isinstance(text, str) and _sound(text)]
    if len(good) < len(rows):
        failure = failure or f"{len(rows) - len(good)} rows without a usable text"
    return good, failure


def parse_scores(
    reply: str, top_logprobs: Sequence[dict[str, float]] | None, codes: Sequence[str]
) -> tuple[list[float] | None, str]:
    """What a judge thinks of every option, from the likeliest tokens at the first position of its reply.

    A token speaks for a code when it is that code, though others begin so, too ("no" beside "not_sure"), or begins that
    code and no other ("pos" for "positive"); case counts only where codes differ by it. Where the server reports no
    tokens, or none that speaks, the reply itself is all there is.

    Returns:
        Log-probabilities in the codes' order, normalised; or None and a reason.
    """
    fold = str.lower if len({code.lower() for code in codes}) == len(codes) else str
    folded = [fold(code) for code in codes]
    found = [FLOOR] * len(codes)
    for token, logprob in (top_logprobs[0] if top_logprobs else {}).items():
        begun = fold(token.strip())
        meant = [i for i, code in enumerate(folded) if code == begun]
        meant = meant or [i for i, code in enumerate(folded) if begun and code.startswith(begun)]
        if len(meant) == 1 and not math.isnan(logprob):
            found[meant[0]] = max(found[meant[0]], min(logprob, 0.0))
    if all(value == FLOOR for value in found):
        if reply.strip() not in codes:
            return None, f"not one of the options: {reply.strip()[:60]!r}"
        found[list(codes).index(reply.strip())] = math.log(0.9)
    total = math.log(sum(math.exp(value) for value in found))
    return [value - total for value in found], ""


def _sound(text: str) -> bool:
    """Whether there is something in a text, and nothing that a file or a screen can't show: NUL, escape sequences,
    lone surrogates, which can be neither hashed nor written as UTF-8."""
    return bool(text.strip()) and not UNPRINTABLE.search(text)


def _salvage(reply: str) -> list[Any] | None:
    """The complete rows of a reply that was cut off or is malformed further on; None if it doesn't begin as asked.

    Read value by value, so that a long reply takes time in proportion to its length.
    """
    rows: list[Any] | None = None
    try:
        at = _after(reply, 0, "{")
        while True:
            name, at = _value(reply, at)
            at = _after(reply, at, ":")
            if name == "rows" and reply[at : at + 1] == "[":
                rows = []
                at = _items(reply, _after(reply, at, "["), rows)
            else:
                _, at = _value(reply, at)
            at = _after(reply, at, ",")
    except (ValueError, RecursionError):  # here it breaks off
        return rows


def _items(reply: str, at: int, found: list[Any]) -> int:
    """Collect a list's values from `at` on; the place after the list. What is complete is collected in any case."""
    while True:
        value, at = _value(reply, at)
        found.append(value)
        if reply[at : at + 1] == "]":
            return _after(reply, at, "]")
        at = _after(reply, at, ",")


def _value(reply: str, at: int) -> tuple[Any, int]:
    """The JSON value at `at`, and the place of what follows it."""
    value, end = _DECODER.raw_decode(reply, at)
    return value, _SPACE.match(reply, end).end()  # type: ignore[union-attr]  # it matches nothing, too


def _after(reply: str, at: int, mark: str) -> int:
    """The place of what follows `mark`, which must be the next thing."""
    at = _SPACE.match(reply, at).end()  # type: ignore[union-attr]
    if reply[at : at + 1] != mark:
        raise ValueError(f"{mark} expected")
    return _SPACE.match(reply, at + 1).end()  # type: ignore[union-attr]
