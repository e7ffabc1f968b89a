"""Cards and papers are filled from templates in cards/; a value the template asks for and nobody gave is an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from factory.errors import FactoryError
from factory.settings import CHECKOUT

CARDS = CHECKOUT / "cards"


def fill(name: str, values: dict[str, Any], folder: Path = CARDS, **filters: Callable[..., str]) -> str:
    """The text of a template of cards/, filled; HTML is escaped in pages, `*.html.jinja`.

    Filters for templates: `cell` (text safe inside a Markdown table), `percent` (0.8765 as 87.7 %), `share(total)`,
    and those given.

    Raises:
        FactoryError: the template is missing, broken, or asks for a value it was not given.
    """
    templates = environment(folder)
    templates.keep_trailing_newline = True
    templates.filters |= {"cell": cell, "percent": percent, "share": share, **filters}
    try:
        return templates.get_template(name).render(**values)
    except jinja2.TemplateError as error:
        raise FactoryError(f"This card can't be filled: {error}.", where=str(folder / name)) from error


def environment(folder: Path = CARDS) -> jinja2.Environment:
    """Templates of a folder; HTML is escaped in pages, and a value that nobody gave is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=jinja2.select_autoescape(["html.jinja"], default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def cell(text: object) -> str:
    """Text for one cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def percent(value: float | None) -> str:
    """A share of 1 as a percentage with one decimal; None as a dash."""
    return "–" if value is None else f"{100 * value:.1f} %"


def share(part: float, total: float) -> str:
    """A part of a total as a percentage with one decimal; a dash where there is no total."""
    return percent(part / total) if total else "–"
