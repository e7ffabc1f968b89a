"""Questions to a teacher as a distilabel pipeline, in a process of its own.

    python -m factory.generate.pipeline JOB OUT

distilabel forks workers, which does not go well with the threads of a flow engine, and takes seconds to import; so the
pipeline runs apart, under a guard that ends it with its caller. Every reply is in the cache before this process sees
it: whenever it is killed, the next run asks only what was not answered.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from factory.errors import TeacherError
from factory.files import FULL, is_full, no_room, read_json, read_jsonl, write_json
from factory.progress import Progress, silent
from factory.teacher import guard
from factory.teacher.batch import BatchTeacher
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Request, Teacher, printable

LOST = 0.05
"""Share of the questions that may stay without an answer, such as a prompt a server finds too long."""
KEY = "FACTORY_PIPELINE_KEY"  # the endpoint's key travels in the environment, never in a file


@dataclass(frozen=True)
class Answered:
    """One question's answer.

    Attributes:
        text: the reply; None if there is none.
        logprobs: as Reply.top_logprobs.
        key: the reply's place in the cache.
        error: why there is no reply.
    """

    text: str | None
    logprobs: list[dict[str, float]] | None
    key: str
    error: str = ""


@dataclass(frozen=True)
class Job:
    """What the pipeline's process is told."""

    name: str
    url: str
    model: str
    identity: str
    cache: str
    tally: str
    concurrency: int
    requests: list[dict[str, Any]] = field(default_factory=list)


def ask(
    name: str,
    requests: Sequence[Request],
    teacher: Teacher,
    cache: Path,
    concurrency: int,
    progress: Progress = silent,
) -> list[Answered]:
    """Ask everything through a distilabel pipeline; answers in the requests' order.

    What the cache holds already is read from it; when it holds everything, neither a pipeline nor a teacher is started.

    Raises:
        TeacherError: the pipeline died, or more than one question in twenty was not answered: a teacher that went
            away must not leave a hole that a finished stage would keep for ever.
        FactoryError: replies could not be kept, because the disk is full.
    """
    keys = [request.cache_key(teacher.identity) for request in requests]
    _tidy(cache.parent)
    store = ReplyCache(cache)
    try:
        held = store.held(keys)
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in held}
        known = sum(key in held for key in keys)
        errors = {}
        if missing and isinstance(teacher, BatchTeacher):
            errors = teacher.exchange(missing, store)
        elif missing:
            errors = _run(
                name,
                list(missing.values()),
                teacher.reach(),
                cache,
                concurrency,
                lambda done: progress(min(known + done, len(keys)), len(keys)),
            )
        progress(len(keys), len(keys))
        stored = store.get_all(keys)
        answers = [_answered(stored.get(key), key, errors) for key in keys]
    finally:
        store.close()
    unanswered = [answer for answer in answers if answer.text is None]
    if any(answer.error.startswith(FULL) for answer in unanswered):
        raise no_room(cache)
    if len(unanswered) > LOST * len(answers):
        raise TeacherError(
            f"The teacher did not answer {len(unanswered)} of {len(answers)} questions. {unanswered[0].error}",
            where=str(teacher.folder) if isinstance(teacher, BatchTeacher) else teacher.reach().url,
            fix="Mend that and run the same command again; no reply that came is asked for again.",
        )
    return answers


def _answered(stored: dict[str, Any] | None, key: str, errors: dict[str, str]) -> Answered:
    if stored is None:
        return Answered(None, None, key, errors.get(key, "no reply"))
    return Answered(stored["text"], stored["top_logprobs"], key)


def _run(
    name: str,
    missing: Sequence[Request],
    endpoint: Endpoint,
    cache: Path,
    concurrency: int,
    progress: Callable[[int], None],
) -> dict[str, str]:
    """Run the pipeline's process, telling how many questions are done; returns errors by key."""
    with _workplace(cache.parent) as folder:
        job, out, log, tally = (folder / part for part in ("job.json", "out.jsonl", "log.txt", "tally"))
        tally.touch()
        write_json(
            job,
            asdict(
                Job(
                    name,
                    endpoint.url,
                    endpoint.model,
                    endpoint.identity,
                    str(cache),
                    str(tally),
                    concurrency,
                    [vars(request) for request in missing],
                )
            ),
        )
        command = [sys.executable, "-m", __name__, str(job), str(out)]
        environment = {**os.environ, KEY: endpoint.key, "HF_HUB_OFFLINE": "1", "DISTILABEL_LOG_LEVEL": "WARNING"}
        with log.open("wb") as written:
            process = subprocess.Popen(
                [sys.executable, guard.__file__, str(os.getpid()), *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            while not _ended(process, 0.5):
                progress(tally.stat().st_size)
        finally:
            process.terminate()
            process.wait()
        if not out.exists():
            if is_full(folder):
                raise no_room(folder)
            last = [printable(line) for line in log.read_text(errors="replace").strip().splitlines()[-12:]]
            raise TeacherError(f"The pipeline {name} ended without a result.", where="\n".join(last))
        return {row["key"]: row["error"] for row in read_jsonl(out) if row["error"]}


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether a process has ended, waiting for it for a while."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return True
    return False


@contextmanager
def _workplace(root: Path) -> Iterator[Path]:
    """A folder for one run, locked as long as this process is at it."""
    with tempfile.TemporaryDirectory(prefix="pipeline-", dir=root) as folder:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(descriptor)


def _tidy(root: Path) -> None:
    """Remove what killed runs have left: folders nobody holds a lock on."""
    for left in root.glob("pipeline-*"):
        with suppress(OSError):
            descriptor = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(descriptor)


def main(job_file: Path, out: Path) -> None:
    """Run one job in this process."""
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts

    from factory.generate.tasks import Ask, Write
    from factory.teacher.llm import TeacherLLM

    job = Job(**read_json(job_file))
    endpoint = Endpoint(job.url, job.model, job.identity, os.environ.get(KEY, ""))
    batch = max(1, len(job.requests))  # one batch: TeacherLLM bounds what is in flight, and no batch waits for another
    with Pipeline(job.name, cache_dir=job_file.parent / "distilabel") as pipeline:
        questions = LoadDataFromDicts(
            data=[
                {"request": json.dumps(request), "key": Request(**request).cache_key(job.identity)}
                for request in job.requests
            ],
            batch_size=batch,
        )
        llm = TeacherLLM.over(endpoint, Path(job.cache), concurrency=job.concurrency, tally=job.tally)
        asked = Ask(name="ask", llm=llm, input_batch_size=batch, add_raw_input=False, add_raw_output=False)
        questions >> asked >> Write(name="write", file=str(out), input_batch_size=batch)
    pipeline.run(use_cache=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
