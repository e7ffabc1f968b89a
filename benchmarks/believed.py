"""What a teacher's written rows are worth at each weight: as people's rows tell in a build, and as gold does.

    python benchmarks/believed.py [SPEC ...] [--budget quick]

Takes the rows of the spec's dataset from a build in FACTORY_HOME (which is made if it is not there: that asks the
teacher). At each belief (factory.stages.believing_labels) what the teacher wrote weighs that part of
`student.synthetic_weight`. `log_loss` is that of people's rows by a linear head on the encoder's vectors that has not
learned them, which chooses the belief that is `taken`. Beside it stands what the build does not know: accuracy on all
validation gold, of a head that has learned all rows. Specs of kind `classification` with rows to write. Results:
benchmarks/results/believed.csv, a line a spec, budget and belief.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.dataset.version import open_version
from factory.errors import FactoryError
from factory.evidence.circumstances import here
from factory.evidence.intervals import wilson
from factory.settings import Settings
from factory.spec import Spec
from factory.stages import Build
from factory.stages.believing_labels import BELIEFS, PENALTIES, losses, weighed, written
from factory.students import probe
from factory.students.classifier import targets
from factory.students.encoder import Encoder
from factory.teacher import weights

RESULTS = Path(__file__).parent / "results" / "believed.csv"
KEY = ("spec", "budget", "belief")
USUAL = ("finance/sentiment", "finance/complaint", "support/intent", "legal/clause", "medical/section")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="*", default=USUAL, help="<vertical>/<task>")
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.specs:
        _measure(specs.load(name, where.prompts), where, asked)


def _measure(spec: Spec, where: Settings, asked: argparse.Namespace) -> None:
    with Build(spec, asked.budget, where) as build:
        version = open_version(build.run("dataset").path)
        gold = build.gold
    full = spec.student.synthetic_weight
    rows = [
        row.model_copy(update={"weight": full}) if written(row) else row
        for row in (*version.rows("train"), *version.rows("held_out"))
    ]
    reads = spec.reader or spec.student.encoder
    encoder = Encoder.load(str(weights.resolve(reads, where)), build.labels, spec.student.max_tokens)
    seen = encoder.vectors([row.text for row in rows])
    found = losses(rows, dict(zip([row.id for row in rows], seen, strict=True)), build.labels)
    if not found:
        raise FactoryError(
            f"Of {spec.name}'s dataset nothing tells what its written rows are worth.",
            fix="It takes 20 of people's rows, and one that a teacher wrote.",
        )
    wanted, texts = targets(rows, build.labels), encoder.vectors([one.text for one in gold])
    truth = np.array([build.labels.index(one.label or "") for one in gold])
    best = min(found, key=lambda tried: found[tried])
    for belief in BELIEFS:
        penalty = min(PENALTIES, key=lambda one: found[belief, one])
        head, bias = probe.fit(seen, wanted, weighed(rows, belief), penalty)
        right = int(((texts @ head.T + bias).argmax(axis=1) == truth).sum())
        accuracy = wilson(right, len(truth))
        line = {
            "spec": spec.name,
            "budget": asked.budget,
            "belief": belief,
            "taken": belief == best[0],
            "reviewed": sum(row.origin == "reviewed" for row in rows),
            "written": sum(map(written, rows)),
            "real": sum(row.origin == "unlabelled" for row in rows),
            "log_loss": round(found[belief, penalty], 4),
            "gold": len(truth),
            "accuracy": round(accuracy.value, 4),
            "low": round(accuracy.low, 4),
            "high": round(accuracy.high, 4),
            "encoder": weights.identity(reads),
        }
        save(asked.out, KEY, line | asdict(here()))


if __name__ == "__main__":
    main()
