"""Real PostgreSQL servers for the tests, each in a folder of its own, reached by a socket there."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PORT = 5432  # of a socket in a folder nobody shares


class Server:
    """A server and its folder.

    Attributes:
        folder: of its socket, data and log.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._programs, self._user = programs(), account()
        self._run(
            "initdb", "--auth=trust", "--username=owner", "--encoding=UTF8", "--locale=C", "--no-sync", "-D", self.data
        )
        with (self.data / "postgresql.conf").open("a") as settings:
            # A kill of a process takes nothing that the system has been given; no test cuts the power.
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{folder}'\nfsync = off\n")

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / f".s.PGSQL.{PORT}"

    def url(self, database: str = "postgres", role: str = "owner", **more: str) -> str:
        """A database's, for a role."""
        more = {"host": str(self.folder), **more}
        return f"postgresql://{role}@/{database}?" + "&".join(f"{key}={value}" for key, value in more.items())

    def start(self) -> None:
        """Returns when it takes connections."""
        self._run("pg_ctl", "start", "--wait", "-D", self.data, "-l", self.folder / "log")

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is as if it had crashed."""
        self._run("pg_ctl", "stop", "--wait", "-m", mode, "-D", self.data)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """What only the owner of everything can."""
        self._run(
            "psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "owner", "-d", database, "-c", statement
        )

    def running(self) -> bool:
        """Whether it is up."""
        return (self.data / "postmaster.pid").exists()

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        ended = subprocess.run(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            **self._user,
        )
        assert not ended.returncode, f"{program}: {ended.stdout}"


@contextmanager
def served() -> Iterator[Server]:
    """A server that runs, in a short path: a socket's may have 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if owner := account().get("user"):
            shutil.chown(folder, owner)
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            if server.running():
                server.stop("immediate")
    finally:
        shutil.rmtree(folder)


def programs() -> Path:
    """The folder of initdb and pg_ctl: on the PATH, or where Debian keeps them, by version."""
    found = [Path(initdb).resolve()] if (initdb := shutil.which("initdb")) else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL is missing: apt-get install postgresql"
    return found[-1].parent


def account() -> dict[str, Any]:
    """Whom to run as, for subprocess: PostgreSQL refuses to be root, and then is Debian's postgres, or nobody."""
    if os.geteuid() != 0:
        return {}
    names = {one.pw_name for one in pwd.getpwall()}
    owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": owner.pw_name, "group": owner.pw_gid, "extra_groups": []}
