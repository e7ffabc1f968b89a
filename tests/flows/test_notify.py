"""Telling people, by a server on loopback."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factory import settings
from factory.services.process import free_port
from flows.notify import notify
from tests.flows.heard import listening


def test_every_address_is_told() -> None:
    with listening() as (address, heard):
        assert notify("Gate", "It failed.", replace(settings.load(), notify=(f"{address}/a", f"{address}/b")))
    assert [(one["title"], one["message"]) for one in heard] == [("Gate", "It failed.")] * 2


@pytest.mark.parametrize("address", ["no address", "json://user:secret@127.0.0.1:PORT"])
def test_who_cannot_be_told_stops_nothing_and_no_secret_is_said(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not notify(
        "Gate", "It failed.", replace(settings.load(), notify=(address.replace("PORT", str(free_port())),))
    )
    said = capsys.readouterr()
    assert "could be told: Gate" in said.out
    assert "secret" not in said.out + said.err


def test_without_addresses_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACTORY_NOTIFY", raising=False)
    assert settings.load().notify == () and notify("Gate", "It failed.", settings.load())
    monkeypatch.setenv("FACTORY_NOTIFY", "json://127.0.0.1:1  mailto://127.0.0.1")
    assert settings.load().notify == ("json://127.0.0.1:1", "mailto://127.0.0.1")
