"""A trained student that writes, run by torch through the zoo's own code: only the model behind it is another.

So an export can be compared with torch answer by answer, and a student that is not exported is asked as one that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.students.causal import Causal
from zoo.causal import CausalSpecialist
from zoo.decoder import Decoder, Read
from zoo.extractor import Extractor
from zoo.files import FileEntry
from zoo.manifest import EXTRACTION, GENERATION, PROMPT, TOKENIZER, Manifest
from zoo.writer import Writer

SAFETENSORS = "model.safetensors"


class TorchDecoder(Decoder):
    """A causal model in a folder, read as the zoo reads an export; see Decoder."""

    def __init__(self, folder: Path, device: str | None = None) -> None:
        self._causal = Causal.load(folder, device)
        self._causal.model.eval()
        self.nothing = Read(0, ())

    def read(self, ids: Sequence[int], before: Read) -> tuple[NDArray[np.float32], Read]:
        """See Decoder.read; the cache is a layer's key and value, as torch has them."""
        import torch
        from transformers import DynamicCache

        total, device = before.tokens + len(ids), self._causal.device
        with torch.no_grad():
            said = self._causal.model(
                input_ids=torch.tensor([ids], device=device),
                attention_mask=torch.ones((1, total), dtype=torch.int64, device=device),
                position_ids=torch.arange(before.tokens, total, device=device)[None],
                past_key_values=DynamicCache(before.cache) if before.cache else DynamicCache(),
                use_cache=True,
                logits_to_keep=1,
            )
        cache = tuple((layer.keys, layer.values) for layer in said.past_key_values.layers)
        return said.logits[0, -1].float().cpu().numpy(), Read(total, cache)


class _ByTorch(CausalSpecialist[Any]):
    """A specialist without an export: torch runs the safetensors, on as many threads as it likes."""

    def _opened(self, threads: int) -> Decoder:
        return TorchDecoder(self.folder)


class _TorchWriter(Writer, _ByTorch):
    pass


class _TorchExtractor(Extractor, _ByTorch):
    pass


_OPENED: Mapping[str, tuple[type[CausalSpecialist[Any]], type[CausalSpecialist[Any]]]] = {
    GENERATION: (Writer, _TorchWriter),
    EXTRACTION: (Extractor, _TorchExtractor),
}
"""Kind to what runs its exports, and its safetensors."""


def opened(folder: Path, kind: str, labels: Sequence[str], max_tokens: int, export: str = "") -> Any:
    """The student in a folder that `causal.train` wrote, as a zoo.Writer or zoo.Extractor, without a threshold.

    Args:
        folder: which holds safetensors, tokenizer and prompt.json.
        kind: `generation` or `extraction`.
        labels: the spec's.
        max_tokens: longer texts are cut to fit.
        export: the path in the folder of an ONNX export to be run; by default torch runs the safetensors.
    """
    manifest = Manifest(
        name="student/unpublished", version="0.0.0", title="A student", kind=kind, language="en", labels=tuple(labels),
        max_tokens=max_tokens, licence="unknown", created="1970-01-01", default_weights=export or SAFETENSORS,
        files={path: FileEntry("0" * 64, 0) for path in (TOKENIZER, PROMPT, export or SAFETENSORS)},
    )  # fmt: skip
    return _OPENED[kind][not export](folder, manifest)
