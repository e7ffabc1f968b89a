"""The application's side of the embedded Argilla: start it, find it, stop it."""

from __future__ import annotations

from pathlib import Path

from factory.services import environments
from factory.services.argilla import backup, credentials, door
from factory.services.process import LOOPBACK, Detached, State, bare_environment
from factory.settings import CHECKOUT, Settings


class ArgillaServer:
    """The embedded Argilla of one FACTORY_HOME.

    Its database, secrets and search index lie in `<home>/argilla`. It stays up after the command that started it, so
    that people can open it, and a kill at any moment loses no answer: each is committed before it is acknowledged.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.home: Path = settings.home / "argilla"
        self.url = f"http://{LOOPBACK}:{settings.argilla_port}"

    @property
    def public_url(self) -> str:
        """Where people open it: the same, or its address for other machines.

        Raises:
            ServiceError: the settings say something impossible about that.
        """
        opened = self._door()
        return opened.url if opened else self.url

    def start(self, timeout: float = 180.0) -> bool:
        """Start it, or find it running; return once it answers.

        Returns:
            True if it was started, False if it was there.

        Raises:
            ServiceError: its environment is missing, its port is taken, or it died (with the end of its log); or it
                can't be opened to other machines as the settings say.
        """
        opened = self._door()
        if opened is not None:
            opened.check()
        python = environments.python(self._settings, "argilla")
        return self._server(python, opened).start(timeout)

    def stop(self) -> bool:
        """Stop it; False if it was not running."""
        return self._server().stop()

    def backup(self, file: Path) -> dict[str, int]:
        """Write all of it to a file, whether it runs or not; see factory.services.argilla.backup.save."""
        return backup.save(self.home, file)

    def restore(self, file: Path, *, replace: bool = False) -> tuple[dict[str, int], Path | None]:
        """Put a backup in its place; see factory.services.argilla.backup.restore.

        Raises:
            ServiceError: as there, or it is running.
        """
        with self._server().held_down("restored"):
            return backup.restore(file, self.home, replace=replace)

    def rotate(self) -> bool:
        """Draw all secrets anew; see factory.services.argilla.backup.rotate.

        Returns:
            Whether it was running: then it was stopped, and started again with the new ones.
        """
        running = self.stop()
        with self._server().held_down("given new secrets"):
            backup.rotate(self.home)
        if running:
            self.start()
        return running

    @property
    def state(self) -> State:
        """`up`, `starting` or `down`."""
        return self._server().state

    @property
    def credentials(self) -> credentials.Credentials:
        """Its secrets, drawn now if it never ran."""
        return credentials.load(self.home)

    def describe(self) -> str:
        """Where to open it and how to sign in, for a person."""
        secrets = credentials.path(self.home)
        return f"{self.public_url}  sign in as {credentials.REVIEWER}; the passwords are in {secrets}"

    def _door(self) -> door.Door | None:
        known = self._settings
        return door.parse(known.argilla_listen, known.argilla_certificate, known.argilla_certificate_key)

    def _server(self, python: Path | str = "python", opened: door.Door | None = None) -> Detached:
        command = [str(python), "-m", "factory.services.argilla", "--home", str(self.home)]
        return Detached(
            name="argilla",
            title="Argilla",
            command=[*command, "--port", str(self._settings.argilla_port), *(opened.arguments if opened else ())],
            environment=bare_environment(PYTHONPATH=str(CHECKOUT), PYTHONUNBUFFERED="1"),
            health=f"{self.url}/api/v1/version",
            home=self._settings.home,
            port_setting="FACTORY_ARGILLA_PORT",
        )
