"""A plan covers labels and attributes evenly, and a larger budget's plan begins with a smaller one's."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from factory import settings as environment
from factory import spec as specs
from factory.budget import Budget
from factory.generate.plan import Cell, coverage, grow, plan
from factory.generate.seed import Passage
from factory.generate.strategies import STRATEGIES
from factory.spec import Spec
from factory.spec_declared import Example, StrategyName, Teacher
from factory.strata import names_in, strata, stratum_of
from tests.generate import strategy_specs


def make(labels: int = 5, axes: tuple[int, ...] = (3, 4), rows_per_request: int = 4, name: str = "notes/mood") -> Spec:
    return Spec(
        name=name,
        title="t",
        purpose="p",
        kind="classification",
        text="a note",
        question="q?",
        labels={f"label {number}": f"Definition {number}." for number in range(labels)},
        attributes={
            f"axis {place}": [f"value {place}.{number}" for number in range(size)] for place, size in enumerate(axes)
        },
        strategies={"label": 1.0},
        gold="none",
        teacher=Teacher(rows_per_request=rows_per_request),
        budgets={"quick": budget(8), "full": budget(80)},
        folder=Path("nowhere"),
    )


def budget(rows: int) -> Budget:
    return Budget(generate=rows, label=0, review=0)


def spread(counts: Counter[str], of: list[str]) -> int:
    return max(counts[value] for value in of) - min(counts[value] for value in of)


shapes = st.builds(
    make,
    labels=st.integers(2, 20),
    axes=st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple),
    rows_per_request=st.integers(1, 8),
)
rows = st.integers(0, 400)
texts = st.integers(0, 12).map(lambda count: [Passage(id=f"p{number}", text="x y z") for number in range(count)])


@given(shapes, rows, texts)
def test_the_same_spec_gives_the_same_plan(spec: Spec, rows: int, passages: list[Passage]) -> None:
    assert plan(spec, budget(rows), passages) == plan(spec.model_copy(), budget(rows), list(passages))


@given(shapes, rows, rows, texts)
def test_a_larger_plan_begins_with_a_smaller_one(spec: Spec, one: int, two: int, passages: list[Passage]) -> None:
    small, large = (plan(spec, budget(rows), passages) for rows in sorted((one, two)))
    assert large[: len(small)] == small


@given(shapes, rows)
def test_it_asks_for_the_rows_paid_for_or_up_to_one_request_more(spec: Spec, rows: int) -> None:
    asked = sum(cell.count for cell in plan(spec, budget(rows)))
    assert rows <= asked < rows + spec.teacher.rows_per_request


@settings(deadline=None)
@given(shapes, rows)
def test_labels_and_their_values_are_balanced_at_every_length(spec: Spec, rows: int) -> None:
    labels: Counter[str] = Counter()
    values: Counter[tuple[str, str, str]] = Counter()
    for cell in plan(spec, budget(rows)):
        labels[cell.label] += 1
        assert spread(labels, list(spec.labels)) <= 1
        assert cell.ordinal == labels[cell.label] - 1
        assert list(cell.attributes) == list(spec.attributes)
        for axis, allowed in spec.attributes.items():
            values[cell.label, axis, cell.attributes[axis]] += 1
            mine = [values[cell.label, axis, value] for value in allowed]
            assert max(mine) - min(mine) <= 1


@settings(deadline=None)
@given(shapes, st.integers(1, 4))
def test_whole_rounds_use_every_value_of_an_axis_equally_often(spec: Spec, times: int) -> None:
    for axis, allowed in spec.attributes.items():
        cells = plan(spec, budget(len(spec.labels) * len(allowed) * times * spec.teacher.rows_per_request))
        assert spread(Counter(cell.attributes[axis] for cell in cells), allowed) == 0


@given(shapes, rows, texts)
def test_no_two_cells_are_the_same_question(spec: Spec, rows: int, passages: list[Passage]) -> None:
    cells = plan(spec, budget(rows), passages)
    assert len({cell.id for cell in cells}) == len(cells)


def test_axes_are_not_tied_to_one_another() -> None:
    spec = make(labels=6, axes=(4, 4, 4), rows_per_request=1)
    cells = plan(spec, budget(64))
    for one, two in itertools.combinations(spec.attributes, 2):
        pairs = Counter((cell.attributes[one], cell.attributes[two]) for cell in cells)
        assert len(pairs) == 16
        assert max(pairs.values()) <= 8


def test_plans_of_two_specialists_differ() -> None:
    one, two = (plan(make(name=name), budget(80)) for name in ("notes/mood", "notes/topic"))
    assert [cell.label for cell in one] != [cell.label for cell in two]


def test_the_id_is_of_the_content() -> None:
    cell = plan(make(), budget(4))[0]
    again = Cell.model_validate(cell.model_dump(mode="json"), strict=False)
    assert again == cell
    assert again.id == cell.id
    assert cell.model_copy(update={"ordinal": 7}).id != cell.id


@given(st.integers(1, 40))
def test_passages_are_used_in_turn_and_never_twice_in_a_cell(count: int) -> None:
    passages = [Passage(id=f"p{number}", text="x") for number in range(count)]
    cells = plan(make(), budget(200), passages)
    used = Counter(passage for cell in cells for passage in cell.passages)
    assert spread(used, [passage.id for passage in passages]) <= 1
    assert all(len(set(cell.passages)) == len(cell.passages) == min(3, count) for cell in cells)


def test_examples_go_to_their_own_label_in_turn() -> None:
    examples = [Example(text=f"e{number}", label="label 1") for number in range(6)]
    cells = plan(make(), budget(80), examples=examples)
    assert all(cell.examples == () for cell in cells if cell.label != "label 1")
    mine = [cell.examples for cell in cells if cell.label == "label 1"]
    assert mine[0] == ("e0", "e1", "e2", "e3")
    assert mine[1] == ("e4", "e5", "e0", "e1")


def test_the_examples_of_the_spec_are_the_default() -> None:
    spec = make().model_copy(update={"examples": [Example(text="e", label="label 0")]})
    assert any(cell.examples == ("e",) for cell in plan(spec, budget(40)))
    assert all(cell.examples == () for cell in plan(spec, budget(40), examples=[]))


EVERY_LABEL: list[StrategyName] = ["label", "seed_grounded"]


@settings(deadline=None)
@given(st.integers(2, 30), st.booleans())
def test_strategies_come_round_to_every_label_together(labels: int, pairs: bool) -> None:
    ways: list[StrategyName] = [*EVERY_LABEL, *(["contrastive"] if pairs and labels > 2 else [])]  # type: ignore[list-item]
    spec = strategy_specs.make(labels=labels, rows_per_request=2, strategies=dict.fromkeys(ways, 1 / len(ways)))
    cells = grow(strategy_specs.material(spec), 2 * (labels + 1))
    first = Counter(label for cell in cells[: labels + 1] for label in cell.asks)
    assert first.keys() == spec.labels.keys()
    assert pairs or max(Counter(cell.label for cell in cells[:labels]).values()) == 1


@given(shapes, rows)
def test_the_table_accounts_for_every_row(spec: Spec, rows: int) -> None:
    cells = plan(spec, budget(rows))
    table = coverage(cells)
    asked = sum(cell.count for cell in cells)
    for axis in ["label", *spec.attributes] if cells else []:
        shares = [share for share in table if share.axis == axis]
        assert sum(share.rows for share in shares) == asked
        assert sum(share.requests for share in shares) == len(cells)
        assert abs(sum(share.share for share in shares) - 1) < 1e-9
    assert cells or table == []


def test_every_specialist_in_the_house_is_covered_by_its_quick_budget() -> None:
    prompts = environment.load().prompts
    for name in specs.names(prompts):
        spec = specs.load(name, prompts)
        material = strategy_specs.material(spec)  # some strategies rest on rows that people labelled
        quick = grow(material, spec.budget("quick").generate)
        asked = strata(list(spec.labels)) if spec.kind == "spans" else spec.labels
        written = [cell for cell in quick if STRATEGIES[cell.strategy].asks]
        found = {label for cell in written for label in cell.asks}
        if spec.kind == "extraction":  # pairs of many fields take turns; of nothing, nothing is drawn
            assert found >= {*spec.labels} | (set() if "drawn" in spec.strategies else {"none"}) and found <= {
                *map(stratum_of, map(names_in, strata(list(asked))))
            }
        else:
            assert found == set(asked), name
        for axis, values in spec.attributes.items():
            assert {cell.attributes[axis] for cell in written} == set(values), (name, axis)
        full = grow(material, spec.budget("full").generate)
        assert full[: len(quick)] == quick, name
