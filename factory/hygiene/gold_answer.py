"""Does an answer give away the examination? Every answer, a person's too, is compared with every gold answer.

Two texts may rightly have answers that are nearly alike ("What are the treatments for ...?"), so likeness drops
nothing; the same words do. That texts are not gold texts is for `contamination` to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from factory.hygiene.check import Context, not_asked
from factory.hygiene.gold_index import GoldIndex
from factory.row import Row, Verdict
from factory.words import words

NAME = "gold_answer"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows whose answer has the same words as a gold answer; the score is the highest Jaccard overlap with one."""
    gold = [(one.id, one.answer) for one in context.gold if one.answer]
    if not gold:
        return [not_asked(NAME, "no gold answers") for _ in rows]
    examination = _examination(tuple(gold))
    asked = [row.answer for row in rows if row.answer]
    found = iter(examination.verdicts(asked))
    return [next(found) if row.answer else not_asked(NAME, "no answer") for row in rows]


class _Examination:
    """The gold answers."""

    def __init__(self, gold: Sequence[tuple[str, str]]) -> None:
        self.same = {tuple(words(answer)): name for name, answer in reversed(gold)}
        self.index = GoldIndex([answer for _, answer in gold], [False] * len(gold))

    def verdicts(self, answers: Sequence[str]) -> list[Verdict]:
        found = self.index.nearest(answers) if answers else []
        return [
            self._verdict(tuple(words(answer)), nearest.similarity)
            for answer, nearest in zip(answers, found, strict=True)
        ]

    def _verdict(self, own: tuple[str, ...], similarity: float) -> Verdict:
        gold = self.same.get(own)
        return Verdict(
            check=NAME,
            passed=gold is None,
            score=round(similarity, 4),
            reason="" if gold is None else f"is a gold answer: {gold}",
        )


@lru_cache(maxsize=2)  # a file of rows is checked block by block, against the same gold
def _examination(gold: tuple[tuple[str, str], ...]) -> _Examination:
    return _Examination(gold)
