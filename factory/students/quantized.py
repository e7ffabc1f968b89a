"""A language model's weights in 4 bits, for adapters to be trained over them: QLoRA (Dettmers et al. 2023).

The weights stay as they came, so what they take while the adapters learn is all that 4 bits save. What was learned is
merged into the unquantised weights: the student is a model like any other, and not rounded twice.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from factory.errors import FactoryError
from factory.students.encoder import quiet

KEY = "student.recipe: qlora"


def check() -> None:
    """Whether this machine can do it.

    Raises:
        FactoryError: there is no GPU, or bitsandbytes is not installed.
    """
    import torch

    if not torch.cuda.is_available():
        raise FactoryError(
            "Adapters over 4-bit weights need a CUDA GPU, and torch finds none.", where=KEY,
            fix="Train on a machine that has one (CUDA_VISIBLE_DEVICES may hide it), or say lora.",
        )  # fmt: skip
    if find_spec("bitsandbytes") is None:
        raise FactoryError(
            "Adapters over 4-bit weights need bitsandbytes, which is not installed.", where=KEY,
            fix="`pip install bitsandbytes` in the environment that trains, or say lora.",
        )  # fmt: skip


def load(source: Path | str, device: str) -> Any:
    """A causal language model, its linear layers in NF4 whose constants are quantised as well, all else in bfloat16.

    Args:
        source: a local folder or a Hub id, of weights that are not quantised.
        device: as torch names it.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.bfloat16, quantization_config=nf4, device_map={"": device}
    )


def merged(model: Any, whole: Any) -> Any:
    """A model without adapters.

    Args:
        model: with adapters, over quantised weights.
        whole: the model whose weights these were.

    Returns:
        `whole`, with the adapters of `model` in its weights.
    """
    from peft import get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    with quiet():
        adapted = get_peft_model(whole, model.peft_config["default"])
    set_peft_model_state_dict(adapted, get_peft_model_state_dict(model))
    return adapted.merge_and_unload()
