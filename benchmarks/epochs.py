"""Which epoch of a training to keep: what held-out rows say after each, and what gold does.

    python benchmarks/epochs.py [SPEC ...] [--rows 200] [--copies 4] [--seeds 3] [--epochs 12]

Of the spec's people's rows (gold/<specialist>/reviewed.jsonl) so many are drawn, by a seed, and for spans the strategy
`replaced` adds so many for each; the student learns by LoRA for all of the epochs, whatever the rows held out say.
After every epoch they tell their figure (of spans the share wrong, of labels the loss), with its standard error, and
all validation gold the span F1 or the accuracy, both by torch. No teacher is asked. Specs of kinds `spans` and
`classification`. Results: benchmarks/results/epochs.csv, a line an epoch; what each way to choose one would have had,
where training ends by the lesson's patience, is printed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.parts import people
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.errors import FactoryError
from factory.evidence.circumstances import here
from factory.evidence.decision import truth
from factory.evidence.intervals import Metric, value_of
from factory.gold import gold_of
from factory.settings import Settings
from factory.span import Spans, plain
from factory.spec import Spec
from factory.stages import Build
from factory.stages.model import choosing, student_of
from factory.students import classifier, tagger, training
from factory.students.encoder import Encoder
from factory.students.encoder_lesson import EncoderLesson
from factory.students.lesson import average, error

RESULTS = Path(__file__).parent / "results" / "epochs.csv"
KEY = ("spec", "people", "copies", "epochs", "seed", "epoch")
USUAL = ("support/slots",)
History = list[dict[str, float]]
WAYS = {"the lowest": 0.0, "the last within one standard error": 1.0, "within two": 2.0, "the last": 1e6}
"""Of which epoch is kept, to how many standard errors it may be above the lowest."""


def _labels(encoder: Encoder, texts: Sequence[str], labels: Sequence[str]) -> list[str]:
    return [labels[best] for best in encoder.predict_logits(texts).argmax(axis=1)]


def _spans(encoder: Encoder, texts: Sequence[str], labels: Sequence[str]) -> list[Spans]:
    reader = tagger.Tagger(encoder)
    return [plain(one) for one in tagger.find(texts, map(reader.cut, texts), reader.logits(texts), labels)]


LESSONS: dict[str, type[EncoderLesson]] = {"spans": tagger.Tags, "classification": classifier.Labels}
TOLD: dict[str, tuple[Metric, Callable[[Encoder, Sequence[str], Sequence[str]], Sequence[Any]]]] = {
    "spans": ("span_f1", _spans),
    "classification": ("accuracy", _labels),
}
"""Of a kind: what gold tells, and who answers."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="*", default=USUAL, help="<vertical>/<task>")
    parser.add_argument("--rows", type=int, default=200, help="people's rows")
    parser.add_argument("--copies", type=int, default=4, help="rows added, for each of them")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.specs:
        spec = specs.load(name, where.prompts)
        if spec.kind not in TOLD:
            raise FactoryError(
                f"{name} is a task of {spec.kind}; {' and '.join(TOLD)} are looked at.", fix="Name another."
            )
        runs = [_learned(spec, where, asked, seed) for seed in range(asked.seeds)]
        for way, within in WAYS.items():
            seen = [_seen(history, within, LESSONS[spec.kind].patience) for history in runs]
            figures = [history[training.kept(history, within)]["value"] for history in seen]
            told = ", ".join(f"{100 * one:.1f} of {len(some)}" for one, some in zip(figures, seen, strict=True))
            average = 100 * sum(figures) / len(figures)
            print(f"{name}, {way}: {TOLD[spec.kind][0]} {average:.1f} on average ({told} epochs)")


def _learned(spec: Spec, where: Settings, asked: argparse.Namespace, seed: int) -> History:
    """What was held out and what gold has, epoch by epoch; the lines of a spec and a seed."""
    gold = gold_of(spec, where.gold)
    texts, facts = [row.text for row in gold], [truth(row) for row in gold]
    known, apart = people.drawn(spec, where, asked.rows, seed)
    copies = asked.copies if spec.kind == "spans" else 0
    rows, held = ([*some, *people.replaced(spec, some, copies)] for some in (known, apart))
    history: History = []
    metric, told = TOLD[spec.kind]
    lesson = LESSONS[spec.kind]

    def held_out(self: Any, encoder: Encoder) -> tuple[Any, Any]:
        wrong, weights = lesson.held_out(self, encoder)
        if len(history) < asked.epochs:  # it is asked once more in the end
            history.append(
                {
                    "held_out": average(wrong, weights),
                    "error": error(wrong, weights),
                    "value": value_of(metric, facts, told(encoder, texts, recipe.labels)),
                }
            )
        return wrong, weights

    watched = type("Watched", (lesson,), {"patience": asked.epochs, "held_out": held_out})
    with Build(spec, "quick", where) as build, tempfile.TemporaryDirectory() as folder:
        recipe = replace(student_of(build).recipe(build), epochs=asked.epochs, seed=seed)
        meter = build.meter(f"seed {seed}", "steps")
        training.train(watched, rows, choosing(held, spec.student), recipe, Path(folder), meter)
    for number, one in enumerate(history, 1):
        line: dict[str, Any] = {
            "spec": spec.name,
            "people": asked.rows,
            "copies": copies,
            "epochs": asked.epochs,
            "seed": seed,
            "epoch": number,
            "rows_learned": len(rows),
            "rows_held_out": len(held),
            "gold": len(gold),
            "metric": metric,
            **{name: round(value, 4) for name, value in one.items()},
            "base": spec.base,
            **asdict(here()),
        }
        save(asked.out, KEY, line)
    return history


def _seen(history: History, within: float, patience: int) -> History:
    """The epochs there would have been with a lesson's patience."""
    for number in range(1, len(history)):
        if training.waited(history[:number], within) >= patience:
            return history[:number]
    return history


if __name__ == "__main__":
    main()
