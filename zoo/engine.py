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
LIKELY = 20
"""Tokens whose probability is told at each place: as many as vLLM tells unless it is started otherwise."""
_NAMED = "token_id:"  # how it calls tokens that are to be named by their ids
A = TypeVar("A")


class Completed(NamedTuple):
    """What was written.

    Attributes:
        ids: the tokens.
        ended_by: the one that stopped it, if it came to an end by itself; else there was no more room.
        likely: at the place of each, the stopping one's too, the likeliest tokens (LIKELY of them, and the one that was
            written) and the natural logarithm of the probability of each among all.
    """

    ids: list[int]
    ended_by: tuple[int, ...]
    likely: list[dict[int, float]]


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

    def complete(self, model: str, ids: Sequence[int], *, most: int, stop: Sequence[int]) -> Completed:
        """Write on after tokens, the likeliest first.

        Args:
            model: as the server calls it.
            ids: what is read.
            most: tokens that are written at most.
            stop: tokens that end it.

        Raises:
            Unanswered: no answer in time, or none that can be read; says what to do.
        """
        body = {
            "model": model,
            "prompt": list(ids),
            "temperature": 0,
            "max_tokens": most,
            "stop_token_ids": list(stop),
            "logprobs": LIKELY,
            "return_token_ids": True,
            "return_tokens_as_token_ids": True,
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
        likely = [
            {int(name.removeprefix(_NAMED)): float(log) for name, log in place.items()}
            for place in choice["logprobs"]["top_logprobs"]
        ]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise garbage("an answer that is no completion with tokens and their probabilities") from error
    if len(likely) != len(ids) or not all(token in place for token, place in zip(ids, likely, strict=True)):
        raise garbage(f"{len(ids)} tokens, and not the probability of each")
    if ids and ids[-1] in stop:
        return Completed(ids[:-1], (ids[-1],), likely)
    return Completed(ids, (), likely)
