"""Serve Argilla; runs inside the Argilla environment and is started by `python -m factory.services argilla up`."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from factory.services.argilla import credentials, door


def main() -> None:
    """Bring the database up to date, make users and search index agree with it, and serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m factory.services.argilla", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the database and the secrets")
    parser.add_argument("--port", type=int, required=True, help="loopback TCP port")
    parser.add_argument("--listen", default="", help="host:port for other machines, over TLS")
    parser.add_argument("--certificate", type=Path, help="PEM file for that")
    parser.add_argument("--certificate-key", type=Path, help="PEM file with its private key")
    arguments = parser.parse_args()
    opened = door.parse(arguments.listen, arguments.certificate, arguments.certificate_key)
    home: Path = arguments.home.resolve()
    secrets = credentials.load(home)
    _configure(home, arguments.port, secrets)

    # Order matters: Argilla reads its settings, and binds its queues and its search engine, while it is imported.
    from factory.services.argilla import jobs

    sys.modules["argilla_server.jobs.queues"] = jobs
    import alembic.config
    from argilla_server.database import ALEMBIC_CONFIG_FILE

    alembic.config.main(argv=["-c", ALEMBIC_CONFIG_FILE, "upgrade", "head"])
    from factory.services.argilla import accounts, listen, speed
    from factory.services.argilla.search import engine, indexes, sidecar

    async def prepare() -> None:
        await indexes.ensure()
        await sidecar.heal()
        await indexes.count(await sidecar.documents())
        await accounts.ensure(secrets)

    asyncio.run(prepare())
    speed.install()
    from argilla_server import app

    print(f"serving with the search engine {engine.NAME!r}", flush=True)
    listen.serve(app, arguments.port, opened)


def _configure(home: Path, port: int, secrets: credentials.Credentials) -> None:
    # Argilla copies its web pages into a new temporary folder at every start and leaves it behind.
    scratch = home / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    tempfile.tempdir = str(scratch)
    os.environ.update(
        ARGILLA_HOME_PATH=str(home),
        ARGILLA_SEARCH_ENGINE="sqlite",
        ARGILLA_AUTH_SECRET_KEY=secrets.auth_secret,
        ARGILLA_CORS_ORIGINS=f'["http://127.0.0.1:{port}", "http://localhost:{port}"]',
        ARGILLA_DOCS_ENABLED="false",
        HF_HUB_DISABLE_TELEMETRY="1",
        HF_HUB_OFFLINE="1",
        DO_NOT_TRACK="1",
    )


if __name__ == "__main__":
    main()
