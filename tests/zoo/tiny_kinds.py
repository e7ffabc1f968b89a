"""A tiny specialist of each kind that gives no labels, in one hub; each carries what a large model is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tiny
import tiny_causal

FIELDS = {"who": {"type": "quote", "required": True}, "day": {"type": "date"}}
RECORDS = {"prompt": {**tiny_causal.PROMPT_JSON, "fields": FIELDS, "max_new_tokens": 60}, "after": {}}
WORDS = {"after": {"Ċ": "H", "H": "i", "i": tiny_causal.END}}
"""What a specialist that writes says to everything: Hi."""


def make(hub: Path) -> dict[str, Path]:
    """By name: `hub`, and the folders of test/spans, test/extraction and test/generation.

    The tagger is sure of a Food and never of a Tool; the others are never sure.
    """
    spans = tiny.ask_json(tiny.make(hub / "test/spans/1.0.0", kind="spans", labels=tiny.TYPES))
    tiny.seal(spans, name="test/spans", kind="spans", labels=tiny.TYPES, thresholds={"Tool": 0.99})
    found = {"hub": hub, "spans": spans}
    for kind, labels, how in (("extraction", tuple(FIELDS), RECORDS), ("generation", ("answer",), WORDS)):
        sealed: Any = {"name": f"test/{kind}", "kind": kind, "labels": labels, "max_tokens": 60, "temperature": 1.0}
        folder = tiny.ask_json(tiny_causal.make(hub / "test" / kind / "1.0.0", **how, **sealed))
        found[kind] = tiny.seal(folder, **sealed, threshold=0.99)
    return found
