"""A small specialist that marks foods and tools in a cook's notes, its gold rows, and a teacher that knows them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from factory.span import Span, locate, mark
from factory.strata import names_in
from tests.loopback_teacher import request_key
from zoo.claims import Claim

WORDS = {
    "Food": ["red onion", "butter", "rye flour", "egg", "green apple", "sea salt", "honey", "goat cheese"],
    "Tool": ["bread knife", "whisk", "copper pan", "oven", "sieve", "wooden spoon", "grater"],
}
OPENINGS = [
    "Before the guests arrived on Friday",
    "As my aunt in Norway used to say",
    "On the third page of the notebook",
    "When the radio played that old song",
    "With cold hands and little patience",
    "Two days after the long journey",
    "While rain fell on the roof",
    "To everybody's surprise last winter",
    "For the children of my neighbour",
    "Late in the evening at the harbour",
    "According to the man from the market",
]
MIDDLES = {
    "Food": [
        "we put some {Food} on every plate",
        "the {Food} was finished far too early",
        "nobody could find fresh {Food} in town",
    ],
    "Tool": [
        "somebody had cleaned the {Tool} with care",
        "the {Tool} lay under a pile of letters",
        "I lent my good {Tool} to the baker",
    ],
    "Food + Tool": [
        "the {Food} went straight into the {Tool} again",
        "a little {Food} still stuck to the {Tool} somehow",
        "he touched {Food} with the {Tool} and laughed",
    ],
    "none": [
        "we sat around the table and talked for hours",
        "the cook forgot what she had wanted to tell",
        "everything tasted better than it had in years",
    ],
}
ENDINGS = [
    "and then all of us went down to the water .",
    "although the recipe asked for something else entirely .",
    "which is why I write it down for you today .",
    "but the second attempt was worse than the first .",
    "so the whole afternoon passed without any hurry .",
    "as you can see on the picture that I enclose .",
    "because my brother had promised to come by train .",
]


def sample(types: str, number: int) -> tuple[str, tuple[Span, ...]]:
    """A text that holds spans of these types, and the spans."""
    words = {label: some[number % len(some)] for label, some in WORDS.items()}
    middle = MIDDLES[types][number % 3].format(**words)
    text = f"{OPENINGS[number % len(OPENINGS)]} {middle} {ENDINGS[number % len(ENDINGS)]}"
    return text, spans_of(text)


def spans_of(text: str) -> tuple[Span, ...]:
    """The foods and tools in a text."""
    return locate(text, [Claim(word, label) for label, words in WORDS.items() for word in words], list(WORDS))[0]


def teach(body: dict[str, Any]) -> str:
    """What the teacher answers; now and then it claims what is not there, and forgets a closing tag."""
    asked = body["messages"][-1]["content"]
    number = int(request_key(body), 16) % 10_000
    schema = body["response_format"]["json_schema"]["schema"]["properties"]
    if "spans" in schema:
        text = asked.split("TEXT: ")[-1]
        claims = [{"text": text[one.start : one.end], "type": one.label} for one in spans_of(text)]
        if number % 3 == 0:
            claims.append({"text": "an invented thing", "type": "Food"})
        return json.dumps({"spans": claims})
    types = re.findall(r"TYPES: (.*)", asked)[-1]
    assert types == "none" or set(names_in(types)) <= set(WORDS)
    rows = [mark(*sample(types, 1000 + number + 37 * place)) for place in range(4)]
    if number % 5 == 0:
        rows[0] = rows[0].replace("</", "<", 1)
    return json.dumps({"rows": [{"text": row} for row in rows]})


def make_specialist(folder: Path, gold: Path, changes: Mapping[str, Any]) -> None:
    """The specialist in a folder, which differs from the usual one in these keys, and its gold rows."""
    folder.mkdir(parents=True)
    budget = {"generate": 32, "label": 12, "judge": 30, "review": 18, "measure_teacher": 0}
    spec = {
        "title": "Foods and tools in a cook's notes",
        "purpose": "Tests.",
        "kind": "spans",
        "text": "a sentence from a cook's notebook",
        "question": "Which foods and tools does the sentence name?",
        "labels": {"Food": "Something that is eaten.", "Tool": "Something that one cooks with."},
        "attributes": {"tone": ["calm", "angry"], "length": ["short", "long"]},
        "examples": [
            {"text": "Melt the <Food>butter</Food> in a <Tool>copper pan</Tool> , and do not let it boil over ."},
            {"text": "My grandfather never wrote any of this down , he had it in his head ."},
        ],
        "gold": "test/kitchen",
        "unlabelled": "test/kitchen/unlabelled.jsonl",
        "teacher": {"model": "loopback", "rows_per_request": 4, "concurrency": 2},
        "budgets": {"quick": budget, "full": budget},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump({**spec, **changes}, sort_keys=False))
    (folder / "policy.md").write_text("# How to label\n\n## In short\n\nMark foods and tools.\n")
    (folder / "generate.jinja").write_text(
        "You write notes.\n---\nWrite {{ count }} notes.\n"
        "{% for name, value in attributes.items() %}{{ name }}: {{ value }}\n{% endfor %}"
        "{% for text in examples %}- {{ text }}\n{% endfor %}{% for text in avoid %}not: {{ text }}\n{% endfor %}"
        "TYPES: {{ label }}"
    )
    (folder / "judge.jinja").write_text(
        "You read notes.\n---\n{% for option in options %}{{ option.label }}\n{% endfor %}TEXT: {{ text }}"
    )
    rows = gold / "test" / "kitchen"
    rows.mkdir(parents=True)
    found = [sample(list(MIDDLES)[number % 4], number) for number in range(70)]
    for name, part in {"validation": found[:30], "reviewed": found[30:48], "unlabelled": found[48:]}.items():
        lines = []
        for number, (text, spans) in enumerate(part):
            line: dict[str, Any] = {"id": f"{name}-{number}", "text": text}
            if name != "unlabelled":
                line["entities"] = [
                    {"type": one.label, "start": one.start, "end": one.end, "text": text[one.start : one.end]}
                    for one in spans
                ]
            lines.append(json.dumps(line) + "\n")
        (rows / f"{name}.jsonl").write_text("".join(lines))


def every_text() -> list[str]:
    """Texts that hold every word there is here: vocabulary for an encoder."""
    return [sample(types, number)[0] for types in MIDDLES for number in range(56)] + OPENINGS + ENDINGS
