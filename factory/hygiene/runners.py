"""Where the blocks of a file are worked on: in this process, in several, or on a Ray cluster.

A block's work leaves files and returns a number; it depends on the block alone, so where and in which order blocks run
changes nothing.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from factory.errors import FactoryError
from factory.hygiene.blocks import Block, Job
from factory.processes import end_with_caller
from factory.ray_cluster import cluster

Work = Callable[[Job, Block], int]
Runner = Callable[[Work, Job, Sequence[Block]], Iterator[tuple[Block, int]]]
"""Does the work on every block; gives each block and what its work returned, as they are done."""


def processes(count: int) -> Runner:
    """Work in so many processes; in this one if it is one."""
    return in_this_process if count <= 1 else partial(_in_processes, count)


def in_this_process(work: Work, job: Job, blocks: Sequence[Block]) -> Iterator[tuple[Block, int]]:
    """One block after the other."""
    return ((block, work(job, block)) for block in blocks)


def on_ray(work: Work, job: Job, blocks: Sequence[Block]) -> Iterator[tuple[Block, int]]:
    """A Ray task a block: on the cluster at RAY_ADDRESS, or on a Ray of this machine that ends with the work.

    Raises:
        FactoryError: Ray is not installed, or can't be reached.
    """
    with cluster() as ray:
        task, shared = ray.remote(work), ray.put(job)
        running = {task.remote(shared, block): block for block in blocks}
        while running:
            for ready in ray.wait(list(running), num_returns=1)[0]:
                yield running.pop(ready), ray.get(ready)


def _in_processes(count: int, work: Work, job: Job, blocks: Sequence[Block]) -> Iterator[tuple[Block, int]]:
    spawn = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
    pool = ProcessPoolExecutor(min(count, max(len(blocks), 1)), spawn, _begin, (work, job))
    try:
        running = {pool.submit(_one, block): block for block in blocks}
        for done in as_completed(running):
            yield running[done], done.result()
    except BrokenProcessPool as error:
        raise FactoryError(
            "A process that checked rows was ended from outside, perhaps for lack of memory.",
            where=str(job.source),
            fix="Run the same command again with fewer --workers; blocks that are done are not done again.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_given: list[tuple[Work, Job]] = []  # a process's own: sent once, not with every block


def _begin(work: Work, job: Job) -> None:
    end_with_caller()
    _given[:] = [(work, job)]


def _one(block: Block) -> int:
    work, job = _given[0]
    return work(job, block)
