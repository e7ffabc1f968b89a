"""Whether a model can be trained and exported as a recipe says, told by its configuration before anything is paid for.

What is asked here is asked again where it matters: a recipe may be followed on another machine than the one that made
the rows.
"""

from __future__ import annotations

from typing import Any

from factory.students import distilled, encoder_lesson, export_causal, pruning
from factory.students.causal import WritingRecipe
from factory.students.encoder import quiet
from factory.students.lesson import Recipe


def check(recipe: Recipe) -> None:
    """See that the model a recipe starts from has the layers, the reach and the size for it.

    Args:
        recipe: its `encoder` a folder or a Hub id, of which configuration and tokenizer are read.

    Raises:
        SpecError: what it asks for can't be; also of a mentor that cuts texts into other tokens.
    """
    from transformers import AutoConfig, AutoTokenizer

    with quiet():
        config = AutoConfig.from_pretrained(recipe.encoder)
        tokenizer = AutoTokenizer.from_pretrained(recipe.encoder)
        pruning.check(config, recipe.layers)
        if not isinstance(recipe, WritingRecipe):
            reach = min(getattr(config, "max_position_embeddings", recipe.max_tokens), tokenizer.model_max_length)
            encoder_lesson.check_reach(recipe, reach)
            return
        export_causal.check_size(_numbers(config, recipe.layers), recipe.encoder)
        if recipe.mentor:
            distilled.check(tokenizer, AutoTokenizer.from_pretrained(recipe.mentor), recipe.mentor)


def _numbers(config: Any, layers: int) -> int:
    """How many weights a causal language model has; those that are used twice are counted once."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):  # shapes alone: no memory is taken
        model = AutoModelForCausalLM.from_config(config)
    pruning.keep(model, layers)
    return sum(weights.numel() for weights in model.parameters())
