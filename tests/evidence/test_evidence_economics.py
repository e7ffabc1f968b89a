"""What a specialist takes, and what a million texts cost; all prices are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.errors import FactoryError, SpecError
from factory.evidence import cost, footprint, prices, speed
from factory.evidence.circumstances import Circumstances
from factory.evidence.prices import PriceList
from tests.zoo import tiny

NOTED = Circumstances("a processor, 2 cores, 24 GiB, no GPU", "abc123def456", "2026-01-01T00:00:00+00:00")
STATED = """
currency: EUR
core_hour: {price: 0.05, date: 2026-01-31, source: our bill}
power: {core: 4.0, overhead: 1.5, date: 2026-01-31, source: our meter}
hosted:
  - {name: giant-1, read: 0.5, written: 2.0, date: 2026-01-31, source: its maker's page}
"""


@pytest.fixture
def stated(tmp_path: Path) -> PriceList:
    (tmp_path / "prices.yaml").write_text(STATED)
    return prices.read(tmp_path / "prices.yaml")


def test_the_list_in_the_checkout_says_what_a_core_draws_and_none_is_a_list_too(tmp_path: Path) -> None:
    power = prices.read().power
    assert power and power.source and power.watt_hours(2.0) == pytest.approx(2 * power.core * power.overhead)
    assert prices.read(tmp_path / "nowhere.yaml") == PriceList()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("core_hour: {price: 0.05, date: 2026-01-31}", "core_hour.source: this key is required"),
        ("core_hour: {price: 0, date: 2026-01-31, source: x}", "core_hour.price"),
        ("power: {core: 4, overhead: 0.9, date: 2026-01-31, source: x}", "power.overhead"),
        ("hosted: [{name: a, read: 1, written: 1, source: x}]", "hosted.0.date: this key is required"),
        ("core_hours: 3", "core_hours: unknown key; allowed here: currency, core_hour, power, hosted"),
    ],
)
def test_a_price_without_date_or_source_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(SpecError, match=said) as caught:
        prices.read(tmp_path / "prices.yaml")
    assert "prices.yaml" in str(caught.value)


def test_a_million_texts_by_the_fastest_speed_measured(stated: PriceList) -> None:
    slow, fast = (speed.from_seconds([seconds] * 4, "student:int8", NOTED) for seconds in (0.0072, 0.0036))
    one = cost.computed([slow, fast], 1, stated, "one thread")
    assert one.core_hours == pytest.approx(1.0) and one.price == pytest.approx(0.05) and one.currency == "EUR"
    assert one.basis == (
        "one thread, 1 core; 0.05 EUR a core-hour (our bill, 2026-01-31); "
        "4 W a core, 1.5 times that in all (our meter, 2026-01-31)"
    )
    assert one.watt_hours == pytest.approx(6.0)
    assert cost.computed([fast], 2, stated, "x").core_hours == pytest.approx(2.0)
    without = cost.computed([fast], 2, PriceList(), "x")
    assert without.core_hours == pytest.approx(2.0) and without.price is None and without.basis == "x, 2 cores"
    assert without.watt_hours is None


def test_a_hosted_model_s_million_by_its_tokens(stated: PriceList) -> None:
    (giant,) = stated.hosted
    one = cost.hosted(giant, [(300, 2), (500, 6)], stated.currency, NOTED)
    assert one.price == pytest.approx(100 * 0.5 + 1 * 2.0)
    assert (one.who, one.core_hours, one.n) == ("giant-1", None, 2)
    assert "about 100 tokens read and 1 written" in one.basis and "its maker's page, 2026-01-31" in one.basis


def test_a_fresh_process_with_the_zoo_alone_tells_what_it_takes(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "finance")
    held = bytearray(300_000_000)  # what this process holds is not the specialist's
    held[::4096] = b"x" * len(held[::4096])
    one = footprint.measure(folder, [tiny.GOOD, tiny.BAD], "student:int8", NOTED, "tiny")
    files = ("manifest.json", "tokenizer.json", "onnx/model_int8.onnx")
    assert one.disk_bytes == sum((folder / name).stat().st_size for name in files)
    assert 20e6 < one.peak_bytes < 250e6
    assert 0 < one.load_seconds < 60 and one.n == 2


def test_one_that_does_not_load_there_is_an_error_that_says_why(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "finance")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(FactoryError, match=r"(?s)could not be loaded by the zoo alone.*tokenizer\.json") as caught:
        footprint.measure(folder, ["x"], "student:int8", NOTED)
    assert caught.value.where == str(folder)


def test_answers_that_do_not_come_are_an_error_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "TIMEOUT", 0.01)
    with pytest.raises(FactoryError, match=r"2 answers took more than 0\.01 seconds"):
        footprint.measure(tiny.make(tmp_path / "finance"), ["x", "y"], "student:int8", NOTED)
