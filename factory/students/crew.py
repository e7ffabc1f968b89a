"""Several processes that train one model: each takes its share of the batches, and all step by the mean gradient.

Data-parallel training (Li et al. 2020) through accelerate: by gloo where there is no GPU, else by nccl with a GPU each.
A model is too small here for its gradients, averaged in one piece, to be worth wrapping it for. One process alone is a
crew, too, and then nothing here costs anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

V = TypeVar("V")


class Crew:
    """One process that trains alone.

    Attributes:
        number: this process's, from 0; the first one alone writes.
        size: how many there are.
    """

    number: int = 0
    size: int = 1

    def share(self, batches: Sequence[V]) -> V | None:
        """This process's of the batches of one step, at most `size`; None: the last step had fewer."""
        return batches[self.number] if self.number < len(batches) else None

    def mean(self, parameters: Iterable[Any], batches: int) -> None:
        """Make every process's gradients the mean over so many batches; who had none has no gradients yet."""

    def average(self, values: Sequence[float]) -> float:
        """The mean of all processes' values."""
        return sum(values) / len(values)

    def told(self, value: V) -> V:
        """What the first process says; the others' value says nothing."""
        return value

    def same(self, parameters: Iterable[Any]) -> None:
        """Make every process's parameters those of the first."""


class _Several(Crew):
    def __init__(self) -> None:
        import torch
        from accelerate import PartialState

        state = PartialState(cpu=not torch.cuda.is_available())
        self.number, self.size, self._device = state.process_index, state.num_processes, state.device

    def mean(self, parameters: Iterable[Any], batches: int) -> None:
        import torch
        from accelerate.utils import reduce

        some = list(parameters)
        own = [torch.zeros_like(one) if one.grad is None else one.grad for one in some]
        whole = reduce(torch.cat([one.flatten() for one in own]), reduction="sum") / batches
        for one, part in zip(some, whole.split([one.numel() for one in some]), strict=True):
            one.grad = part.view_as(one)

    def average(self, values: Sequence[float]) -> float:
        import torch
        from accelerate.utils import reduce

        total, count = reduce(torch.tensor([sum(values), len(values)], device=self._device), reduction="sum").tolist()
        return float(total / count)

    def told(self, value: V) -> V:
        from accelerate.utils import broadcast_object_list

        said: list[V] = broadcast_object_list([value])
        return said[0]

    def same(self, parameters: Iterable[Any]) -> None:
        from accelerate.utils import broadcast

        for one in parameters:
            one.data.copy_(broadcast(one.data.clone()))


def here() -> Crew:
    """The crew that this process is of: alone, unless `join` or torchrun made it one of several."""
    return _Several() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Crew()


def join(number: int, size: int, meet: Path) -> None:
    """Make this process one of several on this machine, that find each other by a file which nobody else has used.

    They talk over loopback alone; without the file the first would listen on every address.
    """
    import torch

    cpu = not torch.cuda.is_available()
    os.environ |= {
        "RANK": str(number),
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": str(number),
        "LOCAL_WORLD_SIZE": str(size),
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
    }
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # accelerate would choose another number (encoder.set_threads)
    if not cpu:
        torch.cuda.set_device(number)
    torch.distributed.init_process_group(
        "gloo" if cpu else "nccl", init_method=meet.resolve().as_uri(), rank=number, world_size=size
    )


def leave() -> None:
    """End what `join` began."""
    import torch

    torch.distributed.destroy_process_group()
