"""Personal data is found by its form, dropped or masked as the spec says, and nothing is asked of the network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from factory.hygiene import pii
from factory.hygiene import run as hygiene
from factory.hygiene.check import Context, asked
from factory.row import Gold, Lineage
from factory.spec_hygiene import COMMON_ENTITIES, Entity, Hygiene
from tests.hygiene.hygiene_rows import row

Make = Callable[..., Context]
ENTITIES: list[Entity] = [
    "CREDIT_CARD",
    "CRYPTO",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "MEDICAL_LICENSE",
    "PHONE_NUMBER",
    "UK_NHS",
    "UK_NINO",
    "UK_PASSPORT",
    "URL",
    "US_BANK_NUMBER",
    "US_DRIVER_LICENSE",
    "US_ITIN",
    "US_PASSPORT",
    "US_SSN",
]
# Made up for documentation: reserved domains, published test numbers.
PERSONAL = {
    "EMAIL_ADDRESS": "jane.doe@example.com",
    "PHONE_NUMBER": "212-555-0198",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89370400440532013000",
    "US_SSN": "536-90-4399",
    "IP_ADDRESS": "192.168.0.12",
    "CRYPTO": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "MEDICAL_LICENSE": "BB1388568",
}


@pytest.mark.parametrize(("kind", "value"), PERSONAL.items())
def test_each_kind_is_found_dropped_and_masked(make_context: Make, kind: str, value: str) -> None:
    known = make_context(hygiene=Hygiene(pii="drop"))
    one = row(f"Please look, it is {value} and nothing else", origin="unlabelled")
    verdict = pii.check([one], known)[0]
    assert (verdict.passed, verdict.reason.split(": ")[0]) == (False, "personal data")
    assert kind in verdict.reason
    masking = make_context(hygiene=Hygiene(pii="mask"))
    masked = pii.mask([one], masking.spec)[0]
    assert value not in masked.text
    assert f"<{kind}>" in masked.text
    assert masked.id != one.id


def test_words_beside_a_number_count(make_context: Make) -> None:
    known = make_context(hygiene=Hygiene(pii="drop"))
    told, bare = pii.check(
        [row("my passport number is 912803456"), row("it says 912803456 on the parcel")],
        known,
    )
    assert (told.passed, bare.passed) == (False, True)


def test_ordinary_texts_pass(make_context: Make) -> None:
    known = make_context(hygiene=Hygiene(pii="drop"))
    texts = ["Where is my card?", "I paid 1,250.00 dollars on 12 March 2024", "Shares fell 3.5 % to 12.40"]
    assert all(verdict.passed for verdict in pii.check([row(text) for text in texts], known))


def test_a_masked_row_tells_what_it_was(make_context: Make) -> None:
    spec = make_context(hygiene=Hygiene(pii="mask")).spec
    real = row("Write to jane.doe@example.com or joe@example.com", origin="unlabelled")
    grounded = row("Ask joe@example.com", origin="reviewed", lineage=Lineage(spec="t/t#0", source="doc-7"))
    plain = row("Where is my card?", origin="unlabelled")
    first, second, third = pii.mask([real, grounded, plain], spec)
    assert first.verdicts[-1].check == pii.MASKED
    assert first.verdicts[-1].score == 2
    assert first.verdicts[-1].reason == f"masked: 2 EMAIL_ADDRESS; was {real.id}"
    assert (first.lineage.source, second.lineage.source) == (real.id, "doc-7")
    assert (first.label, first.origin) == (real.label, real.origin)
    assert third == plain
    assert "jane" in real.text, "the row that came in is left alone"


def test_generated_rows_are_dropped_not_masked_unless_people_are_invented(make_context: Make) -> None:
    one = row("Write to jane.doe@example.com")
    masking = make_context(hygiene=Hygiene(pii="mask"))
    assert pii.mask([one], masking.spec) == [one]
    assert not pii.check([one], masking)[0].passed
    invented = make_context(hygiene=Hygiene(pii="mask", pii_synthetic=True))
    assert pii.check([one], invented)[0].reason == "not asked: invented people"
    assert not pii.check([row(one.text, origin="unlabelled")], invented)[0].passed


def test_what_the_spec_keeps_is_not_looked_at(make_context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    known = make_context()
    monkeypatch.setattr(pii, "find", None)
    rows = [row("Write to jane.doe@example.com", origin="unlabelled")]
    assert pii.mask(rows, known.spec) == rows
    assert pii.check(rows, known)[0].reason.startswith("not asked")
    assert pii.NAME not in asked(known.spec.hygiene, hygiene.CHECKS)


def test_only_the_kinds_asked_for(make_context: Make) -> None:
    known = make_context(hygiene=Hygiene(pii="drop", pii_entities=["IP_ADDRESS"]))
    mail, address = pii.check([row("Write to jane.doe@example.com"), row("it is 192.168.0.12")], known)
    assert (mail.passed, address.passed) == (True, False)


def test_every_kind_a_spec_can_name_has_a_recognizer(make_context: Make) -> None:
    known = make_context(hygiene=Hygiene(pii="drop", pii_entities=ENTITIES))
    assert not pii.check([row("Write to jane.doe@example.com")], known)[0].passed
    assert set(COMMON_ENTITIES) <= set(ENTITIES)


def test_other_languages_are_looked_at_too(make_context: Make) -> None:
    for language in ("de", "sw"):
        known = make_context(hygiene=Hygiene(pii="drop"), language=language)
        assert not pii.check([row("Schreib an jane.doe@example.com")], known)[0].passed


def test_a_masked_gold_row_is_still_found(make_context: Make) -> None:
    gold = "The statement was sent to jane.doe@example.com this morning"
    known = make_context(gold=[gold], hygiene=Hygiene(pii="mask"))
    masked = pii.mask([row(gold, origin="unlabelled")], known.spec)
    wider = pii.mask_gold(known.gold, known.spec)
    assert [one.id for one in wider] == ["gold-0", "gold-0"]
    result = hygiene.run(masked, Context(known.spec, wider), ("contamination",))
    assert [one.verdicts[-1].reason for one in result.dropped] == ["is a gold text: gold-0"]
    assert pii.mask_gold([Gold(id="g", text="nobody", label="neutral")], known.spec)[1:] == []


def test_nothing_is_fetched(make_context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    pii._analyzer.cache_clear()
    known = make_context(hygiene=Hygiene(pii="drop"))
    assert not pii.check([row("Write to jane.doe@example.com")], known)[0].passed


PIECE = st.one_of(
    st.sampled_from([*PERSONAL.values(), "card", "passport", "+44", "@", ".", " ", "x"]), st.text(max_size=8)
)


@given(pieces=st.lists(PIECE, max_size=8))
@example(pieces=["a@b.c@d.com ", "+44 20 7946 0958", "12345678901"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_masking_leaves_nothing_to_find_and_twice_is_once(make_context: Make, pieces: list[str]) -> None:
    spec = make_context(hygiene=Hygiene(pii="mask", pii_entities=ENTITIES)).spec
    text = "".join(pieces)
    masked = pii.mask([row(text, origin="unlabelled")], spec)
    assert pii.find(masked[0].text, spec) == []
    assert pii.mask(masked, spec) == masked
