"""How a benchmark is told of another way to train."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

from factory.errors import FactoryError
from factory.students.classifier import ContrastRecipe
from factory.students.lesson import Recipe

OWN = "as the spec says"
_NUMBERS = {"int": int, "float": float}
VARIED = tuple(field.name for field in fields(ContrastRecipe) if field.type in _NUMBERS)
"""What may be changed; some recipes have not all of it."""

R = TypeVar("R", bound=Recipe)


def changed(recipe: R, text: str) -> R:
    """A recipe with `dropout=0.1,rank=32` changed.

    Raises:
        FactoryError: another key, or not a number.
    """
    kinds = {field.name: _NUMBERS[str(field.type)] for field in fields(recipe) if field.type in _NUMBERS}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            recipe = replace(recipe, **{name: kinds[name](value)})
        except (KeyError, ValueError) as error:
            raise FactoryError(
                f"A recipe has no {part!r}.", fix=f"Write name=number; names: {', '.join(kinds)}."
            ) from error
    return recipe
