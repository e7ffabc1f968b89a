"""What one threshold for all answers promises of each label, and what thresholds of labels' own cost.

    python benchmarks/promises.py [SPEC ...] [--rows 200 400 1000] [--draws 200] [--encoder all-mpnet-base-v2]

A linear head on the encoder's vectors learns some of the spec's human-labelled rows. Of the others so many are drawn to
find thresholds by (factory.evidence.calibration, for the spec's risk), as a build does by people's rows, and what comes
of them is counted on those that are left: how many answers are not marked unsure; in what share of the draws these are
wrong oftener than the risk, all together or those of some label (of SEEN or more); how often those of the worst label
are wrong, on average. Specs of kind `classification`. Results: benchmarks/results/promises.csv, a line a spec, number
of rows and way.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.evidence import calibration
from factory.evidence.circumstances import here
from factory.gold import gold_of
from factory.settings import Settings
from factory.spec import Spec
from factory.students import probe
from factory.students.encoder import Encoder
from factory.teacher import weights
from zoo.decoding import softmax
from zoo.doubt import Doubt

RESULTS = Path(__file__).parent / "results" / "promises.csv"
KEY = ("spec", "encoder", "rows", "way")
USUAL = ("finance/sentiment",)
LEARNED = 800
SEEN = 20


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="*", default=USUAL, help="<vertical>/<task>")
    parser.add_argument("--rows", type=int, nargs="*", default=[200, 400, 1000], help="to find thresholds by")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--encoder", default="all-mpnet-base-v2")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.specs:
        spec = specs.load(name, where.prompts)
        sure, right, said = _answers(spec, where, asked.encoder)
        for rows in asked.rows:
            for way in ("common", "by label"):
                line = {"spec": name, "encoder": asked.encoder, "rows": rows, "way": way, "risk": spec.student.risk}
                line |= {"draws": asked.draws, "accuracy": round(float(right.mean()), 4)}
                line |= _figures(sure, right, said, rows, asked.draws, spec.student.risk, way)
                save(asked.out, KEY, line | asdict(here()))


def _answers(spec: Spec, where: Settings, encoder: str) -> tuple[Any, Any, Any]:
    """Confidence, whether it is right, and label, of rows that the head has not learned."""
    rows = gold_of(spec, where.gold, "reviewed.jsonl") + gold_of(spec, where.gold)
    order = np.random.default_rng(13).permutation(len(rows))
    labels = list(spec.labels)
    wanted = np.array([labels.index(row.label or "") for row in rows])[order]
    source = str(weights.resolve(encoder, where))
    texts = [rows[int(place)].text for place in order]
    vectors = Encoder.load(source, labels, spec.student.max_tokens).vectors(texts)
    one = np.eye(len(labels), dtype=np.float32)
    weight, bias = probe.fit(vectors[:LEARNED], one[wanted[:LEARNED]], np.ones(LEARNED, np.float32))
    shares = softmax(vectors[LEARNED:] @ weight.T + bias, 1.0)
    best = shares.argmax(axis=1)
    return shares.max(axis=1), best == wanted[LEARNED:], np.array(labels)[best]


def _figures(sure: Any, right: Any, said: Any, rows: int, draws: int, risk: float, way: str) -> dict[str, float]:
    covered, broken, worst = [], [], []
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(sure))
        told, rest = order[:rows], order[rows:]
        if way == "common":
            found = calibration.Thresholds(calibration.threshold(sure[told], right[told], risk))
        else:
            found = calibration.by_label(sure[told], right[told], [str(one) for one in said[told]], risk)
        taken = _taken(found.doubt, sure[rest], said[rest])
        covered.append(float(taken.mean()))
        wrong = ~right[rest][taken]
        each = [wrong[said[rest][taken] == label] for label in np.unique(said)]
        worst.append(max((float(one.mean()) for one in each if len(one) >= SEEN), default=0.0))
        broken.append(bool(len(wrong)) and float(wrong.mean()) > risk)
    return {
        "not_unsure": round(mean(covered), 4),
        "draws_broken": round(mean(broken), 4),
        "draws_broken_of_a_label": round(mean(one > risk for one in worst), 4),
        "worst_label_wrong": round(mean(worst), 4),
    }


def _taken(doubt: Doubt, sure: Any, said: Any) -> Any:
    if not doubt.promises:
        return np.zeros(len(sure), dtype=bool)
    return np.array([not doubt.unsure(float(one), str(label)) for one, label in zip(sure, said, strict=True)])


if __name__ == "__main__":
    main()
