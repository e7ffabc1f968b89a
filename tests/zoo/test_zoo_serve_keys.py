"""API keys: what stands in their file, who may read it, what a key may do; and rates."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.__main__ import main
from zoo.errors import BadInput, BadKeys
from zoo.serve.keys import KeyFile
from zoo.serve.limits import Limits
from zoo.serve.rate import Rates


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def test_a_key_is_found_and_its_file_does_not_hold_it(file: KeyFile) -> None:
    key = file.add("shop", ["read", "predict"])
    found = file.find(key)
    assert found and (found.name, found.scopes) == ("shop", ("predict", "read"))
    assert key not in file.path.read_text() and key.split("_", 2)[2] not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    for wrong in ("", "zoo", key[:-1], key + "x", key.replace(found.id, "00000000"), "zoo__", "é_ü_\ud800"):
        assert file.find(wrong) is None, wrong


def test_what_another_process_changes_counts_at_once(file: KeyFile) -> None:
    other = KeyFile(file.path)
    key = other.add("shop", ["predict"])
    assert file.find(key)
    second = other.add("desk", ["predict"])
    other.revoke(key.split("_")[1])
    assert file.find(key) is None and file.find(second)
    file.path.unlink()
    assert file.find(second) is None


def test_many_may_add_at_once(file: KeyFile) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda number: KeyFile(file.path).add(f"who {number}", ["predict"]), range(12)))
    assert all(map(file.find, made))


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"format": 1, "keys": [{}]}', '{"format": 2, "keys": []}'])
def test_what_is_no_file_of_keys_says_so(file: KeyFile, said: str) -> None:
    file.path.write_text(said)
    file.path.chmod(0o600)
    with pytest.raises(BadKeys) as caught:
        file.find("zoo_x_y")
    assert str(file.path) in caught.value.where and caught.value.fix


def test_an_edited_entry_is_refused(file: KeyFile) -> None:
    file.add("shop", ["predict"])
    value = json.loads(file.path.read_text())
    value["keys"][0]["scopes"] = ["all"]
    file.path.write_text(json.dumps(value))
    with pytest.raises(BadKeys, match="shop"):
        file.keys()


def test_a_file_that_others_may_read_is_refused(file: KeyFile) -> None:
    file.add("shop", ["predict"])
    file.path.chmod(0o640)
    with pytest.raises(BadKeys) as caught:
        file.keys()
    assert "chmod 600" in caught.value.fix


def test_what_a_key_can_not_be(file: KeyFile) -> None:
    for name, scopes in (("", ["predict"]), ("a\tb", ["predict"]), ("shop", []), ("shop", ["root"])):
        with pytest.raises(BadInput):
            file.add(name, scopes)
    assert not file.path.exists()


def test_the_commands(file: KeyFile, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "add", str(file.path), "--name", "shop", "--scope", "predict", "--scope", "read"]) == 0
    key = capsys.readouterr().out.strip()
    found = file.find(key)
    assert found
    assert main(["keys", "list", str(file.path)]) == 0
    assert capsys.readouterr().out == f"{found.id}\tshop\tpredict read\t{found.created}\n"
    assert main(["keys", "revoke", str(file.path), found.id]) == 0
    assert file.find(key) is None
    assert main(["keys", "revoke", str(file.path), found.id]) == 1
    assert "no key" in capsys.readouterr().err


@given(st.floats(0.1, 50), st.integers(1, 10), st.lists(st.floats(0, 2), max_size=60))
def test_never_more_than_the_rate_and_the_burst(rate: float, burst: int, pauses: list[float]) -> None:
    now = 0.0
    rates = Rates(rate, burst, clock=lambda: now)
    passed = 0
    for pause in pauses:
        now += pause
        wait = rates.wait("a")
        passed += not wait
        assert passed <= burst + rate * now + 1e-6
        if wait:
            now += wait  # who waits as told is let through
            assert rates.wait("a") == 0
            passed += 1


def test_clients_have_buckets_of_their_own_and_no_rate_lets_all_through() -> None:
    rates = Rates(1, 1, clock=lambda: 0.0)
    assert [rates.wait("a"), rates.wait("a"), rates.wait("b")] == [0, 1, 0]
    assert not any(Rates(None, 1).wait("a") for _ in range(100))


@pytest.mark.parametrize("wrong", [{"body": 0}, {"texts": 1.5}, {"seconds": 0}, {"rate": -1}, {"queue": 3, "texts": 4}])
def test_limits_that_can_not_be(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Limits(**wrong)  # type: ignore[arg-type]
