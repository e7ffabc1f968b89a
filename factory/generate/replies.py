"""What a teacher replied, parsed and validated: a server's word that its output is constrained is not believed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

FLOOR = -12.0
"""Natural logarithm of the probability given to an option that is not among those a server reported."""


def rows_schema(count: int) -> dict[str, Any]:
    """JSON schema of a reply with rows."""
    row = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    rows = {"type": "array", "items": row, "minItems": count, "maxItems": count}
    return {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}


def parse_rows(reply: str) -> tuple[list[str], str]:
    """The texts of a reply to a writing request, and what is wrong with it, if anything.

    A reply that was cut off in the middle is paid for all the same: its complete rows are kept.

    Returns:
        texts, stripped, and an empty string; or the texts that could be saved and a reason.
    """
    try:
        value = json.loads(reply)
        failure = ""
    except (ValueError, RecursionError):  # RecursionError: brackets nested without end
        value, failure = _salvage(reply), "not JSON: cut off or malformed"
    rows = value.get("rows") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        return [], failure or "no list named rows"
    texts = [row.get("text") if isinstance(row, dict) else row for row in rows]
    good = [" ".join(text.split()) for text in texts if isinstance(text, str) and _sound(text)]
    if len(good) < len(rows):
        failure = failure or f"{len(rows) - len(good)} rows without a usable text"
    return good, failure


def parse_scores(
    reply: str, top_logprobs: Sequence[dict[str, float]] | None, codes: Sequence[str]
) -> tuple[list[float] | None, str]:
    """What a judge thinks of every option, from the likeliest tokens at the first position of its reply.

    A token speaks for a code when it begins that code and no other ("pos" for "positive"); case counts only where
    codes differ by it. Where the server reports no tokens, or none that speaks, the reply itself is all there is.

    Returns:
        Log-probabilities in the codes' order, normalised; or None and a reason.
    """
    fold = str.lower if len({code.lower() for code in codes}) == len(codes) else str
    found = [FLOOR] * len(codes)
    for token, logprob in (top_logprobs[0] if top_logprobs else {}).items():
        begun = fold(token.strip())
        meant = [i for i, code in enumerate(codes) if begun and fold(code).startswith(begun)]
        if len(meant) == 1 and not math.isnan(logprob):
            found[meant[0]] = max(found[meant[0]], min(logprob, 0.0))
    if all(value == FLOOR for value in found):
        if reply.strip() not in codes:
            return None, f"not one of the options: {reply.strip()[:60]!r}"
        found[list(codes).index(reply.strip())] = math.log(0.9)
    total = math.log(sum(math.exp(value) for value in found))
    return [value - total for value in found], ""


def _sound(text: str) -> bool:
    # A lone surrogate can be neither hashed nor written as UTF-8.
    return bool(text.strip()) and not any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def _salvage(reply: str) -> Any:
    """The longest beginning of a cut-off reply that closes into JSON."""
    for end in range(len(reply), 0, -1):
        if reply[end - 1] == "}":
            try:
                return json.loads(reply[:end] + "]}")
            except (ValueError, RecursionError):
                continue
    return None
