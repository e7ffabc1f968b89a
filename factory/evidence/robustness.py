"""What careless typing costs: a system's answers to a sample of gold rows beside those to the same texts, perturbed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
REWORDED = "other words"
"""The perturbation of which a teacher is the author; its rows are others than those of the rest."""


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
    records = []
    for name in texts[0]:
        said = answer([one[name] for one in texts])
        touched = sum(one[name] != row.text for one, row in zip(texts, rows, strict=True))
        how = SAID[name] + (f"; seed {SEED}" if name == "typos" else "")
        records.append(_beside(before, said, name, how, touched, metric, circumstances))
    return records


def reworded(
    answer: Answer,
    untouched: Predictions,
    texts: Mapping[str, str],
    asked: int,
    how: str,
    metric: Metric,
    circumstances: Circumstances,
) -> list[Robustness]:
    """The same for texts that somebody said in other words; nothing where there are none.

    Args:
        answer: the system.
        untouched: what it answered to all of the gold rows as they are.
        texts: a gold row's id to its text in other words.
        asked: how many texts were to be said in other words; not all could.
        how: by whom, for people.
        metric: the figure.
        circumstances: written into the record.
    """
    if not texts:
        return []
    before = untouched.on(texts).model_copy(update={"sample": f"those of {asked} that could be said in other words"})
    said = answer([texts[one.id] for one in before.items])
    return [_beside(before, said, REWORDED, how, len(texts), metric, circumstances)]


def _beside(
    before: Predictions,
    said: Sequence[Decision | None],
    name: str,
    how: str,
    touched: int,
    metric: Metric,
    circumstances: Circumstances,
) -> Robustness:
    difference = paired(metric, before.gold, said, before.predicted)
    return Robustness(
        **Saying(before, circumstances).common,
        perturbation=name,
        how=how,
        touched=touched,
        figure=metric,
        value=value_of(metric, before.gold, said),
        untouched=value_of(metric, before.gold, before.predicted),
        difference=difference.value,
        low=difference.low,
        high=difference.high,
        method=PAIRED,
    )
