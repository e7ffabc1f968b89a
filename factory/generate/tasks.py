"""The distilabel steps of a pipeline. Importing this module imports distilabel.

No `from __future__ import annotations` here: distilabel looks for StepInput itself in signatures.
"""

import json
from pathlib import Path
from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.steps.tasks import Task

from factory.files import write_jsonl


class Ask(Task):  # type: ignore[misc]
    """Sends each `request` (a factory.teacher.chat.Request as JSON) to the teacher."""

    @property
    def inputs(self) -> list[str]:
        """The column read."""
        return ["request"]

    @property
    def outputs(self) -> list[str]:
        """The column written, which is added by TeacherLLM."""
        return ["llm_ask_error"]

    def format_input(self, input: dict[str, Any]) -> Any:
        """The chat, and the options this request has of its own."""
        options = json.loads(input["request"])
        return options.pop("messages"), {name: value for name, value in options.items() if value is not None}

    def format_output(self, output: str | None, input: dict[str, Any] | None = None) -> dict[str, Any]:
        """Nothing: replies are in the cache, and are carried between processes no further."""
        return {}


class Write(Step):  # type: ignore[misc]
    """Writes each request's `key` and error to a file; the replies themselves are in the cache.

    Attributes:
        file: JSONL, one line a request.
    """

    file: str

    @property
    def inputs(self) -> list[str]:
        """The columns read."""
        return ["key", "llm_ask_error"]

    @property
    def outputs(self) -> list[str]:
        """The column written."""
        return ["error"]

    def process(self, inputs: StepInput) -> Any:
        """Write the file; pass on what was written."""
        found = [{"key": row["key"], "error": row["llm_ask_error"] or ""} for row in inputs]
        write_jsonl(Path(self.file), found)
        yield found
