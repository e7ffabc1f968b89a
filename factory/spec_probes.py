"""Groups of people that a specialist is probed by. A part of a spec."""

from __future__ import annotations

import re

WORD = re.compile(r"\w(?:.*\w)?", re.DOTALL)

Probes = dict[str, dict[str, list[str]]]
"""Name to groups, each a list of words that name it; words at the same place stand for each other."""


def refused(probes: Probes) -> str:
    """What is wrong with them, for people; empty: nothing."""
    for name, groups in probes.items():
        key = f"probes.{name}"
        if len(groups) < 2:
            return f"{key} names {len(groups)} group, and one alone is beside nobody; name two or more"
        sizes = {len(words) for words in groups.values()}
        if len(sizes) > 1 or not sizes - {0}:
            return f"{key}: every group must list as many words as the others, at least one, in the same order"
        seen: dict[str, str] = {}
        for group, words in groups.items():
            for word in words:
                if not WORD.fullmatch(word):
                    return f"{key}.{group}: {word!r} does not begin and end with a letter or digit"
                if seen.setdefault(word.lower(), group) != group:
                    return f"{key}: {word!r} is a word of {seen[word.lower()]} and of {group}"
    return ""
