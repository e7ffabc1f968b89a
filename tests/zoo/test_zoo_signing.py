"""Signed specialists: what is refused, and that only a key that counts opens the door."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest
import tiny
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

import zoo
from zoo import signing
from zoo.__main__ import main
from zoo.errors import BadInput, MissingExtra, Tampered, Unsigned


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key's file; the public one's is beside it."""
    signing.new_key(tmp_path / "key")
    return tmp_path / "key"


def public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def test_what_is_signed_is_loaded_and_what_is_not_is_refused(copy: Path, key: Path) -> None:
    with pytest.raises(Unsigned, match="is not signed"):
        zoo.load(copy, signed_by=public(key))
    assert zoo.load(copy).version == "1.0.0", "nobody asked for a signature"
    signing.sign(copy, key)
    assert zoo.load(copy, signed_by=public(key)).version == "1.0.0"
    other = key.with_name("other")
    signing.new_key(other)
    with pytest.raises(Unsigned, match="None of the keys that count"):
        zoo.load(copy, signed_by=public(other))
    assert zoo.load(copy, signed_by=[public(other), public(key)]).version == "1.0.0"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_the_setting_counts_wherever_something_is_loaded(
    hub: Path, key: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZOO_SIGNED_BY", f"{key.with_name('gone.pub')}")
    with pytest.raises(BadInput, match="can be read"):
        zoo.load("support/intent", hub=hub)
    monkeypatch.setenv("ZOO_SIGNED_BY", str(public(key)))
    for command in (["predict", "support/intent", "word1"], ["verify", "support/intent"], ["pull", "support/intent"]):
        assert main([*command, "--hub", str(hub)]) == 1
        assert "is not signed" in capsys.readouterr().err
    signing.sign(hub / "support/intent/1.0.0", key)
    assert main(["verify", "support/intent", "--hub", str(hub)]) == 0
    assert (
        f"signed by {json.loads((hub / 'support/intent/1.0.0/manifest.sig').read_text())['key']}"
        in capsys.readouterr().out
    )


def test_a_change_of_the_manifest_or_of_a_file_is_found(copy: Path, key: Path) -> None:
    signing.sign(copy, key)
    (copy / "config.json").write_text("[]")
    with pytest.raises(Tampered):
        zoo.load(copy, signed_by=public(key))
    tiny.seal(copy)
    with pytest.raises(Unsigned, match="None of the keys"):
        zoo.load(copy, signed_by=public(key))
    assert zoo.load(copy).version == "1.0.0", "without a signature such a change goes unseen: that is what it is for"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        '{"format": 2}',
        '{"format": 1, "algorithm": "none", "signature": ""}',
        '{"format": 1, "algorithm": "ed25519", "signature": "%%"}',
        '{"format": 1, "algorithm": "ed25519", "signature": 5}',
    ],
)
def test_a_signature_that_is_none_is_refused(said: str, copy: Path, key: Path) -> None:
    (copy / "manifest.sig").write_text(said)
    with pytest.raises(Unsigned, match="can't be read"):
        zoo.load(copy, signed_by=public(key))


def test_another_s_signature_is_none_of_this_one(copy: Path, key: Path, specialist: Path) -> None:
    signing.sign(copy, key)
    said = json.loads((copy / "manifest.sig").read_text())
    tiny.seal(copy, version="1.0.1")
    (copy / "manifest.sig").write_text(json.dumps(said))
    with pytest.raises(Unsigned, match="None of the keys"):
        zoo.load(copy, signed_by=public(key))
    short = {**said, "signature": "AAAA"}
    (copy / "manifest.sig").write_text(json.dumps(short))
    with pytest.raises(Unsigned, match="None of the keys"):
        zoo.load(copy, signed_by=public(key))


def test_nothing_damaged_is_signed(copy: Path, key: Path) -> None:
    (copy / "config.json").write_text("[]")
    with pytest.raises(Tampered):
        signing.sign(copy, key)
    assert not (copy / "manifest.sig").exists()


def test_what_is_no_key_of_ours(copy: Path, key: Path, tmp_path: Path) -> None:
    foreign = generate_private_key(SECP256R1())
    pem = form.Encoding.PEM
    (tmp_path / "ec").write_bytes(foreign.private_bytes(pem, form.PrivateFormat.PKCS8, form.NoEncryption()))
    (tmp_path / "ec.pub").write_bytes(foreign.public_key().public_bytes(pem, form.PublicFormat.SubjectPublicKeyInfo))
    secret = form.BestAvailableEncryption(b"word")
    (tmp_path / "locked").write_bytes(foreign.private_bytes(pem, form.PrivateFormat.PKCS8, secret))
    for file, says in (
        (tmp_path / "ec", "another algorithm"),
        (tmp_path / "locked", "can be read"),
        (public(key), "can be"),
    ):
        with pytest.raises(BadInput, match=says):
            signing.sign(copy, file)
    signing.sign(copy, key)
    for file, says in (
        (tmp_path / "ec.pub", "another algorithm"),
        (key, "can be read"),
        (tmp_path / "none", "can be read"),
    ):
        with pytest.raises(BadInput, match=says):
            zoo.load(copy, signed_by=file)
    with pytest.raises(BadInput, match="names no key"):
        zoo.load(copy, signed_by=[])
    with pytest.raises(BadInput, match="of this name already"):
        signing.new_key(key)


def test_a_packed_specialist_keeps_its_signature(copy: Path, key: Path, tmp_path: Path) -> None:
    signing.sign(copy, key)
    with zipfile.ZipFile(zoo.pack(copy, out=tmp_path)) as archive:
        archive.extractall(tmp_path / "site")
    folder = tmp_path / "site/zoo_specialists/finance/sentiment/1.0.0"
    assert zoo.load(folder, signed_by=public(key)).version == "1.0.0"


def test_without_the_extra_it_is_said_what_is_missing(copy: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.signing.find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as missing:
        zoo.load(copy, signed_by=public(key))
    assert "specialist-zoo[sign]" in missing.value.fix
    assert zoo.load(copy).version == "1.0.0"


def test_the_commands(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "mine"
    assert main(["sign", "--new-key", str(key)]) == 0
    assert capsys.readouterr().out == f"{key}.pub\n"
    assert main(["sign", str(copy), "--key", str(key)]) == 0
    assert capsys.readouterr().out == f"{copy / 'manifest.sig'}\n"
    assert main(["verify", str(copy), "--signed-by", f"{key}.pub"]) == 0
    assert "signed by " in capsys.readouterr().out
    for wrong in (["sign", str(copy)], ["sign"]):
        assert main(wrong) == 1
        assert "--key" in capsys.readouterr().err
