"""How decisions come about where they are answers in words (factory.stages.reading).

Nobody can see by machine whether an answer is right. What is told instead: how alike the teacher's answers to one text
are, its mark for each answer by the policy's rules, how like people's its answers are, and whether its marks tell what
people answered from what they answered to another text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory.evidence import intervals
from factory.files import digest, file_sha256, read_jsonl, write_jsonl
from factory.generate import answering
from factory.generate.asking import Said, ask_about
from factory.generate.limits import NOT_ASKED, Limits, Spent
from factory.generate.prompt import template_file
from factory.generate.rating import Rating, rate
from factory.hygiene import check
from factory.hygiene.run import OF_ANSWERS
from factory.hygiene.worth import auc
from factory.progress import Progress
from factory.review.backend import Answer, WordedAnswer
from factory.review.select import AGREEMENT
from factory.row import Row, Verdict
from factory.spec import RATING
from factory.stages.build import Build
from factory.stages.data import limits_of
from factory.stages.reading import Line, Pair, Way
from factory.wording import rouge_l

MARKS = "marks.jsonl"
WRITER, TEACHER, PEOPLE, ANOTHER = "writer", "teacher", "people", "another"
"""Whose an answer is that is marked: written with its text, the teacher's to a real text, people's, people's to another
text."""


class Generation(Way):
    """A teacher answers a text, several times if asked, and marks answers."""

    kind = "generation"
    asking, asked, decided = "answer", "answered", "answered"
    verdict = AGREEMENT
    checks = OF_ANSWERS
    how = "ROUGE-L F1 of the teacher's answers and those that people had given to the same texts before, on average"
    request, read = staticmethod(answering.request), staticmethod(answering.read)

    def ask(
        self, build: Build, texts: Sequence[str], known: Sequence[Row], meter: Progress, limits: Limits, before: Spent
    ) -> tuple[list[Said[Any]], Spent]:
        """See Way.ask; all questions about a text in a row, so that a limit ends between texts."""
        spec, cache = build.spec, build.settings.replies
        questions = [(text, one) for text in texts for one in answering.questions(spec, text)]
        said, cost = ask_about(spec, questions, self.read, build.endpoint, cache, meter, limits, before)
        size = 1 + spec.form.samples
        groups = [said[start : start + size] for start in range(0, len(said), size)]
        return [answering.choose(first, others) for first, *others in groups], cost

    def inputs(self, build: Build) -> dict[str, Any]:
        """Also how answers are drawn, and what is asked for marks."""
        spec = build.spec
        drawn = [spec.form.samples, *spec.teacher.sampling.values()]
        marking = digest([file_sha256(template_file(spec, RATING)), spec.form.words])
        return {"samples": drawn, "marking": marking}

    def tally(self, said: Sequence[Said[Any]]) -> dict[str, Any]:
        """See Way.tally."""
        alike = [one.beside["agreement"] for one in said if one.beside.get("agreement") is not None]
        return {"answers to one text are alike": _mean(alike)} if alike else {}

    def told(self, line: Line) -> Verdict:
        """The score is how alike the teacher's answers are."""
        others = "; ".join(repr(one[:80]) for one in line["others"])
        reason = f"also answered: {others}" if others else ""
        return Verdict(check=self.verdict, passed=True, score=line["agreement"], reason=reason)

    def further(
        self,
        build: Build,
        out: Path,
        rows: Sequence[Row],
        shown: Sequence[Row],
        said: Sequence[Said[Any]],
        spent: Spent,
    ) -> dict[str, Any]:
        """marks.jsonl: the teacher's marks for its answers, for people's, and for what room there is of written ones.

        A line has the row's id, `of` (whose the answer is), `score`, `key` and `failure`.
        """
        pairs = _pairs(rows, shown, said, build.budget.judge)
        meter = build.meter("mark", "answers")
        asked = [(row.text, answer) for _, row, answer in pairs]
        cache = build.settings.replies
        marks = rate(build.spec, asked, build.endpoint, cache, meter, limits_of(build), spent) if asked else []
        whose = [(of, mark) for (of, _, _), mark in zip(pairs, marks, strict=True)]
        write_jsonl(
            out / MARKS,
            ({"id": row.id, "of": of, **mark._asdict()} for (of, row, _), mark in zip(pairs, marks, strict=True)),
        )
        return {"answers marked": sum(mark.score is not None for mark in marks), **_told(whose)}

    def context(self, build: Build, judged: Path) -> check.Context:
        """With the marks of answers that machines gave."""
        ours = [one for one in read_jsonl(judged / MARKS) if one["of"] in (WRITER, TEACHER)]
        marks = {one["id"]: one["score"] for one in ours if one["score"] is not None}
        return check.context(build.spec, build.gold, marks=marks)

    def agreement(self, build: Build, pairs: Sequence[Pair]) -> dict[str, Any]:
        """The mean ROUGE-L of the teacher's answers beside people's."""
        return {"teacher's answers beside people's, ROUGE-L": _mean([*map(self.right, pairs)])} if pairs else {}

    def right(self, pair: Pair) -> float:
        """How like people's the teacher's answer is: ROUGE-L F1."""
        row, line = pair
        return rouge_l(row.answer or "", line["answer"])

    def alike(self, machine: str, people: str | None) -> float:
        """ROUGE-L F1; 0 where people would not answer the text."""
        return 0.0 if people is None else rouge_l(machine, people)

    def interval(self, values: Sequence[float]) -> tuple[float, float]:
        """By bootstrap: the values are no counts."""
        found = intervals.mean(values)
        return found.low, found.high

    def rated(self, answers: Sequence[Answer]) -> dict[str, Any]:
        """How good people find the machine's answers."""
        ratings = [one.rating for one in answers if isinstance(one, WordedAnswer) and one.rating is not None]
        return {"people's ratings of answers, 1 to 5": f"{_mean(ratings)} ({len(ratings)} given)"} if ratings else {}


def _pairs(
    rows: Sequence[Row], shown: Sequence[Row], said: Sequence[Said[Any]], room: int
) -> list[tuple[str, Row, str]]:
    """What is marked: whose it is, the row and the answer."""
    teacher = [(TEACHER, row, one.decision) for row, one in zip(shown, said, strict=True) if one.decision is not None]
    people = [row for row in shown if row.origin == "reviewed"]
    of_people = [(PEOPLE, row, row.answer or "") for row in people]
    # Each with the answer of the next one: as good as any, and the same every time.
    others = [(ANOTHER, row, other.answer or "") for row, other in zip(people, people[1:] + people[:1], strict=True)]
    written = sorted((row for row in rows if row.origin == "generated"), key=lambda row: row.id)
    of_writer = [(WRITER, row, row.answer or "") for row in written[: max(0, room - len(shown))]]
    return teacher + of_people + (others if len(people) > 1 else []) + of_writer


def _told(whose: Sequence[tuple[str, Rating]]) -> dict[str, Any]:
    """Marks by whose the answer is, whether they tell, and whether a limit ended them."""
    names = {
        TEACHER: "mean mark of the teacher's answers",
        WRITER: "mean mark of answers written with their texts",
        PEOPLE: "mean mark of people's answers",
        ANOTHER: "mean mark of people's answers to other texts",
    }
    scores = {of: [mark.score for one, mark in whose if one == of and mark.score is not None] for of in names}
    found: dict[str, Any] = {name: _mean(scores[of]) for of, name in names.items() if scores[of]}
    tells = auc([(score, of == PEOPLE) for of in (PEOPLE, ANOTHER) for score in scores[of]])
    if stopped := [mark.failure.removeprefix(NOT_ASKED) for _, mark in whose if mark.failure.startswith(NOT_ASKED)]:
        found |= {"marking stopped by": stopped[0], "answers not marked": len(stopped)}
    if tells is not None:
        found["marks tell these two apart (AUC; 0.5: not at all)"] = round(tells, 4)
    return found


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)
