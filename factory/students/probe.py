"""Multinomial logistic regression on soft labels: the head a student starts from, and a voice in the committee."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.students.encoder import set_threads

Array = NDArray[np.float32]


def fit(vectors: Array, targets: Array, weights: Array, penalty: float = 1e-3) -> tuple[Array, Array]:
    """Minimise weighted cross-entropy against soft targets plus an L2 penalty, by L-BFGS.

    Args:
        vectors: [rows, hidden].
        targets: [rows, labels], each row sums to 1.
        weights: [rows], not negative.
        penalty: factor of half the squared norm of the weight matrix.

    Returns:
        Weight matrix [labels, hidden] and bias [labels].
    """
    import torch

    set_threads()
    x, y, w = (torch.tensor(np.asarray(value, np.float32)) for value in (vectors, targets, weights))
    weight = torch.zeros(y.shape[1], x.shape[1], requires_grad=True)
    bias = torch.zeros(y.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=300, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        scores = torch.log_softmax(x @ weight.T + bias, dim=-1)
        loss = -(w * (y * scores).sum(-1)).sum() / w.sum() + penalty * weight.square().sum() / 2
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach().numpy(), bias.detach().numpy()
