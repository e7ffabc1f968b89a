"""What a teacher thinks of texts: log-probabilities over labels, and its plain zero-shot answer."""

from __future__ import annotations

import asyncio
import string
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.files import digest, read_json, write_json
from factory.generate.limits import NO_LIMITS, Limits, Spent, within
from factory.generate.pipeline import ask
from factory.generate.prompt import messages
from factory.generate.replies import parse_scores
from factory.progress import Progress, silent
from factory.spec import Spec
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Request, Teacher
from factory.teacher.client import TeacherClient

LETTERS = string.ascii_uppercase + string.ascii_lowercase


@dataclass(frozen=True)
class Judgement:
    """A teacher's view of one text.

    Attributes:
        scores: log-probability of each label it was shown; None where its reply could not be read.
        key: the reply's place in the cache.
        failure: why there are no scores.
    """

    scores: dict[str, float] | None
    key: str
    failure: str = ""


def judge(
    spec: Spec,
    texts: Sequence[str],
    shortlists: Sequence[Sequence[str]],
    teacher: Teacher,
    cache: Path,
    progress: Progress = silent,
    limits: Limits = NO_LIMITS,
    before: Spent | None = None,
) -> tuple[list[Judgement], Spent]:
    """Ask which label fits each text, and read the probability of every option off the first token.

    Args:
        spec: the specialist.
        texts: what to judge.
        shortlists: for each text the labels to choose among. Where labels are told apart by their first letters they
            are their own codes; else the options are lettered, in an order drawn from the text, because small
            models prefer some letters whatever they stand for.
        teacher: whom to ask.
        cache: the reply cache's file.
        progress: called with (replies, replies in all).
        limits: what may be spent; the failure of texts beyond it begins with limits.NOT_ASKED.
        before: what was spent earlier under the same limits.

    Returns:
        A judgement a text, and what asking cost; that is counted only where there are limits.
    """
    coded = [_codes(text, shortlist) for text, shortlist in zip(texts, shortlists, strict=True)]
    requests = [_request(spec, text, codes, len(codes)) for text, codes in zip(texts, coded, strict=True)]
    found = []
    answers, spent = within(limits, ask, "judge", requests, teacher, cache, spec.teacher.concurrency, progress, before)
    for answer, codes in zip(answers, coded, strict=True):
        if answer.text is None:
            found.append(Judgement(None, answer.key, answer.error))
            continue
        scores, failure = parse_scores(answer.text, answer.logprobs, list(codes))
        labelled = dict(zip(codes.values(), scores, strict=True)) if scores else None
        found.append(Judgement(labelled, answer.key, failure))
    return found, spent


def seconds(requests: Sequence[Request], endpoint: Endpoint, file: Path) -> list[float]:
    """Seconds the teacher takes for each question, asked one after the other and past the cache: a measurement.

    Replies are not kept: a reply that comes from a cache says nothing of speed. The times are kept in `file` (a JSON
    list) as they come, and those that are there are not taken again.
    """

    async def timed() -> list[float]:
        found: list[float] = read_json(file) if file.exists() else []
        with tempfile.TemporaryDirectory() as folder:
            store = ReplyCache(Path(folder) / "unkept.db")
            async with TeacherClient(endpoint, store, concurrency=1) as client:
                for request in requests[len(found) :]:
                    begun = time.perf_counter()
                    await client.ask(request)
                    found.append(time.perf_counter() - begun)
                    write_json(file, found)
            store.close()
        return found

    return asyncio.run(timed())


def _codes(text: str, labels: Sequence[str]) -> dict[str, str]:
    """Code to label."""
    if len({label[:3].lower() for label in labels}) == len(labels) and len(labels) <= 5:
        return {label: label for label in labels}
    drawn = sorted(labels, key=lambda label: digest([text, label]))
    return dict(zip(LETTERS, drawn, strict=False))


def question(spec: Spec, text: str, policy: bool) -> Request:
    """What a teacher is asked zero-shot about a text: every label to choose from, constrained to their names.

    Args:
        spec: the specialist.
        text: what to label.
        policy: whether it is given what our judge is given, rules and definitions, or the question and the labels'
            names alone, as one would ask it without a factory. Small teachers can be confused by much advice.
    """
    if policy:
        return _request(spec, text, {label: label for label in spec.labels}, 0)
    chat = [
        {"role": "system", "content": f"You label texts. Each is {spec.text}. Answer with one of the labels only."},
        {"role": "user", "content": f"{spec.question}\nLabels: {', '.join(spec.labels)}\n\nText: {text}\nLabel:"},
    ]
    return Request(chat, max_tokens=24, choices=list(spec.labels))


def _request(spec: Spec, text: str, codes: dict[str, str], top_logprobs: int) -> Request:
    options = [{"code": code, "label": label, "definition": spec.gist(label)} for code, label in codes.items()]
    return Request(
        messages(spec, "judge.jinja", options=options, text=text),
        max_tokens=1 if top_logprobs else 24,
        choices=list(codes),
        top_logprobs=min(20, top_logprobs + 5) if top_logprobs else 0,
    )
