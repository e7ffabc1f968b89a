"""A classifier that libraries take for one of scikit-learn's: predict, predict_proba, classes_."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.classifier import Classifier
from zoo.errors import BadInput
from zoo.hub import Hub
from zoo.loader import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PARAMETERS = ("name", "hub", "weights", "threads", "batch_size")


class Estimator:
    """A published classifier under scikit-learn's names; scikit-learn is not needed.

    It goes where a fitted classifier of texts does: metrics and displays, the end of a Pipeline, CalibratedClassifierCV
    over a FrozenEstimator. It is fitted already: `fit` checks the labels and changes nothing. What it is given is kept
    as it is, and loaded at the first use, so that copies (`clone`) and processes that are sent it load their own.

    Args:
        name, hub, weights, threads, batch_size: as for `zoo.load`.

    Raises:
        when it is first used, what `zoo.load` raises, and BadInput where the specialist is no classifier.
    """

    _estimator_type = "classifier"

    def __init__(
        self,
        name: str | Path,
        *,
        hub: str | Path | Hub | None = None,
        weights: str | None = None,
        threads: int = 1,
        batch_size: int | None = None,
    ) -> None:
        self.name, self.hub, self.weights, self.threads, self.batch_size = name, hub, weights, threads, batch_size
        self._loaded: Classifier | None = None

    @property
    def specialist(self) -> Classifier:
        """The classifier, loaded."""
        if self._loaded is None:
            found = load(self.name, **{key: getattr(self, key) for key in _PARAMETERS[1:]})
            if not isinstance(found, Classifier):
                raise BadInput(
                    f"{found.manifest.id} is of the kind {found.manifest.kind!r}; an estimator is a classifier.",
                    fix="Ask it by zoo.load(...).predict, or zoo.pipeline.",
                )
            self._loaded = found
        return self._loaded

    @property
    def classes_(self) -> NDArray[np.object_]:
        """The labels, in the order of predict_proba's columns: object [labels]."""
        import numpy as np

        return np.array(self.specialist.labels, dtype=object)

    def fit(self, X: Iterable[str], y: Iterable[str] | None = None) -> Estimator:  # noqa: N803 (scikit-learn's name)
        """Do nothing but see that the labels are known; raises BadInput where one is not."""
        unknown = sorted({str(label) for label in y} - set(self.specialist.labels)) if y is not None else []
        if unknown:
            raise BadInput(
                f"The specialist has no label {', '.join(unknown[:5])}.",
                fix=f"Its labels are {', '.join(self.specialist.labels[:10])}. It is not trained further.",
            )
        return self

    def predict(self, X: Iterable[str]) -> NDArray[np.object_]:  # noqa: N803
        """The most probable label of each text: object [texts]. Raises BadInput, naming a text's place."""
        found: NDArray[np.object_] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float64]:  # noqa: N803
        """Calibrated probabilities: float64 [texts, labels]; rows sum to 1. Raises BadInput like `predict`."""
        return self.specialist.predict_proba(_texts(X))

    def score(self, X: Iterable[str], y: Iterable[str]) -> float:  # noqa: N803
        """The share of texts whose label is right; raises BadInput where there are none, or not as many labels."""
        found, right = self.predict(X), list(y)
        if len(found) != len(right) or not right:
            what = f"There are {len(found)} texts and {len(right)} labels."
            raise BadInput(what, fix="Give at least one text, and a label for each.")
        return sum(bool(one == other) for one, other in zip(found, right, strict=True)) / len(right)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What it was made with."""
        return {key: getattr(self, key) for key in _PARAMETERS}

    def set_params(self, **changes: Any) -> Estimator:
        """Change what it was made with; it is loaded again. Raises BadInput for what it does not take."""
        if unknown := sorted(set(changes) - set(_PARAMETERS)):
            raise BadInput(f"An estimator has no {', '.join(unknown)}.", fix=f"It has {', '.join(_PARAMETERS)}.")
        for key, value in changes.items():
            setattr(self, key, value)
        self._loaded = None
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}  # a session can't be sent to another process

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        # scikit-learn, from 1.6 on, asks what an estimator is; whoever asks has it.
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=False),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(string=True, two_d_array=False),
            requires_fit=False,
        )

    def __repr__(self) -> str:
        return f"zoo.Estimator({str(self.name)!r})"


def _texts(given: Iterable[str]) -> list[str]:
    """A list: of a list, an array of one dimension, a Series; numpy's own strings are texts, too."""
    if isinstance(given, str):
        raise BadInput("Give a list of texts, not one text.", fix="Put it in brackets: predict([text]).")
    return [str(text) if isinstance(text, str) else text for text in given]
