"""Who published: a signature over a specialist's manifest, which holds the sha256 of every other file.

`manifest.sig` beside `manifest.json`: a JSON object with an Ed25519 signature (RFC 8032) over the manifest's bytes. The
manifest does not name it, so a version can be signed after it was published, and by a person who did not publish it.
Needs the extra `sign`: pip install specialist-zoo[sign]. cryptography is imported here alone, when it is needed.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import BadInput, CannotWrite, MissingExtra, Unsigned, unwritable
from zoo.files import FILE, SIGNATURE, inside
from zoo.manifest import verify

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT = 1
SETTING = "ZOO_SIGNED_BY"
"""The variable that names files of public keys, separated as in PATH: what is signed by none of them is not loaded."""
_ABOUT = b"specialist-zoo manifest 1\n"  # before what is signed, so that no signature for another purpose is one
Keys = str | Path | Sequence[str | Path]
"""Files of public keys: one, or several of which one has to have signed."""


def new_key(path: str | Path) -> Path:
    """Make a key pair: the private key in a new file that its owner alone can read, the public one in `<path>.pub`.

    Returns:
        the file of the public key, which is to be given to whoever loads.

    Raises:
        MissingExtra; BadInput: a file is there already; CannotWrite.
    """
    need()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = private.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    path = Path(path)
    shown = path.with_name(f"{path.name}.pub")
    for file, data, mode in ((path, pem, 0o600), (shown, public, 0o644)):
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
                opened.write(data)
        except FileExistsError as error:
            raise BadInput("There is a file of this name already.", where=str(file), fix="Choose another.") from error
        except OSError as error:
            raise unwritable(error, str(file)) or CannotWrite(f"{error}.", where=str(file)) from error
    return shown


def sign(folder: str | Path, key: str | Path) -> Path:
    """Sign a specialist, once every file of it was verified.

    Args:
        folder: of one version.
        key: the file of a private key: PEM, Ed25519, not encrypted.

    Returns:
        the signature's file, in place of one that was there.

    Raises:
        MissingExtra; Tampered, BrokenSpecialist; BadInput: the key can't be read; CannotWrite.
    """
    need()
    folder = Path(folder)
    _private(Path(key))  # a key that can't be read is found before every file is
    verify(folder)
    return sign_file(inside(folder, FILE), folder / SIGNATURE, key, _ABOUT)


def sign_file(signed: Path, signature: Path, key: str | Path, about: bytes) -> Path:
    """Sign the bytes of a file.

    Args:
        signed: the file.
        signature: where the signature is put, in place of one that was there.
        key: the file of a private key: PEM, Ed25519, not encrypted.
        about: what the signature is for; it is signed before the file's bytes.

    Returns:
        the signature's file.

    Raises:
        MissingExtra; BadInput: the key can't be read; CannotWrite.
    """
    need()
    private = _private(Path(key))
    said = {"format": FORMAT, "algorithm": "ed25519", "key": key_id(private.public_key())}
    said["signature"] = b64encode(private.sign(about + signed.read_bytes())).decode()
    part = signature.with_name(f".{signature.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        part.replace(signature)
    except OSError as error:
        raise unwritable(error, str(signature)) or CannotWrite(f"{error}.", where=str(signature)) from error
    finally:
        part.unlink(missing_ok=True)
    return signature


def asked_for(signed_by: Keys | None) -> list[Path]:
    """The files of keys that count: those given; None: those that ZOO_SIGNED_BY names, which may be none."""
    if signed_by is None:
        return [Path(name).expanduser() for name in os.environ.get(SETTING, "").split(os.pathsep) if name]
    given = [signed_by] if isinstance(signed_by, str | Path) else list(signed_by)
    if not given:
        raise BadInput("signed_by names no key.", fix="Give the file of a public key, or leave it out.")
    return [Path(name).expanduser() for name in given]


def check(folder: Path, keys: Sequence[Path]) -> str:
    """See that a specialist's manifest is signed by one of these keys; the files are verify's affair.

    Returns:
        the id of the key.

    Raises:
        MissingExtra; BadInput: a key can't be read.
        Unsigned: there is no signature, or none of theirs.
    """
    return check_file(inside(folder, FILE), inside(folder, SIGNATURE), keys, _ABOUT)


def check_file(signed: Path, signature: Path, keys: Sequence[Path], about: bytes) -> str:
    """See that a file is signed by one of these keys, for this purpose; as `check`, of any file."""
    need()
    from cryptography.exceptions import InvalidSignature

    publics = [_public(path) for path in keys]
    given = _signature(signature)
    data = about + signed.read_bytes()
    for public in publics:
        try:
            public.verify(given, data)
        except InvalidSignature:
            continue
        return key_id(public)
    raise Unsigned(
        f"None of the keys that count ({', '.join(map(key_id, publics))}) has signed it.",
        where=str(signed.parent),
        fix="Do not use it, until whoever published it says by which key it is signed.",
    )


def key_id(public: Ed25519PublicKey) -> str:
    """What a key is called: 16 hex digits of the sha256 of its 32 bytes."""
    return sha256(public.public_bytes_raw()).hexdigest()[:16]


def need() -> None:
    """See that the extra is installed; raises MissingExtra. Imports nothing."""
    if find_spec("cryptography") is None:
        raise MissingExtra(
            "Signatures need a package that is not installed: cryptography.", fix="pip install 'specialist-zoo[sign]'"
        )


def _signature(path: Path) -> bytes:
    try:
        said = json.loads(path.read_bytes())
        if said["format"] != FORMAT or said["algorithm"] != "ed25519":
            raise ValueError("another format")
        return b64decode(said["signature"], validate=True)
    except FileNotFoundError as error:
        fix = "Ask whoever published it to sign it: zoo sign FOLDER --key KEY."
        raise Unsigned("This is not signed.", where=str(path.parent), fix=fix) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        fix = "Do not use it; get it again, or a newer zoo."
        raise Unsigned("The signature can't be read.", where=str(path), fix=fix) from error


def _private(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found = _read(path, lambda data: load_pem_private_key(data, None), "a private key")
    if not isinstance(found, Ed25519PrivateKey):
        raise BadInput("This is a private key of another algorithm than Ed25519.", where=str(path), fix=_NEW)
    return found


def _public(path: Path) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    found = _read(path, load_pem_public_key, "a public key")
    if not isinstance(found, Ed25519PublicKey):
        raise BadInput("This is a public key of another algorithm than Ed25519.", where=str(path), fix=_NEW)
    return found


_NEW = "Make a pair of keys: zoo sign --new-key FILE."


def _read(path: Path, load: Any, what: str) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return load(path.read_bytes())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise BadInput(f"This is not {what} that can be read: {error}.", where=str(path), fix=_NEW) from error
