"""What the embedded servers have in common: one of each in a FACTORY_HOME, outliving the command that starts it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from factory.services import environments
from factory.services.process import LOOPBACK, Detached, State, bare_environment
from factory.settings import CHECKOUT, Settings


class Service(ABC):
    """An embedded server of one FACTORY_HOME: start it, find it, stop it.

    Args:
        settings: where the home is, and which loopback port it listens on: `<name>_port`.

    Attributes:
        name: `python -m factory.services NAME up`; names its log, its port and the port's setting, too.
        title: what a person calls it.
        health: path of its address that answers 2xx as soon as it can serve.
        within: seconds in which it must answer, once started.
        grace: seconds that it has to end what it is at.
        inherits: it runs builds, and so it has the variables of whoever starts it, keys included; others get none.
        url: where it is.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    health: ClassVar[str]
    within: ClassVar[float] = 120.0
    grace: ClassVar[float] = 20.0
    inherits: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings, self._port = settings, int(getattr(settings, f"{self.name}_port"))
        self.url = f"http://{LOOPBACK}:{self._port}"

    def start(self, timeout: float | None = None) -> bool:
        """Start it, or find it running; return once it answers.

        Args:
            timeout: seconds in which it must answer; None: `within`.

        Returns:
            True if it was started, False if it was there.

        Raises:
            ServiceError: its environment is missing, its port is taken, or it died (with the end of its log).
        """
        return self._detached(environments.python(self._settings, "app")).start(timeout or self.within)

    def stop(self) -> bool:
        """Stop it, and what it started; its data stay. False if it was not running."""
        return self._detached().stop(self.grace)

    def reload(self) -> bool:
        """Have it look for what is new, if it is one that does; False if it does not run."""
        return self._detached().hang_up()

    @property
    def state(self) -> State:
        """`up`, `starting` or `down`."""
        return self._detached().state

    @property
    def log(self) -> Path:
        """What it says."""
        return self._detached().log

    @abstractmethod
    def describe(self) -> str:
        """What it is for, or where it is, for a person."""

    @abstractmethod
    def _arguments(self) -> Sequence[str]:
        """What Python runs."""

    def _environment(self) -> Mapping[str, str]:
        """All that it has of variables."""
        own = {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}
        return os.environ | own if self.inherits else bare_environment(**own)

    def _detached(self, python: Path | str = "python", more: Sequence[str] = ()) -> Detached:
        return Detached(
            name=self.name,
            title=self.title,
            command=[str(python), *self._arguments(), *more],
            environment=self._environment(),
            health=f"{self.url}{self.health}",
            home=self._settings.home,
            port_setting=f"FACTORY_{self.name.upper()}_PORT",
        )
