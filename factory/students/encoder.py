"""An encoder that classifies: the mean over tokens of a token classifier's logits.

Mean pooling is how sentence encoders such as MiniLM were trained (Reimers & Gurevych 2019), and because the head is
linear, the mean of the tokens' logits equals the head applied to the mean of the tokens' vectors. So the model stays
a plain `AutoModelForTokenClassification`, which transformers opens with no code of ours.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.progress import Progress, silent

BATCH = 16  # of long texts more at once leave the cache of a core
BATCH_GPU = 256


class Encoder:
    """A tokenizer and a token-classification model.

    Attributes:
        tokenizer: the fast tokenizer.
        model: a transformers token classifier, possibly with peft adapters.
        max_tokens: longer texts are cut here.
        device: where the model is; what it gives, and is given, is there too.
    """

    def __init__(self, tokenizer: Any, model: Any, max_tokens: int, device: Any = "cpu") -> None:
        self.tokenizer, self.max_tokens, self.device = tokenizer, max_tokens, device
        self.model = model.to(device)

    @classmethod
    def load(cls, source: Path | str, labels: Sequence[str], max_tokens: int, device: str | None = None) -> Encoder:
        """Load a pre-trained encoder with a fresh zero head for these labels, or a trained one with its head.

        Args:
            source: a local folder or a Hub id.
            labels: in the order of the logits.
            max_tokens: longer texts are cut here, or where the encoder's own reach ends.
            device: as torch names it; by default the first GPU, and the processor where there is none.
        """
        import torch
        from transformers import AutoModelForTokenClassification, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        set_threads()
        transformers_logging.set_verbosity_error()  # a head that starts afresh is no news
        transformers_logging.disable_progress_bar()
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = AutoModelForTokenClassification.from_pretrained(
            source,
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
            dtype=torch.float32,  # as a file may not be, and training needs
        )
        # Some encoders number places from behind the padding's (RoBERTa), so the tokenizer's own limit counts, too.
        reach = min(getattr(model.config, "max_position_embeddings", max_tokens), tokenizer.model_max_length)
        return cls(tokenizer, model, min(max_tokens, reach), device or default_device())

    @property
    def at_once(self) -> int:
        """How many texts it reads in one step when it does not train."""
        return BATCH if self.device == "cpu" else BATCH_GPU

    def tokens(self, texts: Sequence[str]) -> Any:
        """Tensors `input_ids` and `attention_mask` [texts, tokens]."""
        batch = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        )
        return {name: batch[name].to(self.device) for name in ("input_ids", "attention_mask")}

    def logits(self, texts: Sequence[str]) -> Any:
        """Tensor [texts, labels], with gradients where the model trains."""
        batch = self.tokens(texts)
        return mean_over_tokens(self.model(**batch).logits, batch["attention_mask"])

    def read(self, texts: Sequence[str]) -> tuple[Any, Any]:
        """`logits`, and the mean of the last layer's vectors: a tensor [texts, hidden], with gradients, too."""
        batch = self.tokens(texts)
        said, mask = self.model(**batch, output_hidden_states=True), batch["attention_mask"]
        return mean_over_tokens(said.logits, mask), mean_over_tokens(said.hidden_states[-1], mask)

    def vectors(self, texts: Sequence[str], progress: Progress = silent) -> NDArray[np.float32]:
        """Mean-pooled vectors of the encoder below the head, float32 [texts, hidden]; not normalised."""

        def pool(chunk: Sequence[str]) -> Any:
            batch = self.tokens(chunk)
            hidden = self.model.base_model(**batch).last_hidden_state
            return mean_over_tokens(hidden, batch["attention_mask"])

        return self._in_batches(texts, pool, self.model.config.hidden_size, progress)

    def predict_logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Logits without gradients, float32 [texts, labels]."""
        return self._in_batches(texts, self.logits, self.model.config.num_labels)

    def _in_batches(
        self, texts: Sequence[str], function: Any, width: int, progress: Progress = silent
    ) -> NDArray[np.float32]:
        import torch

        self.model.eval()
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # like lengths together: less padding
        found: list[Any] = [None] * len(texts)
        with torch.no_grad():
            for start in range(0, len(order), self.at_once):
                chunk = order[start : start + self.at_once]
                for index, value in zip(chunk, to_numpy(function([texts[i] for i in chunk])), strict=True):
                    found[index] = value
                progress(start + len(chunk), len(order))
        return np.stack(found) if found else np.zeros((0, width), np.float32)


def mean_over_tokens(values: Any, mask: Any) -> Any:
    """Mean of [texts, tokens, n] over the tokens the mask [texts, tokens] keeps: [texts, n]."""
    weights = mask.unsqueeze(-1).to(values.dtype)
    return (values * weights).sum(1) / weights.sum(1)


def to_numpy(values: Any) -> NDArray[np.float32]:
    """A tensor without gradients, wherever it is, as float32."""
    found: NDArray[np.float32] = values.float().cpu().numpy()
    return found


def default_device() -> str:
    """The first GPU torch can use (CUDA_VISIBLE_DEVICES hides them), else the processor."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def quiet() -> Iterator[None]:
    """Hide what torch, transformers, peft and onnxruntime advise those who write code; errors are still told."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def half() -> AbstractContextManager[Any]:
    """Matrix products in bfloat16, where GPU or processor has instructions for them (Ampere on; AVX-512 BF16, AMX).

    Parameters, their gradients and sums stay float32.
    """
    import torch

    device = default_device()
    if device == "cuda":
        able = torch.cuda.get_device_capability() >= (8, 0)
    else:
        known = torch.cpu.get_capabilities()
        able = bool(known.get("avx512_bf16") or known.get("amx_bf16"))
    found: AbstractContextManager[Any] = torch.autocast(device, torch.bfloat16, enabled=able)
    return found


def set_threads(most: int = 1) -> None:
    """So many threads unless OMP_NUM_THREADS says otherwise; of small models one: on busy machines two are twenty times
    slower (findings)."""
    import torch

    torch.set_num_threads(threads(most))


def threads(most: int) -> int:
    """What OMP_NUM_THREADS says, or so many."""
    return int(os.environ.get("OMP_NUM_THREADS", most))
