"""How sure a student may be is told by rows that it has not learned, and by no others."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from factory import stage
from factory.files import read_json, write_json
from factory.row import CORRECTED, Lineage, Origin, Row, write_rows
from factory.span import Span
from factory.spec_student import Student as StudentSpec
from factory.stage import Output
from factory.stages import calibrate, cross_fit, fitting, model
from factory.stages.ballot import Ballot
from factory.stages.student import Certainty


def row(number: int, origin: Origin = "reviewed", source: str = "") -> Row:
    return Row(text=f"text {number}", label="a", origin=origin, lineage=Lineage(spec="s", source=source))


@dataclass(frozen=True)
class Kept:
    """How it is trained, as far as anybody here asks."""

    frozen: bool = False
    method: str = "lora"
    penalty: float | None = None


class Sure:
    """A student that has learned nothing but texts by heart, and is right of all it has not learned."""

    folds = 3
    exporter = 1
    committee = several = False

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
        self.asked += [one.text for one in rows if weights == "int8"]
        return [[0.9, one.text not in known] for one in rows]

    def temperature(self, folder: Path, recipe: Any, rows: Sequence[Row], said: Sequence[Any]) -> float:
        return float(len(rows))

    def certainty(self, folder: Path, recipe: Any, rows: Any, said: Sequence[Any], temperature: float) -> Certainty:
        return Certainty([sure for sure, _ in said], [right for _, right in said], [one.label for one in rows])


@pytest.fixture
def student(monkeypatch: pytest.MonkeyPatch) -> Sure:
    found = Sure()
    monkeypatch.setattr(model, "student_of", lambda build: found)
    monkeypatch.setattr(fitting, "cores", lambda: 1)  # what it is asked to do is noted here
    monkeypatch.setattr(model, "recipe_of", lambda build: Kept())
    monkeypatch.setattr(model, "kept", lambda build: Kept())
    monkeypatch.setattr(model, "identity", lambda build, recipe: vars(recipe))
    monkeypatch.setattr(model, "as_trained", lambda recipe, folder: recipe)
    return found


Calibrate = Callable[..., dict[str, Any]]
LEFT = {
    "calibrate": ["answers.json", "calibration.json", "summary.json"],
    "cross_fit": ["asked.jsonl", "said.json", "summary.json"],
}


@pytest.fixture
def found(student: Sure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibrate:
    """Calibrate on these rows; what calibration.json and the summary say, and the stage's inputs."""

    def run(learned: Sequence[Row], held: Sequence[Row], keeps: bool = False, **said: Any) -> dict[str, Any]:
        """With `keeps` a stage that has run is not run again, as in a build."""
        splits = {"train": learned, "held_out": held}
        for stages in (calibrate, cross_fit):
            monkeypatch.setattr(stages, "open_version", lambda path: SimpleNamespace(rows=splits.__getitem__))
        (tmp_path / "train").mkdir(exist_ok=True)
        write_json(tmp_path / "train" / "training.json", {"texts": [one.text for one in learned]})
        write_json(tmp_path / "train" / model.EXPORTS, {"weights": "int8"})
        progress: list[tuple[int, int]] = []
        told: dict[str, Any] = {"progress": progress, "inputs": {}}
        outputs: dict[str, Path] = {}

        def ran(name: str, inputs: dict[str, Any], work: Callable[[Path], None]) -> Output:
            told["inputs"] |= inputs
            if keeps:
                output = stage.run(tmp_path / "kept", name, inputs, work)
            else:
                output = Output(name, "key", tmp_path / name, reused=False)
                output.path.mkdir(exist_ok=True)
                work(output.path)
            outputs[name] = output.path
            return output

        build: Any = SimpleNamespace(
            spec=SimpleNamespace(student=StudentSpec(**said)),
            settings=SimpleNamespace(trainers=1),
            run=lambda name: Output(name, "key", tmp_path / name, reused=False),
            stage=ran,
            meter=lambda name, unit: lambda done, total: progress.append((done, total)),
        )
        out = calibrate.calibrate(build).path
        told |= read_json(out / model.CALIBRATION) | {"summary": read_json(out / "summary.json")}
        told["left"] = {name: sorted(one.name for one in folder.iterdir()) for name, folder in outputs.items()}
        return told | {"answers": read_json(out / calibrate.ANSWERS)}

    return run


def test_each_of_peoples_rows_is_answered_once_by_who_has_not_learned_it(student: Sure, found: Calibrate) -> None:
    learned = [*(row(n) for n in range(150)), *(row(n, "generated") for n in range(500, 560))]
    held = [*(row(n) for n in range(200, 220)), *(row(n, "generated") for n in range(600, 610))]
    told = found(learned, held)
    assert sorted(student.asked[:150]) == sorted(f"text {n}" for n in range(150))
    assert student.asked[150:] == [f"text {n}" for n in range(200, 220)]
    assert told["answers"] == {"sure": [0.9] * 170, "right": [True] * 170, "labels": ["a"] * 170}
    assert (told["threshold"], told["temperature"]) == (0.9, 170.0)
    assert [len(one) for one in student.learned] == [160] * 3  # two thirds of people's rows, and all the teacher's
    assert told["summary"]["people's rows"] == 170 and told["summary"]["of these held out"] == 20
    assert told["left"] == LEFT


def test_labels_have_thresholds_of_their_own_where_the_spec_asks_for_it(student: Sure, found: Calibrate) -> None:
    learned = [row(n).model_copy(update={"label": "ab"[n >= 140]}) for n in range(150)]
    told = found(learned, [row(200)], risk_by_label=True)
    assert (told["threshold"], told["thresholds"]) == (None, {"a": 0.9}), "10 answers of b show nothing"
    assert told["inputs"]["by label"] and "the others: nothing" in told["summary"]["promised"]
    told = found(learned, [row(200)])
    assert (told["threshold"], told["thresholds"]) == (0.9, {}) and "by label" not in told["inputs"]


def test_who_is_trained_anew_has_the_penalty_that_was_chosen_for_the_published_one(
    student: Sure, found: Calibrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "as_trained", lambda recipe, folder: replace(recipe, penalty=len(folder.name) / 10))
    learn, penalties = student.fit, []

    def fit(rows: Sequence[Row], held: Any, recipe: Kept, *others: Any) -> None:
        penalties.append(recipe.penalty)
        learn(rows, held, recipe, *others)

    monkeypatch.setattr(student, "fit", fit)
    told = found([row(n) for n in range(60)], [row(100)])
    assert penalties == [len("train") / 10] * 3 and told["inputs"]["penalty"] == penalties[0]


def test_another_risk_is_stated_without_training_anything_anew(student: Sure, found: Calibrate) -> None:
    learned, held = [row(n) for n in range(150)], [row(n) for n in range(200, 220)]
    told = found(learned, held, keeps=True, risk=0.01)
    assert told["threshold"] is None and told["summary"]["promised"] == "nothing"
    offers = ", ".join(f"{risk} %: the surest 100 %" for risk in (2, 5, 10, 15, 20, 25, 30))
    assert told["summary"]["at other risks"] == offers and len(student.learned) == 3
    told = found(learned, held, keeps=True, risk=0.02)
    assert told["threshold"] == 0.9 and len(student.learned) == 3
    assert len(found(learned, held, keeps=True, risk=0.02, folds=2)["answers"]["sure"]) == 170
    assert len(student.learned) == 5


def test_what_rests_on_a_row_is_not_learned_beside_it(student: Sure, found: Calibrate) -> None:
    people = [row(n) for n in range(30)]
    echoes = [row(1000 + n, "generated", source=one.id) for n, one in enumerate(people)]
    found([*people, *echoes], [row(100)])
    for texts in student.learned:
        kept = {text for text in texts if int(text.split()[1]) < 1000}
        assert {f"text {1000 + int(text.split()[1])}" for text in kept} == set(texts) - kept and len(kept) == 20


def test_words_that_only_a_row_to_tell_of_has_are_not_learned_beside_it(student: Sure, found: Calibrate) -> None:
    """As `replaced` lends them: each row's word to a text that rests on another; the word of all goes with all."""

    def said(number: int, word: str, origin: Origin = "reviewed", source: str = "") -> Row:
        text = f"text {number} {word}"
        at = len(text) - len(word)
        return row(number, origin, source=source).model_copy(
            update={"text": text, "label": "", "spans": (Span(start=at, end=len(text), label="a"),)}
        )

    people = [said(n, f"word{n}") for n in range(28)] + [said(n, "all") for n in (28, 29)]
    lent = [said(1000 + n, f"Word{(n + 1) % 28}", "generated", one.id) for n, one in enumerate(people)]
    common = [said(2000 + n, "All", "generated", one.id) for n, one in enumerate(people)]
    found([*people, *lent, *common], [row(100)])
    for texts in student.learned:
        own = {text.split()[2] for text in texts if int(text.split()[1]) < 1000}
        assert {text.split()[2].casefold() for text in texts} <= own
        kinds = Counter(int(text.split()[1]) // 1000 for text in texts)
        assert kinds[0] == kinds[1] == kinds[2] < 30, "those that had such words have others"


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
    ("held", "folds", "trained"), [(20, None, 3), (20, 5, 5), (20, 0, 0), (20, 1, 0), (cross_fit.ENOUGH, None, 0)]
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


class Twice(Sure):
    """A student that a process of its own can have; it says how many rows it has learned, and in which process."""

    def fit(self, rows: Sequence[Row], held: Any, recipe: Any, out: Path, progress: Any) -> None:
        progress(len(rows), 100)
        super().fit(rows, held, recipe, out, progress)
        write_json(out / "training.json", {"texts": [one.text for one in rows], "process": os.getpid()})

    def says(self, folder: Path, recipe: Any, rows: Sequence[Row], weights: str) -> list[Any]:
        told = read_json(folder / "training.json")
        return [[0.9, one.text not in told["texts"], told.get("process")] for one in rows]

    def certainty(self, folder: Path, recipe: Any, rows: Any, said: Sequence[Any], temperature: float) -> Certainty:
        self.processes = {one[2] for one in said} - {None}
        return Certainty([one[0] for one in said], [one[1] for one in said], [one.label for one in rows])


@pytest.mark.parametrize("cores", [1, 2])
def test_parts_are_learned_side_by_side_where_there_are_cores(
    found: Calibrate, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    student = Twice()
    monkeypatch.setattr(model, "student_of", lambda build: student)
    monkeypatch.setattr(fitting, "cores", lambda: cores)
    monkeypatch.setattr(fitting, "default_device", lambda: "cpu")
    told = found([row(n) for n in range(60)], [row(n) for n in range(100, 110)])
    assert len(told["answers"]["right"]) == 70 and all(told["answers"]["right"])
    if cores == 1:
        assert student.processes == {os.getpid()}
    else:
        assert len(student.processes) == 3 and os.getpid() not in student.processes
    assert told["left"] == LEFT
    assert told["progress"][-1][1] == 300 and told["progress"][-1][0] == 3 * 40


class Voted:
    """A committee that tells by each row's label whom of the people it knows."""

    def __init__(self, build: Any, cleaned: Path, judged: Path) -> None: ...

    def relabelled(self, rows: Sequence[Row]) -> list[Row]:
        known = "+".join(sorted(one.text for one in rows if one.origin == "reviewed"))
        return [one if one.origin == "reviewed" else one.model_copy(update={"label": known or "-"}) for one in rows]


@pytest.fixture
def taught(student: Sure, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """What a student's teachers knew of people, a training each."""
    told: list[set[str]] = []
    learn = student.fit

    def fit(rows: Sequence[Row], held: Sequence[Row], *others: Any) -> None:
        told.append({text for one in [*rows, *held] if one.origin != "reviewed" for text in one.label.split("+")})
        learn([*rows, *held], (), *others)  # an epoch is chosen by those held out

    monkeypatch.setattr(student, "fit", fit)
    monkeypatch.setattr(student, "committee", True)
    monkeypatch.setattr(cross_fit, "Ballot", Voted)
    return told


@given(
    learned=st.integers(0, 30), held=st.integers(0, 12), folds=st.sampled_from([None, 0, 1, 2, 5]), many=st.booleans()
)
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_who_tells_of_a_row_has_not_learned_it_and_neither_has_who_taught_it(
    student: Sure, taught: list[set[str]], found: Calibrate, learned: int, held: int, folds: int | None, many: bool
) -> None:
    for told_before in (taught, student.learned, student.asked):
        told_before.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_fit, "ENOUGH", 5 if many else 300)
        people, apart = [row(n) for n in range(learned)], [row(n) for n in range(100, 100 + held)]
        machines = [row(500, "unlabelled"), row(501, "generated")]
        told = found([*people, *machines], [*apart, row(600, "unlabelled")], folds=folds)
    parts = [{one.text for one in [*people, *apart]} - set(texts) for texts in student.learned]
    for part, knew in zip(parts, taught, strict=True):
        assert part and not part & knew
    count, alone = 3 if folds is None else folds, held >= 5 and many
    expected = apart if alone or count < 2 else [*people, *apart] if learned + held > 1 else []
    assert sorted(text for part in parts for text in part) == sorted(one.text for one in expected)
    assert told["summary"]["people's rows"] == len(expected) == len(told["answers"]["right"])
    assert all(told["answers"]["right"])
    assert told["summary"]["of these held out"] == (held if expected else 0)


def test_a_part_without_which_nothing_is_left_to_choose_an_epoch_by_tells_nothing(
    taught: list[set[str]], found: Calibrate
) -> None:
    told = found([*(row(n) for n in range(3)), row(500, "unlabelled")], [row(100)])
    assert 0 < told["summary"]["people's rows"] == len(told["answers"]["right"]) < 4 and len(taught) == 2
    assert found([row(500, "unlabelled")], [row(100), row(101)], folds=0)["summary"]["people's rows"] == 0


def test_where_nobody_but_people_labelled_the_held_out_rows_are_news(student: Sure, found: Calibrate) -> None:
    student.committee = True
    told = found([row(n) for n in range(60)], [row(n) for n in range(1000, 1020)], folds=0)
    assert student.learned == [] and told["summary"]["people's rows"] == 20


def test_a_committee_forgets_what_people_said_of_rows_it_is_not_given(tmp_path: Path) -> None:
    """Of each pair of like texts people labelled one. Not given their rows of one label, it believes less in that."""
    labels, random = ["a", "b"], np.random.default_rng(3)
    views = np.repeat(random.normal(size=(80, 8)), 2, axis=0).astype(np.float32)
    rows = [row(n, "reviewed" if n % 2 else "unlabelled") for n in range(160)]
    truth = [labels[int(view[0] > 0)] for view in views]
    said = [one.model_copy(update={"label": label, "weight": 0.3}) for one, label in zip(rows, truth, strict=True)]
    write_rows(tmp_path / "kept.jsonl", said)
    (tmp_path / "judgements.jsonl").write_text("")
    np.save(tmp_path / "vectors.npy", views)
    np.save(tmp_path / "label_vectors.npy", random.normal(size=(2, 8)).astype(np.float32))
    spec = SimpleNamespace(judges=[], student=StudentSpec())
    build: Any = SimpleNamespace(spec=spec, labels=labels, judges=[SimpleNamespace(identity="t")])
    ballot = Ballot(build, tmp_path, tmp_path)
    brought_back = row(999).model_copy(update={"label": "a"})

    def believed(given: Sequence[Row]) -> float:
        """How much it believes, on average, in `b` for texts of which that is true."""
        found = [one for one in ballot.relabelled([*given, brought_back]) if one.origin == "unlabelled"]
        assert all(one.weight == 0.3 and one.soft and max(one.soft.values()) == one.soft[one.label] for one in found)
        true = {one.text for one in said if one.label == "b"}
        return float(np.mean([(one.soft or {}).get("b", 0.0) for one in found if one.text in true]))

    whole = believed(said)
    assert whole > 0.8 and believed([one for one in said if one.origin != "reviewed" or one.label == "a"]) < whole / 2
    assert believed(said) == whole
