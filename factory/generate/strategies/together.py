"""Texts that a teacher writes together with their decisions, in one reply: an object a row, held to a JSON schema."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Any, ClassVar

from factory.generate.replies import parse_items, rows_schema
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.holding import Holding
from factory.generate.strategies.strategy import Draft, Material


class Together(Holding):
    """Texts whose decisions stand beside them.

    Attributes:
        beside: the key that a decision stands under.
        article: what goes before that in a sentence.
    """

    beside: ClassVar[str]
    article: ClassVar[str] = "a"

    def read(self, cell: Cell, reply: str) -> tuple[list[Draft], str]:
        """The texts that have a decision; whether it holds is for hygiene to say."""
        items, failure = parse_items(reply)
        said = [(text, item.get(self.beside) if isinstance(item, dict) else None) for text, item in items]
        drafts = [draft for text, one in said if (draft := self._draft(cell, text, one)) is not None]
        if unread := len(said) - len(drafts):
            told = f"{unread} texts without {self.article} {self.beside} that can be read"
            failure = "; ".join([*filter(None, [failure]), told])
        return drafts, failure

    @abstractmethod
    def _draft(self, cell: Cell, text: str, said: Any) -> Draft | None:
        """The text with what is said beside it, any JSON value; None where that can't be read."""

    @abstractmethod
    def _decision_schema(self, cell: Cell, material: Material) -> dict[str, Any]:
        """JSON schema of what stands beside a text."""

    def _schema(self, cell: Cell, material: Material) -> dict[str, Any]:
        return rows_schema(cell.count, after={self.beside: self._decision_schema(cell, material)})

    def _shown(self, text: str, decision: Any) -> str:
        """A text with its decision as a teacher is shown it, and is to write it."""
        return json.dumps({"text": text, self.beside: decision}, ensure_ascii=False)
