"""Labels: what classifiers answer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from zoo.decision import Label, LabelDecision
from zoo.kinds.kind import THOUGHT, Kind, Unusable, printable

_AROUND = " \t\r\n\"'`*.:,()[]"
_NAMED = re.compile(r"(?:the )?(?:label|answer|code|category)(?: is)?\s*:?\s*(?=\S)", re.IGNORECASE)


class Labels(Kind[Label]):
    """Of classifiers."""

    column, content, decision = "label", Label, LabelDecision

    def confidence(self, answer: Any) -> float:
        """Of the label."""
        return float(answer.confidence)

    def read(self, text: str, reply: str) -> Label:
        """The whole reply, or its last line, must be a label and nothing else, but for quotes, full stops and the like
        around it, words such as `Label:` before it, and its case. A label somewhere in a sentence is not an answer:
        `not positive` is none."""
        said = THOUGHT.sub("", reply).strip()
        for line in dict.fromkeys([said, said.rpartition("\n")[2]]):
            for words in (line, line.strip(_AROUND), _NAMED.sub("", line.strip(_AROUND), count=1).strip(_AROUND)):
                if words in self.labels:
                    return Label(label=words)
                alike = [one for one in self.labels if one.casefold() == words.casefold()]
                if len(alike) == 1:
                    return Label(label=alike[0])
        raise Unusable(f"not one of the labels: {printable(reply)!r}")

    def take(self, text: str, value: Any) -> Label:
        """A label."""
        if not isinstance(value, str) or value not in self.labels:
            raise Unusable(f"not one of the labels: {printable(repr(value))}")
        return Label(label=value)

    def reply(self, said: Label) -> str:
        """The label."""
        return said.label

    def joined(self, answer: Any, said: Label, least: float | None) -> Label:
        """The tier's label; scores stay the specialist's."""
        return replace(said, scores=answer.scores)
