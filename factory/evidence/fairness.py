"""Does it answer alike whoever a text is about? Gold rows that name people of one group, as they were of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from factory.evidence import counterfactual
from factory.evidence.circumstances import Circumstances
from factory.evidence.counterfactual import Groups
from factory.evidence.decision import Decision, truth
from factory.evidence.intervals import PAIRED, Metric, paired, value_of, wilson
from factory.evidence.predictions import Predictions
from factory.evidence.records import Counterfactual, gold_hash
from factory.evidence.sample import sample
from factory.evidence.slices import FEW
from factory.row import Gold

Answer = Callable[[list[str]], Sequence[Decision | None]]


def measure(
    answer: Answer,
    untouched: Predictions,
    gold: Sequence[Gold],
    probes: Mapping[str, Groups],
    n: int,
    metric: Metric,
    circumstances: Circumstances,
) -> list[Counterfactual]:
    """Every group but a probe's first beside that one, on the same texts, each with the words of either alone.

    Args:
        answer: the system.
        untouched: whose answers they are.
        gold: the rows; those that name nobody are left out.
        probes: name to groups, as the spec has them.
        n: of how many rows at most, a fixed sample; 0: all.
        metric: the figure.
        circumstances: written into the records.
    """
    found = []
    for probe, groups in probes.items():
        named = [row for row in gold if counterfactual.concerns(row.text, truth(row), groups)]
        rows = sample(named, n)
        wanted = [counterfactual.expected(truth(row), groups) for row in rows]
        said = {group: _said(answer, rows, groups, group) for group in groups} if rows else {}
        first, *others = groups
        for group in others:
            beside: dict[str, Any] = {}
            if rows:
                difference = paired(metric, wanted, said[group], said[first])
                other = sum(one != two for one, two in zip(said[group], said[first], strict=True))
                changed = wilson(other, len(rows))
                beside = {
                    "value": value_of(metric, wanted, said[group]),
                    "other": value_of(metric, wanted, said[first]),
                    "difference": difference.value,
                    "low": difference.low,
                    "high": difference.high,
                    "changed": changed.value,
                    "changed_low": changed.low,
                    "changed_high": changed.high,
                }
            record = Counterfactual(
                who=untouched.who, what=untouched.what, rows=gold_hash(rows), n=len(rows),
                sample=f"of {len(named)} rows that name any of them", **vars(circumstances),
                probe=probe, group=group, beside=first, figure=metric, method=PAIRED, few=len(rows) < FEW, **beside,
            )  # fmt: skip
            found.append(record)
    return found


def _said(answer: Answer, rows: Sequence[Gold], groups: Groups, group: str) -> list[Decision | None]:
    swapped = [counterfactual.swap(row.text, groups, group) for row in rows]
    told = answer([one.text for one in swapped])
    return [
        counterfactual.settled(decision, truth(row), one, groups)
        for decision, row, one in zip(told, rows, swapped, strict=True)
    ]
