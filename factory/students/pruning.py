"""A model of fewer layers: its last ones are left out before it learns its task.

Of the ways to choose which layers to drop, leaving out the top ones is the simplest and loses least (Sajjad et al.
2023, "On the effect of dropping layers of pre-trained transformer models"): they are the most about what the model was
pre-trained for. What that costs is measured against a student with all of its layers (factory.stages.train.unpruned).
"""

from __future__ import annotations

from typing import Any

from factory.errors import SpecError


def check(config: Any, layers: int) -> None:
    """See that a model of this configuration can be pruned to so many layers; 0: it is not pruned.

    Raises:
        SpecError: it has no more than that.
    """
    if layers and layers >= config.num_hidden_layers:
        raise SpecError(
            f"student.layers is {layers}, and this student has {config.num_hidden_layers}.",
            where=str(config.name_or_path),
            fix="Say how many of its first layers it is to keep, fewer than it has; or leave the key out.",
        )


def keep(model: Any, layers: int) -> None:
    """Leave a transformers model its first layers alone; it is saved, exported and opened as any other.

    Args:
        model: encoder or causal language model.
        layers: how many it keeps; 0: all.

    Raises:
        SpecError: it has no more than that.
    """
    check(model.config, layers)
    if not layers:
        return
    from torch.nn import ModuleList

    config = model.config
    stacks = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, ModuleList) and len(child) == config.num_hidden_layers
    ]
    for parent, name, child in stacks:
        setattr(parent, name, child[:layers])
    config.num_hidden_layers = layers
    if getattr(config, "layer_types", None):  # of models whose layers differ, such as those with sliding windows
        config.layer_types = config.layer_types[:layers]
