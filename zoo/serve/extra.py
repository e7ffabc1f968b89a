"""What the service needs beyond the wheel's own dependencies."""

from __future__ import annotations

from importlib.util import find_spec

from zoo.errors import MissingExtra

MODULES = ("fastapi", "uvicorn", "prometheus_client", "markdown_it")


def need() -> None:
    """See that the extra is installed; raises MissingExtra naming what is not. Imports nothing."""
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Serving needs packages that are not installed: {', '.join(missing)}.",
            fix="pip install 'specialist-zoo[serve]'",
        )
