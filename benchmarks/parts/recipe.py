"""How a benchmark is told of another way to train."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from factory.errors import FactoryError
from factory.students.training import Recipe

OWN = "as the spec says"
VARIED = {
    field.name: {"int": int, "float": float}[str(field.type)]
    for field in fields(Recipe)
    if field.type in ("int", "float")
}


def changes(text: str) -> dict[str, Any]:
    """`dropout=0.1,rank=32` as values of a recipe.

    Raises:
        FactoryError: another key, or not a number.
    """
    found: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            found[name] = VARIED[name](value)
        except (KeyError, ValueError) as error:
            raise FactoryError(
                f"A recipe has no {part!r}.", fix=f"Write name=number; names: {', '.join(VARIED)}."
            ) from error
    return found
