"""A specialist under scikit-learn's names, and scikit-learn with it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny

import zoo
from zoo.errors import BadInput
from zoo.manifest import SPANS

TEXTS = [f"word{number} word{number + 1}" for number in range(20)] * 2


@pytest.fixture
def estimator(specialist: Path) -> zoo.Estimator:
    return zoo.Estimator(specialist)


def test_it_answers_as_the_specialist_does(estimator: zoo.Estimator, specialist: Path) -> None:
    expected = zoo.load(specialist)
    assert estimator.predict(TEXTS).tolist() == [answer.label for answer in expected.predict(TEXTS)]
    assert (estimator.predict_proba(np.array(TEXTS)) == expected.predict_proba(TEXTS)).all()
    assert estimator.classes_.tolist() == list(tiny.LABELS)
    assert estimator.score(TEXTS, estimator.predict(TEXTS)) == 1.0
    assert estimator.predict([]).shape == (0,)


def test_scikit_learn_takes_it_for_a_classifier(estimator: zoo.Estimator) -> None:
    from sklearn.base import clone, is_classifier
    from sklearn.metrics import get_scorer
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)
    assert is_classifier(estimator)
    copied = clone(estimator)
    assert copied is not estimator and copied.get_params() == estimator.get_params()
    right = estimator.predict(TEXTS)
    assert get_scorer("neg_log_loss")(estimator, TEXTS, right) < 0
    assert Pipeline([("zoo", estimator)]).fit(TEXTS, right).predict(TEXTS).tolist() == right.tolist()
    assert cross_val_score(estimator, TEXTS, right, cv=2).tolist() == [1.0, 1.0]


def test_copies_load_their_own(estimator: zoo.Estimator) -> None:
    before = estimator.predict_proba(TEXTS)
    assert (pickle.loads(pickle.dumps(estimator)).predict_proba(TEXTS) == before).all()  # noqa: S301
    assert not np.array_equal(estimator.set_params(weights="fp32").predict_proba(TEXTS), before)


def test_wrong_use_says_so(estimator: zoo.Estimator, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no label joy"):
        estimator.fit(TEXTS, ["joy"])
    with pytest.raises(BadInput, match="not one text"):
        estimator.predict("word1")
    with pytest.raises(BadInput, match="40 texts and 1 labels"):
        estimator.score(TEXTS, ["neutral"])
    with pytest.raises(BadInput, match="no depth"):
        estimator.set_params(depth=3)
    spans = tiny.make(tmp_path / "spans", kind=SPANS, labels=tiny.TYPES)
    with pytest.raises(BadInput, match="an estimator is a classifier"):
        zoo.Estimator(spans).predict(["word1"])


def test_nothing_of_scikit_learn_is_needed(specialist: Path) -> None:
    code = (
        f"import sys, zoo; sys.modules['sklearn'] = None; print(*zoo.Estimator({str(specialist)!r}).predict(['word1']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() in tiny.LABELS, done.stderr
