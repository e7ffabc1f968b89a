"""Evidence on gold rows: the student, its opponents, and the gate's judgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from factory.dataset.version import open_version
from factory.evidence import evaluate as figures
from factory.evidence import gate, report, speed
from factory.evidence.circumstances import Circumstances, here
from factory.evidence.intervals import Metric
from factory.evidence.predictions import Predictions, answers, read_predictions, write_predictions
from factory.evidence.records import AnyEvidence, write_evidence
from factory.evidence.sample import describe, sample
from factory.files import digest, read_json, write_json
from factory.generate import judge as judging
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build
from factory.stages.review import JUDGES, WORTH
from factory.students.baselines import Majority, Tfidf
from factory.students.encoder import Encoder

CANDIDATE = "student:int8"
TIMED = 10  # replies whose time is taken, one after the other
_ASKED = {False: "the labels' names", True: "the policy"}
METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1")


def zero_shot(build: Build) -> Output:
    """The teacher's own answers to a fixed sample of the gold rows, and how long it takes for one.

    It is asked twice, by the labels' names alone and with the policy; the better of the two is the opponent `teacher`,
    so that nobody can say we asked it badly. The other is kept as well.
    """
    spec, budget = build.spec, build.budget
    rows = sample(build.gold, budget.measure_teacher)

    def work(out: Path) -> None:
        texts = [row.text for row in rows]
        named = describe(build.gold, budget.measure_teacher)
        found = {
            policy: judging.zero_shot(
                spec,
                texts,
                build.endpoint,
                build.settings.replies,
                build.meter(f"teacher, {_ASKED[policy]}", "rows"),
                policy=policy,
            )
            for policy in _ASKED
        }
        right = {
            policy: float(np.mean([a == row.label for a, row in zip(labels, rows, strict=True)]))
            for policy, labels in found.items()
        }
        better = max(_ASKED, key=lambda policy: right[policy])
        for policy, labels in found.items():
            who = "teacher" if policy == better else "teacher:weaker prompt"
            what = f"{build.teacher}, zero-shot by {_ASKED[policy]}, constrained to the labels"
            file = "teacher.jsonl" if policy == better else "weaker.jsonl"
            write_predictions(out / file, answers(who, rows, labels, what=what, sample=named))
        judging.seconds(spec, texts[:TIMED], build.endpoint.reach(), out / "seconds.json", policy=better)
        accuracy = {f"accuracy by {_ASKED[policy]}": round(value, 4) for policy, value in right.items()}
        write_json(out / SUMMARY, {"rows": len(rows), **accuracy, "sample": named})

    inputs = {
        "gold": build.gold_file,
        "rows": [row.id for row in rows],
        "teacher": build.teacher,
        "asked": list(_ASKED.values()),
        "prompt": digest([spec.template("judge.jinja"), spec.labels, spec.question, spec.rules, spec.title, spec.text]),
    }
    return build.stage("zero_shot", inputs, work)


def evaluate(build: Build) -> Output:
    """Everybody on the gold rows: predictions/*.jsonl, evidence.jsonl, gate.json, report.html and report.md."""
    made, student, alone, teacher = (build.run(name) for name in ("dataset", "train", "reviewed_only", "zero_shot"))

    def work(out: Path) -> None:
        circumstances = here()
        seen, speeds = _student(build, out / "candidate", circumstances)
        seen |= _baselines(build, made.path, alone.path)
        seen["teacher"] = read_predictions(teacher.path / "teacher.jsonl")
        seen["teacher:weaker prompt"] = read_predictions(teacher.path / "weaker.jsonl")
        speeds.append(speed.from_seconds(read_json(teacher.path / "seconds.json"), "teacher", circumstances))
        for name, predictions in seen.items():
            write_predictions(out / "predictions" / f"{name.replace(':', '_').replace(' ', '_')}.jsonl", predictions)
        opponents = {name: seen[name] for name in seen if not name.startswith("student")}
        judged = gate.judge(build.spec.gate, seen[CANDIDATE], opponents, build.gold, circumstances)
        records: list[AnyEvidence] = [r for one in seen.values() for r in figures.measure(one, circumstances)]
        records += [
            figures.compare(seen[CANDIDATE], other, circumstances, metric)
            for other in opponents.values()
            for metric in METRICS
        ]
        records += [*speeds, *judged.lines]
        write_evidence(out / "evidence.jsonl", records)
        write_json(out / "gate.json", {"passed": judged.passed, "lines": [line.sentence for line in judged.lines]})
        report.write(out, _report(build, records, judged.passed))
        accuracy = {name: round(float(np.mean([i.right for i in one.items])), 4) for name, one in seen.items()}
        write_json(out / SUMMARY, {**accuracy, "gold rows": len(build.gold), "gate passed": judged.passed})

    inputs = {
        "train": student,
        "reviewed_only": alone,
        "zero_shot": teacher,
        "gold": build.gold_file,
        "gate": [requirement.model_dump(mode="json") for requirement in build.spec.gate],
    }
    return build.stage("evaluate", inputs, work)


def _student(build: Build, folder: Path, circumstances: Circumstances) -> tuple[dict[str, Predictions], list[Any]]:
    """Both exports as an application runs them, and how fast they are."""
    found: dict[str, Predictions] = {}
    speeds: list[Any] = []
    texts = [row.text for row in build.gold]
    for weights in ("int8", "fp32"):
        specialist = model.candidate(build, folder, weights)
        p = specialist.predict_proba(texts)
        who = f"student:{weights}"
        found[who] = _scored(who, build, p, f"{build.encoder_identity}, LoRA merged, ONNX {weights}")
        speeds += speed.measure(specialist.predict, texts, who, circumstances=circumstances, what="one thread")
    return found, speeds


def _baselines(build: Build, dataset: Path, alone: Path) -> dict[str, Predictions]:
    texts, gold = [row.text for row in build.gold], build.gold
    rows = open_version(dataset).rows("train")
    found = {
        "majority": answers("majority", gold, Majority(rows, build.labels).predict(texts), what="most frequent label"),
        "tfidf": _scored(
            "tfidf", build, Tfidf(rows).predict_proba(texts, build.labels), "TF-IDF + logistic regression, same rows"
        ),
    }
    if read_json(alone / SUMMARY)["trained"]:
        logits = Encoder.load(alone, build.labels, build.spec.student.max_tokens).predict_logits(texts)
        exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = exponent / exponent.sum(axis=1, keepdims=True)
        what = f"the same recipe on {read_json(alone / SUMMARY)['rows']} reviewed rows"
        found["reviewed_only"] = _scored("reviewed_only", build, p, what)
    return found


def _scored(who: str, build: Build, probabilities: Any, what: str) -> Predictions:
    labels = build.labels
    predicted = [labels[int(best)] for best in probabilities.argmax(axis=1)]
    scores = [dict(zip(labels, map(float, row), strict=True)) for row in probabilities]
    return answers(who, build.gold, predicted, what=what, scores=scores)


def _report(build: Build, records: Sequence[AnyEvidence], passed: bool) -> report.Report:
    data: dict[str, Mapping[str, Any]] = {
        "Rows written by the teacher": build.summary("write"),
        "Hygiene": build.summary("clean"),
        "Committee and review": {
            key: value for key, value in build.summary("review").items() if not isinstance(value, dict | list)
        },
        "Dataset": build.summary("dataset"),
        "Training": build.summary("train"),
    }
    notes = [] if passed else ["The gate was not passed: this version may not be published."]
    if build.budget.measure_teacher and build.budget.measure_teacher < len(build.gold):
        notes.append(
            f"The teacher was measured on a {describe(build.gold, build.budget.measure_teacher)}; "
            "comparisons with it are paired on those rows."
        )
    spec = build.spec
    # A review stage from before checks were judged has none of these, one of a spec without judges only the first.
    held = {name: build.run("review").path / name for name in (WORTH, JUDGES)}
    checks, judges = (read_json(path) if path.exists() else {} for path in held.values())
    return report.Report(
        spec.name, spec.title, spec.purpose, CANDIDATE, records, data, notes=notes, checks=checks, judges=judges
    )
