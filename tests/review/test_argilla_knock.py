"""Argilla tells at once that somebody has answered, and the watch hears it."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
from review_specs import make_spec
from reviewer import Reviewer

from factory import settings
from factory.review.argilla import connect
from factory.review.select import Selection
from factory.row import Lineage, Row
from factory.services.argilla.server import ArgillaServer
from factory.services.process import free_port
from flows.review import Watch

pytestmark = pytest.mark.real


def test_an_answer_is_a_knock(argilla: ArgillaServer, own_settings: settings.Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "spec", {"fee": "A charge.", "pin": "The PIN."}, "support/knock")
    where = dataclasses.replace(own_settings, review="argilla", watch_port=free_port())
    place = connect(where)
    rows = [Row(text=f"text number {n}", label="fee", origin="generated", lineage=Lineage(spec="s")) for n in range(2)]
    place.push(spec, [Selection(row, "uncertain", 0.5).item() for row in rows])
    somebody = Reviewer(argilla, spec)
    watch = Watch(where)
    with watch.at_the_door():
        watch.hook(place)
        watch.hook(place)  # one webhook, however often it is asked for
        somebody.respond(rows[0].id, "submitted", label="pin")
        begun = time.monotonic()
        assert watch.knocked.wait(10)
        print(f"heard after {time.monotonic() - begun:.2f} s")
        watch.knocked.clear()
        watch.hook(None)
        somebody.respond(rows[1].id, "submitted", label="pin")
        assert not watch.knocked.wait(1.5)
    assert [answer.label for answer in place.pull(spec).answers] == ["pin", "pin"]
