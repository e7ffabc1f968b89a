"""Eight people answer and search while the server is killed: the short form of soak.py."""

from __future__ import annotations

import pytest
from crowd import work

from factory.services.argilla.server import ArgillaServer

pytestmark = pytest.mark.real


def test_nothing_is_lost_among_many(argilla: ArgillaServer) -> None:
    outcome = work(argilla, 20)
    assert not outcome.errors and not outcome.lost, str(outcome)
    assert outcome.answers > 50 and outcome.searches > 50 and outcome.cut > 0, str(outcome)
    assert outcome.end < 1.3 * outcome.warm, str(outcome)
