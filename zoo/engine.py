"""A server that runs specialists' language models in the zoo's place: vLLM, on a GPU or a machine of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from zoo.errors import Unanswered
from zoo.post import LARGEST, Post, garbage
from zoo.specialist import check_count

KEY = "ZOO_ENGINE_KEY"
"""The variable with an engine's key, for the command line: arguments are seen by whoever lists processes."""
A = TypeVar("A")


class Completed(NamedTuple):
    """What was written.

    Attributes:
        ids: the tokens, without the one that stopped it.
        logs: of each token, and of the one that stopped it, the natural logarithm of its probability among all tokens.
        stopped: whether it came to an end by itself, and not because there was no more room.
    """

    ids: list[int]
    logs: list[float]
    stopped: bool


class Engine:
    """vLLM that serves the models of specialists, each under the specialist's name and version (`zoo engine`).

    It is given tokens and gives tokens, by OpenAI's protocol for completions with vLLM's own keys, so that prompt,
    text and answer are cut as the specialist cuts them. Safe to use from several threads at once.

    Args:
        url: its address up to `/v1`.
        key: sent as a bearer token.
        timeout: seconds until an answer must be there whole.
        concurrency: texts of a list that are asked about at once; it answers them together.

    Raises:
        BadInput: not an address, or no number.
    """

    def __init__(self, url: str, key: str = "", *, timeout: float = 120.0, concurrency: int = 16) -> None:
        check_count("concurrency", concurrency)
        self._post, self.concurrency = Post(url, key, timeout), concurrency
        self.url = self._post.url

    def __repr__(self) -> str:
        return f"<zoo.Engine at {self.url}>"

    def complete(
        self, model: str, ids: Sequence[int], *, most: int, stop: Sequence[int] = (), grammar: str = ""
    ) -> Completed:
        """Write on after tokens, the likeliest first.

        Args:
            model: as the server calls it.
            ids: what is read.
            most: tokens that are written at most.
            stop: tokens that end it; without any it ends where the grammar does.
            grammar: what may be written (zoo.record_ebnf); empty: anything.

        Raises:
            Unanswered: no answer in time, or none that can be read; says what to do.
        """
        body = {
            "model": model,
            "prompt": list(ids),
            "temperature": 0,
            "max_tokens": most,
            "logprobs": 1,
            "return_token_ids": True,
            **({"stop_token_ids": list(stop)} if stop else {}),
            **({"structured_outputs": {"grammar": grammar}} if grammar else {}),
        }
        try:
            status, data, after = self._post.send("/completions", body, self._post.until())
            if status != 200:
                raise self._post.refused(status, data, after)
            return _read(data, stop)
        except Unanswered as error:
            fix = f"See that vLLM serves {model} there, and is well: `zoo engine` writes what it is started with."
            raise Unanswered(f"The engine gave no answer: {error.what}.", where=self.url, fix=fix) from error

    def each(self, ask: Callable[[str, int], A], texts: Sequence[str]) -> list[A]:
        """Ask about every text and its place, so many at once; the answers in the texts' order."""
        if len(texts) == 1:
            return [ask(texts[0], 0)]
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(min(self.concurrency, max(1, len(texts))), "zoo-engine")
        try:
            return list(pool.map(ask, texts, range(len(texts))))
        finally:
            pool.shutdown(cancel_futures=True)


def _read(data: bytes, stop: Sequence[int]) -> Completed:
    if len(data) > LARGEST:
        raise garbage(f"an answer of more than {LARGEST} bytes")
    try:
        choice: Any = json.loads(data)["choices"][0]
        ids = [int(one) for one in choice["token_ids"]]
        logs = [float(one) for one in choice["logprobs"]["token_logprobs"]]
        ended = choice["finish_reason"] == "stop"
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise garbage("an answer that is no completion with tokens and their probabilities") from error
    if len(logs) != len(ids):
        raise garbage(f"{len(ids)} tokens and {len(logs)} probabilities")
    stopped = bool(ids) and ids[-1] in stop
    return Completed(ids[:-1] if stopped else ids, logs, stopped or (ended and not stop))
