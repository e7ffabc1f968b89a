"""The teacher as distilabel sees it. Importing this module imports distilabel; nothing else in this folder does."""

from __future__ import annotations

from io import FileIO
from pathlib import Path
from typing import Any

from distilabel.models.llms.base import AsyncLLM
from pydantic import Field, PrivateAttr, SecretStr

from factory.errors import FactoryError
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Reply, Request
from factory.teacher.client import TeacherClient

_OPTIONS = frozenset(Request.__dataclass_fields__) - {"messages"}


class TeacherLLM(AsyncLLM):  # type: ignore[misc]
    """A distilabel LLM over TeacherClient and ReplyCache.

    An input is a chat, or a tuple (chat, options), where options are fields of Request that differ from this
    object's own: `json_schema`, `choices`, `top_logprobs`, `ordinal`, `temperature`, `top_p`, `min_p`,
    `max_tokens`; distilabel's `{"format": "json", "schema": ...}` is understood as well.

    Every output carries, beside generations and statistics, `key` (the reply's in the cache), `logprobs` (as
    Reply.top_logprobs) and `error`, which distilabel puts into columns `llm_<task>_key` and so on. A request that
    failed has the generation None and its error's text. It never raises: distilabel would replace the whole batch by
    None and drop the reason, so whoever runs the pipeline looks at `error`.

    Attributes:
        url: the endpoint's address up to /v1.
        model: the model as the endpoint calls it.
        identity: teacher and revision, `name@revision`.
        api_key: bearer token; never serialised.
        cache: the reply cache's file.
        concurrency: requests in flight, at most, however large the step's batches.
        temperature, top_p, max_tokens: sampling where an input's options don't say.
        patience: seconds to wait for a server that is being restarted.
        tally: a file that grows by a byte with every request that is over, so that its size tells how far the work
            is; empty: none.
    """

    url: str
    model: str
    identity: str
    api_key: SecretStr = SecretStr("")
    cache: str
    concurrency: int = Field(default=32, ge=1)
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 256
    patience: float = 600.0
    tally: str = ""

    _client: TeacherClient | None = PrivateAttr(default=None)
    _store: ReplyCache | None = PrivateAttr(default=None)
    _told: FileIO | None = PrivateAttr(default=None)

    @classmethod
    def over(cls, endpoint: Endpoint, cache: Path, **settings: Any) -> TeacherLLM:
        """The LLM for an endpoint; `settings` are the other attributes."""
        return cls(
            url=endpoint.url,
            model=endpoint.model,
            identity=endpoint.identity,
            api_key=SecretStr(endpoint.key),
            cache=str(cache),
            **settings,
        )

    @property
    def model_name(self) -> str:
        """Teacher and revision."""
        return self.identity

    def load(self) -> None:
        """Open the cache, in the process that does the asking."""
        super().load()
        self._store = ReplyCache(Path(self.cache))
        self._told = Path(self.tally).open("ab", buffering=0) if self.tally else None  # noqa: SIM115 - see unload

    def unload(self) -> None:
        """Close connections, cache and tally."""
        if self._client is not None:
            self.event_loop.run_until_complete(self._client.__aexit__(None, None, None))
        if self._store is not None:
            self._store.close()
        if self._told is not None:
            self._told.close()
        self._client = self._store = self._told = None
        super().unload()

    async def agenerate(self, input: Any, num_generations: int = 1) -> dict[str, Any]:
        """Ask for one input.

        Args:
            input: a chat, or (chat, options).
            num_generations: how often; every time is a request of its own ordinal.

        Returns:
            generations, statistics (input_tokens, output_tokens), key, logprobs and error: lists of one entry a
            generation.
        """
        messages, options = input if isinstance(input, tuple) else (input, None)
        first = self._request(messages, options or {})
        replies = []
        for number in range(num_generations):
            ordinal = first.ordinal * num_generations + number
            replies.append(await self._ask(Request(**{**vars(first), "ordinal": ordinal})))
        good = [reply if isinstance(reply, Reply) else None for reply in replies]
        return {
            "generations": [reply.text if reply else None for reply in good],
            "statistics": {
                "input_tokens": [reply.prompt_tokens if reply else 0 for reply in good],
                "output_tokens": [reply.completion_tokens if reply else 0 for reply in good],
            },
            "key": [reply.key if reply else None for reply in good],
            "logprobs": [reply.top_logprobs if reply else None for reply in good],
            "error": [str(reply) if isinstance(reply, FactoryError) else None for reply in replies],
        }

    def _request(self, messages: Any, options: dict[str, Any]) -> Request:
        options = {**options}
        if options.pop("format", "json") != "json":
            raise ValueError("TeacherLLM knows the structured output format `json` alone")
        if "schema" in options:
            options["json_schema"] = options.pop("schema")
        unknown = set(options) - _OPTIONS
        if unknown:
            raise ValueError(f"unknown options: {', '.join(sorted(unknown))}; known: {', '.join(sorted(_OPTIONS))}")
        own = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        return Request(messages, **{**own, **options})

    async def _ask(self, request: Request) -> Reply | FactoryError:
        try:
            return await (await self._connected()).ask(request)
        except FactoryError as error:
            self._logger.warning("A request failed: %s", error)
            return error
        finally:
            if self._told is not None:
                self._told.write(b".")

    async def _connected(self) -> TeacherClient:
        """The client, made on first use because its session belongs to the running loop."""
        if self._client is None:
            if self._store is None:
                self.load()
            assert self._store is not None  # noqa: S101
            client = TeacherClient(
                Endpoint(self.url, self.model, self.identity, self.api_key.get_secret_value()),
                self._store,
                concurrency=self.concurrency,
                patience=self.patience,
                greeting=self.patience,  # the endpoint was there when the pipeline was built
            )
            self._client = await client.__aenter__()
        return self._client
