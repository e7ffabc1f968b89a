"""Each check on texts that must go and texts that must stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from factory.hygiene import consistency, language, length, roles, schema
from factory.hygiene.check import Context, context
from factory.row import Verdict
from factory.spec_declared import Example
from factory.spec_hygiene import Hygiene
from tests.hygiene.hygiene_rows import make_spec, row

Make = Callable[..., Context]


def only(verdicts: list[Verdict]) -> Verdict:
    assert len(verdicts) == 1
    return verdicts[0]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("", "empty text"),
        ("  \n", "empty text"),
        ("my card\x00 is late", "unreadable character"),
        ("my card \ufffd is late", "unreadable character"),
        ('{"text": "my card is late"}', "leftover JSON"),
        ('my card is late", "label": "x"', "leftover JSON"),
        ('my card is late"}', "leftover JSON"),
        ("my card\\nis late", "leftover JSON"),
        ("caf\\u00e9 is closed", "leftover JSON"),
    ],
)
def test_schema_drops(make_context: Make, text: str, category: str) -> None:
    verdict = only(schema.check([row(text)], make_context()))
    assert not verdict.passed
    assert verdict.reason.split(":")[0] == category


@pytest.mark.parametrize(
    "text", ['He said "where is my card"', "It's {strange} but fine", "a\nb\tc\r\nd", "naïve 我 🙂", "[***] of sales"]
)
def test_schema_keeps(make_context: Make, text: str) -> None:
    assert only(schema.check([row(text)], make_context())).passed


def test_schema_asks_real_text_for_no_style(make_context: Make) -> None:
    assert only(schema.check([row('{"text": "x"}', origin="unlabelled")], make_context())).passed


@pytest.mark.parametrize(
    "soft",
    [{"neutral": 0.4}, {"neutral": 1.2, "card_arrival": -0.2}, {"neutral": float("nan")}, {"other": 1.0}, {}],
)
def test_schema_drops_broken_probabilities(make_context: Make, soft: dict[str, float]) -> None:
    verdict = only(schema.check([row("where is my card", soft=soft)], make_context()))
    assert not verdict.passed
    assert verdict.reason.startswith("broken probabilities: ")


def test_schema_label(make_context: Make) -> None:
    assert not only(schema.check([row("where is my card", label="gone")], make_context())).passed
    assert only(schema.check([row("x", soft={"neutral": 0.3, "card_arrival": 0.7})], make_context())).passed


def test_length(make_context: Make) -> None:
    texts = ["card late", "my card is late", "word " * 81, "don't you dare", "我的卡"]
    verdicts = length.check([row(text) for text in texts], make_context())
    assert [verdict.passed for verdict in verdicts] == [False, True, False, True, True]
    assert [verdict.score for verdict in verdicts] == [2.0, 4.0, 81.0, 3.0, 3.0]
    assert only(length.check([row("hi", origin="reviewed")], make_context())).passed


@pytest.mark.parametrize(
    "text",
    [
        "Ich möchte meine PIN ändern",
        "Wo ist meine Karte?",
        "Où est ma carte bancaire ?",
        "Моя карта не пришла",
        "我的卡还没到",
        "मेरा कार्ड नहीं आया",
    ],
)
def test_language_drops_foreign(make_context: Make, text: str) -> None:
    verdicts = language.check(
        [row("My card has not arrived"), row(text), row(text, origin="unlabelled")], make_context()
    )
    assert [verdict.passed for verdict in verdicts] == [True, False, True]
    assert verdicts[1].reason.startswith("another language: ")


@pytest.mark.parametrize(
    "text", ["Nokia", "card pls", "top up failed", "PIN blocked", "Kesko oyj sales EUR 34mn", "??"]
)
def test_language_is_patient_with_short_texts(make_context: Make, text: str) -> None:
    assert only(language.check([row(text)], make_context())).passed


def test_language_follows_the_spec(make_context: Make) -> None:
    german = make_context(language="de")
    verdicts = language.check(
        [row("Ich möchte meine PIN ändern"), row("Where is the card that I ordered two weeks ago?")], german
    )
    assert [verdict.passed for verdict in verdicts] == [True, False]
    assert only(language.check([row("anything")], make_context(language="zz"))).reason.startswith("not asked")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("I'm sorry to hear that your card is late.", "answers as the agent"),
        ("Hello! How can I assist you today?", "answers as the agent"),
        ("Thank you for contacting us about your card", "answers as the agent"),
        ("Agent: where is your card?", "answers as the agent"),
        ("As an AI language model I have no card", "speaks as a machine"),
        ("I cannot assist with that request", "refuses"),
        ("I'm sorry, but I can't help with this", "refuses"),
        ("My name is [Name] and my card is late", "placeholder"),
        ("Hi, {customer_name}, where is it", "placeholder"),
        ("My card ending <last four digits> is late", "placeholder"),
        ("Dear Customer Service, my card is late", "letter template"),
        ("My card is late. Kind regards, Ann", "letter template"),
        ("Here are 6 messages from customers", "leaked instructions"),
        ("Sure, here you go: my card is late", "leaked instructions"),
        ("My card is late (tone: angry)", "leaked instructions"),
        ("My card is late, label: card_arrival", "leaked instructions"),
        ("This is a card_arrival question", "names its label"),
        ("Neutral: shares unchanged today", "names its label"),
        ("My card is **really** late", "markdown"),
        ("- my card is late\n- my PIN is blocked", "markdown"),
    ],
)
def test_roles_drop(make_context: Make, text: str, category: str) -> None:
    verdict = only(roles.check([row(text)], make_context()))
    assert not verdict.passed, text
    assert verdict.reason.split(":")[0] == category
    assert only(roles.check([row(text, origin="unlabelled")], make_context())).passed


@pytest.mark.parametrize(
    "text",
    [
        "I can't help but wonder where my card is",
        "I'm not able to top up my account",
        "Sorry, my card hasn't arrived yet",
        "Can you help me? I can't provide my old PIN",
        "The parties agree that [***] percent is due",
        "Licensee shall pay *****% of net revenue",
        "Governing Law. This Agreement is governed by the laws of Ohio.",
        "Shares neutral on 3 < 5 volume",
        "Here is my problem: the card is late",
        "What does the following message mean",
        "10. Assignment. Neither party may assign.",
    ],
)
def test_roles_keep(make_context: Make, text: str) -> None:
    assert only(roles.check([row(text)], make_context())).passed


def test_what_the_specs_own_examples_do_is_no_slip(make_context: Make) -> None:
    known = make_context()
    known.spec.examples.append(Example(text="Subject: card\nDear Sir, it is late. [NAME]", label="card_arrival"))
    assert roles.in_use(known.spec) == {"subject:", "[name]"}
    rows = [
        row("SUBJECT: my PIN\nIt is blocked, says [NAME]."),
        row("SUBJECT: my PIN\nIt is blocked, says [BANK]."),
        row("To whom it may concern: my PIN is blocked"),
    ]
    verdicts = roles.check(rows, known)
    assert [verdict.passed for verdict in verdicts] == [True, False, False]
    assert verdicts[1].reason == "placeholder: '[BANK]'"


def test_roles_find_repeated_instructions(make_context: Make) -> None:
    known = make_context(
        instructions=("Choose it when the customer asks about a card that was ordered but is not there.",)
    )
    assert not only(roles.check([row("He asks about a card that was ordered, but is not there!")], known)).passed
    assert only(roles.check([row("The customer asks about cards that were ordered")], known)).passed


def test_context_takes_the_policy_and_no_definitions(tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_text("When two labels fit the same message equally well, take the first of them.")
    known = context(make_spec(tmp_path), [])
    rows = [
        row("when two labels fit the same message equally well, I laugh"),
        row("asks when a card that was ordered some days ago will arrive"),
    ]
    assert [verdict.passed for verdict in roles.check(rows, known)] == [False, True]


def test_consistency(make_context: Make) -> None:
    rows = [
        row("a b c", soft={"card_arrival": 0.05, "neutral": 0.95}),
        row("a b c", soft={"card_arrival": 0.1, "neutral": 0.9}),
        row("a b c", soft={"neutral": 1.0}),
        row("a b c"),
        row("a b c", soft={"neutral": 1.0}, origin="reviewed"),
    ]
    verdicts = consistency.check(rows, make_context(hygiene=Hygiene(consistency=0.1)))
    assert [verdict.passed for verdict in verdicts] == [False, True, False, True, True]
    assert [verdict.score for verdict in verdicts] == [0.05, 0.1, 0.0, None, None]
    assert "neutral" in verdicts[0].reason
