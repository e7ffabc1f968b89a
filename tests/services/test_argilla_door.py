"""The embedded Argilla, opened to other machines: over TLS, at the address that was asked for, and not by mistake."""

from __future__ import annotations

import dataclasses
import datetime
import os
import signal
import socket
import ssl
from pathlib import Path

import httpx
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from factory import settings
from factory.errors import ServiceError
from factory.services.argilla import door
from factory.services.argilla.credentials import REVIEWER
from factory.services.argilla.server import ArgillaServer
from factory.services.process import free_port


def certificate(folder: Path, name: str = "localhost", passphrase: bytes = b"") -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(pem))
    files[1].write_bytes(key.private_bytes(pem, kind, locked))
    return files


@pytest.mark.parametrize(
    ("listen", "said"),
    [
        ("reviews.example.org", "no address"),
        (":6943", "no address"),
        ("here:port", "no address"),
        ("here:0", "no address"),
        ("here:70000", "no address"),
        ("here:6943", "for all to read"),
    ],
)
def test_half_a_door_is_refused(listen: str, said: str) -> None:
    with pytest.raises(ServiceError, match=said) as refused:
        door.parse(listen, None, None)
    assert refused.value.where == "FACTORY_ARGILLA_LISTEN" and refused.value.fix


def test_where_people_open_it(tmp_path: Path) -> None:
    files = tmp_path / "a", tmp_path / "b"
    assert door.parse("", *files) is None
    opened = {
        listen: made.url
        for listen in ("reviews.example.org:6943", "[2001:db8::1]:6943", "[::]:6943")
        if (made := door.parse(listen, *files))
    }
    assert opened["reviews.example.org:6943"] == "https://reviews.example.org:6943"
    assert opened["[2001:db8::1]:6943"] == "https://[2001:db8::1]:6943"
    assert opened["[::]:6943"] == f"https://{socket.getfqdn()}:6943"


def test_files_that_can_not_be_used_are_told(tmp_path: Path) -> None:
    good, key = certificate(tmp_path)
    (tmp_path / "locked").mkdir()
    locked = certificate(tmp_path / "locked", "localhost", b"secret")
    other = certificate(tmp_path, "other")
    (tmp_path / "no.pem").write_text("This is no certificate.")
    door.Door("localhost", 1, good, key).check()
    for files in ((good, other[1]), (tmp_path / "no.pem", key), locked):
        with pytest.raises(ServiceError, match="can't be used"):
            door.Door("localhost", 1, *files).check()
    with pytest.raises(ServiceError, match="FACTORY_ARGILLA_CERTIFICATE names no file"):
        door.Door("localhost", 1, tmp_path / "missing", key).check()


def test_what_is_set_wrongly_keeps_nobody_from_stopping_it(tmp_path: Path) -> None:
    server = ArgillaServer(dataclasses.replace(settings.load(), home=tmp_path, argilla_url="", argilla_listen="here"))
    assert server.state == "down" and not server.stop()
    with pytest.raises(ServiceError, match="no address"):
        server.start()


@pytest.mark.real
def test_it_is_reached_over_tls_alone(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)
    port = free_port()
    opened = dataclasses.replace(
        settings.load(), home=tmp_path / "home", argilla_url="", argilla_port=free_port(),
        argilla_listen=f"localhost:{port}", argilla_certificate=pem, argilla_certificate_key=key,
    )  # fmt: skip
    server = ArgillaServer(opened)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(ServiceError, match="died at start") as taken:
        server.start()
    assert "Address already in use" in str(taken.value)
    server.start()
    try:
        assert server.public_url == f"https://localhost:{port}" and server.public_url in server.describe()
        pid = int((server.home.parent / "run" / "argilla.pid").read_text())
        listening = {c.laddr.port for c in psutil.Process(pid).net_connections("inet") if c.status == "LISTEN"}
        assert listening == {port, opened.argilla_port}
        trust = ssl.create_default_context(cafile=str(pem))
        with httpx.Client(base_url=server.public_url, verify=trust, trust_env=False) as http:
            form = {"username": REVIEWER, "password": server.credentials.reviewer_password}
            token = http.post("/api/v1/token", data=form).raise_for_status().json()["access_token"]
            me = http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).raise_for_status().json()
            assert me["role"] == "annotator"
            assert "default-src 'self'" in http.get("/").headers["content-security-policy"]
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"http://localhost:{port}/api/v1/version", trust_env=False)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(server.public_url, trust_env=False)
        assert httpx.get(f"{server.url}/api/v1/version", trust_env=False).status_code == 200
        closed = ArgillaServer(dataclasses.replace(opened, argilla_listen=""))
        with pytest.raises(ServiceError, match="with other settings"):
            closed.start()
        os.kill(pid, signal.SIGTERM)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=20)
        assert server.state == "down"
    finally:
        server.stop()
    words = (server.home.parent / "logs" / "argilla.log").read_text()
    assert words.count("Finished server process") == 2 and "Traceback" not in words.rpartition("Started server")[2]
