"""Real text is read in a reproducible order, filtered as the spec says, and never twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import settings as environment
from factory.budget import Budget
from factory.errors import DataError
from factory.generate.seed import Passage, _passages, seed_passages, unlabelled
from factory.settings import Settings
from factory.spec import Spec
from factory.spec_declared import Seed
from factory.words import length, words


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return replace(environment.load(), gold=tmp_path / "gold", seed=tmp_path / "seed")


def make(**changes: Any) -> Spec:
    nothing = Budget(generate=0, label=0, review=0)
    values: dict[str, Any] = {
        "name": "notes/mood",
        "title": "t",
        "purpose": "p",
        "kind": "classification",
        "text": "a note",
        "question": "q?",
        "labels": {"a": "A.", "b": "B."},
        "attributes": {"axis": ["value"]},
        "gold": "notes/mood",
        "budgets": {"quick": nothing, "full": nothing},
        "folder": Path("nowhere"),
    }
    return Spec(**{**values, **changes})


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_spec_without_real_text_has_none(here: Settings) -> None:
    assert seed_passages(make(), here) == []
    assert unlabelled(make(), here) == []


def test_seed_rows_are_filtered_by_source_and_length(here: Settings) -> None:
    write(
        here.seed / "notes.jsonl",
        [
            {"id": "1", "text": "one two  three\nfour", "source": "club:minutes"},
            {"id": "2", "text": "too short", "source": "club:minutes"},
            {"id": "3", "text": "from some other place", "source": "press"},
            {"id": "4", "text": "one two three four five six", "source": "club:minutes"},
        ],
    )
    seed = Seed(file="notes.jsonl", sources=["club", "chess"], words=(3, 5))
    assert seed_passages(make(seed=seed), here) == [Passage("1", "one two three four", "club:minutes")]


def test_without_a_seed_the_unlabelled_texts_show_the_style(here: Settings) -> None:
    write(here.gold / "notes/logs.jsonl", [{"id": "1", "text": "a real note here"}])
    spec = make(unlabelled="notes/logs.jsonl")
    assert seed_passages(spec, here) == unlabelled(spec, here) == [Passage("1", "a real note here")]


def test_a_text_is_taken_once_whatever_its_case_and_space(here: Settings) -> None:
    write(here.gold / "u.jsonl", [{"id": str(n), "text": text} for n, text in enumerate(["A b c", "a  B c", "d e f"])])
    assert sorted(passage.text for passage in unlabelled(make(unlabelled="u.jsonl"), here)) == ["A b c", "d e f"]


def test_a_row_without_an_id_is_named_by_its_text(here: Settings) -> None:
    write(here.gold / "u.jsonl", [{"text": "a b c"}])
    (passage,) = unlabelled(make(unlabelled="u.jsonl"), here)
    assert len(passage.id) == 16


@given(st.sets(st.from_regex(r"[a-z]{1,6}( [a-z]{1,6}){2,4}", fullmatch=True), max_size=30), st.randoms())
def test_the_order_is_of_the_texts_and_not_of_the_file(texts: set[str], chance: Any) -> None:
    rows = [{"id": text, "text": text} for text in sorted(texts)]
    shuffled = chance.sample(rows, len(rows))
    first, second = (_passages(some, Path("file"), (1, 9), "notes/mood") for some in (rows, shuffled))
    assert first == second
    fewer = _passages([row for row in rows if row["text"] != min(texts)], Path("file"), (1, 9), "notes/mood")
    assert fewer == [passage for passage in first if passage.text != min(texts)]


def test_a_missing_file_says_which_setting_finds_it(here: Settings) -> None:
    with pytest.raises(DataError, match="FACTORY_SEED"):
        seed_passages(make(seed=Seed(file="none.jsonl")), here)
    with pytest.raises(DataError, match="FACTORY_GOLD"):
        unlabelled(make(unlabelled="none.jsonl"), here)


def test_a_filter_that_lets_nothing_through_is_an_error(here: Settings) -> None:
    write(here.seed / "notes.jsonl", [{"id": "1", "text": "one two three", "source": "press"}])
    with pytest.raises(DataError, match=r"seed\.sources or seed\.words"):
        seed_passages(make(seed=Seed(file="notes.jsonl", sources=["club"])), here)


def test_a_row_without_text_is_named(here: Settings) -> None:
    write(here.gold / "u.jsonl", [{"id": "7", "txt": "a b c"}])
    with pytest.raises(DataError, match=r"u\.jsonl: id 7"):
        unlabelled(make(unlabelled="u.jsonl"), here)


def test_seed_passages_are_labelled_too_if_the_spec_says_so(here: Settings) -> None:
    write(here.gold / "u.jsonl", [{"text": "one two three four five"}, {"text": "Six seven eight nine ten"}])
    write(here.seed / "s.jsonl", [{"text": "six  seven eight nine TEN"}, {"text": "a new one of the seed"}])
    silent = unlabelled(make(unlabelled="u.jsonl", seed=Seed(file="s.jsonl", words=(1, 10))), here)
    told = unlabelled(make(unlabelled="u.jsonl", seed=Seed(file="s.jsonl", words=(1, 10), unlabelled=True)), here)
    assert told[:2] == silent and [passage.text for passage in told[2:]] == ["a new one of the seed"]


def test_chinese_and_japanese_are_as_long_as_cleaning_counts_them(here: Settings) -> None:
    texts = ["我的卡还没有到，请帮我看看。", "カードがまだ届きません。", "短", "a card 還沒有到 at all"]
    write(here.gold / "u.jsonl", [{"text": text} for text in texts])
    found = unlabelled(make(unlabelled="u.jsonl"), here)  # hygiene.words is [3, 80]
    assert {passage.text for passage in found} == {texts[0], texts[1], texts[3]}
    assert [length(text) for text in texts[:3]] == [len(words(text)) for text in texts[:3]] == [12, 11, 1]


@given(st.text(st.characters(max_codepoint=0x2DFF)), st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)))
def test_a_text_with_spaces_is_as_long_as_ever_and_one_without_as_it_has_characters(text: str, more: str) -> None:
    assert length(text) == len(text.split())
    assert length(more) == len(more) == len(words(more))
    mixed = f"{text} {more}"
    assert length(mixed) in (len(mixed.split()), len(words(mixed)))


@pytest.mark.parametrize("key", ["text", "id", "source"])
def test_half_a_character_is_told_with_file_and_row(here: Settings, key: str) -> None:
    row = {"id": "7", "text": "a note in short", "source": "club"}
    write(here.gold / "u.jsonl", [row | {key: f"{row[key]} \ud83d"}])
    with pytest.raises(DataError, match="half a character") as caught:
        unlabelled(make(unlabelled="u.jsonl"), here)
    assert caught.value.where.startswith(f"{here.gold / 'u.jsonl'}: id 7")
    assert f"{caught.value}".encode()
