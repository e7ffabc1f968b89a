"""Specs are read strictly, and every mistake is named with its place and its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from factory import spec as specs
from factory.errors import SpecError
from factory.spec_declared import Teacher
from factory.spec_gate import Requirement
from factory.spec_hygiene import COMMON_ENTITIES, Hygiene
from factory.spec_review import Review
from factory.spec_student import Student

GOOD: dict[str, Any] = {
    "title": "Mood of a note",
    "purpose": "Sort notes.",
    "kind": "classification",
    "text": "a short note",
    "question": "Is the writer glad or sad?",
    "labels": {"glad": "I am so happy today. Not when it is over (sad).", "sad": "I am sad; why me? It hurts."},
    "attributes": {"length": ["short", "long"]},
    "gold": "notes/mood",
    "budgets": {
        "quick": {"generate": 10, "label": 0, "review": 0},
        "full": {"generate": 40, "label": 0, "review": 0},
    },
}


def write(root: Path, declaration: dict[str, Any] | str, name: str = "notes/mood") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    text = declaration if isinstance(declaration, str) else yaml.safe_dump(declaration, sort_keys=False)
    (folder / "spec.yaml").write_text(text, encoding="utf-8")
    for companion in specs.COMPANIONS:
        (folder / companion).write_text("# Policy\n\n## In short\n\n- Believe the note.\n\n## More\n\nNo.\n", "utf-8")
    return folder


def changed(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


def refused(root: Path, declaration: dict[str, Any] | str) -> str:
    write(root, declaration)
    with pytest.raises(SpecError) as caught:
        specs.load("notes/mood", root)
    return str(caught.value)


def test_a_good_spec_is_read_and_named_after_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD)
    spec = specs.load("notes/mood", tmp_path)
    assert (spec.name, spec.folder, list(spec.labels)) == ("notes/mood", folder, ["glad", "sad"])
    assert spec.budget("full").generate == 40
    assert spec.teacher.rows_per_request >= 1
    assert specs.names(tmp_path) == ["notes/mood"]


@pytest.mark.parametrize("name", ["notes/mod", "notes", "../notes/mood", "", "notes/mood/", "Notes/Mood"])
def test_an_unknown_spec_lists_those_there_are(tmp_path: Path, name: str) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(SpecError, match="no specialist named") as caught:
        specs.load(name, tmp_path)
    assert "notes/mood" in caught.value.fix
    assert str(tmp_path) in caught.value.where


def test_an_empty_folder_of_prompts_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="none yet"):
        specs.load("notes/mood", tmp_path)


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    assert "spec.yaml:3" in refused(tmp_path, "title: a\nlabels:\n  glad: x: y\n")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_yaml_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "mapping of keys to values" in refused(tmp_path, text)


def test_bytes_that_are_no_utf8_are_refused_as_a_spec_error(tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD)
    (folder / "spec.yaml").write_bytes(b"title: caf\xe9\n")
    with pytest.raises(SpecError, match="UTF-8"):
        specs.load("notes/mood", tmp_path)


def test_control_characters_are_refused_as_a_spec_error(tmp_path: Path) -> None:
    assert "can't be read" in refused(tmp_path, "title: a\x00b\n")


def test_a_day_that_there_is_not_is_told(tmp_path: Path) -> None:
    assert "day is out of range" in refused(tmp_path, "title: 2011-02-30\n")


def test_yaml_tags_are_not_obeyed(tmp_path: Path) -> None:
    assert "can't be read" in refused(tmp_path, "title: !!python/object/apply:os.getcwd []\n")


def test_a_label_named_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    text = yaml.safe_dump(GOOD, sort_keys=False).replace("  sad:", "  glad:")
    message = refused(tmp_path, text)
    assert "`glad` is named twice (lines " in message
    first, second = (number for number, line in enumerate(text.splitlines(), 1) if line.startswith("  glad:"))
    assert f"lines {first} and {second}" in message


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        (changed(titel="x"), "titel: unknown key; allowed here: title, "),
        (changed(teacher={"temprature": 1.0}), "teacher.temprature: unknown key; allowed here: model, temperature"),
        (
            changed(budgets={**GOOD["budgets"], "quick": {"generate": 1, "label": 0, "reveiw": 0}}),
            "reveiw: unknown key; allowed here: generate, label, judge, review",
        ),
        (changed(gate=[{"better_then": "teacher"}]), "better_then: unknown key; allowed here: better_than, at_least"),
        (changed(labels={"glad": "I am happy.", "sad": "  "}), "labels.sad has no definition"),
        (changed(labels={"glad": "I am happy.", "sad": None}), "labels.sad: "),
        (changed(labels={"glad": "I am happy."}), "labels: "),
        (changed(probes={"gender": {"men": ["he"]}}), "probes.gender names 1 group, and one alone is beside nobody"),
        (
            changed(probes={"gender": {"men": ["he"], "women": []}}),
            "probes.gender: every group must list as many words",
        ),
        (changed(probes={"gender": {"men": [], "women": []}}), "probes.gender: every group must list as many words"),
        (changed(probes={"age": {"old": ["aged"], "new": ["Aged"]}}), "probes.age: 'Aged' is a word of old and of new"),
        (
            changed(probes={"age": {"old": ["aged."], "new": ["x"]}}),
            "probes.age.old: 'aged.' does not begin and end with",
        ),
        (changed(attributes={"length": []}), "attributes.length must list at least one value"),
        (changed(attributes={"length": ["a", "a"]}), "attributes.length must list at least one value, each once"),
        (changed(examples=[{"text": "Joy!", "label": "gald"}]), "examples.0.label is 'gald'"),
        (
            changed(kind="poetry"),
            "kind: Input should be 'classification', 'spans', 'extraction' or 'generation' (got 'poetry')",
        ),
        (changed(language="english"), "language: "),
        (changed(budgets={"quick": GOOD["budgets"]["quick"]}), "budgets.full is missing"),
        (changed(budgets={**GOOD["budgets"], "huge": {"generate": 1, "label": 0, "review": 0}}), "budgets.huge"),
        (changed(teacher={"temperature": "hot"}), "teacher.temperature: "),
        (changed(teacher={"rows_per_request": 0}), "teacher.rows_per_request: "),
        (changed(hygiene={"words": [1, 2, 3]}), "hygiene.words"),
        (changed(hygiene={"words": [9, 3]}), "hygiene.words"),
        (changed(judges=["one", "two", "one"]), "judges must name each model once"),
        (changed(judges=[" "]), "judges must name each model once"),
        (changed(gate=[{}]), "say either better_than or at_least"),
        (changed(gate=[{"better_than": "teacher", "at_least": 0.5}]), "say either better_than or at_least"),
        ({key: value for key, value in GOOD.items() if key != "gold"}, "gold: this key is required"),
        (changed(name="other/name"), "`name` is not written in a spec"),
        (changed(folder="elsewhere"), "`folder` is not written in a spec"),
    ],
)
def test_a_mistake_is_named_by_its_key(tmp_path: Path, declaration: dict[str, Any], expected: str) -> None:
    message = refused(tmp_path, declaration)
    assert expected in message
    assert "spec.yaml" in message


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, changed(titel="x", kind="poetry", teacher={"top_p": 2.0}))
    assert all(part in message for part in ("titel", "kind", "teacher.top_p"))


def test_probes_make_no_data_anew(tmp_path: Path) -> None:
    probes = {"gender": {"men": ["he", "his"], "women": ["she", "her"]}}
    write(tmp_path / "before", GOOD)
    before = specs.load("notes/mood", tmp_path / "before")
    write(tmp_path / "after", changed(probes=probes))
    after = specs.load("notes/mood", tmp_path / "after")
    assert after.probes == probes and after.identity != before.identity
    assert after.data_identity == before.data_identity


@pytest.mark.parametrize("companion", specs.COMPANIONS)
def test_a_missing_companion_is_named(tmp_path: Path, companion: str) -> None:
    folder = write(tmp_path, GOOD)
    (folder / companion).unlink()
    with pytest.raises(SpecError, match=companion.replace(".", r"\.")) as caught:
        specs.load("notes/mood", tmp_path)
    assert caught.value.where == str(folder / companion)


def test_an_unknown_budget_lists_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(SpecError, match="quick, full"):
        specs.load("notes/mood", tmp_path).budget("huge")


def test_the_gist_is_the_first_sentence(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    spec = specs.load("notes/mood", tmp_path)
    assert spec.gist("glad") == "I am so happy today."
    assert spec.gist("sad") == "I am sad; why me?"


def test_the_rules_are_the_section_in_short_and_no_more(tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD)
    spec = specs.load("notes/mood", tmp_path)
    assert spec.rules == "- Believe the note."
    (folder / "policy.md").write_text("# Policy\n\nIn short, none.\n", encoding="utf-8")
    with pytest.raises(SpecError, match="In short"):
        _ = spec.rules


def test_the_hash_moves_with_the_declaration_and_its_companions_and_with_nothing_else(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", GOOD)
    write(tmp_path / "b", GOOD)
    first = specs.load("notes/mood", tmp_path / "a")
    assert first.hash == specs.load("notes/mood", tmp_path / "b").hash
    assert first.identity == f"notes/mood#{first.hash}"
    before = first.hash
    (folder / "policy.md").write_text("# Other policy\n", encoding="utf-8")
    assert first.hash != before
    write(tmp_path / "c", changed(question="Glad?"))
    assert specs.load("notes/mood", tmp_path / "c").hash != before


def test_the_data_are_those_of_any_recipe_gate_and_measuring(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    spec = specs.load("notes/mood", tmp_path)
    longer = spec.budgets["quick"].model_copy(update={"epochs": 77, "measure_teacher": 13})
    other = {
        "student": Student(lora_rank=3),
        "gate": [Requirement(at_least=0.5)],
        "budgets": {**spec.budgets, "quick": longer},
    }
    for key, value in other.items():
        same_data = spec.model_copy(update={key: value})
        assert same_data.hash != spec.hash and same_data.data_identity == spec.data_identity
    more = spec.budgets["quick"].model_copy(update={"generate": 1234})
    assert spec.model_copy(update={"budgets": {**spec.budgets, "quick": more}}).data_identity != spec.data_identity
    asked = spec.model_copy(update={"question": "How glad is the writer?"})
    assert asked.data_identity != spec.data_identity and spec.data_identity.startswith("notes/mood#")


def test_what_hygiene_does_not_ask_for_is_not_in_the_hash() -> None:
    assert Hygiene().model_dump(mode="json") == {
        "words": [3, 80],
        "near_duplicate": 0.7,
        "contamination": 0.6,
        "consistency": 0.1,
    }
    off = Hygiene(pii="keep", profanity=False, balance=None, pii_entities=list(COMMON_ENTITIES))
    assert off.model_dump() == Hygiene().model_dump()


def test_the_share_of_dropped_rows_is_in_the_hash_only_if_it_is_set() -> None:
    assert "dropped" not in Review().model_dump()
    assert Review(dropped=0.5).model_dump()["dropped"] == 0.5


def test_how_tokens_are_drawn_is_in_the_hash_of_a_stage_as_far_as_it_is_said() -> None:
    assert "min_p" not in Teacher().model_dump()
    assert Teacher().sampling == {"temperature": 0.9, "top_p": 0.95}
    drawn = Teacher(top_p=1.0, min_p=0.05).sampling
    assert list(drawn.items()) == [("temperature", 0.9), ("top_p", 1.0), ("min_p", 0.05)]


@pytest.mark.parametrize(
    ("changes", "ways"),
    [
        ({}, {"label", "contrastive"}),
        ({"unlabelled": "notes/logs.jsonl"}, {"label", "contrastive", "seed_grounded"}),
        ({"seed": {"file": "notes.jsonl"}}, {"label", "contrastive", "seed_grounded"}),
        ({"out_of_scope": "sad"}, {"label"}),
        ({"strategies": {"rewrite": 1.0}}, {"rewrite"}),
    ],
)
def test_the_default_is_the_mix_that_measured_best_of_what_there_is(
    tmp_path: Path, changes: dict[str, Any], ways: set[str]
) -> None:
    write(tmp_path, changed(**changes))
    found = specs.load("notes/mood", tmp_path).strategies
    assert found.keys() == ways
    assert len(set(found.values())) == 1


def test_hygiene_written_as_before_the_later_checks_keeps_its_hash(tmp_path: Path) -> None:
    # The digest was taken with the code of the commit before the later checks came, but for the default strategies.
    write(tmp_path, changed(hygiene={"words": [3, 40]}))
    assert specs.load("notes/mood", tmp_path).hash == "f4b2f0e2"


@pytest.mark.parametrize(
    "asked",
    [
        {"pii": "drop"},
        {"pii": "mask", "pii_synthetic": True},
        {"pii_entities": ["US_SSN"]},
        {"semantic_duplicate": 0.9},
        {"semantic_contamination": 0.9},
        {"profanity": True},
        {"label_noise": True},
        {"balance": 3.0},
    ],
)
def test_what_hygiene_asks_for_is_in_the_hash_and_read_back(tmp_path: Path, asked: dict[str, Any]) -> None:
    write(tmp_path, changed(hygiene=asked))
    spec = specs.load("notes/mood", tmp_path)
    assert asked.items() <= spec.hygiene.model_dump(mode="json").items()
    assert Hygiene.model_validate_json(spec.hygiene.model_dump_json()) == spec.hygiene
    write_again = tmp_path / "plain"
    write(write_again, GOOD)
    assert specs.load("notes/mood", write_again).hash != spec.hash


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ({"pii": "hide"}, "hygiene.pii"),
        ({"pii_entities": ["PERSON"]}, "hygiene.pii_entities.0"),
        ({"pii_entities": []}, "hygiene.pii_entities"),
        ({"balance": 0.5}, "hygiene.balance"),
        ({"semantic_duplicate": 1.5}, "hygiene.semantic_duplicate"),
    ],
)
def test_hygiene_that_makes_no_sense_is_refused(tmp_path: Path, asked: dict[str, Any], key: str) -> None:
    assert key in refused(tmp_path, changed(hygiene=asked))
