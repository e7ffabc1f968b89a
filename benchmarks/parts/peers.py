"""Other people's ways to make a classifier of few rows, as their own pages say; runs in the environment `peers`.

SetFit: Tunstall et al. 2022, https://huggingface.co/docs/setfit (quickstart; `num_iterations` is the paper's R).
Model2Vec: https://github.com/MinishLab/model2vec (distill, and its `train` module).
sentence-transformers: https://sbert.net, vectors with logistic regression on top.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.parts.contest import Contestant, Task, serve


class SetFit(Contestant):
    """The encoder is trained on pairs, then a logistic regression on its vectors."""

    def __init__(self, task: Task) -> None:
        import setfit
        from datasets import Dataset

        self._setfit, self._task = setfit, task
        labels = task["labels"]
        self._rows = Dataset.from_dict(
            {
                "text": [row["text"] for row in task["rows"]],
                "label": [labels.index(row["label"]) for row in task["rows"]],
            }
        )
        pairs = f"num_iterations={task['pairs']}" if task["pairs"] else "pairs by oversampling"
        self.what = f"SetFit {version('setfit')}, 1 epoch, {pairs}"

    def fit(self) -> None:
        """See Contestant.fit."""
        self._model = self._setfit.SetFitModel.from_pretrained(self._task["encoder"], labels=self._task["labels"])
        self._model.model_body.max_seq_length = self._task["max_tokens"]
        with tempfile.TemporaryDirectory() as folder:
            settings = self._setfit.TrainingArguments(
                output_dir=folder,
                num_iterations=self._task["pairs"] or None,
                seed=self._task["seed"],
                report_to="none",
                save_strategy="no",
            )
            self._setfit.Trainer(model=self._model, args=settings, train_dataset=self._rows).train()

    def predict(self, texts: Sequence[str]) -> list[str]:
        """See Contestant.predict."""
        return [str(label) for label in self._model.predict(list(texts))]


class Sentences(Contestant):
    """The encoder's vectors as they are, normalised, and logistic regression."""

    def __init__(self, task: Task) -> None:
        import sentence_transformers
        from sklearn.linear_model import LogisticRegression

        self._library, self._task = sentence_transformers, task
        self._head: Any = LogisticRegression(C=10.0, max_iter=2000)
        self.what = f"sentence-transformers {version('sentence-transformers')}, logistic regression"

    def fit(self) -> None:
        """See Contestant.fit."""
        self._model = self._library.SentenceTransformer(self._task["encoder"])
        self._model.max_seq_length = self._task["max_tokens"]
        rows = self._task["rows"]
        self._head.fit(self._vectors([row["text"] for row in rows]), [row["label"] for row in rows])

    def predict(self, texts: Sequence[str]) -> list[str]:
        """See Contestant.predict."""
        return [str(label) for label in self._head.predict(self._vectors(texts))]

    def _vectors(self, texts: Sequence[str]) -> Any:
        return self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)


class Model2Vec(Contestant):
    """Static vectors distilled from the encoder, and logistic regression."""

    def __init__(self, task: Task) -> None:
        from sklearn.linear_model import LogisticRegression

        self._task = task
        self._head: Any = LogisticRegression(C=10.0, max_iter=2000)
        self._static, self.prepared = _distilled(task)
        self.what = f"Model2Vec {version('model2vec')}, {self._static.dim} dimensions, logistic regression"

    def fit(self) -> None:
        """See Contestant.fit."""
        rows = self._task["rows"]
        self._head.fit(self._static.encode([row["text"] for row in rows]), [row["label"] for row in rows])

    def predict(self, texts: Sequence[str]) -> list[str]:
        """See Contestant.predict."""
        return [str(label) for label in self._head.predict(self._static.encode(list(texts)))]


class Model2VecTrained(Contestant):
    """The same vectors, trained with a head on them (model2vec.train)."""

    def __init__(self, task: Task) -> None:
        from model2vec.train import StaticModelForClassification

        self._task = task
        self._static, self.prepared = _distilled(task)
        self._model: Any = StaticModelForClassification.from_static_model(model=self._static)
        self.what = f"Model2Vec {version('model2vec')}, vectors and head trained"

    def fit(self) -> None:
        """See Contestant.fit."""
        rows = self._task["rows"]
        texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
        if min(labels.count(label) for label in set(labels)) < 2:  # its own stratified split refuses these
            order = random.Random(self._task["seed"]).sample(range(len(rows)), len(rows))
            held = set(order[: len(rows) // 10])
            learned = [place for place in range(len(rows)) if place not in held]
            known = {labels[place] for place in learned}
            held = {place for place in held if labels[place] in known}
            self._model.fit(
                [texts[place] for place in learned],
                [labels[place] for place in learned],
                X_val=[texts[place] for place in sorted(held)],
                y_val=[labels[place] for place in sorted(held)],
                random_seed=self._task["seed"],
                device="cpu",
            )
            return
        self._model.fit(texts, labels, random_seed=self._task["seed"], device="cpu")

    def predict(self, texts: Sequence[str]) -> list[str]:
        """See Contestant.predict."""
        return [str(label) for label in self._model.predict(list(texts))]


def _distilled(task: Task) -> tuple[Any, float]:
    """The static model, and the seconds it took to make it, which is done once an encoder."""
    from model2vec import StaticModel

    folder = Path(task["kept"]) / f"model2vec-{version('model2vec')}-{Path(task['encoder']).name}"
    clock = folder / "seconds.json"
    if not clock.exists():
        from model2vec.distill import distill

        begun = time.perf_counter()
        distill(task["encoder"], device="cpu").save_pretrained(str(folder))
        clock.write_text(json.dumps(time.perf_counter() - begun))
    return StaticModel.from_pretrained(str(folder)), float(json.loads(clock.read_text()))


PEERS: dict[str, type[Contestant]] = {
    "sentence-transformers": Sentences,
    "model2vec": Model2Vec,
    "model2vec trained": Model2VecTrained,
    "setfit": SetFit,  # the last: it takes longest
}

if __name__ == "__main__":
    serve(PEERS)
