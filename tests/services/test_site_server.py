"""The site's server, as `make up` starts it: its pages, and nothing else of the machine."""

from __future__ import annotations

import dataclasses
import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.services.process import free_port
from factory.services.site.server import SiteServer
from factory.settings import Settings
from tests.site.family import NAME, publish, settings_in

pytestmark = pytest.mark.real


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Settings]:
    """A family of one, whose site is served."""
    where = dataclasses.replace(settings_in(tmp_path), site_port=free_port())
    publish(where, "1.0.0")
    server = SiteServer(where)
    server.start()
    yield where
    server.stop()


def get(where: Settings, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and body; the path goes over the wire as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", where.site_port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def shown(where: Settings, path: str, words: str) -> bool:
    """Whether a page comes to show these words."""
    deadline = time.monotonic() + 60
    while words not in get(where, path)[1]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_pages_are_made_served_and_made_again(where: Settings) -> None:
    assert shown(where, "/", "Mood of a note")
    assert get(where, f"/{NAME}/index.html")[0] == 200
    publish(where, "1.1.0")
    assert "1.1.0" not in get(where, "/")[1]
    assert SiteServer(where).reload()
    assert shown(where, "/", "1.1.0")
    SiteServer(where).stop()
    assert not SiteServer(where).reload()


def test_nothing_else_is_given_out_and_nothing_is_taken_in(where: Settings) -> None:
    assert shown(where, "/", "Mood of a note")
    (where.home / "secret.html").write_text("secret")
    (where.site / "folder").mkdir()
    for path in ("/../secret.html", "/%2e%2e/secret.html", "/..%2fsecret.html", f"/{NAME}/../../../secret.html"):
        code, body = get(where, path)
        assert code == 404 and "secret" not in body
    assert get(where, "/folder/")[0] == 404, "folders are not listed"
    assert get(where, "/", "POST")[0] == 405
    assert get(where, "/", host="evil.example")[0] == 400
