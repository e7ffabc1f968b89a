"""What careless typing costs: a system's answers to a sample of gold rows beside those to the same texts, perturbed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import Decision
from factory.evidence.intervals import PAIRED, Metric, paired, value_of
from factory.evidence.perturb import SAID, perturbed
from factory.evidence.predictions import Predictions
from factory.evidence.records import Robustness
from factory.evidence.sample import SEED, describe, sample
from factory.evidence.saying import Saying
from factory.row import Gold

Answer = Callable[[list[str]], Sequence[Decision | None]]


def measure(
    answer: Answer, untouched: Predictions, gold: Sequence[Gold], n: int, metric: Metric, circumstances: Circumstances
) -> list[Robustness]:
    """The paired difference of a figure, by what was done to the texts (factory.evidence.perturb).

    Args:
        answer: the system.
        untouched: what it answered to all of the gold rows as they are.
        gold: the rows.
        n: how many of them are perturbed, a fixed sample; 0: all.
        metric: the figure.
        circumstances: written into the records.
    """
    rows = sample(gold, n)
    before = untouched.on(row.id for row in rows).model_copy(update={"sample": describe(gold, n)})
    texts = [perturbed(row.text, people, SEED) for row, people in zip(rows, before.gold, strict=True)]
    value, records = value_of(metric, before.gold, before.predicted), []
    for name in texts[0]:
        said = answer([one[name] for one in texts])
        difference = paired(metric, before.gold, said, before.predicted)
        records.append(
            Robustness(
                **Saying(before, circumstances).common,
                perturbation=name,
                how=SAID[name] + (f"; seed {SEED}" if name == "typos" else ""),
                touched=sum(one[name] != row.text for one, row in zip(texts, rows, strict=True)),
                figure=metric,
                value=value_of(metric, before.gold, said),
                untouched=value,
                difference=difference.value,
                low=difference.low,
                high=difference.high,
                method=PAIRED,
            )
        )
    return records
