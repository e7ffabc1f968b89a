"""`python -m factory.services.hub --root FOLDER --port PORT`: serve a hub's folder until stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from factory.services.hub.server import NAMESPACE, config


def main() -> None:
    """Run the server in the foreground."""
    parser = argparse.ArgumentParser(prog="python -m factory.services.hub", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the hub's folder")
    parser.add_argument("--port", type=int, required=True, help="on loopback")
    parser.add_argument("--namespace", default=NAMESPACE, help="the one user whose repositories these are")
    asked = parser.parse_args()
    uvicorn.Server(config(asked.root, asked.port, asked.namespace)).run()


if __name__ == "__main__":
    main()
