"""A teacher of a few lines for tests: OpenAI's chat protocol on loopback, deterministic, able to misbehave.

It is no language model. Its replies are a function of the request, so that a test can know them; with `choices` it
prefers one by hash, with `json_schema` it writes a value of the schema, with logprobs it reports made-up ones that
sum to one.

    async with LoopbackTeacher() as teacher: ...          # teacher.url, teacher.asked, teacher.failures
    python -m tests.loopback_teacher --port P --log FILE  # one request key a line, before the answer is sent
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

MODEL = "loopback"
PAGE = "<html><body>Welcome to nginx!</body></html>"


class LoopbackTeacher:
    """The server.

    Args:
        port: 0: any free one.
        delay: seconds before every answer.
        log: file that gets the key of every chat request, a line each.
        answer: text of a reply given the request body; None: `answer_of`.
        model: the model it says it serves; it answers for any.
        others: more models that it says it serves.

    Attributes:
        url: up to /v1, once started.
        asked: bodies of the chat requests, in order of arrival.
        failures: what the next requests get instead of an answer, first first: a status number, `html`, `json`
            (JSON, but no completion), `cut` (half a completion), `hang` (no answer for an hour), `drop` (the connection
            is closed).
        refuses: what a request gets instead of an answer, by its body; None: an answer.
        failed: bodies of the requests that got one of these.
        most: the most requests that were in flight at once.
    """

    def __init__(
        self,
        port: int = 0,
        delay: float = 0.0,
        log: Path | None = None,
        answer: Callable[[dict[str, Any]], str] | None = None,
        model: str = MODEL,
        others: Sequence[str] = (),
    ) -> None:
        self._port, self._delay, self._log, self._answer = port, delay, log, answer or answer_of
        self._model, self._others = model, others
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self.failures: list[int | str] = []
        self.refuses: Callable[[dict[str, Any]], int | str | None] = lambda _: None
        self.failed: list[dict[str, Any]] = []
        self.most = self._now = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> LoopbackTeacher:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_get("/health", self._health)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/page/models", self._page)
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}/v1"

    async def stop(self) -> None:
        """Stop; `start` again listens on the same port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, _: web.Request) -> web.Response:
        served = [{"id": model, "object": "model"} for model in (self._model, *self._others)]
        return web.json_response({"object": "list", "data": served})

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        if self._log is not None:
            with self._log.open("a") as file:
                file.write(request_key(body) + "\n")
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            if (how := self.failures.pop(0) if self.failures else self.refuses(body)) is not None:
                self.failed.append(body)
                return await self._fail(request, body, how)
            await asyncio.sleep(self._delay)
            return web.json_response(completion(body, self._answer(body)))
        finally:
            self._now -= 1

    async def _fail(self, request: web.Request, body: dict[str, Any], how: int | str) -> web.StreamResponse:
        if how == "html":
            return await self._page(request)
        if how == "json":
            return web.json_response({"hello": "world"})
        if how == "cut":
            whole = json.dumps(completion(body, self._answer(body)))
            return web.Response(text=whole[: len(whole) // 2], content_type="application/json")
        if how == "hang":
            await asyncio.sleep(3600)
        if how == "drop":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        headers = {"Retry-After": "0"} if how == 429 else {}
        return web.json_response({"error": {"message": f"made to fail with {how}"}}, status=int(how), headers=headers)


def request_key(body: dict[str, Any]) -> str:
    """16 hex digits that name a request."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def answer_of(body: dict[str, Any]) -> str:
    """The text this teacher gives: one of the choices, JSON of the schema, or a sentence; by hash of the request."""
    number = int(request_key(body), 16)
    choices = (body.get("structured_outputs") or {}).get("choice")
    if choices:
        return str(choices[number % len(choices)])
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    if schema:
        return json.dumps(_value(schema, number))
    return f"reply {number % 100000} to {body['messages'][-1]['content'][:60]}"


def _value(schema: dict[str, Any], number: int) -> Any:
    """A value of a simple JSON schema: const, enum, object, array, string, number, integer, boolean, null."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][number % len(schema["enum"])]
    kind = schema.get("type")
    if kind == "object":
        return {
            key: _value(inner, number + place * 7919) for place, (key, inner) in enumerate(schema["properties"].items())
        }
    if kind == "array":
        size = max(schema.get("minItems", 0), min(schema.get("maxItems", 2), 2))
        return [_value(schema["items"], number + place * 104729) for place in range(size)]
    if kind == "string":
        text = f"Please help me with matter {number % 100003} of my account today."
        return text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), "x")
    if kind == "integer":
        return int(schema.get("minimum", 0)) + number % 10
    if kind == "number":
        return float(schema.get("minimum", 0)) + (number % 10) / 10
    if kind == "boolean":
        return bool(number % 2)
    return None


def completion(body: dict[str, Any], text: str) -> dict[str, Any]:
    """A chat.completion object; tokens are words, except that a choice is one token."""
    choices = (body.get("structured_outputs") or {}).get("choice")
    tokens = [text] if choices else text.split(" ")
    logprobs = None
    if body.get("logprobs"):
        positions = []
        for token in tokens:
            others = [other for other in (choices or ["a", "b"]) if other != token]
            shares = {token: 0.7 if others else 1.0, **{other: 0.3 / len(others) for other in others}}
            top = [{"token": name, "logprob": math.log(share)} for name, share in shares.items()]
            positions.append(
                {"token": token, "logprob": top[0]["logprob"], "top_logprobs": top[: body["top_logprobs"]]}
            )
        logprobs = {"content": positions}
    words = sum(len(message["content"].split()) for message in body["messages"])
    return {
        "id": "chatcmpl-" + request_key(body),
        "object": "chat.completion",
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
                "logprobs": logprobs,
            }
        ],
        "usage": {"prompt_tokens": words, "completion_tokens": len(tokens)},
    }


async def _serve(port: int, delay: float, log: Path | None, model: str) -> None:
    async with LoopbackTeacher(port, delay, log, model=model) as teacher:
        print(teacher.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False, description="A teacher for tests, on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--served-model-name", default=MODEL)
    given, _ = parser.parse_known_args()  # tests of the supervisor start it with all of vLLM's arguments
    asyncio.run(_serve(given.port, given.delay, given.log, given.served_model_name))
