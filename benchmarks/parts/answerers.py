"""Who takes part in benchmarks/answering.py: ways to ask a classifier that lies in a folder.

    python -m benchmarks.parts.answerers task.json NAME ...    prints each one's figures as JSON

The process may belong to another environment, so this file needs nothing but Python and what each contestant imports.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

SIZES = (1, 8, 32)
WARM_UP = 10
"""Texts that are answered before the clock starts."""
TOGETHER = 20
"""Texts alone in a turn: with fewer each would find the processor's caches full of the other's weights."""
TURNS = 3
"""How often a list is answered at each size; medians count."""


class Task(TypedDict):
    """What is to be answered, by what.

    Attributes:
        folder: of a published classifier.
        texts: to be answered.
        labels: the classifier's.
        max_tokens: longer texts are cut here.
        threads: that each may use.
    """

    folder: str
    texts: list[str]
    labels: list[str]
    max_tokens: int
    threads: int


Answerer = Callable[[Sequence[str], int], list[str]]
"""Texts, and how many a run, to their labels."""


def zoo_with(weights: str) -> Callable[[Task], Answerer]:
    """Ours."""

    def made(task: Task) -> Answerer:
        import zoo

        opened = {
            size: zoo.load(task["folder"], weights=weights, threads=task["threads"], batch_size=size) for size in SIZES
        }

        def answer(texts: Sequence[str], size: int) -> list[str]:
            specialist: Any = opened[size]
            if len(texts) == 1:
                return [specialist.predict(texts[0]).label]
            return [one.label for one in specialist.predict(list(texts))]

        return answer

    return made


def by_hand(file: str) -> Callable[[Task], Answerer]:
    """The loop that one would write: no checks, no calibration, texts of like length together."""

    def made(task: Task) -> Answerer:
        import numpy as np
        import onnxruntime
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(f"{task['folder']}/tokenizer.json")
        tokenizer.no_padding()
        tokenizer.enable_truncation(task["max_tokens"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task["threads"]
        session = onnxruntime.InferenceSession(f"{task['folder']}/{file}", options, providers=["CPUExecutionProvider"])
        labels = task["labels"]

        def answer(texts: Sequence[str], size: int) -> list[str]:
            tokens = [tokenizer.encode(text).ids for text in texts]
            order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
            out = [""] * len(texts)
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                ids = np.zeros((len(rows), max(len(tokens[row]) for row in rows)), np.int64)
                mask = np.zeros_like(ids)
                for place, row in enumerate(rows):
                    ids[place, : len(tokens[row])] = tokens[row]
                    mask[place, : len(tokens[row])] = 1
                (logits,) = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})
                for row, best in zip(rows, logits.argmax(axis=1), strict=True):
                    out[row] = labels[best]
            return out

        return answer

    return made


def pipeline(task: Task) -> Answerer:
    """transformers' own."""
    import transformers

    transformers.logging.set_verbosity_error()
    tokenizer = transformers.AutoTokenizer.from_pretrained(task["folder"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        task["folder"], num_labels=len(task["labels"])
    )
    ask = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")

    def answer(texts: Sequence[str], size: int) -> list[str]:
        said = ask(list(texts), batch_size=size, truncation=True, max_length=task["max_tokens"])
        return [one["label"] for one in said]

    return answer


def sentences(task: Task) -> Answerer:
    """The encoder's vectors, normalised, and logistic regression."""
    model, head = _body_and_head(task)

    def answer(texts: Sequence[str], size: int) -> list[str]:
        vectors = model.encode(list(texts), batch_size=size, normalize_embeddings=True, show_progress_bar=False)
        return [str(label) for label in head.predict(vectors)]

    return answer


def setfit(task: Task) -> Answerer:
    """SetFit's model, of the same two parts."""
    from setfit import SetFitModel

    body, head = _body_and_head(task)
    model = SetFitModel(model_body=body, model_head=head, labels=task["labels"])

    def answer(texts: Sequence[str], size: int) -> list[str]:
        return [str(one) for one in model.predict(list(texts), batch_size=size, show_progress_bar=False)]

    return answer


def _body_and_head(task: Task) -> tuple[Any, Any]:
    """The folder's encoder, and logistic regression that was fitted to chance: it takes as long as any."""
    import numpy as np
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    body, labels = SentenceTransformer(task["folder"], device="cpu"), task["labels"] * 2
    body.max_seq_length = task["max_tokens"]
    vectors = np.random.default_rng(1).normal(size=(len(labels), body.get_sentence_embedding_dimension()))
    return body, LogisticRegression().fit(vectors, labels)


ANSWERERS: dict[str, Callable[[Task], Answerer]] = {
    "zoo, int8": zoo_with("int8"),
    "by hand, int8": by_hand("onnx/model_int8.onnx"),
    "zoo, fp32": zoo_with("fp32"),
    "by hand, fp32": by_hand("onnx/model.onnx"),
    "transformers pipeline": pipeline,
    "sentence-transformers + head": sentences,
    "SetFit": setfit,
}
IN_PEERS = ("sentence-transformers + head", "SetFit")
"""Those of the environment of `make peers`."""
BY_TORCH = ("transformers pipeline", *IN_PEERS)


def measure(answerers: Mapping[str, Answerer], texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Each one's `figures`: milliseconds of a text alone, texts a second at the best of SIZES; `labels`: of the texts
    alone. They take turns, by some texts and list by list."""
    for answer in answerers.values():
        for text in texts[:WARM_UP]:
            answer([text], 1)
    alone: dict[str, list[float]] = {name: [] for name in answerers}
    labels: dict[str, list[str]] = {name: [] for name in answerers}
    for turn, start in enumerate(range(0, len(texts), TOGETHER)):
        for name in _order(answerers, turn):
            for text in texts[start : start + TOGETHER]:
                begun = time.perf_counter()
                labels[name] += answerers[name]([text], 1)
                alone[name].append(1000 * (time.perf_counter() - begun))
    seconds: dict[str, dict[int, list[float]]] = {name: {size: [] for size in SIZES} for name in answerers}
    for size in SIZES:
        for answer in answerers.values():
            answer(texts[:size], size)
        for turn in range(TURNS):
            for name in _order(answerers, turn):
                begun = time.perf_counter()
                answerers[name](texts, size)
                seconds[name][size].append(time.perf_counter() - begun)
    return {
        name: {"figures": _figures(alone[name], seconds[name], len(texts)), "labels": labels[name]}
        for name in answerers
    }


def _order(answerers: Mapping[str, Answerer], turn: int) -> list[str]:
    """Who goes first changes with every turn."""
    names = list(answerers)
    return names if turn % 2 else names[::-1]


def _figures(alone: Sequence[float], seconds: Mapping[int, Sequence[float]], count: int) -> dict[str, float]:
    rates = {size: count / statistics.median(every) for size, every in seconds.items()}
    best = max(rates, key=lambda size: rates[size])
    return {
        "p50_ms": statistics.median(alone),
        "p95_ms": statistics.quantiles(alone, n=20)[-1],
        "texts_per_second": rates[best],
        "batch_size": best,
    }


def main() -> None:
    """Answer as the contestants that the command line names."""
    file, *names = sys.argv[1:]
    task: Task = json.loads(Path(file).read_text())
    if not set(names).isdisjoint(BY_TORCH):
        import torch

        torch.set_num_threads(task["threads"])
    print(json.dumps(measure({name: ANSWERERS[name](task) for name in names}, task["texts"])))


if __name__ == "__main__":
    main()
