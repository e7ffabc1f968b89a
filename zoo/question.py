"""What a large model is asked about a text, by the prompt that its teacher answered best: `ask.json` of its folder.

    {"format": 1, "reply": "choice", "choices": ["negative", "positive"], "one_line": true,
     "messages": [{"role": "user", "content": ["Which label fits? Text: \"", null, "\"\nLabel:"]}]}

A message's content is in parts, joined; null stands for the text, which is put there as it is and never read as a part.
Of answers that are no labels the reply is `json`, in place of choices there are its `schema`, and `tokens`: how many a
reply about a text without words takes, and how many more for each word of the text.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.errors import BrokenSpecialist, NoQuestion, Tampered
from zoo.files import inside
from zoo.manifest import CLASSIFICATION, Manifest

FILE = "ask.json"
FORMAT = 1
CHOICE, JSON = "choice", "json"
_MOST = 1e5  # tokens; a file that asks for more is not one of ours


@dataclass(frozen=True)
class Question:
    """What is asked, with a place for the text.

    Attributes:
        messages: (role, parts of the content) each; a part that is None is the text's place.
        choices: what may be answered, of classifiers: the specialist's labels.
        schema: of other kinds, the JSON schema (draft 2020-12) that a reply is held to where the server can.
        tokens: of these, what a reply takes: for a text without words, and for each word of it.
        one_line: line breaks of the text become spaces, as they did where the specialist's rows were judged.
    """

    messages: tuple[tuple[str, tuple[str | None, ...]], ...]
    choices: tuple[str, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)
    tokens: tuple[float, float] = (0.0, 0.0)
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
            return cls._of(json.loads(data), manifest.labels if manifest.kind == CLASSIFICATION else ())
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BrokenSpecialist(
                f"{FILE} can't be read: {error}.",
                where=str(path),
                fix="Upgrade the zoo (pip install --upgrade specialist-zoo), or use another version.",
            ) from error

    @classmethod
    def _of(cls, raw: Any, labels: tuple[str, ...]) -> Question:
        """Of the JSON value; `labels` are a classifier's."""
        if raw["format"] != FORMAT or raw["reply"] != (CHOICE if labels else JSON):
            raise ValueError(f"format {raw['format']!r} with replies of the kind {raw['reply']!r} is not known")
        messages = tuple((one["role"], tuple(one["content"])) for one in raw["messages"])
        parts = [part for _, content in messages for part in content]
        if not all(isinstance(role, str) for role, _ in messages):
            raise ValueError("a message's role is not a text")
        if None not in parts or not all(part is None or isinstance(part, str) for part in parts):
            raise ValueError("contents are not texts with a place for the text")
        if labels:
            if sorted(raw["choices"]) != sorted(labels):
                raise ValueError("its choices are not the specialist's labels")
            return cls(messages, labels, one_line=bool(raw["one_line"]))
        (least, each), schema = map(float, raw["tokens"]), raw["schema"]
        if not isinstance(schema, dict) or not (0 <= least < _MOST and 0 <= each < _MOST):
            raise ValueError("its schema is no object, or its tokens are no numbers")
        return cls(messages, schema=schema, tokens=(least, each), one_line=bool(raw["one_line"]))

    def room(self, text: str) -> int:
        """Tokens that a reply about a text may take beside what any reply may."""
        least, each = self.tokens
        return math.ceil(least + each * len(text.split()))

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
            shown: texts, and the reply that is right for each; none: the question as it is.

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
        for text, reply in shown:
            said = "".join(self._said(text) if part is None else part for part in asked)
            turns += [(role, (said,)), ("assistant", (reply,))]
        turns[0] = (role, (lead[:line], *turns[0][1]))
        return replace(self, messages=(*before, *turns, (role, asked)))
