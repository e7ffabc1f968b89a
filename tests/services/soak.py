"""`make soak`: eight people answer and search at an Argilla for ten minutes, and it is killed in the middle.

FACTORY_SOAK_SECONDS asks for another time; test_argilla_crowd.py is the short form.
"""

from __future__ import annotations

import os

from crowd import work

from factory.services.argilla.server import ArgillaServer

SECONDS = float(os.environ.get("FACTORY_SOAK_SECONDS") or 600)
GROWTH = 1.1


def test_ten_minutes_of_eight_people(argilla: ArgillaServer) -> None:
    outcome = work(argilla, SECONDS)
    print(f"\n{outcome}")
    assert not outcome.errors and not outcome.lost
    assert outcome.answers + outcome.changes > 1000 and outcome.searches > 1000
    assert outcome.end < GROWTH * outcome.warm, "the server's memory grew"
