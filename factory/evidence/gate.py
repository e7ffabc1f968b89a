"""Does the evidence allow publishing? Every requirement of the spec, judged, with a sentence for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from factory.errors import DataError
from factory.evidence import intervals
from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import said, truth
from factory.evidence.evaluate import compare
from factory.evidence.predictions import Predictions
from factory.evidence.records import Comparison, GateLine, gold_hash
from factory.row import Gold
from factory.spec_gate import Requirement
from factory.template import percent

FEWEST, FEW = 30, 200
"""Below FEWEST rows nothing passes (resamples of a handful of rows have no spread); below FEW the sentence says so."""

METRIC = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "span_f1": "span F1",
    "field_f1": "field F1",
    "rouge_l": "ROUGE-L",
}
"""What sentences call the metrics that a gate may name."""
_WHO = {
    "teacher": "the teacher",
    "few_shot": "the teacher shown people's rows like each text",
    "tfidf": "TF-IDF on the same training rows",
    "static": "static word vectors on the same training rows",
    "reviewed_only": "the student trained on reviewed rows alone",
    "majority": "always saying the most frequent label",
    "features": "logistic regression on words' features, from the same training rows",
    "lexicon": "the words marked in the same training rows",
    "frequent": "values known from the same training rows",
    "nearest": "what the nearest of the same training rows has",
    "lead": "the text's first words",
    "question": "the text's longest question",
}


@dataclass(frozen=True)
class Judgement:
    """Whether the gate is passed, and every line of it."""

    passed: bool
    lines: list[GateLine]


def judge(
    gate: Sequence[Requirement],
    candidate: Predictions,
    opponents: Mapping[str, Predictions],
    gold: Sequence[Gold],
    circumstances: Circumstances | None = None,
) -> Judgement:
    """Judge a specialist by its spec's gate.

    Args:
        gate: the requirements. None at all is not a pass: nothing would have been shown.
        candidate: the answers of what is to be published, to all gold rows.
        opponents: answers by the names that `better_than` uses, to all gold rows or to a sample. One that is missing
            fails its line.
        gold: the gold rows, against which the answers are checked.
        circumstances: written into the lines.

    Raises:
        DataError: the candidate did not answer exactly the gold rows, or an opponent other rows or labels.
    """
    noted = circumstances or Circumstances()
    if not gold or candidate.rows != gold_hash(gold):
        raise DataError(
            f"{candidate.who} was not measured on exactly the gold rows.",
            fix="Measure it again on all of validation.jsonl; the gate does not judge by other rows.",
        )
    known = {(row.id, said(truth(row))) for row in gold}
    for name, answers in opponents.items():
        if any((item.id, said(item.gold)) not in known for item in answers.items):
            raise DataError(f"{name} was measured on rows that are not gold rows.", fix="Measure it again.")
    lines = [_line(requirement, candidate, opponents, noted) for requirement in gate]
    if not lines:
        lines = [told(candidate, noted, "at least one requirement", False, "The spec's gate asks for nothing.")]
    return Judgement(all(line.passed for line in lines), lines)


def _line(
    requirement: Requirement, candidate: Predictions, opponents: Mapping[str, Predictions], noted: Circumstances
) -> GateLine:
    metric = METRIC[requirement.metric]
    if requirement.at_least is not None:
        return _floor(requirement.metric, requirement.at_least, candidate, noted)
    opponent = str(requirement.better_than)
    wanted = f"{metric} better than {opponent}"
    if opponent not in opponents:
        return told(candidate, noted, wanted, False, f"There are no answers of {opponent!r} to compare with.")
    found = compare(candidate, opponents[opponent], noted, requirement.metric)
    enough = found.n >= FEWEST
    clear = found.low > 0.0
    verdict = "clear of zero" if clear else "not clear of zero"
    return compared(found, wanted, _WHO.get(opponent, opponent), verdict, passed=clear and enough)


def compared(found: Comparison, wanted: str, whom: str, verdict: str, *, passed: bool) -> GateLine:
    """The line of a requirement that a comparison was made for: `wanted`, against `whom`, both in words."""
    sentence = (
        f"{percent(found.value)} {METRIC[found.metric]} against {percent(found.other)} of {whom}: "
        f"{_points(found.difference)} points, 95 % interval {_points(found.low)} to {_points(found.high)}, "
        f"{verdict}, on the same {found.n} rows{_smallness(found.n)}."
    )
    return GateLine(
        **found.model_dump(include=_COMMON),
        requirement=wanted,
        passed=passed,
        value=found.difference,
        low=found.low,
        high=found.high,
        sentence=sentence,
    )


def _floor(metric: intervals.Metric, floor: float, candidate: Predictions, noted: Circumstances) -> GateLine:
    n = len(candidate.items)
    if metric == "accuracy":
        found = intervals.wilson(sum(item.right for item in candidate.items), n)
    else:
        found = intervals.bootstrap(metric, candidate.gold, candidate.predicted)
    reached = found.low >= floor
    sentence = (
        f"{percent(found.value)} {METRIC[metric]}, 95 % interval {percent(found.low)} to {percent(found.high)}; "
        f"its lower end {'reaches' if reached else 'does not reach'} {percent(floor)}, on {n} rows{_smallness(n)}."
    )
    line = told(candidate, noted, f"{METRIC[metric]} at least {percent(floor)}", reached and n >= FEWEST, sentence)
    return line.model_copy(update={"value": found.value, "low": found.low, "high": found.high})


_COMMON = {"who", "what", "rows", "n", "sample", "hardware", "commit", "created"}


def told(candidate: Predictions, noted: Circumstances, requirement: str, passed: bool, sentence: str) -> GateLine:
    """A line of the gate, without figures."""
    return GateLine(
        who=candidate.who,
        what=candidate.what,
        rows=candidate.rows,
        n=len(candidate.items),
        sample=candidate.sample,
        requirement=requirement,
        passed=passed,
        sentence=sentence,
        **vars(noted),
    )


def _smallness(n: int) -> str:
    if n < FEWEST:
        return f", which are too few to show anything (at least {FEWEST} are needed)"
    return f", which are few (below {FEW})" if n < FEW else ""


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"
