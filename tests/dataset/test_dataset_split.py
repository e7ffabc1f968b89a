from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from factory.dataset.split import ENOUGH, folds, group, groups_of, split, without
from factory.row import Lineage, Row


def row(text: str, label: str, source: str = "") -> Row:
    return Row(text=text, label=label, origin="generated", lineage=Lineage(spec="s", source=source))


texts = st.lists(st.tuples(st.text(max_size=8), st.sampled_from("abc")), unique_by=lambda pair: pair[0], max_size=80)


@given(texts, st.randoms())
def test_order_plays_no_part_and_every_label_is_usable(pairs, random):
    rows = [row(text, label) for text, label in pairs]
    placed = split(rows)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert split(shuffled) == placed
    by_label = defaultdict(list)
    for item in rows:
        by_label[item.label].append(placed[item.id])
    for members in by_label.values():
        assert "train" in members
        assert "held_out" in members or len(members) < ENOUGH


def test_about_the_asked_share_is_held_out():
    rows = [row(f"text {number}", "abc"[number % 3]) for number in range(3000)]
    held = sum(value == "held_out" for value in split(rows).values())
    assert 300 < held < 420


def test_rows_stay_where_they_are_when_others_are_added():
    rows = [row(f"text {number}", "abc"[number % 3]) for number in range(600)]
    before, after = split(rows[:300]), split(rows)
    assert all(after[item] == place for item, place in before.items())


def test_rows_of_one_source_stay_together():
    rows = [row(f"text {number}", "ab"[number % 2], source=f"document {number // 10}") for number in range(2000)]
    placed = split(rows)
    for document in range(200):
        assert len({placed[item.id] for item in rows[document * 10 : document * 10 + 10]}) == 1


def test_what_rests_on_a_row_stays_with_what_that_rests_on():
    rows = [row(f"text {number}", "ab"[number % 2], source=f"document {number}") for number in range(300)]
    copies = [row(f"copy {number}", "ab"[number % 2], source=rows[number].id) for number in range(300)]
    placed = split([*copies, *rows])
    assert all(placed[one.id] == placed[rows[number].id] for number, one in enumerate(copies))
    (first, *_) = folds([*rows, *copies], 3)
    assert {one.text.split()[1] for one in first if "text" in one.text} == {
        one.text.split()[1] for one in first if "copy" in one.text
    }


def test_rows_that_rest_on_each_other_come_to_an_end():
    one, two = row("a", "a"), row("b", "a")
    one, two = row("a", "a", two.id), row("b", "a", one.id)
    assert set(groups_of([one, two])) == {one.id, two.id}


@given(st.lists(st.sets(st.integers(0, 11), max_size=3), max_size=40), st.integers(2, 4))
def test_without_a_part_there_is_nothing_that_rests_on_it(shown, count):
    people = [row(f"person {number}", "a", f"document {number}") for number in range(12)]
    written = [
        row(f"written {number}", "a", ",".join(people[one].lineage.source for one in sorted(some)))
        for number, some in enumerate(shown)
    ]
    for part in folds(people, count):
        left = {one.id for one in without([*people, *written], part)}
        away = {people.index(one) for one in part}
        assert left == {one.id for one in people if one not in part} | {
            one.id for one, some in zip(written, shown, strict=True) if not some & away
        }


sourced = st.lists(st.tuples(st.text(max_size=8), st.sampled_from(["", "x", "y", "z"])), unique_by=lambda p: p[0])


@given(sourced, st.integers(1, 6))
def test_folds_are_a_partition_that_parts_no_source(pairs, count):
    rows = [row(text, "a", source) for text, source in pairs]
    parts = folds(rows, count)
    assert sorted(one.id for part in parts for one in part) == sorted(one.id for one in rows)
    assert len(parts) == min(count, len({group(one) for one in rows})) and all(parts)
    groups = [{group(one) for one in part} for part in parts]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert not groups or max(map(len, groups)) - min(map(len, groups)) <= 1
