"""A specialist's templates, rendered into the chat a teacher is sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from factory.errors import SpecError
from factory.spec import Spec

BUILT_IN = Path(__file__).resolve().parent / "strategies" / "templates"
"""Templates that serve every spec; a file of the same name beside spec.yaml takes the place of one."""
_DIVIDER = re.compile(r"^---[ \t]*$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")
_JINJA = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)


def messages(spec: Spec, template: str, **values: Any) -> list[dict[str, str]]:
    """Render a template into chat messages.

    The template's first line `---` parts the system's message from the user's; without one, all of it is the user's.
    The line is sought in the template, never in the rendered text, so no row can move it.

    Args:
        spec: the specialist; templates see it as `spec`.
        template: which file beside spec.yaml; a strategy's may be missing there, then the built-in one serves.
        values: generate.jinja and strategies' templates: `label`, `definition`, `contrasts` (each with label and
            definition), `attributes`, `examples`, `passages`, `avoid` (texts), `count`; contrastive.jinja also
            `against` (label and definition), out_of_scope.jinja `change`; judge.jinja: `options` (each with code,
            label and definition) and `text`.

    Returns:
        One or two messages with `role` and `content`.

    Raises:
        SpecError: the template is not Jinja, or uses a value it isn't given.
    """
    file = template_file(spec, template)
    parts = _DIVIDER.split(file.read_text(encoding="utf-8"), maxsplit=1)
    roles = ("system", "user") if len(parts) == 2 else ("user",)
    try:
        texts = [_JINJA.from_string(part).render(spec=spec, **values) for part in parts]
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        raise SpecError(
            f"This template can't be rendered: {error}.", where=f"{file}:{line}" if line else str(file)
        ) from error
    return [
        {"role": role, "content": _BLANK_LINES.sub("\n\n", text).strip()}
        for role, text in zip(roles, texts, strict=True)
    ]


def template_file(spec: Spec, template: str) -> Path:
    """Where a template is: beside spec.yaml, or among the built-in ones."""
    own, built_in = spec.folder / template, BUILT_IN / template
    return built_in if built_in.is_file() and not own.is_file() else own
