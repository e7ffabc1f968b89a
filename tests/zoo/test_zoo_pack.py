"""Specialists in wheels: what the archive holds, what it is called, and that pip and the zoo agree about it."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name, parse_wheel_filename

import zoo
from zoo.__main__ import main
from zoo.distribution import distribution
from zoo.errors import BrokenSpecialist, CannotWrite, NoHub, Tampered, UnknownSpecialist, UnknownVersion
from zoo.names import NAME

ROOT = Path(zoo.__file__).parent.parent


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """install(wheel): put it where Python finds packages, as pip does with a wheel of no code; returns that folder."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def unpack(wheel: Path) -> Path:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        return site

    return unpack


def test_what_is_installed_is_found_verified_and_answers(
    hub: Path, tmp_path: Path, install: Callable[..., Path]
) -> None:
    wheel = zoo.pack("finance/sentiment@1.2.0", hub=hub, out=tmp_path / "dist")
    assert wheel.name == "specialist_finance_sentiment-1.2.0-py3-none-any.whl"
    with pytest.raises(NoHub):
        zoo.load("finance/sentiment")
    site = install(wheel)
    found = zoo.load("finance/sentiment")
    assert found.version == "1.2.0" and found.folder.is_relative_to(site)
    assert found.predict("word1") == zoo.load("finance/sentiment@1.2.0", hub=hub).predict("word1")
    assert zoo.load("finance/sentiment@1", hub="installed:").version == "1.2.0"
    with pytest.raises(UnknownVersion, match=r"has no version 2"):
        zoo.load("finance/sentiment@2", hub="installed:")
    with pytest.raises(UnknownSpecialist, match="finance/sentimnt") as unknown:
        zoo.load("finance/sentimnt")
    assert "Did you mean finance/sentiment?" in unknown.value.fix
    (found.folder / "config.json").write_text("[]")
    with pytest.raises(Tampered, match=r"config\.json"):
        zoo.load("finance/sentiment")


def test_the_hub_that_is_set_goes_before(
    hub: Path, tmp_path: Path, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(zoo.pack("finance/sentiment@1.2.0", hub=hub, out=tmp_path))
    monkeypatch.setenv("ZOO_HUB", str(hub))
    assert zoo.load("finance/sentiment").version == "2.0.0"
    monkeypatch.setenv("ZOO_HUB", "installed:")
    assert zoo.load("finance/sentiment").version == "1.2.0"


def test_the_archive_is_a_wheel(hub: Path, tmp_path: Path) -> None:
    folder = hub / "finance/sentiment/1.2.0"
    (folder / "left over.txt").write_text("what the manifest does not name")
    wheel = zoo.pack("finance/sentiment@1.2.0", hub=hub, out=tmp_path)
    name, version, build, (tag,) = parse_wheel_filename(wheel.name)
    assert (name, str(version), build, str(tag)) == ("specialist-finance-sentiment", "1.2.0", (), "py3-none-any")
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    base, info = "zoo_specialists/finance/sentiment/1.2.0", "specialist_finance_sentiment-1.2.0.dist-info"
    named = {f"{base}/{path}" for path in ("manifest.json", *zoo.Manifest.read(folder).files)}
    assert set(held) == named | {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "specialist.json")}
    assert next(reversed(held)) == f"{info}/RECORD", "metadata stands at the end, RECORD last"
    rows = list(csv.reader(io.StringIO(held[f"{info}/RECORD"].decode())))
    assert {row[0] for row in rows} == set(held)
    for path, digest, size in rows:
        if path == f"{info}/RECORD":
            assert (digest, size) == ("", "")
        else:
            hashed = urlsafe_b64encode(sha256(held[path]).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (f"sha256={hashed}", len(held[path]))
    about = message_from_bytes(held[f"{info}/METADATA"])
    assert (about["Name"], about["Version"], about["License"]) == (
        "specialist-finance-sentiment",
        "1.2.0",
        "Apache-2.0",
    )
    assert about["Requires-Dist"] is None and about.get_payload() == "# A card\n"
    assert message_from_bytes(held[f"{info}/WHEEL"])["Root-Is-Purelib"] == "true"


def test_the_same_version_makes_the_same_bytes(hub: Path, tmp_path: Path) -> None:
    one = zoo.pack("finance/sentiment@1.2.0", hub=hub, out=tmp_path / "one")
    folder = hub / "finance/sentiment/1.2.0"
    for path in folder.rglob("*"):
        path.touch()
    two = zoo.pack(folder, out=tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()
    assert zoo.pack(folder, out=tmp_path / "two") == two and list((tmp_path / "two").iterdir()) == [two]


def test_what_is_written_into_metadata_is_one_line(copy: Path, tmp_path: Path) -> None:
    tiny.seal(copy, title="A mood\nRequires-Dist: evil", licence="Own\r\nterms")
    with zipfile.ZipFile(zoo.pack(copy, out=tmp_path)) as archive:
        about = message_from_bytes(archive.read("specialist_finance_sentiment-1.0.0.dist-info/METADATA"))
    assert about["Requires-Dist"] is None and about["Summary"] == "A mood Requires-Dist: evil"


def test_nothing_damaged_is_packed_and_nothing_half_done_stays(copy: Path, tmp_path: Path) -> None:
    (copy / "config.json").write_text("[]")
    with pytest.raises(Tampered):
        zoo.pack(copy, out=tmp_path / "dist")
    tiny.seal(copy)
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        zoo.pack(copy, out=tmp_path / "file")
    assert not list(tmp_path.rglob("*.whl")) and not list(tmp_path.rglob("*.part"))


WORDS = st.text("ab", min_size=1, max_size=2)
ALIKE = st.tuples(WORDS, st.lists(st.tuples(st.sampled_from("_-/"), WORDS), min_size=1, max_size=3)).map(
    lambda parts: parts[0] + "".join(map("".join, parts[1]))
)
NAMES = ALIKE.filter(NAME.fullmatch) | st.from_regex(NAME, fullmatch=True)
"""Names of few words and letters, which are often the same but for what stands between the words."""


@given(NAMES, NAMES)
def test_names_of_wheels_are_normal_and_no_two_specialists_share_one(one: str, other: str) -> None:
    named = distribution(one)
    assert named == canonicalize_name(named) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", named)
    assert (named == distribution(other)) == (one == other)


def test_names_that_pep_503_can_not_tell_apart() -> None:
    alike = ["a/b_c", "a/b-c", "a_b/c"]
    assert len({distribution(name) for name in alike}) == 3
    assert distribution("medical/question_summary") == "specialist-medical-question-summary"
    assert re.fullmatch("specialist-a-b-c-[0-9a-f]{8}", distribution("a_b/c"))


@pytest.mark.parametrize(
    "about", ["", "[]", "{", '{"name": "A B", "version": "1.0.0"}', '{"name": "a/b", "version": 1}']
)
def test_what_says_nothing_legible_is_no_specialist(
    about: str, tmp_path: Path, install: Callable[..., Path], hub: Path
) -> None:
    site = install(zoo.pack("finance/sentiment@1.2.0", hub=hub, out=tmp_path))
    (site / "specialist_finance_sentiment-1.2.0.dist-info/specialist.json").write_text(about)
    with pytest.raises(NoHub):
        zoo.load("finance/sentiment")


def test_no_other_package_speaks_for_a_specialist(tmp_path: Path, install: Callable[..., Path], hub: Path) -> None:
    site = install(zoo.pack("finance/sentiment@1.2.0", hub=hub, out=tmp_path))
    info = site / "other-1.2.0.dist-info"
    (site / "specialist_finance_sentiment-1.2.0.dist-info").rename(info)
    metadata = (info / "METADATA").read_text().replace("specialist-finance-sentiment", "other")
    (info / "METADATA").write_text(metadata)
    assert zoo.open_hub("installed:").names() == []
    with pytest.raises(NoHub):
        zoo.load("finance/sentiment")


def test_metadata_that_names_what_is_not_there_is_found_out(
    tmp_path: Path, install: Callable[..., Path], hub: Path
) -> None:
    site = install(zoo.pack("finance/sentiment@1.2.0", hub=hub, out=tmp_path))
    about = {"name": "finance/sentiment", "version": "1.3.0"}
    (site / "specialist_finance_sentiment-1.2.0.dist-info/specialist.json").write_text(json.dumps(about))
    with pytest.raises(BrokenSpecialist, match=r"no manifest\.json"):
        zoo.load("finance/sentiment")
    base = site / "zoo_specialists/finance/sentiment"
    (base / "1.2.0").rename(base / "1.3.0")
    with pytest.raises(BrokenSpecialist, match=r"has finance/sentiment@1\.2\.0 under the name"):
        zoo.load("finance/sentiment")


def test_the_command_prints_the_wheel(
    hub: Path, tmp_path: Path, install: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", "support/intent", "--hub", str(hub), "--out", str(tmp_path / "dist")]) == 0
    wheel = Path(capsys.readouterr().out.strip())
    assert wheel == tmp_path / "dist" / "specialist_support_intent-1.0.0-py3-none-any.whl"
    install(wheel)
    assert main(["list"]) == 0 and capsys.readouterr().out == "support/intent\t1.0.0\n"
    assert main(["pack", "support/nothing", "--hub", str(hub)]) == 1


@pytest.mark.real
def test_pip_installs_it_without_an_index_and_a_fresh_environment_loads_it(hub: Path, tmp_path: Path) -> None:
    wheel = zoo.pack("finance/sentiment@1.2.0", hub=hub, out=tmp_path)
    fresh = tmp_path / "env"
    venv.create(fresh)
    python = fresh / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", python)

    def run(*command: object, **variables: str) -> str:
        done = subprocess.run(
            [*map(str, command)], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(*pip, "install", "-q", "--no-index", wheel)
    assert "specialist-finance-sentiment" in run(*pip, "list") and run(*pip, "check")
    ask = "import zoo; found = zoo.load('finance/sentiment'); print(found.folder, found.predict('word1').label)"
    needed = f"{ROOT}:{sysconfig.get_path('purelib')}"  # the zoo, and what it needs
    folder, label = run(python, "-c", ask, PYTHONPATH=needed, HOME=str(tmp_path)).split()
    assert (
        Path(folder).is_relative_to(fresh)
        and label == zoo.load("finance/sentiment@1.2.0", hub=hub).predict("word1").label
    )
    run(*pip, "uninstall", "-q", "-y", "specialist-finance-sentiment")
    left = [path for path in fresh.rglob("zoo_specialists/**/*") if path.is_file()]
    assert not left, "what RECORD names is all there was"
