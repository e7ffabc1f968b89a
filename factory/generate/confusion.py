"""Which labels a student mistakes for each other, by rows held out of its training; never by gold.

`python -m factory confusions SPEC` writes the pairs beside the spec, where a person can see and edit them. They are
part of the spec from then on: what a teacher is asked must not change because somebody has trained once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from factory.dataset.version import open_version
from factory.errors import DataError, SpecError
from factory.files import read_json, write_json
from factory.spec import CONFUSIONS, Spec
from factory.stage import inputs_of

MOST = 30
"""Pairs that are written down, at most."""


def read(spec: Spec) -> list[tuple[str, str]]:
    """The pairs beside the spec, worst first; none where there is no such file.

    Raises:
        SpecError: the file is not a list of pairs of the spec's labels.
    """
    path = spec.folder / CONFUSIONS
    if not path.is_file():
        return []
    found = read_json(path)
    pairs = [(one.get("label"), one.get("other")) if isinstance(one, dict) else None for one in _list(found)]
    if not isinstance(found, list) or any(
        pair is None or not all(label in spec.labels for label in pair) or pair[0] == pair[1] for pair in pairs
    ):
        raise SpecError(
            f"{CONFUSIONS} is a list of objects with `label` and `other`, two of the spec's labels each.",
            where=str(path),
            fix=f"Mend it, or write it anew with `python -m factory confusions {spec.name}`.",
        )
    return [(str(pair[0]), str(pair[1])) for pair in pairs if pair]


def write(spec: Spec, root: Path) -> tuple[Path, list[tuple[str, str, int]]]:
    """Ask the newest student about the rows held out of its training, and write down what it confuses.

    Args:
        spec: the specialist.
        root: its build folder.

    Returns:
        The file beside the spec, and pairs with how often each was confused, either way.

    Raises:
        SpecError: the spec is not of kind classification.
        DataError: no student has been trained yet, or the newest one for other labels than the spec's.
    """
    from factory.students.encoder import Encoder

    if spec.kind != "classification":
        raise SpecError(
            f"Students of kind {spec.kind} do not confuse labels of texts.",
            where=str(spec.folder / "spec.yaml"),
            fix="Read the report of the stage `evaluate`: it says what becomes of what people marked.",
        )
    finished = sorted((root / "train").glob("[!.]*/inputs.json"), key=lambda file: file.stat().st_mtime)
    if not finished:
        raise DataError(
            "No student has been trained yet, so nothing is known of what it confuses.",
            where=str(root / "train"),
            fix=f"Run `python -m factory build {spec.name} --until train` first.",
        )
    folder = finished[-1].parent
    labels = _trained_for(spec, folder)
    made = str(inputs_of(folder)["dataset"]).removeprefix("dataset:")
    rows = open_version(root / "dataset" / made).rows("held_out")
    logits = Encoder.load(folder, labels, spec.student.max_tokens).predict_logits([row.text for row in rows])
    answers = [labels[int(place)] for place in logits.argmax(axis=1)]
    pairs = confused([row.label for row in rows], answers)[:MOST]
    path = spec.folder / CONFUSIONS
    write_json(path, [{"label": one, "other": other, "times": times} for one, other, times in pairs])
    return path, pairs


def _trained_for(spec: Spec, student: Path) -> list[str]:
    """A student's labels in its logits' order, which need not be the spec's any more."""
    named = read_json(student / "config.json")["id2label"]
    labels = [str(named[place]) for place in sorted(named, key=int)]
    if set(labels) != set(spec.labels):
        other = sorted(set(labels) ^ set(spec.labels))
        raise DataError(
            f"The newest student was trained for other labels than the spec has now: {', '.join(other[:5])}.",
            where=str(student),
            fix=f"Run `python -m factory build {spec.name} --until train` to train one for these.",
        )
    return labels


def confused(truth: Sequence[str], answers: Sequence[str]) -> list[tuple[str, str, int]]:
    """Pairs of labels given for each other, either way, and how often; most often first."""
    pairs = zip(truth, answers, strict=True)
    wrong = Counter(tuple(sorted((label, other))) for label, other in pairs if label != other)
    return [(one, other, times) for (one, other), times in sorted(wrong.items(), key=lambda item: (-item[1], item[0]))]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
