"""llama.cpp's server over a GGUF file, by xllamacpp, which brings it as a wheel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx


@contextmanager
def serving(file: Path) -> Iterator[httpx.Client]:
    """A client of it, on loopback."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path, settings.n_ctx, settings.warmup = str(file), 512, False
    settings.cpuparams.n_threads = 1
    server = xllamacpp.Server(settings)
    with httpx.Client(base_url=server.listening_address, timeout=60) as client:
        yield client
    del server


def complete(client: httpx.Client, prompt: str, tokens: int, **how: Any) -> dict[str, Any]:
    """What it writes after a prompt, likeliest first: `content`, and `tokens`."""
    greedy = {"temperature": 0, "top_k": 1, "return_tokens": True, "n_predict": tokens, **how}
    said: dict[str, Any] = client.post("/completion", json={"prompt": prompt, **greedy}).json()
    return said
