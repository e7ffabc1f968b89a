"""The locked virtual environments: one for each set of pins that exclude one another."""

from __future__ import annotations

from pathlib import Path

from factory.errors import ServiceError
from factory.settings import Settings


def python(settings: Settings, name: str) -> Path:
    """The interpreter of an environment.

    Args:
        settings: says where the environments are.
        name: `app`, `argilla` or `teacher`; requirements/<name>.lock is what it holds.

    Raises:
        ServiceError: the environment has not been made.
    """
    path = settings.environments / name / "bin" / "python"
    if not path.exists():
        raise ServiceError(
            f"The {name} environment is missing.",
            where=str(path),
            fix="Run `make run` or `make test`: each installs what is missing from the locks in requirements/.",
        )
    return path
