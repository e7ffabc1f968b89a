"""A small specialist of three labels for tests, its gold rows, and a teacher on loopback that knows them."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.loopback_teacher import LoopbackTeacher, request_key

WORDS = {
    "parcel": ["parcel", "delivery", "courier", "tracking number", "package", "postman"],
    "money": ["invoice", "refund", "payment", "bank transfer", "receipt", "discount"],
    "account": ["password", "login", "username", "profile picture", "email address", "account"],
}
OTHER = ["weather", "football match", "garden", "train to Leeds", "new song"]
"""What a text is about that has none of the labels."""
OPENINGS = [
    "Good morning to everybody in your office.",
    "I have written to you twice already.",
    "My husband told me to ask you first.",
    "Sorry to bother you on a Sunday.",
    "Nobody answers the phone when I call.",
    "This has never happened to me before.",
    "We moved to a new house in spring.",
    "I am a customer of yours for ten years.",
    "Your colleague was friendly but could not help.",
    "Perhaps you remember me from last week.",
    "Our shop opens again on Monday.",
]
MIDDLES = [
    "Something is wrong with the {word}, and I cannot see why.",
    "Where do I find the {word} that you promised me?",
    "How long does it take until the {word} is there?",
    "I would like to know more about my {word}, if you have a minute.",
    "The {word} looks different from what I had expected.",
    "Please check the {word} once more and tell me what you see.",
    "Who takes care of the {word} while you are on holiday?",
]
ENDINGS = [
    "It would be lovely to hear from you before the weekend.",
    "Otherwise I shall have to look for another company.",
    "My daughter needs it for school, so it is a little urgent.",
    "You can reach me in the evening, after six.",
    "Thank you very much in advance for your trouble.",
    "I attach a picture, so that you know what I mean.",
    "There is no hurry, any day next month will do.",
    "Honestly, I am rather disappointed by all this.",
    "Please answer in short words, my English is not good.",
    "Let me know whether you need anything else for that.",
    "The rest of the order was perfect, by the way.",
    "I wait here and drink another cup of tea.",
    "Last winter all of this worked without any problem.",
]


def text_of(label: str, number: int) -> str:
    """A text about the label; two with different numbers share a sentence at most."""
    words = WORDS.get(label, OTHER)
    middle = MIDDLES[number % len(MIDDLES)].format(word=words[number % len(words)])
    return f"{OPENINGS[number % len(OPENINGS)]} {middle} {ENDINGS[number % len(ENDINGS)]}"


def label_of(text: str) -> str:
    """The label whose words the text holds."""
    return max(WORDS, key=lambda label: sum(word in text for word in WORDS[label]))


def teach(body: dict[str, Any]) -> str:
    """What the teacher of these tests answers."""
    asked = body["messages"][-1]["content"]
    if choices := (body.get("structured_outputs") or {}).get("choice"):
        meant = label_of(asked.upper().split("TEXT:")[-1].split("\nLABEL:")[0].lower())
        return next(choice for choice in choices if choice == meant or f"{choice} = {meant}" in asked)
    if found := re.search(r"The text:\n\n(.+?)\n\nSay it in (\d+) other ways", asked, re.DOTALL):
        return json.dumps({"rows": [{"text": f"Well. {found[1]}"}] * int(found[2])})
    start = int(request_key(body), 16) % 10_000
    if sides := re.findall(r"^(?:first|second), (\w+):", asked, re.MULTILINE):  # minimal pairs
        texts = [[text_of(label, 1000 + start + 37 * place) for label in sides] for place in range(2)]
        return json.dumps({"pairs": [{"first": one, "second": two} for one, two in texts]})
    named = re.findall(rf"\(({'|'.join([*WORDS, 'other'])})\)", asked)  # as the built-in templates name the label
    label = named[0] if named else asked.split("LABEL:")[-1].split()[0]
    return json.dumps({"rows": [{"text": text_of(label, 1000 + start + 37 * place)} for place in range(4)]})


def as_text(body: dict[str, Any]) -> str:
    """A request's body as canonical JSON."""
    return json.dumps(body, sort_keys=True)


class Teacher:
    """A loopback teacher in a thread of its own."""

    def __init__(
        self, delay: float = 0.0, answer: Callable[[dict[str, Any]], str] = teach, others: Sequence[str] = ()
    ) -> None:
        self.server = LoopbackTeacher(answer=answer, delay=delay, others=others)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(30)

    @property
    def asked(self) -> list[str]:
        """Every chat request so far, as canonical JSON."""
        return [as_text(body) for body in self.server.asked]

    def leave(self) -> None:
        """Go away: nobody listens at the address, and who waits for a reply is cut off."""
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(30)

    def come_back(self) -> None:
        """Be there again, at the same address."""
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(30)

    def stop(self) -> None:
        self.leave()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def make_specialist(folder: Path, gold: Path, changes: Mapping[str, Any]) -> None:
    """A specialist of three labels in a folder, which differs from the usual one in these keys, and its gold rows."""
    folder.mkdir(parents=True)
    budget = {"generate": 36, "label": 12, "judge": 30, "review": 30, "measure_teacher": 0, "epochs": 3}
    spec = {
        "title": "What a shop's customer writes about",
        "purpose": "Tests.",
        "kind": "classification",
        "text": "a message that a customer types into the shop's chat",
        "question": "What is the message about?",
        "labels": {
            "parcel": "The message is about a parcel, a delivery, a courier or a tracking number.",
            "money": "The message is about an invoice, a refund, a payment or a receipt.",
            "account": "The message is about a password, a login, a profile or an account.",
        },
        "attributes": {"tone": ["calm", "angry"], "length": ["short", "long"]},
        "gold": "test/shop",
        "unlabelled": "test/shop/unlabelled.jsonl",
        "strategies": {"label": 1.0},
        "teacher": {"model": "loopback", "rows_per_request": 4},
        "gate": [{"at_least": 0.0}],
        "budgets": {"quick": budget, "full": budget},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump({**spec, **changes}, sort_keys=False))
    (folder / "policy.md").write_text("# How to label\n\n## In short\n\nChoose the label that the message is about.\n")
    (folder / "generate.jinja").write_text(
        "You write messages.\n---\nWrite {{ count }} messages.\n"
        "{% for name, value in attributes.items() %}{{ name }}: {{ value }}\n{% endfor %}"
        "{% for passage in passages %}- {{ passage }}\n{% endfor %}LABEL: {{ label }}"
    )
    (folder / "judge.jinja").write_text(
        "You read messages.\n---\n{% for option in options %}{{ option.code }} = {{ option.label }}\n{% endfor %}"
        "TEXT: {{ text }}"
    )
    rows = gold / "test" / "shop"
    if rows.exists():
        return
    rows.mkdir(parents=True)
    texts = [(label, text_of(label, number)) for number, label in enumerate(list(WORDS) * 40)]
    parts = {"validation": texts[:60], "reviewed": texts[60:90], "unlabelled": texts[90:]}
    for name, part in parts.items():
        lines = [
            {"id": f"{name}-{number}", "text": text, **({} if name == "unlabelled" else {"label": label})}
            for number, (label, text) in enumerate(part)
        ]
        (rows / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def every_text() -> list[str]:
    """Texts that hold every word there is here: vocabulary for an encoder."""
    return [text_of(label, number) for label in WORDS for number in range(7 * 6 * 2)] + ENDINGS + OPENINGS
