"""How a teacher's slips look: the patterns by which `roles` knows them, written for the teachers we have watched."""

from __future__ import annotations

import re

_THING = (
    r"(?:messages?|examples?|headlines?|texts?|clauses?|sentences?|rows?|variations?|passages?|questions?|samples?)\b"
)
_I_AM = r"\bi\s*(?:['’]\s*m|\s+am)\s+"
_CANNOT = r"\bi\s+(?:cannot|can\s+not|can['’]?t|won['’]?t)\s+"

_PATTERNS: dict[str, tuple[str, ...]] = {
    "answers as the agent": (
        _I_AM + r"(?:(?:so|very|really|truly)\s+)?sorry\s+(?:to\s+hear|for\s+(?:the|any)\s+inconvenience)",
        r"\bsorry\s+to\s+hear\s+(?:that|about)\s+(?:you|the)",
        r"\bhow\s+(?:can|may)\s+(?:i|we)\s+(?:help|assist)\b",
        r"\b(?:happy|glad)\s+to\s+(?:help|assist)\s+you",
        r"\bthank(?:s|\s+you)\s+for\s+(?:contacting|reaching\s+out|your\s+(?:message|patience|inquiry|enquiry|feedback))",
        r"\bwe\s+(?:sincerely\s+|deeply\s+)?apologi[sz]e\b",
        r"\blet\s+me\s+(?:assist|help)\s+you",
        r"\banything\s+else\s+(?:i|we)\s+can\s+(?:help|assist|do)",
        r"\A\W*(?:assistant|agent|chatbot|bot|ai|system|user|human|customer|client|teacher|model)\s*:",
    ),
    "speaks as a machine": (
        r"\bas\s+an?\s+(?:ai|artificial\s+intelligence|(?:large\s+)?language\s+model)\b",
        _I_AM + r"an?\s+(?:ai|language\s+model)\b",
    ),
    "refuses": (
        _I_AM + r"(?:unable|not\s+able)\s+to\s+(?:assist|comply|fulfil|generate|help\s+you)",
        _CANNOT + r"(?:assist|comply|fulfil|generate|create\s+content|help\s+(?:you|with))",
        r"\bsorry,?\s+but\s+(?:as\s+an?\s+ai|i\s+(?:cannot|can['’]?t)\s+(?:assist|help|provide))",
    ),
    "placeholder": (
        r"\[\s*[a-z][^\[\]]{0,40}\]",
        r"\{\{?\s*[a-z][^{}]{0,40}\}",
        r"<\s*/?\s*[a-z][^<>]{0,40}>",
        r"\blorem\s+ipsum\b",
        r"\bx{3,}\b",
        r"_{3,}",
    ),
    "letter template": (
        r"\A\W*dear\s+(?:sir|madam|customer|valued|team|support|bank|mr|ms|mrs|client|all|hiring)\b",
        r"\A\W*(?:subject|re)\s*:",
        r"\A\W*to\s+whom\s+it\s+may\s+concern",
        r"\b(?:best|kind|warm|kindest)\s+regards\b",
        r"\byours\s+(?:sincerely|faithfully|truly)\b",
        r"\bsincerely,\s*(?:\w+\s*){0,3}\Z",
    ),
    "leaked instructions": (
        r"\bhere\s+(?:is|are)\s+(?:\w+\s+){0,4}" + _THING,
        r"\A\W*(?:sure|certainly|of\s+course|okay|ok)\W+here\b",
        r"\bthe\s+following\s+(?:\w+\s+){0,2}" + _THING + r"\s*:",
        r"\A\W*(?:output|response|answer|input|example|message|text|headline|clause)\s*\d*\s*:",
        r"\bjson\s+(?:object|array|format|schema)\b|\bin\s+json\b",
        r"\bwrite\s+(?:an?|one|\d+)\s+(?:\w+\s+){0,3}" + _THING,
    ),
    "markdown": (
        r"(?<![*\[])\*\*\w[^*\n]*[\w.:!?]\*\*(?!\*)",  # bold, and not a redacted [***]
        r"```",
        r"^\#{1,6}\s",
        r"(?:^\s*[-*•]\s.*(?:\n|\Z)){2}",
        r"(?:^\s*\d+[.)]\s.*(?:\n|\Z)){2}",
        r"\[[^\]]+\]\(https?:",
    ),
}

SLIPS: list[tuple[str, re.Pattern[str]]] = [
    (category, re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE)) for category, patterns in _PATTERNS.items()
]
"""(category, pattern) in the order in which they are tried."""
