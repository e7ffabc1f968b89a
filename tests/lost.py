"""A small specialist that shortens letters to a lost property office, its gold rows, and a teacher that knows them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.loopback_teacher import request_key

THINGS = ["umbrella", "violin case", "wallet", "scarf", "camera", "teapot", "walking stick", "hat", "sketchbook"]
COLOURS = ["green", "black", "yellow", "grey", "red", "blue", "white"]
PLACES = ["bus to Leeds", "ferry to Bergen", "tram at the harbour", "train from York", "night coach to Ghent"]
OPENINGS = [
    "Good evening to the kind people in your office.",
    "My aunt asked me to write this letter for her.",
    "Yesterday was not a lucky day for our family.",
    "Perhaps you hear stories like mine all the time.",
    "It rained so hard that nobody looked around much.",
    "We were on our way home after a long concert.",
    "Forgive my spelling, I type with one hand only.",
    "A friendly conductor gave me this address of yours.",
    "The children were tired and so was their mother.",
    "I have never lost anything in forty years before.",
    "After the match there was a terrible crowd outside.",
]
MIDDLES = [
    "I am sure that a {colour} {thing} was left behind on the {place}.",
    "Somebody forgot a {colour} {thing} under the seat of the {place}.",
    "There must be a {colour} {thing} somewhere on the {place}.",
]
ENDINGS = [
    "Please keep it until I come by, whenever that may be.",
    "It was a present and means a great deal to me.",
    "You can ring me in the evening, but not too late.",
    "There is a small tear on one side, as you will see.",
    "I shall bring a cake if somebody finds it.",
    "My name is written inside, in rather faded letters.",
    "Nobody else would want it, I am quite certain.",
    "Let me know what I owe you for your trouble.",
    "The weather was dreadful and I was in a hurry.",
    "If it is gone, then please tell me so plainly.",
    "I hope very much to hear from you before summer.",
    "It can be sent by post, I pay for that gladly.",
    "Many thanks for the work that all of you do.",
]


def sample(number: int) -> tuple[str, str]:
    """A letter and its short answer; two with different numbers share a sentence at most."""
    words = {
        "thing": THINGS[number % len(THINGS)],
        "colour": COLOURS[number % len(COLOURS)],
        "place": PLACES[number % len(PLACES)],
    }
    middle = MIDDLES[number % len(MIDDLES)].format(**words)
    text = f"{OPENINGS[number % len(OPENINGS)]} {middle} {ENDINGS[number % len(ENDINGS)]}"
    return text, answer_of(text)


def answer_of(text: str) -> str:
    """What was lost, and where."""
    found = re.search(rf"a ({'|'.join(COLOURS)}) ({'|'.join(THINGS)})", text)
    place = next((place for place in PLACES if place in text), "")
    return f"Is there a {found[1]} {found[2]} from the {place}?" if found else "What was lost?"


def teach(body: dict[str, Any]) -> str:
    """What the teacher answers; now and then it refuses, copies, invents, forgets the answer or breaks off."""
    asked = body["messages"][-1]["content"]
    number = int(request_key(body), 16) % 10_000
    if (body.get("structured_outputs") or {}).get("choice"):
        text, answer = re.findall(r"Text: (.*)\n\nAnswer: (.*)\n\nMark", asked)[-1]
        return "5" if answer == answer_of(text) else "1"
    schema = body["response_format"]["json_schema"]["schema"]
    if "answer" in schema["properties"]:
        text = text_in(asked)
        answer = answer_of(text)
        place = sum(map(ord, text))
        if place % 7 == 1:
            answer = "Is there an umbrella from Zanzibar?"
        if body["temperature"]:
            return json.dumps({"answer": answer})
        if place % 5 == 2:  # outvoted by what it says by chance
            answer = "Something was lost somewhere."
        return json.dumps({"answer": answer})[: -4 if place % 7 == 0 else None]
    rows: list[dict[str, Any]] = []
    for place in range(4):
        text, answer = sample(1000 + number + 37 * place)
        rows.append({"text": text, "answer": answer})
    slips = ["I'm sorry, but I cannot help with that request.", f"{rows[0]['answer'][:-1]} and 17 more?", None, "Lost."]
    rows[0]["answer"] = slips[number % 4]
    if number % 3 == 0:
        rows[1]["answer"] = rows[1]["text"].split(". ")[0]
    return json.dumps({"rows": rows})


def text_in(asked: str) -> str:
    """The text that is asked about, by the specialist's own template or by the question alone."""
    return re.split(r"TEXT: |\nText: ", asked)[-1].removesuffix("\nJSON:")


def make_specialist(folder: Path, gold: Path, changes: Mapping[str, Any]) -> None:
    """The specialist in a folder, which differs from the usual one in these keys, and its gold rows."""
    folder.mkdir(parents=True)
    budget = {"generate": 60, "label": 24, "judge": 80, "review": 24, "measure_teacher": 0, "epochs": 16}
    spec = {
        "title": "Letters to a lost property office",
        "purpose": "Tests.",
        "kind": "generation",
        "text": "a letter to a lost property office",
        "question": "What does the writer ask for?",
        "answer": {"definition": "One question that names the thing and the place.", "words": [3, 15]},
        "attributes": {"tone": ["calm", "angry"], "length": ["short", "long"]},
        "examples": [
            {
                "text": "A brown kite flew onto your roof by the station.",
                "answer": "Is there a brown kite on the roof?",
            },
            {"text": "I lost my pen at the zoo.", "answer": "Is there a pen from the zoo?"},
        ],
        "gold": "test/lost",
        "unlabelled": "test/lost/unlabelled.jsonl",
        "strategies": {"answered": 0.5, "answered_few_shot": 0.5},
        "teacher": {"model": "loopback", "rows_per_request": 4, "concurrency": 2},
        "budgets": {"quick": budget, "full": budget},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump({**spec, **changes}, sort_keys=False))
    (folder / "policy.md").write_text("# How to label\n\n## In short\n\nAsk for the thing, and say where it was.\n")
    (folder / "generate.jinja").write_text(
        "You write letters.\n---\nWrite {{ count }} letters. {{ definition }}\n"
        "{% for name, value in attributes.items() %}{{ name }}: {{ value }}\n{% endfor %}"
        "{% for text in examples %}- {{ text }}\n{% endfor %}{% for text in avoid %}not: {{ text }}\n{% endfor %}"
    )
    (folder / "judge.jinja").write_text("You read letters.\n---\n{{ spec.question }}\nTEXT: {{ text }}")
    rows = gold / "test" / "lost"
    rows.mkdir(parents=True)
    found = [sample(number) for number in range(112)]
    for name, part in {"validation": found[:40], "reviewed": found[40:64], "unlabelled": found[64:]}.items():
        lines = []
        for number, (text, answer) in enumerate(part):
            line = {"id": f"{name}-{number}", "text": text}
            if name == "validation":  # other words for the same: the same ones would be the examination's
                answer = answer.replace("Is there", "Has anybody found")
            lines.append(line if name == "unlabelled" else {**line, "answer": answer})
        (rows / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def every_text() -> list[str]:
    """Texts that hold every word there is here: vocabulary for an encoder."""
    return [sample(number)[0] for number in range(200)]
