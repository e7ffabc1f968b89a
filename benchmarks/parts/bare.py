"""The ceiling: a loop over aiohttp that parses each answer and keeps nothing."""

from __future__ import annotations

import asyncio
import json

import aiohttp
from questions import MAX_TOKENS, MODEL, TEMPERATURE, Run, told


async def main(run: Run) -> None:
    """Ask everything."""
    waiting = iter(run.chats())
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def work() -> None:
            for chat in waiting:
                body = {"model": MODEL, "messages": chat, "temperature": TEMPERATURE, "max_tokens": MAX_TOKENS}
                async with session.post(f"{run.url}/chat/completions", json=body) as response:
                    text = json.loads(await response.read())["choices"][0]["message"]["content"]
                    if not text:
                        raise ValueError("an empty reply")

        await asyncio.gather(*(work() for _ in range(run.concurrency)))


if __name__ == "__main__":
    asyncio.run(main(told()))
