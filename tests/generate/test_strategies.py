"""Every strategy asks evenly and reproducibly, shows what it rests on, and reads what comes back or says why not."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.dataset.split import split
from factory.errors import SpecError
from factory.generate.plan import coverage, grow
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.contrastive import pairs
from factory.row import Lineage, Row
from factory.spec_declared import StrategyName
from factory.spec_kind import WRITES
from tests.generate.strategy_specs import ALL, make, material

each = pytest.mark.parametrize("name", ALL)
mixes = st.dictionaries(st.sampled_from(ALL), st.integers(1, 9), min_size=1).map(
    lambda parts: {name: part / sum(parts.values()) for name, part in parts.items()}
)
shapes = st.builds(make, labels=st.integers(3, 9), rows_per_request=st.integers(1, 7))


def mixed(shape: Any, mix: dict[StrategyName, float]) -> Material:
    return material(shape.model_copy(update={"strategies": mix}))


@pytest.fixture
def here(tmp_path: Path) -> Material:
    """Material of a spec that has a generate.jinja, which the strategy `label` asks by."""
    (tmp_path / "generate.jinja").write_text("{{ count }} {{ label }} {{ attributes }} {{ avoid }} {{ examples }}")
    return material(make(folder=tmp_path))


def first(name: str, count: int = 60, **changes: Any) -> list[Cell]:
    return list(itertools.islice(STRATEGIES[name].cells(material(make(**changes))), count))


def test_every_strategy_a_spec_can_name_is_there() -> None:
    assert set(STRATEGIES) == {*ALL, *itertools.chain(*WRITES.values())} == set(StrategyName.__args__)  # type: ignore[attr-defined]


@given(shapes, mixes, st.integers(0, 150), st.integers(0, 150))
def test_a_larger_plan_begins_with_a_smaller_one_whatever_the_mix(
    shape: Any, mix: dict[StrategyName, float], one: int, two: int
) -> None:
    small, large = (grow(mixed(shape, mix), rows) for rows in sorted((one, two)))
    assert large[: len(small)] == small
    assert len({cell.id for cell in large}) == len(large)
    again = mixed(shape, dict(reversed(mix.items())))
    assert grow(again, max(one, two)) == large


@given(shapes, mixes, st.integers(1, 200))
def test_shares_are_kept_at_every_length(shape: Any, mix: dict[StrategyName, float], rows: int) -> None:
    taken: Counter[str] = Counter()
    for number, cell in enumerate(grow(mixed(shape, mix), rows), 1):
        taken[cell.strategy] += 1
        for name, share in mix.items():
            assert -1 < share * number - taken[name] < len(mix)


@given(st.sampled_from(ALL), shapes, st.integers(1, 120))
def test_labels_and_attribute_values_come_evenly(name: str, shape: Any, count: int) -> None:
    found = list(itertools.islice(STRATEGIES[name].cells(material(shape)), count))
    served = Counter((cell.label, cell.against) for cell in found)
    assert max(served.values()) - min(served.values()) <= 1 or len(served) == 1
    for axis in {axis for cell in found for axis in cell.attributes} - {"near"}:
        values = Counter((cell.label, cell.against, cell.attributes[axis]) for cell in found)
        for key in served:
            mine = [count for (label, against, _), count in values.items() if (label, against) == key]
            assert max(mine) - min(mine) <= 1


@each
def test_a_cell_survives_its_file_and_becomes_a_question_of_its_own(name: str, here: Material) -> None:
    cells = first(name, 24)
    asked = [STRATEGIES[name].request(Cell.model_validate(cell.model_dump(mode="json")), here) for cell in cells]
    assert len({request.cache_key("teacher") for request in asked}) == len(cells)
    for cell, request in zip(cells, asked, strict=True):
        user = request.messages[-1]["content"]
        assert cell.model_dump(mode="json").get("strategy", "label") == name
        for label in cell.asks if name != "label" else []:
            assert label in user
        assert "\n\n\n" not in user and "{{" not in user
    assert all(cell.asks.keys() <= set(here.spec.labels) and sum(cell.asks.values()) == cell.count for cell in cells)


def test_what_a_strategy_rests_on_is_shown_and_cited() -> None:
    here = material(make())
    for name in ("seed_grounded", "few_shot", "rewrite"):
        strategy = STRATEGIES[name]
        for cell in first(name, 12):
            user = strategy.request(cell, here).messages[-1]["content"]
            shown = [here.texts[passage] for passage in cell.passages] + list(cell.examples)
            assert shown and all(text in user for text in shown)
            assert strategy.source(cell) == ",".join([*cell.passages, *cell.sources])
    for cell in first("rewrite", 12):
        (row,) = (row for row in here.known if row.text == cell.examples[0])
        assert row.label == cell.label and STRATEGIES["rewrite"].source(cell) == row.lineage.source
        assert cell.attributes["change"] in STRATEGIES["rewrite"].request(cell, here).messages[-1]["content"]


@pytest.mark.parametrize("name", ["few_shot", "rewrite"])
def test_nothing_is_written_after_a_row_that_is_held_out(name: str) -> None:
    here = material(make())
    known = [
        Row(text=f"{label} {n}", label=label, origin="reviewed", lineage=Lineage(spec="s", source=f"g{label}{n}"))
        for label in here.spec.labels
        for n in range(20)
    ]
    held = {row.text for row in known if split(known)[row.id] == "held_out"}
    cells = itertools.islice(STRATEGIES[name].cells(replace(here, known=known)), 400)
    shown = {text for cell in cells for text in cell.examples}
    assert held and shown == {row.text for row in known} - held


def test_labels_without_known_rows_get_no_cells_of_strategies_that_show_them() -> None:
    for name in ("few_shot", "rewrite"):
        assert {cell.label for cell in first(name)} == {"label 0", "label 1", "label 2"}


def test_passages_near_a_label_come_first() -> None:
    here = material(make())
    near = replace(here, near={label: list(reversed(here.passages)) for label in here.spec.labels})
    cells = itertools.islice(STRATEGIES["seed_grounded"].cells(near), 8)
    assert [cell.passages for cell in cells] == [("p6",)] * 4 + [("p5",)] * 4


@pytest.mark.parametrize("name", ["seed_grounded", "few_shot", "rewrite"])
def test_a_strategy_without_what_it_rests_on_says_so(name: str) -> None:
    with pytest.raises(SpecError, match=name) as caught:
        next(STRATEGIES[name].cells(Material(make())))
    assert "strategies" in caught.value.fix


def test_rows_that_are_none_of_the_labels_need_a_label_for_them() -> None:
    with pytest.raises(SpecError, match="out_of_scope"):
        next(STRATEGIES["out_of_scope"].cells(material(make(out_of_scope=None))))
    assert {cell.label for cell in first("out_of_scope")} == {"label 3"}


def test_pairs_are_those_confused_and_then_neighbours_until_every_label_is_in_one() -> None:
    here = replace(material(make(labels=5)), confused=[("label 3", "label 1"), ("label 1", "label 3")])
    found = pairs(here)
    assert found[0] == ("label 1", "label 3") and len(set(found)) == len(found)
    assert {label for pair in found for label in pair} == set(here.spec.labels) - {"label 4"}, "label 4 means none"
    assert len(pairs(Material(make(labels=6, out_of_scope=None)))) == 3
    with pytest.raises(SpecError, match="but one"):
        pairs(material(make(labels=2)))


def reply(*members: tuple[Any, Any]) -> str:
    return json.dumps({"pairs": [{"first": one, "second": two} for one, two in members]})


def test_both_members_of_a_pair_are_kept_or_neither() -> None:
    (cell,) = first("contrastive", 1)
    read = STRATEGIES["contrastive"].read
    drafts, failure = read(cell, reply(("a  note", "b note"), ("c", "d")))
    assert [(draft.text, draft.label) for draft in drafts] == [
        ("a note", cell.label), ("b note", cell.against), ("c", cell.label), ("d", cell.against)
    ]  # fmt: skip
    assert failure == ""
    drafts, failure = read(cell, reply(("a", "b"), ("same", "SAME"), ("x", None), ("y", "\ud800")))
    assert len(drafts) == 2 and failure == "3 pairs without two usable, different texts"
    drafts, failure = read(cell, reply(("a", "b"), ("c", "d"))[:-10])
    assert len(drafts) == 2 and failure == "not JSON: cut off or malformed"
    assert read(cell, "I'm sorry, I can't.") == ([], "no list named pairs")


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")), st.integers(0, 80))
def test_whatever_a_teacher_says_is_rows_or_a_reason(noise: str, cut: int) -> None:
    (cell,) = first("contrastive", 1)
    for said in (noise, reply(("a", "b"), (noise, "c"))[:cut], f'{{"pairs": [{noise}', '{"pairs": [{"first":' * 50):
        drafts, failure = STRATEGIES["contrastive"].read(cell, said)
        assert drafts or failure
        assert len(drafts) % 2 == 0 and all(draft.text.strip() for draft in drafts)


def test_a_template_of_the_specs_own_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "rewrite.jinja").write_text("Mine: {{ examples[0] }}")
    here = replace(material(make()), spec=make(folder=tmp_path))
    (cell,) = first("rewrite", 1)
    assert STRATEGIES["rewrite"].request(cell, here).messages == [
        {"role": "user", "content": f"Mine: {cell.examples[0]}"}
    ]


@each
def test_what_was_written_already_is_shown_when_there_is_some(name: str, here: Material) -> None:
    (cell,) = first(name, 1)
    again = cell.model_copy(update={"avoid": ("this was said before",)})
    texts = [STRATEGIES[name].request(one, here).messages[-1]["content"] for one in (cell, again)]
    assert ["this was said before" in text for text in texts] == [False, True]
    assert cell.id != again.id


def test_the_table_of_a_plan_tells_its_strategies() -> None:
    mix: dict[StrategyName, float] = {"label": 0.5, "contrastive": 0.5}
    cells = grow(mixed(make(), mix), 80)
    table = coverage(cells)
    assert {share.value: share.rows for share in table if share.axis == "strategy"} == {"label": 40, "contrastive": 40}
    assert sum(share.rows for share in table if share.axis == "label") == 80
    assert not [share for share in coverage(grow(material(make()), 40)) if share.axis == "strategy"]
