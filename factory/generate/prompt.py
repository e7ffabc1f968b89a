"""A specialist's templates, rendered into the chat a teacher is sent."""

from __future__ import annotations

import re
from typing import Any, Literal

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from factory.errors import SpecError
from factory.spec import Spec

_DIVIDER = re.compile(r"^---[ \t]*$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")
_JINJA = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)


def messages(spec: Spec, template: Literal["generate.jinja", "judge.jinja"], **values: Any) -> list[dict[str, str]]:
    """Render a template into chat messages.

    The template's first line `---` parts the system's message from the user's; without one, all of it is the user's.
    The line is sought in the template, never in the rendered text, so no row can move it.

    Args:
        spec: the specialist; templates see it as `spec`.
        template: which companion file.
        values: generate.jinja: `label`, `definition`, `contrasts` (each with label and definition), `attributes`,
            `examples`, `passages`, `avoid` (texts), `count`; judge.jinja: `options` (each with code, label and
            definition) and `text`.

    Returns:
        One or two messages with `role` and `content`.

    Raises:
        SpecError: the template is not Jinja, or uses a value it isn't given.
    """
    parts = _DIVIDER.split(spec.template(template), maxsplit=1)
    roles = ("system", "user") if len(parts) == 2 else ("user",)
    try:
        texts = [_JINJA.from_string(part).render(spec=spec, **values) for part in parts]
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        where = spec.folder / template
        raise SpecError(
            f"This template can't be rendered: {error}.", where=f"{where}:{line}" if line else str(where)
        ) from error
    return [
        {"role": role, "content": _BLANK_LINES.sub("\n\n", text).strip()}
        for role, text in zip(roles, texts, strict=True)
    ]
