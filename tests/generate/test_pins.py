"""What is opt-in changes nothing for those who did not opt in: the house's specs ask what they have always asked.

A pin that breaks means that every cached reply, and so every published figure, would have to be paid for again. Where
a spec or its templates are edited on purpose, its pins move with them.
"""

from __future__ import annotations

import pytest

from factory import settings
from factory import spec as specs
from factory.budget import Budget
from factory.dataset.version import content_hash, version_name
from factory.files import digest
from factory.generate import marking
from factory.generate.plan import grow, plan
from factory.generate.seed import Passage
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.cell import Cell
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.spec_declared import Teacher
from factory.spec_hygiene import Hygiene
from factory.spec_student import Student

PROMPTS = settings.load().prompts
PINS = {  # digest of the quick plan's cell ids, digest of its first prompt
    "finance/sentiment": ("83457a94190f8c2e", "1cb10bab36f4394f"),
    "legal/clause": ("af919d9a78be4c3a", "6b4accc8cf1ecce1"),
    "support/intent": ("09941f8c5913322c", "4eb0b7457b83f98c"),
}


@pytest.mark.parametrize("name", PINS)
def test_a_spec_keeps_its_plan_and_its_prompts(name: str) -> None:
    spec = specs.load(name, PROMPTS)
    neighbours = {label: [other for other in spec.labels if other != label] for label in spec.labels}
    material = Material(spec, [Passage("p1", "a passage"), Passage("p2", "another")], neighbours=neighbours)
    cells = grow(material, spec.budget("quick").generate)
    request = STRATEGIES[cells[0].strategy].request(cells[0], material)
    found = digest([cell.id for cell in cells])[:16], digest(request.messages)[:16]
    assert found == PINS[name]
    assert request.max_tokens == cells[0].count * spec.teacher.tokens_per_row * 2 + 40
    assert request.ordinal == cells[0].ordinal


def test_spans_keep_their_plan_and_their_prompts() -> None:
    spec = specs.load("medical/entities", PROMPTS)
    marked = spec.model_copy(update={"strategies": {"marked": 1.0}})
    cells = plan(marked, marked.budget("quick"))
    request = STRATEGIES["marked"].request(cells[0], Material(marked))
    found = [digest([cell.id for cell in cells])[:16], digest(request.messages)[:16]]
    found.append(digest(marking.request(spec, "a text").messages)[:16])
    assert found == ["9b5fe93e3d4e0015", "a83f41be70a92749", "7e2014acf0756089"]


def test_keys_at_their_defaults_are_not_in_a_dump() -> None:
    spec = specs.load("finance/sentiment", PROMPTS)
    said = spec.model_dump(mode="json")
    assert not {"fields", "refill", "out_of_scope", "judges", "folder"} & said.keys()
    assert said["budgets"]["quick"].keys() == {"generate", "label", "judge", "review", "measure_teacher", "epochs"}
    assert "prices" not in said["teacher"] and not {"risk", "base", "recipe"} & said["student"].keys()
    assert said["hygiene"] == Hygiene(words=(3, 40)).model_dump(mode="json")
    changed = {
        "strategies": {"label": 0.5, "rewrite": 0.5},
        "refill": True,
        "out_of_scope": "neutral",
        "judges": ["smollm2-135m-instruct"],
        "hygiene": spec.hygiene.model_copy(update={"disagreement": 0.5}),
        "student": Student.model_validate({**said["student"], "risk": 0.05}),
        "teacher": Teacher.model_validate({"prices": {"read": 1.0}}),
        "budgets": {**spec.budgets, "quick": Budget(generate=1, label=0, review=0, max_tokens=9)},
    }
    hashes = {spec.model_copy(update={key: value}).hash for key, value in changed.items()}
    assert len(hashes | {spec.hash}) == len(changed) + 1
    assert Spec.model_validate({**said, "labels": spec.labels, "folder": spec.folder}, strict=False).hash == spec.hash


def test_a_cell_from_before_the_new_keys_keeps_its_id() -> None:
    value = {"label": "a", "attributes": {"tone": "calm"}, "count": 4, "examples": [], "passages": ["p"], "ordinal": 2}
    cell = Cell.model_validate(value)
    assert cell.model_dump(mode="json") == value
    assert cell.id == digest(value)[:16] == "a300684946810a00"


def test_rows_as_they_are_today_make_the_version_they_made() -> None:
    lineage = Lineage(spec="notes/mood#0", cell="c", source="p1,p2", prompt="p", reply="r", teacher="t")
    row = Row(text="a note", label="a", origin="generated", attributes={"tone": "calm"}, lineage=lineage)
    assert row.to_json() == {
        "id": row.id,
        "text": "a note",
        "label": "a",
        "soft": None,
        "weight": 1.0,
        "origin": "generated",
        "attributes": {"tone": "calm"},
        "lineage": {
            "spec": "notes/mood#0", "cell": "c", "source": "p1,p2", "prompt": "p", "reply": "r", "teacher": "t",
            "reviewers": [], "was": None,
        },
        "verdicts": [],
    }  # fmt: skip
    assert version_name(content_hash({"train": [row], "held_out": []}, ["a", "b"])) == "d-bf08cbaa9838"
