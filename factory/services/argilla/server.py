"""The application's side of the embedded Argilla."""

from __future__ import annotations

from pathlib import Path

from factory.services import environments
from factory.services.argilla import backup, credentials, door
from factory.services.service import Service
from factory.settings import Settings


class ArgillaServer(Service):
    """The embedded Argilla of one FACTORY_HOME.

    Its database, secrets and search index lie in `<home>/argilla`. It stays up after the command that started it, so
    that people can open it, and a kill at any moment loses no answer: each is committed before it is acknowledged.
    """

    name, title, health = "argilla", "Argilla", "/api/v1/version"
    within = 180.0

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.home: Path = settings.home / "argilla"

    @property
    def public_url(self) -> str:
        """Where people open it: the same, or its address for other machines.

        Raises:
            ServiceError: the settings say something impossible about that.
        """
        opened = self._door()
        return opened.url if opened else self.url

    def start(self, timeout: float | None = None) -> bool:
        """See Service.start; ServiceError, too, where it can't be opened to other machines as the settings say."""
        opened = self._door()
        if opened is not None:
            opened.check()
        python = environments.python(self._settings, "argilla")
        return self._detached(python, opened.arguments if opened else ()).start(timeout or self.within)

    def backup(self, file: Path) -> dict[str, int]:
        """Write all of it to a file, whether it runs or not; see factory.services.argilla.backup.save."""
        return backup.save(self.home, file)

    def restore(self, file: Path, *, replace: bool = False) -> tuple[dict[str, int], Path | None]:
        """Put a backup in its place; see factory.services.argilla.backup.restore.

        Raises:
            ServiceError: as there, or it is running.
        """
        with self._detached().held_down("restored"):
            return backup.restore(file, self.home, replace=replace)

    def rotate(self) -> bool:
        """Draw all secrets anew; see factory.services.argilla.backup.rotate.

        Returns:
            Whether it was running: then it was stopped, and started again with the new ones.
        """
        running = self.stop()
        with self._detached().held_down("given new secrets"):
            backup.rotate(self.home)
        if running:
            self.start()
        return running

    @property
    def credentials(self) -> credentials.Credentials:
        """Its secrets, drawn now if it never ran."""
        return credentials.load(self.home)

    def describe(self) -> str:
        """See Service.describe."""
        secrets = credentials.path(self.home)
        return f"{self.public_url}  sign in as {credentials.REVIEWER}; the passwords are in {secrets}"

    def _door(self) -> door.Door | None:
        known = self._settings
        return door.parse(known.argilla_listen, known.argilla_certificate, known.argilla_certificate_key)

    def _arguments(self) -> list[str]:
        return ["-m", "factory.services.argilla", "--home", str(self.home), "--port", str(self._port)]
