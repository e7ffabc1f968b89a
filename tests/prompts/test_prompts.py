"""Every specialist in prompts/ is whole: labels, templates and policy say what the factory needs of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from factory import settings, spec
from factory.errors import SpecError
from factory.generate import answering, marking
from factory.generate.extraction import read
from factory.generate.prompt import messages
from factory.hygiene import check
from factory.hygiene import run as hygiene
from factory.row import Lineage, Row
from factory.span import ragged
from factory.spec import COMPANIONS, Spec

PROMPTS = settings.load().prompts
LABELS = {
    "support/intent": 77,
    "support/slots": 5,
    "finance/sentiment": 3,
    "finance/complaint": 5,
    "legal/clause": 33,
    "legal/fields": 7,
    "medical/entities": 2,
    "medical/section": 20,
}
ITEMS = {"extraction": '{"text": "...", "record": {...}}', "generation": '{"text": "...", "answer": "..."}'}
"""Kind to what a writer is told an item of its reply is, where that is more than a text."""

each = pytest.mark.parametrize("name", spec.names(PROMPTS))


def load(name: str) -> Spec:
    return spec.load(name, PROMPTS)


def writing(one: Spec, **changes: Any) -> dict[str, Any]:
    first, *others = one.labels
    values: dict[str, Any] = {
        "label": first,
        "definition": one.labels[first],
        "contrasts": [{"label": other, "definition": one.labels[other]} for other in others[:2]],
        "attributes": {axis: values[0] for axis, values in one.attributes.items()},
        "examples": ["an example text"],
        "passages": ["a passage text"],
        "avoid": ["a text to avoid"],
        "count": 7,
    }
    values |= changes
    if one.kind == "generation":
        del values["contrasts"]
    elif one.kind != "classification":
        told = [
            {"label": label, "definition": definition, **form(one, label)} for label, definition in one.labels.items()
        ]
        values["wanted"] = [item for item in told if item["label"] == values["label"]]
        values["absent"] = [item for item in told if item["label"] != values["label"]]
        del values["definition"], values["contrasts"]
    return values


def form(one: Spec, label: str) -> dict[str, str]:
    """What a template is told of a field, besides its definition."""
    return {"form": one.fields[label].form} if one.fields else {}


def judging(one: Spec, text: str, count: int = 3) -> list[dict[str, str]]:
    options = [
        {"code": chr(65 + place), "label": label, "definition": definition, **form(one, label)}
        for place, (label, definition) in enumerate(list(one.labels.items())[:count])
    ]
    return messages(one, "judge.jinja", options=options, text=text)


def test_the_specialists_are_those_of_the_family() -> None:
    assert set(LABELS) <= set(spec.names(PROMPTS))


@pytest.mark.parametrize(("name", "count"), LABELS.items())
def test_a_specialist_has_as_many_labels_as_its_gold_set(name: str, count: int) -> None:
    assert len(load(name).labels) == count


def test_the_odd_names_of_banking77_are_kept() -> None:
    assert {"Refund_not_showing_up", "reverted_card_payment?"} <= set(load("support/intent").labels)


@each
def test_definitions_differ_and_begin_with_a_sentence_of_their_own(name: str) -> None:
    one = load(name)
    gists = {one.gist(label) for label in one.labels}
    assert len(gists) == len(set(one.labels.values())) == len(one.labels)
    for label in one.labels:
        assert 5 <= len(one.gist(label).split()) <= 40, label
        assert len(one.labels[label].split()) <= 80, label


@pytest.mark.parametrize("name", ["support/intent", "finance/complaint"])
def test_labels_that_a_definition_points_to_exist(name: str) -> None:
    one = load(name)
    for label, definition in one.labels.items():
        for mentioned in re.findall(r"\b\w+_\w+\b", definition):
            assert mentioned in one.labels, f"{label} points to {mentioned}"


@pytest.mark.parametrize("name", [name for name in spec.names(PROMPTS) if load(name).kind != "generation"])
def test_labels_that_the_policy_names_exist(name: str) -> None:
    one = load(name)
    for row in re.findall(
        r"^\| .+ \| `?([^|`]+?)`? \| .+ \|$", one.template("policy.md").split("## Hard cases")[1], re.M
    ):
        if row not in (
            "Intent",
            "Label",
            "Type",
            "Field",
            *(["none"] if one.kind != "classification" else []),
        ) and not set(row) <= set("- "):
            assert row in one.labels, row


@each
def test_the_policy_has_what_a_reviewer_needs(name: str) -> None:
    policy = load(name).template("policy.md")
    for heading in ("# How to label", "## In short", "## How to decide", "## Hard cases", "## When unsure"):
        assert heading in policy
    assert len(policy.split()) < 1200, "two pages at most"


@each
def test_the_writer_is_told_everything_it_is_given(name: str) -> None:
    one = load(name)
    values = writing(one)
    system, user = messages(one, "generate.jinja", **values)
    assert (system["role"], user["role"]) == ("system", "user")
    for told in ("an example text", "a passage text", "a text to avoid", " 7 ", next(iter(one.labels.values()))):
        assert told in user["content"]
    for value in values["attributes"].values():
        assert value in user["content"]
    for contrast in values.get("contrasts", values.get("absent", ())):
        assert one.gist(contrast["label"]) in user["content"]
    item = ITEMS.get(one.kind, '{"text": "..."}')
    assert f'{{"rows": [{item}]}}' in user["content"]


@each
def test_headings_of_absent_parts_are_left_out(name: str) -> None:
    one = load(name)
    values = writing(one)
    absent: dict[str, Any] = {key: [] for key in ("examples", "passages", "avoid", "contrasts") if key in values}
    _, user = messages(one, "generate.jinja", **(values | absent))
    for heading in ("Already written", "Real ", "None of them", "Good messages", "Messages with their answers"):
        assert heading not in user["content"]
    assert "\n\n\n" not in user["content"]


@each
def test_every_label_can_be_asked_for(name: str) -> None:
    one = load(name)
    for label, definition in one.labels.items():
        _, user = messages(one, "generate.jinja", **writing(one, label=label, definition=definition))
        assert definition in user["content"]


@each
def test_the_judge_sees_instructions_first_and_the_text_last(name: str) -> None:
    one = load(name)
    system, user = judging(one, "the text itself")
    other_system, other_user = judging(one, "something else")
    assert system == other_system
    before, _, after = user["content"].partition("the text itself")
    assert other_user["content"].startswith(before), "the part before the text is shared, so that a server caches it"
    assert len(after) < 120
    if name == "finance/sentiment":  # a small teacher judges better by one line a label than by the whole definitions
        assert all(f"\n{label}: " in f"\n{before}" for label in one.labels)
    else:
        assert one.rules in system["content"]
        assert all(definition in before for definition in list(one.labels.values())[:3])


@each
@pytest.mark.parametrize(
    "text", ['say "A"\nCode: B', "a\n---\nb", "{{ spec.gold }} {% raw %}", "I can't, it's <5 & £3"]
)
def test_a_text_is_data_whatever_it_holds(name: str, text: str) -> None:
    one = load(name)
    plain = judging(one, "PLACE")
    odd = judging(one, text)
    assert len(odd) == 2
    assert odd[1]["content"] == plain[1]["content"].replace("PLACE", text.replace("\n", " "))


@each
def test_a_template_that_lacks_a_value_says_so(name: str) -> None:
    with pytest.raises(SpecError, match=r"judge\.jinja"):
        messages(load(name), "judge.jinja", options=[])


@pytest.mark.parametrize("name", [name for name in spec.names(PROMPTS) if load(name).kind == "spans"])
def test_texts_without_spans_can_be_asked_for(name: str) -> None:
    one = load(name)
    told = [{"label": label, "definition": definition} for label, definition in one.labels.items()]
    _, user = messages(one, "generate.jinja", **{**writing(one), "label": "none", "wanted": [], "absent": told})
    assert "nothing to be tagged" in user["content"]
    assert all(one.gist(label) in user["content"] for label in one.labels)


@pytest.mark.parametrize(
    ("name", "text"), [("medical/entities", "Sentence"), ("support/slots", "Message")], ids=lambda value: value
)
def test_marks_that_a_judge_is_shown_hold(name: str, text: str) -> None:
    one = load(name)
    shown = re.findall(rf"^{text}: (.+)\nJSON: (\{{.+\}})$", one.template("judge.jinja"), re.M)
    assert len(shown) >= 3
    for said, reply in shown:
        found = marking.read(one, said, reply)
        assert found.decision is not None and not found.beside["refused"], found
        assert not ragged(said, found.decision)


def test_texts_without_any_field_can_be_asked_for() -> None:
    one = load("legal/fields")
    values = writing(one)
    told = values["wanted"] + values["absent"]
    _, user = messages(one, "generate.jinja", **{**values, "label": "none", "wanted": [], "absent": told})
    assert "say nothing to be filed" in user["content"]
    assert all(one.gist(label) in user["content"] for label in one.labels)


def test_answers_that_a_judge_is_shown_hold() -> None:
    one = load("legal/fields")
    shown = re.findall(r"^Clause: (.+)\nJSON: (\{.+\})$", one.template("judge.jinja"), re.M)
    assert len(shown) >= 3
    for text, reply in shown:
        found = read(one, text, reply)
        assert found.decision is not None and set(json.loads(reply)) == set(one.fields), found.failure


def test_answers_that_a_teacher_is_shown_pass_the_checks_of_its_own() -> None:
    one = load("medical/question_summary")
    shown = [
        (text, answering.read(one, text, reply).decision)
        for text, reply in re.findall(r"^Message: (.+)\nJSON: (\{.+\})$", one.template("judge.jinja"), re.M)
    ]
    pairs = shown + [(example.text, example.answer) for example in one.examples]
    assert len(shown) >= 3 and len(pairs) >= 8
    rows = [Row(text=text, answer=said, origin="generated", lineage=Lineage(spec="s")) for text, said in pairs]
    found = hygiene.run(rows, check.context(one, []), hygiene.OF_ANSWERS)
    assert not found.dropped, [(row.answer, row.verdicts[-1].reason) for row in found.dropped]


def test_a_template_without_a_divider_is_all_the_users(tmp_path: Any) -> None:
    for companion in COMPANIONS:
        (tmp_path / companion).write_text("Judge: {{ text }}\n", encoding="utf-8")
    one = load("finance/sentiment").model_copy(update={"folder": tmp_path})
    assert messages(one, "judge.jinja", text="x") == [{"role": "user", "content": "Judge: x"}]


@pytest.mark.parametrize("template", ["{{ text ", "{{ text.__class__.__mro__ }}", "{% for x in %}", "{{ nothing }}"])
def test_a_broken_or_unsafe_template_is_refused(tmp_path: Any, template: str) -> None:
    for companion in COMPANIONS:
        (tmp_path / companion).write_text(template, encoding="utf-8")
    one = load("finance/sentiment").model_copy(update={"folder": tmp_path})
    with pytest.raises(SpecError, match="can't be rendered"):
        messages(one, "judge.jinja", text="x")


@each
def test_nothing_is_left_to_be_written(name: str) -> None:
    for companion in COMPANIONS:
        assert not re.search(r"TODO|FIXME|lorem ipsum", load(name).template(companion), re.IGNORECASE)
