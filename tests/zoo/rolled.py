"""Versions of a specialist for the tests of roll-outs, which answer by script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny

from zoo.classifier import Answer
from zoo.files import FileEntry
from zoo.manifest import Manifest

NAME = "finance/sentiment"


def manifest(version: str, **changes: Any) -> Manifest:
    """Of a specialist that is nowhere."""
    files = {path: FileEntry("0" * 64, 1) for path in ("tokenizer.json", "onnx/model_int8.onnx")}
    values = {"name": NAME, "version": version, "title": "A mood", "language": "en", "labels": tiny.LABELS}
    values |= {"max_tokens": 12, "licence": "Apache-2.0", "created": "2026-11-22", "files": files}
    return Manifest(**{**values, **changes})


class Scripted:
    """A version that answers as `say` says of a text: a label, an answer of any kind; or it raises."""

    folder = Path("nowhere")

    def __init__(self, version: str, say: Callable[[str], Any], **changes: Any) -> None:
        self.manifest, self._say = manifest(version, **changes), say
        self.calls: list[list[str]] = []

    def predict(self, text: Any, **how: Any) -> Any:
        if isinstance(text, str):
            return self.predict([text], **how)[0]
        self.calls.append(list(text))
        return [Answer(said, 0.9, False) if isinstance(said := self._say(one), str) else said for one in text]


def always(label: str) -> Callable[[str], Any]:
    return lambda text: label


def raising(error: Exception) -> Callable[[str], Any]:
    def say(text: str) -> Any:
        raise error

    return say
