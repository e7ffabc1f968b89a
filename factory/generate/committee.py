"""Soft labels by a committee: judges, the labels' definitions, and what people have labelled so far.

Who judges is the teacher, or the models that a spec names for it; then each of these is a member of its own.

Definitions and people's rows speak through the student's encoder and, where the spec names one, through a larger
encoder, the reader; each view is a member of its own.

Each member gives log-probabilities over labels; they are pooled log-linearly (a product of experts) with one exponent
a member and one bias a label, fitted to the rows people have labelled (stacking; Wolpert 1992). So a teacher that
says "neutral" too seldom is corrected, and one that knows nothing is not listened to. Where nobody has labelled
anything the exponents stay at their defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factory.generate.diversity import unit
from factory.generate.replies import FLOOR
from factory.spec import Spec
from factory.students import probe
from factory.students.encoder import set_threads

Array = NDArray[np.float32]

SHARPNESS = 20.0
"""Cosine similarity to log-odds, for MiniLM: a lead of 0.05 over another label is worth a factor of e."""
DEFAULT = {
    "teacher": 0.5,
    "definitions": 1.0,
    "people": 0.5,
    "reader_definitions": 1.0,
    "reader_people": 0.5,
    "writer": 1.0,
    "words": 0.5,
}
JUDGE = "judge "
"""What the names of members begin with that judge in the teacher's place."""
ASKED_FOR = 0.7
"""Probability that a row means what its writer was asked for: what generated rows turned out to deserve here."""
FOLDS = 5
FEWEST = 30
"""Below this many labelled rows exponents and biases are not fitted."""


@dataclass(frozen=True)
class Voters:
    """What each member says, as log-probabilities [rows, labels]; a row of zeros: no opinion."""

    members: dict[str, Array]

    def take(self, rows: Sequence[int]) -> Voters:
        """The same for some of the rows."""
        return Voters({name: votes[list(rows)] for name, votes in self.members.items()})


@dataclass(frozen=True)
class Weights:
    """How the members are pooled: an exponent each, a bias [labels], and what they were fitted to."""

    exponents: dict[str, float]
    bias: Array
    fitted_to: int

    def vote(self, voters: Voters) -> Array:
        """Probabilities [rows, labels]."""
        pooled = self.bias + sum(self.exponents[name] * votes for name, votes in voters.members.items())
        exponent = np.exp(pooled - pooled.max(axis=1, keepdims=True))
        result: Array = exponent / exponent.sum(axis=1, keepdims=True)
        return result


def defaults(members: Iterable[str]) -> dict[str, float]:
    """The members' exponents as long as nothing is fitted; judges share what the teacher would have by itself."""
    names = list(members)
    part = DEFAULT["teacher"] / max(1, sum(name.startswith(JUDGE) for name in names))
    return {name: part if name.startswith(JUDGE) else DEFAULT[name] for name in names}


def definitions(vectors: Array, label_vectors: Array) -> Array:
    """Votes by similarity to the labels' definitions in the encoder's space.

    Args:
        vectors: of texts [rows, hidden].
        label_vectors: of definitions [labels, hidden].
    """
    similarity = unit(vectors) @ unit(label_vectors).T
    return _log_softmax((SHARPNESS * similarity).astype(np.float32))


def teacher(scores: Sequence[Mapping[str, float] | None], labels: Sequence[str]) -> Array:
    """Votes by a teacher; labels it was not shown share what little its floor leaves."""
    votes = np.zeros((len(scores), len(labels)), np.float32)
    for number, score in enumerate(scores):
        if score is not None:
            votes[number] = [score.get(label, FLOOR) for label in labels]
    return votes


def writer(asked: Sequence[str | None], labels: Sequence[str]) -> Array:
    """Votes by whoever wrote a row for a label; None: nobody did."""
    votes = np.zeros((len(asked), len(labels)), np.float32)
    place = {label: index for index, label in enumerate(labels)}
    for number, label in enumerate(asked):
        if label is not None:
            votes[number] = np.log((1 - ASKED_FOR) / (len(labels) - 1))
            votes[number, place[label]] = np.log(ASKED_FOR)
    return votes


def people(vectors: Array, label_vectors: Array, known: Mapping[int, int]) -> Array:
    """Votes by a linear probe on the rows people have labelled, and on the definitions, which know every label.

    A labelled row's own vote comes from a probe that has not seen it.

    Args:
        vectors: [rows, hidden].
        label_vectors: [labels, hidden].
        known: row number to label number.
    """
    votes = np.zeros((len(vectors), len(label_vectors)), np.float32)
    if len(known) < FOLDS:
        return votes
    rows = sorted(known)
    whole, prior = unit(vectors), unit(label_vectors)

    def fitted(train: Sequence[int], asked: Sequence[int]) -> Array:
        x = np.concatenate([whole[list(train)], prior])
        targets = np.eye(len(prior), dtype=np.float32)[[*(known[row] for row in train), *range(len(prior))]]
        weight, bias = probe.fit(10 * x, targets, np.ones(len(x), np.float32), penalty=1e-3)
        return _log_softmax(10 * whole[list(asked)] @ weight.T + bias)

    others = [row for row in range(len(vectors)) if row not in known]
    if others:
        votes[others] = fitted(rows, others)
    for fold in range(FOLDS):
        held = rows[fold::FOLDS]
        votes[held] = fitted([row for row in rows if row not in set(held)], held)
    return votes


def fit(voters: Voters, truth: Array) -> Weights:
    """Exponents and biases that make the pool fit labelled rows.

    Maximum a posteriori: normal priors on the exponents' logarithms (around the defaults) and on the biases (around
    0), so that few rows move little.

    Args:
        voters: on the labelled rows. A member without an opinion on any of them keeps its default exponent.
        truth: label numbers [rows].
    """
    labels, usual = next(iter(voters.members.values())).shape[1], defaults(voters.members)
    if len(truth) < FEWEST:
        return Weights(usual, np.zeros(labels, np.float32), 0)
    import torch

    set_threads()
    heard = [name for name, votes in voters.members.items() if np.abs(votes).sum() > 0]
    votes = torch.tensor(np.stack([voters.members[name] for name in heard]))
    right = torch.tensor(np.asarray(truth, np.int64))
    shift = torch.zeros(len(heard), requires_grad=True)
    bias = torch.zeros(labels, requires_grad=True)
    default = torch.tensor([usual[name] for name in heard])
    optimizer = torch.optim.LBFGS([shift, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        pooled = torch.einsum("m,mrl->rl", default * torch.exp(shift), votes) + bias
        loss = torch.nn.functional.cross_entropy(pooled, right, reduction="sum")
        loss = loss + 0.5 * shift.square().sum() / 4 + 0.5 * bias.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    found = (default * torch.exp(shift)).detach().tolist()
    return Weights(usual | dict(zip(heard, found, strict=True)), bias.detach().numpy(), len(truth))


def label_texts(spec: Spec) -> list[str]:
    """What an encoder is told of each label: its name and the first sentence of its definition."""
    return [f"{label.replace('_', ' ').replace('?', '').lower()}. {spec.gist(label)}" for label in spec.labels]


def _log_softmax(values: Array) -> Array:
    shifted = values - values.max(axis=1, keepdims=True)
    result: Array = (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))).astype(np.float32)
    return result
