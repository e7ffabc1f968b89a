"""One JSON text per value: what hashes are made of."""

from __future__ import annotations

import json
from typing import Any

_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))  # json.dumps makes one a call


def canonical(value: Any) -> str:
    """One JSON text per value, whatever the order of its keys: keys sorted, no white space, no needless escapes.

    As RFC 8785 has it, but for two things: numbers are written as Python writes them (`1.0`, `1e-07`, where RFC 8785
    has `1` and `1e-7`), and keys are sorted by code points, not by UTF-16 units (which differ beyond U+FFFF).
    """
    return _CANONICAL.encode(value)
