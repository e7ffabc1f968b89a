"""What a large model is asked about a text, by the prompt that its teacher answered best: `ask.json` of its folder.

    {"format": 1, "reply": "choice", "choices": ["negative", "positive"], "one_line": true,
     "messages": [{"role": "user", "content": ["Which label fits? Text: \"", null, "\"\nLabel:"]}]}

A message's content is in parts, joined; null stands for the text, which is put there as it is and never read as a part.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.errors import BrokenSpecialist, NoQuestion, Tampered
from zoo.files import inside
from zoo.manifest import Manifest

FILE = "ask.json"
FORMAT = 1
CHOICE = "choice"
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_AROUND = " \t\r\n\"'`*.:,()[]"
_NAMED = re.compile(r"(?:the )?(?:label|answer|code|category)(?: is)?\s*:?\s*(?=\S)", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """What is asked, with a place for the text.

    Attributes:
        messages: (role, parts of the content) each; a part that is None is the text's place.
        choices: what may be answered: the specialist's labels.
        one_line: line breaks of the text become spaces, as they did where the specialist's rows were judged.
    """

    messages: tuple[tuple[str, tuple[str | None, ...]], ...]
    choices: tuple[str, ...]
    one_line: bool = False

    @classmethod
    def read(cls, folder: Path, manifest: Manifest) -> Question:
        """The question in a specialist's folder.

        Raises:
            NoQuestion: it has none.
            Tampered: ask.json is not the file that the manifest names.
            BrokenSpecialist: it is, and can't be read, or needs a newer zoo.
        """
        entry = manifest.files.get(FILE)
        if entry is None:
            raise NoQuestion(
                f"{manifest.id} does not say what a large model is to be asked: it holds no {FILE}.",
                where=str(folder),
                fix="Use a newer version, or publish it again; or give a function as fallback, which takes a text, "
                "asks whom you like, and returns a label.",
            )
        path = inside(folder, FILE)
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise Tampered(FILE, expected=f"sha256 {entry.sha256}", found="another file", where=str(path))
        try:
            return cls._of(json.loads(data), manifest.labels)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BrokenSpecialist(
                f"{FILE} can't be read: {error}.",
                where=str(path),
                fix="Upgrade the zoo (pip install --upgrade specialist-zoo), or use another version.",
            ) from error

    @classmethod
    def _of(cls, raw: Any, labels: tuple[str, ...]) -> Question:
        if raw["format"] != FORMAT or raw["reply"] != CHOICE:
            raise ValueError(f"format {raw['format']!r} with replies of the kind {raw['reply']!r} is not known")
        messages = tuple((one["role"], tuple(one["content"])) for one in raw["messages"])
        parts = [part for _, content in messages for part in content]
        if not all(isinstance(role, str) for role, _ in messages):
            raise ValueError("a message's role is not a text")
        if None not in parts or not all(part is None or isinstance(part, str) for part in parts):
            raise ValueError("contents are not texts with a place for the text")
        if sorted(raw["choices"]) != sorted(labels):
            raise ValueError("its choices are not the specialist's labels")
        return cls(messages, labels, bool(raw["one_line"]))

    def chat(self, text: str) -> list[dict[str, str]]:
        """The messages about a text, `role` and `content` each."""
        said = self._said(text)
        return [
            {"role": role, "content": "".join(said if part is None else part for part in parts)}
            for role, parts in self.messages
        ]

    def _said(self, text: str) -> str:
        return text.replace("\n", " ") if self.one_line else text

    def after(self, shown: Sequence[tuple[str, str]]) -> Question:
        """The same question after others of its kind that are answered, as turns of one chat.

        What stands before the line with the text is said once, at the beginning, and each turn has that line alone.

        Args:
            shown: texts, and the label that is right for each; none: the question as it is.

        Raises:
            NoQuestion: its last message has no place for the text, so that none can follow another.
        """
        if not shown:
            return self
        *before, (role, parts) = self.messages
        if None not in parts:
            raise NoQuestion(
                f"{FILE} does not end with the text, so no rows can be shown before it.", fix="Leave shots out."
            )
        place = parts.index(None)
        lead = "".join(part for part in parts[:place] if part is not None)
        line = lead.rfind("\n") + 1
        asked = (lead[line:], *parts[place:])
        turns: list[tuple[str, tuple[str | None, ...]]] = []
        for text, label in shown:
            said = "".join(self._said(text) if part is None else part for part in asked)
            turns += [(role, (said,)), ("assistant", (label,))]
        turns[0] = (role, (lead[:line], *turns[0][1]))
        return replace(self, messages=(*before, *turns, (role, asked)))

    def answer(self, reply: str) -> str | None:
        """The label that a reply gives; None: it gives none.

        The whole reply, or its last line, must be a label and nothing else, but for quotes, full stops and the like
        around it, words such as `Label:` before it, and its case. A label somewhere in a sentence is not an answer:
        `not positive` is none.
        """
        said = _THOUGHT.sub("", reply).strip()
        for line in dict.fromkeys([said, said.rpartition("\n")[2]]):
            for words in (line, line.strip(_AROUND), _NAMED.sub("", line.strip(_AROUND), count=1).strip(_AROUND)):
                if words in self.choices:
                    return words
                alike = [one for one in self.choices if one.casefold() == words.casefold()]
                if len(alike) == 1:
                    return alike[0]
        return None
