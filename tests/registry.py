"""A small specialist that reads values out of a library's registry, its gold rows, and a teacher that knows them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from factory.record import Record
from tests import lost
from tests.loopback_teacher import request_key

FIELDS: dict[str, dict[str, Any]] = {
    "borrower": {"definition": "Ada Lind took it. Who has the book.", "type": "quote", "many": True},
    "due": {"definition": "Back on 2 May 2021. The day it is to be back.", "type": "date", "values": ["never"]},
    "loan": {"definition": "For three weeks. How long it may be kept.", "type": "duration"},
    "shelf": {"definition": "Upstairs. Where it belongs.", "type": "choice", "values": ["upstairs", "cellar"]},
}
PEOPLE = ["Ada Lind", "Boris Okafor", "Chen Weiss", "Dora Quist", "Emil Brandt", "Fay Ito", "Gus Marlow"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August"]
NUMBERS = {"two": 2, "three": 3, "four": 4, "six": 6}
OPENINGS = [
    "The old atlas with the torn spine",
    "Somebody's translation of the Greek plays",
    "A cookery book nobody had asked for since the war",
    "The third volume of the harbour chronicle",
    "Our only copy of the beekeeper's guide",
    "A slim book of poems about trains",
    "The photograph album from the mill",
    "That heavy dictionary of river names",
    "The story of the lighthouse keeper",
    "A manual for clocks and barometers",
    "The second edition of the fish encyclopaedia",
]
ENDINGS = [
    "and the card was stamped in blue ink as ever.",
    "although the rain had made the steps rather slippery.",
    "while the reading room was being painted for the summer.",
    "so please tell the school before the holidays begin.",
    "as the caretaker wrote on the yellow note.",
    "because the committee had agreed to it last week.",
    "which pleased everybody who was there that evening.",
]


def sample(fields: str, number: int) -> tuple[str, Record]:
    """A text that says the fields of a stratum, and the record."""
    parts, names = [], [] if fields == "none" else fields.split(" + ")
    if "borrower" in names:
        parts.append(f"went to {PEOPLE[number % len(PEOPLE)]}")
    if "due" in names:
        day, month = 1 + number % 28, MONTHS[number % len(MONTHS)]
        parts.append("may stay away for good" if number % 9 == 0 else f"is due on {day} {month} {2001 + number % 20}")
    if "loan" in names:
        parts.append(f"was lent for {list(NUMBERS)[number % 4]} weeks")
    if "shelf" in names:
        parts.append("belongs on the shelf " + ("upstairs", "in the cellar")[number % 2])
    middle = " and ".join(parts) or "was read aloud to the children"
    text = f"{OPENINGS[number % len(OPENINGS)]} {middle} {ENDINGS[number % len(ENDINGS)]}"
    return text, record_of(text)


def record_of(text: str) -> Record:
    """What a text says."""
    found: Record = {}
    if people := [name for name in PEOPLE if name in text]:
        found["borrower"] = sorted(people, key=text.index)  # type: ignore[assignment]
    if "for good" in text:
        found["due"] = "never"
    elif at := re.search(r"due on (\d+) (\w+) (\d{4})", text):
        found["due"] = f"{at[3]}-{MONTHS.index(at[2]) + 1:02}-{int(at[1]):02}"
    if at := re.search(r"for (\w+) weeks", text):
        found["loan"] = f"P{NUMBERS[at[1]]}W"
    if at := re.search(r"shelf (upstairs|in the cellar)", text):
        found["shelf"] = at[1].removeprefix("in the ")
    return found


def teach(body: dict[str, Any]) -> str:
    """What the teacher answers; now and then it names somebody who is not there, or forgets a record."""
    asked = body["messages"][-1]["content"]
    number = int(request_key(body), 16) % 10_000
    schema = body["response_format"]["json_schema"]["schema"]
    if "rows" not in schema["properties"]:
        assert schema["required"] == list(FIELDS)
        record: dict[str, Any] = dict.fromkeys(FIELDS) | record_of(lost.text_in(asked))
        if number % 4 == 0:
            record["borrower"] = [*(record["borrower"] or []), "Nobody Atall"]
        if number % 4 == 1 and record["borrower"]:
            record["borrower"] = [name.upper() for name in record["borrower"]]
        return json.dumps(record)
    if lines := re.findall(r"^\d\. (.*)$", asked, re.MULTILINE):  # what was drawn for each
        ends = [(OPENINGS[(number + n) % len(OPENINGS)], ENDINGS[(number + 3 * n) % len(ENDINGS)]) for n in range(9)]
        texts = [f"{first}: {line.replace('=', 'is')} {last}" for line, (first, last) in zip(lines, ends, strict=False)]
        return json.dumps(
            {"rows": [{"text": text} for text in [*texts[:-1], "Nothing that was asked for is in here."]]}
        )
    fields = re.findall(r"FIELDS: (.*)", asked)[-1]
    rows = [
        dict(zip(("text", "record"), sample(fields, 1000 + number + 37 * place), strict=True)) for place in range(4)
    ]
    if number % 5 == 0:
        del rows[0]["record"]
    if number % 5 == 1:
        rows[0]["record"] = {**dict(rows[0]["record"]), "due": "next week"}  # type: ignore[call-overload]
    return json.dumps({"rows": rows})


STRATA = ["none", *FIELDS, "borrower + due", "due + loan", "borrower + shelf"]


def make_specialist(folder: Path, gold: Path, changes: Mapping[str, Any]) -> None:
    """The specialist in a folder, which differs from the usual one in these keys, and its gold rows."""
    folder.mkdir(parents=True)
    budget = {"generate": 60, "label": 24, "judge": 60, "review": 24, "measure_teacher": 0, "epochs": 16}
    spec = {
        "title": "Entries of a library's registry",
        "purpose": "Tests.",
        "kind": "extraction",
        "text": "an entry of a registry",
        "question": "What does the entry say of the loan?",
        "fields": FIELDS,
        "attributes": {"tone": ["calm", "angry"], "length": ["short", "long"]},
        "examples": [
            {"text": "Hugo Prandt keeps the songbook until 3 May 1999.",
             "record": {"borrower": ["hugo  prandt"], "due": "1999-05-03"}},
            {"text": "The windows of the reading room were cleaned on Monday.", "record": {}},
        ],
        "gold": "test/registry",
        "unlabelled": "test/registry/unlabelled.jsonl",
        "strategies": {"filled": 0.5, "filled_few_shot": 0.5},
        "teacher": {"model": "loopback", "rows_per_request": 4, "concurrency": 2},
        "budgets": {"quick": budget, "full": budget},
    }  # fmt: skip
    (folder / "spec.yaml").write_text(yaml.safe_dump({**spec, **changes}, sort_keys=False))
    (folder / "policy.md").write_text("# How to label\n\n## In short\n\nWrite down what the entry says.\n")
    (folder / "generate.jinja").write_text(
        "You write entries.\n---\nWrite {{ count }} entries.\n"
        "{% for one in wanted %}{{ one.label }}: {{ one.form }}\n{% endfor %}"
        "{% for name, value in attributes.items() %}{{ name }}: {{ value }}\n{% endfor %}"
        "{% for text in examples %}- {{ text }}\n{% endfor %}{% for text in avoid %}not: {{ text }}\n{% endfor %}"
        "FIELDS: {{ label }}"
    )
    (folder / "judge.jinja").write_text(
        "You read entries.\n---\n{% for option in options %}{{ option.label }}: {{ option.form }}\n{% endfor %}"
        "TEXT: {{ text }}"
    )
    rows = gold / "test" / "registry"
    rows.mkdir(parents=True)
    found = [sample(STRATA[number % len(STRATA)], number) for number in range(112)]
    for name, part in {"validation": found[:40], "reviewed": found[40:64], "unlabelled": found[64:]}.items():
        lines: list[dict[str, Any]] = []
        for number, (text, record) in enumerate(part):
            line = {"id": f"{name}-{number}", "text": text}
            if name == "unlabelled" or number % 2 or not record:
                lines.append(line if name == "unlabelled" else {**line, "record": record})
            else:  # as older corpora have it: an answer in words for a field
                field, value = next(iter(record.items()))
                lines.append({**line, "field": field, "answer": in_words(value)})
        (rows / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def in_words(value: Any) -> str:
    """A value as a person would answer it."""
    if isinstance(value, list):
        return "; ".join(f'{name} ("Borrower")' for name in value)
    if found := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", value):
        return f"{found[2]}/{found[3]}/{found[1]}"
    return f"{value[1:-1]} weeks" if re.fullmatch(r"P\d+W", value) else str(value)


def every_text() -> list[str]:
    """Texts that hold every word there is here: vocabulary for an encoder."""
    return [sample(fields, number)[0] for fields in STRATA for number in range(56)] + OPENINGS + ENDINGS
