"""The teacher as an opponent: what it says to gold rows, zero-shot by the better of two prompts, and few-shot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from factory.dataset.version import open_version
from factory.evidence import report
from factory.evidence.decision import Decision, truth
from factory.evidence.intervals import Metric, paired, value_of
from factory.evidence.predictions import answers, write_predictions
from factory.evidence.sample import describe, sample
from factory.files import digest, write_json
from factory.generate import judge as judging
from factory.generate import pipeline, shots
from factory.row import Gold
from factory.spec import Spec
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build
from factory.teacher.chat import Request

WEAKER = "weaker.jsonl"
SECONDS = "seconds.json"
FEW_SHOT = "predictions.jsonl"
TIMED = 10  # replies whose time is taken, one after the other
TRIED = 50
"""Gold rows after which a prompt that is clearly behind the other is asked no more; questions cost minutes."""


@dataclass(frozen=True)
class _Said:
    """What the teacher says to gold rows by one prompt."""

    rows: Sequence[Gold]
    decisions: Sequence[Decision | None]

    @property
    def gold(self) -> list[Any]:
        return [truth(row) for row in self.rows]

    def value(self, metric: Metric) -> float:
        return value_of(metric, self.gold, self.decisions)


def zero_shot(build: Build) -> Output:
    """The teacher's own answers to a fixed sample of the gold rows, and how long it takes for one.

    It is asked by two prompts, the labels' names alone and with the policy; the better of the two is the opponent
    `teacher`, so that nobody can say we asked it badly. The other is kept as well. One that is behind on the sample's
    first TRIED rows, with an interval clear of zero, is not asked about the rest, unless replies come by file, where a
    second round is a second errand.
    """
    spec, student = build.spec, model.student_of(build)
    prompts, metric = student.prompts, student.metrics[0]
    rows = sample(build.gold, build.budget.measure_teacher)
    tried = rows if build.settings.teacher_batch else sample(build.gold, min(TRIED, len(rows)))

    def asked(policies: Iterable[bool], some: Sequence[Gold]) -> dict[bool, _Said]:
        questions = [(row.text, student.question(spec, row.text, policy)) for policy in policies for row in some]
        told = iter(_ask(build, "zero-shot", questions))
        return {policy: _Said(some, [next(told) for _ in some]) for policy in policies}

    def work(out: Path) -> None:
        found = asked(prompts, tried)
        ahead = _ahead(metric, found)
        if len(tried) < len(rows):
            found |= asked(prompts if ahead is None else [ahead], rows)
        right = {policy: one.value(metric) for policy, one in found.items()}
        better = max(prompts, key=lambda policy: right[policy]) if ahead is None else ahead
        told: dict[str, Any] = {}
        for policy, one in found.items():
            who = "teacher" if policy == better else "teacher:weaker prompt"
            what = f"{build.teacher}, zero-shot by {prompts[policy]}, {student.bounds}"
            named = describe(build.gold, len(one.rows))
            file = model.BETTER if policy == better else WEAKER
            write_predictions(out / file, answers(who, one.rows, one.decisions, what=what, sample=named))
            few = f", {len(one.rows)} rows" if len(one.rows) < len(rows) else ""
            told[f"{report.metric(metric).lower()} by {prompts[policy]}{few}"] = round(right[policy], 4)
        if not build.settings.teacher_batch:  # who answers by file has its own clock
            timed = [student.question(spec, row.text, better) for row in rows[:TIMED]]
            judging.seconds(timed, build.endpoint.reach(), out / SECONDS)
        write_json(out / SUMMARY, {"rows": len(rows), **told, "sample": describe(build.gold, len(rows))})

    inputs = {
        "gold": build.gold_file,
        "rows": [row.id for row in rows],
        "teacher": build.teacher,
        "asked": list(prompts.values()),
        "prompt": digest([spec.template("judge.jinja"), spec.labels, spec.question, spec.rules, spec.title, spec.text]),
        **_form(spec),
    }
    return build.stage("zero_shot", inputs, work)


def _ahead(metric: Metric, found: Mapping[bool, _Said]) -> bool | None:
    """The prompt that is ahead on the same rows by an interval clear of zero; None: neither."""
    without, policy = found[False], found[True]
    gain = paired(metric, policy.gold, policy.decisions, without.decisions)
    return True if gain.low > 0 else False if gain.high < 0 else None


def _ask(build: Build, name: str, asked: Sequence[tuple[str, Request]]) -> list[Decision | None]:
    """What the teacher decides about texts, each asked about by its request; None: nothing usable."""
    spec, student = build.spec, model.student_of(build)
    replies = pipeline.ask(
        name,
        [request for _, request in asked],
        build.endpoint,
        build.settings.replies,
        spec.teacher.concurrency,
        build.meter(f"teacher, {name}", "replies"),
    )
    return [
        None if reply.text is None else student.read(spec, text, reply.text)
        for (text, _), reply in zip(asked, replies, strict=True)
    ]


def _form(spec: Spec) -> dict[str, Any]:
    """What else a teacher's answers are held to; nothing where labels say it all."""
    if spec.kind == "extraction":
        required = sorted(name for name, field in spec.fields.items() if field.required)
        forms = {name: field.form for name, field in spec.fields.items()}
        return {"fields": forms, **({"required": required} if required else {})}
    return {"words": spec.form.words} if spec.kind == "generation" else {}


def few_shot(build: Build) -> Output:
    """The teacher's answers to gold rows when it is shown, beside the question, people's rows like each; an opponent.

    See factory.generate.shots. It is not asked where people labelled nothing.
    """
    spec, student, made = build.spec, model.student_of(build), build.run("dataset")
    most = min(build.budget.measure_teacher or shots.ASKED, shots.ASKED)
    rows = sample(build.gold, most)

    def work(out: Path) -> None:
        known = [row for row in open_version(made.path).rows("train") if row.origin == "reviewed"]
        write_json(out / SUMMARY, {"rows": len(rows), "asked": bool(known)})
        if not known:
            return
        texts = [row.text for row in rows]
        shown = shots.choose(known, texts, build.encoder.vectors)
        alone, reply = partial(student.question, spec, policy=False), partial(student.reply, spec)
        said = _ask(build, "few-shot", shots.questions(alone, texts, shown, reply))
        named, beside = describe(build.gold, most), sum(map(len, shown)) / len(shown)
        what = f"{build.teacher}, shown {beside:.1f} of {len(known)} people's rows, the likest, {student.bounds}"
        write_predictions(out / FEW_SHOT, answers("few_shot", rows, said, what=what, sample=named))
        value = round(value_of(student.metrics[0], [truth(row) for row in rows], said), 4)
        told = {report.metric(student.metrics[0]).lower(): value, "people's rows shown with each": round(beside, 1)}
        write_json(out / SUMMARY, {"rows": len(rows), "asked": True, **told, "sample": named})

    inputs = {
        "gold": build.gold_file,
        "rows": [row.id for row in rows],
        "dataset": made,
        "teacher": build.teacher,
        "encoder": [build.encoder_identity, spec.student.max_tokens],
        "prompt": digest([shots.VERSION, student.named, spec.labels, spec.question, spec.text]),
        **_form(spec),
    }
    return build.stage("few_shot", inputs, work)
