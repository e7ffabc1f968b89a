"""What vLLM is started with to run the models of specialists: `vllm serve --config FILE`.

One base model with an adapter a specialist, so that any number of them take the room of one; or one specialist whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.errors import BadInput, CannotWrite, unwritable
from zoo.hub import Hub
from zoo.loader import inspect
from zoo.manifest import ADAPTER, PROMPT, WRITING, Manifest
from zoo.prompt import Prompt

RANKS = (8, 16, 32, 64, 128, 256)
"""What vLLM takes for the largest rank of adapters."""


def write(
    names: Sequence[str | Path],
    out: str | Path,
    *,
    base: str = "",
    hub: str | Path | Hub | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
) -> Path:
    """Write the file.

    Args:
        names: specialists that write, as zoo.load takes them.
        out: a file whose name ends in .yaml.
        base: the language model that they were trained from, a folder or a name that vLLM knows; empty: one specialist
            is served by its own weights.
        hub: as for zoo.load.
        host, port: where vLLM is to listen.

    Raises:
        BadInput: a specialist that does not write, one without an adapter, several without a base, or another file.
        CannotWrite: the file can't be written.
        what zoo.load raises before it loads a model.
    """
    path = Path(out)
    if path.suffix not in (".yaml", ".yml"):
        raise BadInput("vLLM reads files that end in .yaml.", where=str(path), fix="Give such a name.")
    found = [inspect(name, hub=hub) for name in names]
    for folder, manifest in found:
        if manifest.kind not in WRITING:
            raise BadInput(f"{manifest.id} writes nothing: it runs in the zoo.", where=str(folder), fix="Leave it out.")
    room = [manifest.max_tokens + Prompt.read(folder / PROMPT).max_new_tokens for folder, manifest in found]
    models = _over(base, found) if base else _alone(found)
    config = {"host": host, "port": port, **models, "max-model-len": max(room), "generation-config": "vllm"}
    try:
        path.write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")  # JSON is YAML
    except OSError as error:
        raise unwritable(error, str(path)) or CannotWrite(f"It can't be written: {error}.", where=str(path)) from error
    return path


def _alone(found: Sequence[tuple[Path, Manifest]]) -> dict[str, Any]:
    if len(found) != 1:
        raise BadInput(
            "Several specialists need one base, over which each has an adapter.",
            fix="Name it with --base: the language model that their cards name. Or serve each by a vLLM of its own.",
        )
    ((folder, manifest),) = found
    return {"model": str(folder.resolve()), "served-model-name": [manifest.id]}


def _over(base: str, found: Sequence[tuple[Path, Manifest]]) -> dict[str, Any]:
    ranks, modules = [], []
    for folder, manifest in found:
        if ADAPTER[0] not in manifest.files:
            raise BadInput(
                f"{manifest.id} was published without an adapter.",
                where=str(folder),
                fix="Publish it again, or serve it alone, without --base. What was pruned or trained whole has none.",
            )
        config = folder / ADAPTER[0]
        ranks.append(json.loads(config.read_text(encoding="utf-8"))["r"])
        modules.append(f"{manifest.id}={config.parent.resolve()}")
    rank = next((one for one in RANKS if one >= max(ranks)), None)
    if rank is None:
        what = f"vLLM takes adapters of a rank up to {RANKS[-1]}; one of these has {max(ranks)}."
        raise BadInput(what, fix="Serve that one alone, without --base.")
    lora = {"enable-lora": True, "max-loras": len(found), "max-lora-rank": rank, "lora-modules": modules}
    return {"model": base, **lora}
