"""Evidence on gold rows: the student, its opponents, and the gate's judgement."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from factory.dataset.version import open_version
from factory.evidence import evaluate as figures
from factory.evidence import fairness, gate, prices, promise, report, robustness, slices, speed
from factory.evidence.circumstances import Circumstances, here
from factory.evidence.decision import Decision
from factory.evidence.intervals import value_of
from factory.evidence.predictions import Predictions, answers, file_of, read_predictions, write_predictions
from factory.evidence.records import AnyEvidence, Export, Speed, write_evidence
from factory.evidence.sample import describe, sample
from factory.files import digest, read_json, read_jsonl, write_json
from factory.hygiene import trust
from factory.progress import Parts
from factory.review import proposals
from factory.spec import Spec
from factory.stage import Output
from factory.stages import economics, learning, model, prompted, reseeding, rewording, train
from factory.stages.build import SUMMARY, Build
from factory.stages.review import JUDGES, WORTH
from factory.stages.student import Said, Student
from zoo.specialist import Specialist

RIVAL = "rival"
"""A folder for the exports of what the student is held against; gone when the stage ends."""


def evaluate(build: Build) -> Output:
    """Everybody on the gold rows: predictions/*.jsonl, evidence.jsonl, gate.json, report.html and report.md."""
    made, student, sure = (build.run(name) for name in ("dataset", "train", "calibrate"))
    alone, teacher, few = (build.run(name) for name in ("reviewed_only", "zero_shot", "few_shot"))
    whole, others, worded = train.unpruned(build), reseeding.reseeded(build), rewording.reworded(build)
    metrics, stated, sealed = model.student_of(build).metrics, prices.read(), model.trained(build)

    def work(out: Path) -> None:
        circumstances = here()
        parts = Parts(build.meter("measure", "parts"), len(sealed.exports) + 4)
        seen, aside = _student(build, out / "candidate", worded, circumstances, parts)
        seen |= _baselines(build, made.path, alone.path, parts, out / RIVAL)
        if whole:
            what = f"the same recipe without pruning, {model.way_of(whole.path)}"
            seen["unpruned"] = _of_folder(build, "unpruned", whole.path, what, out / RIVAL)
        seen["teacher"] = read_predictions(teacher.path / model.BETTER)
        seen["teacher:weaker prompt"] = read_predictions(teacher.path / prompted.WEAKER)
        if (few.path / prompted.FEW_SHOT).exists():
            seen["few_shot"] = read_predictions(few.path / prompted.FEW_SHOT)
        if (teacher.path / prompted.SECONDS).exists():
            aside.append(speed.from_seconds(read_json(teacher.path / prompted.SECONDS), "teacher", circumstances))
        speeds = [one for one in aside if isinstance(one, Speed)]
        aside += economics.records(build, out / "candidate", speeds, stated, circumstances)
        for name, predictions in seen.items():
            write_predictions(out / file_of(name), predictions)
        texts = {row.id: row.text for row in build.gold}
        opponents = {name: seen[name] for name in seen if not name.startswith("student")}
        candidate = seen[sealed.who]
        judged = gate.judge(build.spec.gate, candidate, opponents, build.gold, circumstances)
        records: list[AnyEvidence] = []
        for one in seen.values():
            records += figures.measure(one, circumstances, texts, build.spec.language)
        records += [
            figures.compare(candidate, other, circumstances, metric)
            for other in opponents.values()
            for metric in metrics
        ]
        stated_risk = (candidate, build.spec.student.risk, sealed.doubt, circumstances)
        records += [promise.measure(*stated_risk), *promise.by_label(*stated_risk)]
        records += [model.export_record(build, circumstances), *learning.records(build, stated.power, circumstances)]
        records += reseeding.record(build, circumstances)
        told_apart = slices.groups(read_jsonl(build.gold_file))
        records += slices.measure(candidate, metrics[0], texts, told_apart, circumstances)
        records += [*aside, *judged.lines]
        write_evidence(out / "evidence.jsonl", records)
        write_json(out / "gate.json", {"passed": judged.passed, "lines": [line.sentence for line in judged.lines]})
        report.write(out, _report(build, candidate.who, records, judged.passed))
        told = {name: round(value_of(metrics[0], one.gold, one.predicted), 4) for name, one in seen.items()}
        write_json(out / SUMMARY, {**told, "gold rows": len(build.gold), "gate passed": judged.passed})
        parts.done()

    inputs = {
        "train": student,
        "calibrate": sure,
        "reviewed_only": alone,
        "zero_shot": teacher,
        "few_shot": few,
        "gold": build.gold_file,
        "gate": [requirement.model_dump(mode="json") for requirement in build.spec.gate],
        "examiner": figures.EXAMINER,
        "prices": stated.model_dump(mode="json"),
        **({"unpruned": whole} if whole else {}),
        **({"reseeded": others} if others else {}),
        **({"reworded": worded} if worded else {}),
        **({"ask": digest(sealed.ask)} if sealed.ask else {}),
        **_by_kind(build.spec),
        **({"probes": build.spec.probes} if build.spec.probes else {}),
    }
    return build.stage("evaluate", inputs, work)


def _by_kind(spec: Spec) -> dict[str, Any]:
    """What the figures of some kinds depend on beside the rest; of others it says nothing, and stages stay finished."""
    if spec.kind == "spans":
        return {"examiner of spans": figures.OF_SPANS}
    # As English is how the answers of every language were measured at first.
    return {"language": spec.language} if spec.kind == "generation" and spec.language != "en" else {}


def _student(
    build: Build, folder: Path, worded: Output | None, circumstances: Circumstances, parts: Parts
) -> tuple[dict[str, Predictions], list[Any]]:
    """The exports as an application runs them, and how fast they are; the one that is published on all gold rows.

    And what perturbed texts do to that one, texts in other words, and texts about others than those they are about.
    """
    found: dict[str, Predictions] = {}
    aside: list[Any] = []
    student = model.student_of(build)
    trained = model.way_of(build.run("train").path)
    for place, weights in enumerate(model.trained(build).exports):
        most = student.measured if place else 0
        specialist, rows = model.candidate(build, folder, weights), sample(build.gold, most)
        texts = [row.text for row in rows]
        said, who = student.answers(specialist, texts), f"student:{weights}"
        what, named = f"{build.base_identity}, {trained}, ONNX {weights}", describe(build.gold, most)
        found[who] = answers(who, rows, said.decisions, what=what, scores=said.scores, sample=named)
        aside += speed.measure(
            specialist.predict,
            texts,
            who,
            batches=student.batches,
            calls=student.calls,
            circumstances=circumstances,
            what="one thread",
        )
        parts.done()
        if not place:
            decided = partial(_decisions, student, specialist)
            aside += robustness.measure(
                decided,
                found[who],
                build.gold,
                student.perturbed,
                student.metrics[0],
                circumstances,
            )
            aside += rewording.measure(build, worded, decided, found[who], circumstances)
            aside += fairness.measure(
                decided,
                found[who],
                build.gold,
                build.spec.probes,
                student.perturbed,
                student.metrics[0],
                circumstances,
            )
            parts.done()
    return found, aside


def _decisions(student: Student, specialist: Specialist, texts: list[str]) -> Sequence[Decision | None]:
    return student.answers(specialist, texts).decisions


def _baselines(build: Build, dataset: Path, alone: Path, parts: Parts, scratch: Path) -> dict[str, Predictions]:
    student, texts = model.student_of(build), [row.text for row in build.gold]
    said = student.opponents(build, open_version(dataset).rows("train"), texts)
    found = {who: _answers(build, who, one) for who, one in said.items()}
    parts.done()
    if read_json(alone / SUMMARY)["trained"]:
        what = f"the same recipe on {read_json(alone / SUMMARY)['rows']} reviewed rows"
        found["reviewed_only"] = _of_folder(build, "reviewed_only", alone, what, scratch)
    parts.done()
    return found


def _of_folder(build: Build, who: str, folder: Path, what: str, scratch: Path) -> Predictions:
    """What a student in a folder says; `scratch` is removed, before, too: a build that was killed may have left it."""
    student, weights = model.student_of(build), model.trained(build).weights
    texts = [row.text for row in sample(build.gold, student.measured)]
    shutil.rmtree(scratch, ignore_errors=True)
    said = student.rival(folder, model.recipe_of(build), texts, weights, scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    return _answers(build, who, said._replace(what=f"{what}, {said.what}"), student.measured)


def _answers(build: Build, who: str, said: Said, most: int = 0) -> Predictions:
    """What somebody said to a sample of the gold rows, or to all."""
    rows, named = sample(build.gold, most), describe(build.gold, most)
    return answers(who, rows, said.decisions, what=said.what, scores=said.scores, sample=named)


def _report(build: Build, candidate: str, records: Sequence[AnyEvidence], passed: bool) -> report.Report:
    data: dict[str, Mapping[str, Any]] = {
        "Rows written by the teacher": build.summary("write"),
        "Hygiene": build.summary("clean"),
        "Committee and review": {
            key: value for key, value in build.summary("review").items() if not isinstance(value, dict | list)
        },
        "Dataset": build.summary("dataset"),
        "Training": build.summary("train"),
        "Calibration": build.summary("calibrate"),
    }
    notes = [] if passed else ["The gate was not passed: this version may not be published."]
    notes += [one.sentence for one in records if isinstance(one, Export) and one.agreement < one.floor]
    if build.budget.measure_teacher and build.budget.measure_teacher < len(build.gold):
        notes.append(
            f"The teacher was measured on a {describe(build.gold, build.budget.measure_teacher)}; "
            "comparisons with it are paired on those rows."
        )
    spec = build.spec
    # A review stage from before checks were judged has none of these, one of a spec without judges only the first.
    held = {name: build.run("review").path / name for name in (WORTH, JUDGES, trust.FILE)}
    checks, judges, judge = (read_json(path) if path.exists() else {} for path in held.values())
    path = build.run("review").path / proposals.FILE
    proposed = read_json(path) if path.exists() else []
    notes += [judge["sentence"]] if judge.get("suspended") else []
    told = {"checks": checks, "judges": judges, "judge": judge, "proposed": proposed}
    return report.Report(spec.name, spec.title, spec.purpose, candidate, records, data, notes=notes, **told)
