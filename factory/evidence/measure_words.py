"""Everything that can be said by machine of answers in words. None of it sees whether an answer is true."""

from __future__ import annotations

from collections.abc import Mapping

from factory.evidence import intervals, metrics
from factory.evidence.predictions import Predictions
from factory.evidence.records import AnyEvidence
from factory.evidence.saying import Saying
from factory.wording import copied, foreign
from factory.words import words


def measure(
    predictions: Predictions, said: Saying, texts: Mapping[str, str], language: str = "en"
) -> list[AnyEvidence]:
    """The records of one system.

    ROUGE-L, ROUGE-1 and ROUGE-2 F1 beside people's answers, on average (bootstrap over rows; no answer counts 0);
    `answered` and `alike`, the share of rows whose answer is as like people's as factory.evidence.words asks (Wilson).
    Of the answers given: `length`, their words as a multiple of people's; `copied`, the mean share of their words that
    stand in the text in one run; `foreign`, the share with a number or name that the text lacks (Wilson).
    Where every answer has a score, `aurc` and the risk at ten coverages: how often an answer is not alike.

    Args:
        predictions: the answers.
        said: whose they are.
        texts: the gold rows' texts, by id.
        language: theirs; in some, names can't be told by their capital letters (factory.wording.foreign).
    """
    gold, predicted = predictions.gold, predictions.predicted
    found: list[AnyEvidence] = [*said.figures(intervals.OF_WORDS, predictions)]
    right = predictions.rights
    answered = sum(one is not None for one in predicted)
    found += said.shares({"alike": sum(right), "answered": answered}, len(gold))
    given = [(texts[item.id], str(item.predicted)) for item in predictions.items if item.predicted is not None]
    if given:
        people = [one.answer for one, answer in zip(gold, predicted, strict=True) if answer is not None]
        length = sum(len(words(answer)) for _, answer in given) / max(1, sum(len(words(one)) for one in people))
        runs = intervals.mean([copied(text, answer) for text, answer in given])
        strange = intervals.wilson(sum(bool(foreign(*one, language)[0]) for one in given), len(given))
        found += [
            said.record("length", length),
            said.record("copied", runs.value, runs, intervals.BOOTSTRAP),
            said.record("foreign", strange.value, strange, intervals.WILSON),
        ]
    if predictions.scored:
        sure = predictions.confidences
        found += [said.record("aurc", metrics.aurc(sure, right)), *said.coverages(sure, right)]
    return found
