"""vLLM's own serving benchmark (`vllm bench serve`) on chats given as a file; runs in the teacher's environment.

    python benchmarks/parts/vllm_serve.py CHATS.jsonl MAX_TOKENS OPTIONS...

It is called in its own module: the `vllm` command of the CPU build does not start. Its reader of a file of prompts
needs pandas, which that environment lacks, so the chats are handed over here; all else is vLLM's. The last line
printed is its result as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from vllm.benchmarks import serve
from vllm.benchmarks.datasets import SampleRequest


def main(chats: list[Any], max_tokens: int, options: list[str]) -> None:
    """Run it."""

    def samples(*_: Any, **__: Any) -> list[SampleRequest]:
        return [
            SampleRequest(chat[-1]["content"], 1, max_tokens, request_id=str(number), chat_messages=chat)
            for number, chat in enumerate(chats)
        ]

    serve.get_samples = samples
    parser = argparse.ArgumentParser()
    serve.add_cli_args(parser)
    own = ["--backend", "openai-chat", "--endpoint", "/v1/chat/completions", "--dataset-name", "custom"]
    plain = ["--skip-tokenizer-init", "--disable-tqdm", "--temperature", "0", "--ready-check-timeout-sec", "0"]
    arguments = parser.parse_args([*own, *plain, "--num-prompts", str(len(chats)), *options])
    result = asyncio.run(serve.main_async(arguments))
    print(json.dumps({name: result[name] for name in ("duration", "completed", "total_output_tokens")}))


if __name__ == "__main__":
    main([json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()], int(sys.argv[2]), sys.argv[3:])
