"""Gold texts in other words, as the teacher says them, and what the student makes of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from factory.evidence import robustness
from factory.evidence.circumstances import Circumstances
from factory.evidence.predictions import Predictions
from factory.evidence.records import Robustness
from factory.evidence.sample import sample
from factory.files import digest, read_jsonl, write_json, write_jsonl
from factory.generate import paraphrase
from factory.generate.asking import ask_about
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build

TEXTS = "texts.jsonl"


def reworded(build: Build) -> Output | None:
    """A sample of the gold texts in other words: texts.jsonl. None where the spec asks for none."""
    spec = build.spec
    if not spec.paraphrases:
        return None
    rows = sample(build.gold, spec.paraphrases)

    def work(out: Path) -> None:
        texts = [row.text for row in rows]
        questions = ((text, paraphrase.request(spec, text)) for text in texts)
        meter = build.meter("teacher, other words", "replies")
        said, _ = ask_about(spec, questions, paraphrase.read, build.endpoint, build.settings.replies, meter)
        found = [(row.id, one.decision) for row, one in zip(rows, said, strict=True) if one.decision is not None]
        write_jsonl(out / TEXTS, ({"id": name, "text": text} for name, text in found))
        failures = Counter(one.failure for one in said if one.failure)
        write_json(out / SUMMARY, {"texts": len(rows), "said in other words": len(found), **failures})

    inputs = {
        "gold": build.gold_file,
        "rows": [row.id for row in rows],
        "teacher": build.teacher,
        "prompt": digest(paraphrase.request(spec, "").messages),
    }
    return build.stage("reworded", inputs, work)


def measure(
    build: Build, made: Output | None, answer: robustness.Answer, untouched: Predictions, circumstances: Circumstances
) -> list[Robustness]:
    """What the student says of them, beside what it said of the texts; nothing where there are none."""
    if not made:
        return []
    texts = {line["id"]: line["text"] for line in read_jsonl(made.path / TEXTS)}
    how = f"by {build.teacher}; nobody checked that they mean the same"
    metric = model.student_of(build).metrics[0]
    return robustness.reworded(answer, untouched, texts, build.spec.paraphrases, how, metric, circumstances)
