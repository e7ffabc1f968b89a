"""Our client with its cache on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

from questions import MAX_TOKENS, MODEL, TEMPERATURE, Run, told

from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Reply, Request
from factory.teacher.client import TeacherClient


async def main(run: Run) -> None:
    """Ask everything; fails unless everything was answered and is kept."""
    cache = ReplyCache(Path(run.folder) / "replies.db")
    requests = [Request(chat, temperature=TEMPERATURE, max_tokens=MAX_TOKENS) for chat in run.chats()]
    async with TeacherClient(Endpoint(run.url, MODEL, f"{MODEL}@1"), cache, concurrency=run.concurrency) as client:
        replies = await client.ask_all(requests)
    if not all(isinstance(reply, Reply) for reply in replies) or cache.count() != run.count:
        raise ValueError(f"{cache.count()} replies are kept")


if __name__ == "__main__":
    asyncio.run(main(told()))
