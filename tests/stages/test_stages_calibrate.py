"""How sure a student may be is told by rows that it has not learned, and by no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory.files import read_json, write_json
from factory.row import CORRECTED, Lineage, Origin, Row
from factory.spec import Student as StudentSpec
from factory.stages import calibrate, model


def row(number: int, origin: Origin = "reviewed", source: str = "") -> Row:
    return Row(text=f"text {number}", label="a", origin=origin, lineage=Lineage(spec="s", source=source))


class Sure:
    """A student that has learned nothing but texts by heart, and is right of all it has not learned."""

    folds = 3
    committee = True

    def __init__(self) -> None:
        self.learned: list[list[str]] = []
        self.asked: list[str] = []
        self.fails_at = -1

    def fit(self, rows: Sequence[Row], held: Any, recipe: Any, out: Path, progress: Any) -> None:
        if len(self.learned) == self.fails_at:
            raise KeyboardInterrupt
        self.learned.append([one.text for one in rows])
        out.mkdir(parents=True)
        write_json(out / "training.json", {"texts": [one.text for one in rows]})

    def export(self, out: Path, recipe: Any) -> None: ...

    def says(self, folder: Path, recipe: Any, rows: Sequence[Row], weights: str) -> list[Any]:
        known = read_json(folder / "training.json")["texts"]
        self.asked += [one.text for one in rows]
        return [[0.9, one.text not in known] for one in rows]

    def temperature(self, folder: Path, recipe: Any, rows: Sequence[Row], said: Sequence[Any]) -> float:
        return float(len(rows))

    def certainty(self, folder: Path, recipe: Any, rows: Any, said: Sequence[Any], temperature: float) -> Any:
        return [sure for sure, _ in said], [right for _, right in said]


@pytest.fixture
def student(monkeypatch: pytest.MonkeyPatch) -> Sure:
    found = Sure()
    monkeypatch.setattr(model, "student_of", lambda build: found)
    monkeypatch.setattr(model, "recipe_of", lambda build: SimpleNamespace(frozen=False))
    monkeypatch.setattr(model, "kept", lambda build: SimpleNamespace(frozen=False))
    return found


Calibrate = Callable[..., dict[str, Any]]


@pytest.fixture
def found(student: Sure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibrate:
    """Calibrate on these rows; what calibration.json and the summary say, and the stage's inputs."""

    def run(learned: Sequence[Row], held: Sequence[Row], **said: Any) -> dict[str, Any]:
        splits = {"train": learned, "held_out": held}
        monkeypatch.setattr(calibrate, "open_version", lambda path: SimpleNamespace(rows=splits.__getitem__))
        (tmp_path / "train").mkdir(exist_ok=True)
        write_json(tmp_path / "train" / "training.json", {"texts": [one.text for one in learned]})
        write_json(tmp_path / "train" / model.EXPORTS, {"weights": "int8"})
        told: dict[str, Any] = {}

        def stage(name: str, inputs: dict[str, Any], work: Callable[[Path], None]) -> None:
            told.update(inputs=inputs)
            (tmp_path / name).mkdir(exist_ok=True)
            work(tmp_path / name)

        build: Any = SimpleNamespace(
            spec=SimpleNamespace(student=StudentSpec(**said)),
            run=lambda name: SimpleNamespace(path=tmp_path / name),
            stage=stage,
            meter=lambda name, unit: lambda done, total: None,
        )
        calibrate.calibrate(build)
        out = tmp_path / "calibrate"
        told |= read_json(out / model.CALIBRATION) | {"summary": read_json(out / "summary.json")}
        return told | {"answers": read_json(out / calibrate.ANSWERS), "left": sorted(one.name for one in out.iterdir())}

    return run


def test_each_of_peoples_rows_is_answered_once_by_who_has_not_learned_it(student: Sure, found: Calibrate) -> None:
    learned = [*(row(n) for n in range(150)), *(row(n, "generated") for n in range(500, 560))]
    held = [*(row(n) for n in range(200, 220)), *(row(n, "generated") for n in range(600, 610))]
    told = found(learned, held)
    assert student.asked == [*(f"text {n}" for n in range(200, 220)), *student.asked[20:]]
    assert sorted(student.asked[20:]) == sorted(f"text {n}" for n in range(150))
    assert told["answers"] == {"sure": [0.9] * 170, "right": [True] * 170}
    assert (told["threshold"], told["temperature"]) == (0.9, 170.0)
    assert [len(one) for one in student.learned] == [160] * 3  # two thirds of people's rows, and all the teacher's
    assert told["summary"]["people's rows"] == 170 and told["summary"]["of these held out"] == 20
    assert told["left"] == ["answers.json", "calibration.json", "summary.json"]


def test_what_rests_on_a_row_is_not_learned_beside_it(student: Sure, found: Calibrate) -> None:
    people = [row(n) for n in range(30)]
    echoes = [row(1000 + n, "generated", source=one.id) for n, one in enumerate(people)]
    found([*people, *echoes], [row(100)])
    for texts in student.learned:
        kept = {text for text in texts if int(text.split()[1]) < 1000}
        assert {f"text {1000 + int(text.split()[1])}" for text in kept} == set(texts) - kept and len(kept) == 20


def test_what_production_picked_tells_nothing_and_is_learned_always(student: Sure, found: Calibrate) -> None:
    picked = [row(n, source=f"{CORRECTED}{n}") for n in range(10)]
    found([*picked, *(row(n) for n in range(20, 50))], [row(100)])
    assert not {one.text for one in picked} & set(student.asked)
    assert all({one.text for one in picked} <= set(texts) for texts in student.learned)


def test_killed_it_goes_on_with_the_part_it_was_at(student: Sure, found: Calibrate) -> None:
    rows, held = [row(n) for n in range(90)], [row(n) for n in range(100, 110)]
    student.fails_at = 1
    with pytest.raises(KeyboardInterrupt):
        found(rows, held)
    student.fails_at = -1
    told = found(rows, held)
    assert len(student.learned) == 3 and all(told["answers"]["right"]) and len(told["answers"]["right"]) == 100


@pytest.mark.parametrize(
    ("held", "folds", "trained"), [(20, None, 3), (20, 5, 5), (20, 0, 0), (20, 1, 0), (calibrate.ENOUGH, None, 0)]
)
def test_it_is_trained_anew_as_often_as_it_takes(
    student: Sure, found: Calibrate, held: int, folds: int | None, trained: int
) -> None:
    told = found([row(n) for n in range(60)], [row(n) for n in range(1000, 1000 + held)], folds=folds)
    assert len(student.learned) == trained and told["summary"]["people's rows"] == held + 60 * (trained > 0)
    assert told["inputs"]["folds"] == (3 if folds is None else folds)


def test_without_people_all_held_out_rows_make_the_temperature_and_nothing_is_promised(found: Calibrate) -> None:
    told = found([row(n, "generated") for n in range(50)], [row(n, "generated") for n in range(100, 107)])
    assert (told["temperature"], told["threshold"]) == (7.0, None)
    assert told["summary"]["promised"] == "nothing"


def test_beside_texts_that_a_committee_labelled_nothing_is_promised(student: Sure, found: Calibrate) -> None:
    """The committee has seen all of people's rows, so no student is without them."""
    told = found([*(row(n) for n in range(60)), row(500, "unlabelled")], [row(n) for n in range(1000, 1200)])
    assert student.learned == [] and told["summary"]["people's rows"] == 200
    assert all(told["answers"]["right"]) and told["threshold"] is None and told["summary"]["promised"] == "nothing"


def test_real_texts_that_the_teacher_alone_decided_on_keep_nothing_from_being_promised(
    student: Sure, found: Calibrate
) -> None:
    student.committee = False
    told = found([*(row(n) for n in range(60)), row(500, "unlabelled")], [row(n) for n in range(1000, 1020)])
    assert len(student.learned) == 3 and told["threshold"] == 0.9
