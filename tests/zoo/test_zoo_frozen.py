"""Specialists that earlier checkouts published are loaded and answer as they did.

frozen/ holds what was made by the code of the commits that frozen/answers.json names, with what that code answered.
Nothing there is ever made anew: a zoo that reads it otherwise breaks what people have in use.
"""

import json
import shutil
from pathlib import Path

import pytest

import zoo
from zoo.manifest import FORMAT, Manifest

FROZEN = Path(__file__).parent / "frozen"
SAID = json.loads((FROZEN / "answers.json").read_text())
TEXTS = SAID.pop("texts")


def told(answer, expected):
    """What an answer says under the keys of the one expected."""
    if isinstance(expected, list):
        assert len(answer) == len(expected)
        return [told(one, other) for one, other in zip(answer, expected, strict=True)]
    return {key: getattr(answer, key) for key in expected}


def near(expected):
    if isinstance(expected, list):
        return [near(one) for one in expected]
    return {key: pytest.approx(one, abs=1e-6) if isinstance(one, float) else one for key, one in expected.items()}


@pytest.mark.parametrize("name", SAID)
def test_it_is_loaded_and_answers_as_it_did(name, tmp_path):
    folder = shutil.copytree(FROZEN / name, tmp_path / name)
    answers = zoo.load(folder).predict(TEXTS)
    expected = SAID[name]["answers"]
    assert told(answers, expected) == near(expected)


def test_every_format_that_is_read_is_here():
    assert {Manifest.read(FROZEN / name).format for name in SAID} == set(range(1, FORMAT + 1))
    assert {path.name for path in FROZEN.iterdir() if path.is_dir()} == set(SAID)
