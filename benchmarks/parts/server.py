"""A teacher that only waits and answers, in a process of its own, so that asking is what is measured.

    python benchmarks/parts/server.py DELAY

Prints its address; ends with its caller's pipe. `/times` gives the moments of the first request and of the last reply
since it was last asked, and how many there were.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from aiohttp import web

ROWS = [
    {"text": f"Message {number}: where is the card that I ordered on the first of the month?"} for number in range(6)
]
USAGE = {"prompt_tokens": 60, "completion_tokens": 120}


async def _streamed(request: web.Request) -> web.StreamResponse:
    """The same in server-sent events, as vLLM's own benchmark wants it."""
    events = [{"choices": [{"delta": {"content": json.dumps({"rows": ROWS})}}]}, {"choices": [], "usage": USAGE}]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for data in [*map(json.dumps, events), "[DONE]"]:
        await response.write(f"data: {data}\n\n".encode())
    return response


async def serve(delay: float) -> None:
    """Answer until stdin closes."""
    seen: list[float] = []
    answered = [0.0]

    async def chat(request: web.Request) -> web.StreamResponse:
        seen.append(time.time())
        body = await request.json()
        if delay:
            await asyncio.sleep(delay)
        if body.get("stream"):
            return await _streamed(request)
        message = {"role": "assistant", "content": json.dumps({"rows": ROWS})}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        answered[0] = time.time()
        return web.json_response({"id": "chatcmpl", "model": body["model"], "choices": [choice], "usage": USAGE})

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "loopback", "object": "model"}]})

    async def times(_: web.Request) -> web.Response:
        found = {"first": min(seen, default=0.0), "last": answered[0], "requests": len(seen)}
        seen.clear()
        return web.json_response(found)

    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    app.router.add_get("/times", times)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
