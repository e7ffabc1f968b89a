from __future__ import annotations

from pathlib import Path

import pytest
from review_specs import POLICY, make_spec

from factory.review import policy
from factory.review.backend import DISPUTED, Answer, Item
from factory.review.edition import Editions
from factory.review.jsonl import JsonlBackend
from factory.row import Lineage, Row
from factory.spec import Spec

LABELS = {"lost": "A card is gone.", "fee": "A charge is disputed.", "pin": "The PIN."}


def rewritten(spec: Spec, old: str, new: str) -> Spec:
    path = spec.folder / "policy.md"
    path.write_text(path.read_text().replace(old, new))
    return spec


def given(row_id: str, label: str | None, under: str, *, problem: str = "", reviewer: str = "anna") -> Answer:
    return Answer(row_id, label, reviewer, f"text of {row_id}", "uncertain", problem=problem, policy=under)


def machine(label: str, text: str) -> Row:
    return Row(text=text, label=label, origin="generated", lineage=Lineage(spec="s"))


@pytest.fixture
def told(tmp_path: Path) -> Spec:
    spec = make_spec(tmp_path / "spec", LABELS)
    (spec.folder / "policy.md").write_text(POLICY + "\n- A stolen card is `lost`.\n- A charge abroad is `fee`.\n")
    return spec


def test_a_policy_has_a_part_a_label_and_a_general_one(told: Spec) -> None:
    before = policy.parts(told)
    assert before.keys() == {"", *LABELS}
    after = policy.parts(rewritten(told, "A stolen card", "A stolen or broken card"))
    assert [part for part in before if before[part] != after[part]] == ["lost"]
    general = policy.parts(rewritten(told, "as the bank would", "as the customer would"))
    assert [part for part in before if after[part] != general[part]] == [""]
    wrapped = policy.parts(rewritten(told, "as the customer would", "as the\ncustomer  would"))
    assert wrapped == general


def test_a_change_touches_its_labels_rows_and_those_left_open(tmp_path: Path, told: Spec) -> None:
    path = tmp_path / "policies.json"
    then = Editions(path, told).now
    rows = {name: machine(label, f"text of {name}") for name, label in {"b": "lost", "c": "fee", "e": "fee"}.items()}
    answers = [
        given("a", "lost", then),
        given("b", "pin", then),  # corrected from lost
        given("c", "fee", then),
        given("d", None, then, problem="policy"),
        given("e", "pin", then),
        given("f", "fee", then),
        given("g", None, then, problem="unreal"),
    ]
    assert Editions(path, told).touched(answers, rows) == {}
    editions = Editions(path, rewritten(told, "A stolen card", "A stolen or broken card"))
    touched = editions.touched(answers, rows)
    assert list(touched) == ["d", "a", "b"]  # what was left open first
    assert touched["a"].parts == ["lost"]
    assert set(Editions(path, rewritten(told, "as the bank would", "strictly")).touched(answers, {})) >= {"d"}


def test_a_general_change_touches_only_what_was_left_open(tmp_path: Path, told: Spec) -> None:
    path = tmp_path / "policies.json"
    then = Editions(path, told).now
    answers = [given("a", "lost", then), given("d", None, then, problem="several")]
    touched = Editions(path, rewritten(told, "as the bank would", "strictly")).touched(answers, {})
    assert {row_id: one.parts for row_id, one in touched.items()} == {"d": [""]}


def test_older_answers_count_until_newer_ones_come(tmp_path: Path, told: Spec) -> None:
    path = tmp_path / "policies.json"
    then = Editions(path, told).now
    old = [given("a", "lost", then), given("a", "lost", then, reviewer="ben"), given("c", "fee", "")]
    editions = Editions(path, rewritten(told, "A stolen card", "A stolen or broken card"))
    assert editions.counting(old) == old
    new = given("a", "pin", editions.now)
    assert editions.counting([*old, new]) == [old[2], new]
    assert list(editions.touched(editions.counting([*old, new]), {})) == []


def test_a_row_shown_again_says_what_was_said_unless_it_was_drawn_at_random(tmp_path: Path, told: Spec) -> None:
    path = tmp_path / "policies.json"
    then = Editions(path, told).now
    answers = [given("a", "lost", then), Answer("z", "lost", "anna", "text of z", "audit", policy=then)]
    editions = Editions(path, rewritten(told, "A stolen card", "A stolen or broken card"))
    items = {row_id: editions.item(row_id, one) for row_id, one in editions.touched(answers, {}).items()}
    assert (items["a"].said, items["a"].suggestion, items["a"].again) == (("lost",), None, editions.now)
    assert (items["z"].said, items["z"].reason) == ((), "audit")


def test_a_row_that_several_judged_is_shown_to_as_many_again(tmp_path: Path, told: Spec) -> None:
    path = tmp_path / "policies.json"
    then = Editions(path, told).now
    settled = Answer("a", "lost", "cleo", "text of a", DISPUTED, policy=then)
    answers = [given("a", "lost", then), given("a", "fee", then, reviewer="ben"), settled, given("b", "lost", then)]
    answers += [given("c", "lost", then), given("c", "lost", then, reviewer="ben")]
    editions = Editions(path, rewritten(told, "A stolen card", "A stolen or broken card"))
    touched = editions.touched(answers, {})
    assert {row_id: editions.item(row_id, one).people for row_id, one in touched.items()} == {"a": 1, "b": 1, "c": 2}
    assert [editions.item(row_id, touched[row_id], 2).people for row_id in "abc"] == [2, 2, 2]


def test_files_carry_the_policy_and_show_again_once(tmp_path: Path, told: Spec) -> None:
    place = JsonlBackend(tmp_path / "review")
    place.push(told, [Item("a", "my card", "lost", 0.5, "uncertain"), Item("b", "my fee", "fee", 0.5, "uncertain")])
    answers = place.folder(told) / "answers.jsonl"
    answers.write_text('{"row_id": "a", "label": "lost"}\n')
    path = tmp_path / "policies.json"
    then = Editions(path, told).now
    [first] = place.pull(told).answers
    assert first.policy == then

    editions = Editions(path, rewritten(told, "A stolen card", "A stolen or broken card"))
    again = [editions.item(row_id, one) for row_id, one in editions.touched([first], {}).items()]
    assert [one.row_id for one in again] == ["a"]
    assert place.push(told, again).new == 1
    assert place.push(told, again).new == 0
    answers.write_text(
        '{"row_id": "a", "label": "lost"}\n'
        f'{{"row_id": "a", "label": "pin", "again": "{editions.now}"}}\n'
        '{"row_id": "b", "label": "fee"}\n'
    )
    said = place.pull(told).answers
    assert [(one.row_id, one.label, one.policy) for one in said] == [
        ("a", "lost", then),
        ("a", "pin", editions.now),
        ("b", "fee", editions.now),  # nobody had answered it under the older one
    ]
    assert [one.label for one in editions.counting(said)] == ["pin", "fee"]
