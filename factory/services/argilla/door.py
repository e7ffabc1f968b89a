"""Where the embedded Argilla can be reached from other machines: a second address, and TLS there without exception."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from factory.errors import ServiceError


@dataclass(frozen=True)
class Door:
    """An address and what proves that it is the right one.

    Attributes:
        host: what to listen on: a name or address of this machine, or `::` for all of them.
        port: TCP port.
        certificate: PEM file with the certificate, and those between it and an authority that browsers trust.
        key: PEM file with its private key, without a passphrase.
    """

    host: str
    port: int
    certificate: Path
    key: Path

    @property
    def url(self) -> str:
        """What people open."""
        host = socket.getfqdn() if _unspecified(self.host) else self.host
        return f"https://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def arguments(self) -> list[str]:
        """For the command line of the server."""
        files = ["--certificate", str(self.certificate), "--certificate-key", str(self.key)]
        return ["--listen", f"{self.host}:{self.port}", *files]

    def check(self) -> None:
        """See whether the files can be used.

        Raises:
            ServiceError: one is missing or unreadable, is no PEM, has a passphrase, or they do not belong together.
        """
        fix = "Name PEM files that belong together; the key without a passphrase, readable by you alone."
        for suffix, file in (("", self.certificate), ("_KEY", self.key)):
            if not file.is_file():
                raise ServiceError(f"FACTORY_ARGILLA_CERTIFICATE{suffix} names no file.", where=str(file), fix=fix)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:  # SSLError is an OSError
            where = f"{self.certificate}, {self.key}"
            raise ServiceError(f"The certificate and its key can't be used ({error}).", where=where, fix=fix) from error


def _unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:  # a name
        return False


def parse(listen: str, certificate: Path | None, key: Path | None) -> Door | None:
    """The door that the settings ask for, or None.

    Args:
        listen: `host:port`; empty: none.
        certificate, key: its PEM files; None: not named.

    Raises:
        ServiceError: a part is missing, or makes no sense.
    """
    if not listen:
        return None
    host, colon, port = listen.rpartition(":")
    host = host.strip("[]")
    if not (host and colon and port.isdigit() and 0 < int(port) < 2**16):
        raise ServiceError(
            f"{listen!r} is no address to listen on.", where="FACTORY_ARGILLA_LISTEN",
            fix="Write host:port, such as reviews.example.org:6943, or [::]:6943 for all addresses.",
        )  # fmt: skip
    if certificate is None or key is None:
        raise ServiceError(
            "Passwords and answers would go over the network for all to read.", where="FACTORY_ARGILLA_LISTEN",
            fix="Set FACTORY_ARGILLA_CERTIFICATE and FACTORY_ARGILLA_CERTIFICATE_KEY to PEM files for that host.",
        )  # fmt: skip
    return Door(host, int(port), certificate, key)
