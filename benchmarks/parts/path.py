"""Our whole way: questions through a distilabel pipeline in a process of its own, answers from the cache."""

from __future__ import annotations

from pathlib import Path

from questions import MAX_TOKENS, MODEL, TEMPERATURE, Run, told

from factory.generate.pipeline import ask
from factory.teacher.chat import Endpoint, Request


def main(run: Run) -> None:
    """Ask everything; fails unless everything was answered."""
    requests = [Request(chat, temperature=TEMPERATURE, max_tokens=MAX_TOKENS) for chat in run.chats()]
    cache = Path(run.folder) / "replies.db"
    answers = ask("benchmark", requests, Endpoint(run.url, MODEL, f"{MODEL}@1"), cache, run.concurrency)
    if not all(answer.text for answer in answers):
        raise ValueError("a question has no answer")


if __name__ == "__main__":
    main(told())
