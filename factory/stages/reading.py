"""The stages where a decision is more than one label: judge and review.

There is no committee: what is in a text is the teacher's word, held against the text and checked, or people's. A kind
of task says in a `Way` how its teacher is asked, what its answers are and how two of them are compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pydantic_core import to_jsonable_python

from factory.evidence.intervals import wilson
from factory.evidence.words import ALIKE
from factory.files import read_jsonl, write_json, write_jsonl
from factory.generate import shots
from factory.generate.asking import Said, ask_about
from factory.generate.limits import NOT_ASKED, Limits, Spent
from factory.hygiene import check, contest, trust
from factory.hygiene import run as hygiene
from factory.hygiene.contest import dropped_by
from factory.progress import Progress
from factory.review import merge, proposals, reviewers
from factory.review.backend import Answer
from factory.review.select import select
from factory.row import DECIDES, Kind, Row, Verdict, read_rows
from factory.spec import Spec
from factory.stage import Output
from factory.stages import sources
from factory.stages.answers import REVIEWERS, answered_of, ask_people, on_reviewers, unanswered
from factory.stages.build import SUMMARY, Build
from factory.stages.data import limits_of, spent_on_writing, told
from factory.stages.judge import judge_inputs
from factory.stages.model import student_of
from factory.teacher.chat import Request

Line = Mapping[str, Any]
"""A line of judgements.jsonl: `id`, the decision by its name (null: none), `key`, `failure`, and what is beside."""
Pair = tuple[Row, Line]
"""A row that people decided, and what the teacher says of it."""


class Way(ABC):
    """How decisions of one kind come about.

    Attributes:
        kind: the kind.
        asking: what the teacher does, for people: `mark up`.
        asked: the same when it is done: `marked up`.
        decided: what a row has by then: `marked`.
        verdict: the name under which a row keeps what came of asking the teacher.
        checks: checks asked again once the decisions are there.
        how: what the audit compares where people had decided rows before.
    """

    kind: ClassVar[Kind]
    asking: ClassVar[str]
    asked: ClassVar[str]
    decided: ClassVar[str]
    verdict: ClassVar[str]
    checks: ClassVar[tuple[str, ...]]
    how: ClassVar[str]

    @staticmethod
    @abstractmethod
    def request(spec: Spec, text: str) -> Request:
        """The question for a text."""

    @staticmethod
    @abstractmethod
    def read(spec: Spec, text: str, reply: str) -> Said[Any]:
        """What a reply says of a text."""

    @abstractmethod
    def tally(self, said: Sequence[Said[Any]]) -> dict[str, Any]:
        """What answers amount to, for the summary."""

    @abstractmethod
    def told(self, line: Line) -> Verdict:
        """What is to be said of a usable line's decision, under the name `verdict`."""

    @abstractmethod
    def agreement(self, build: Build, pairs: Sequence[Pair]) -> dict[str, Any]:
        """How well the teacher decides what people had decided, for the summary; empty where nothing tells."""

    @abstractmethod
    def right(self, pair: Pair) -> float:
        """Whether the teacher says all of what people had said of a row, and nothing else: 1 or 0."""

    def ask(
        self, build: Build, texts: Sequence[str], known: Sequence[Row], meter: Progress, limits: Limits, before: Spent
    ) -> tuple[list[Said[Any]], Spent]:
        """What the teacher says of texts, in their order, and what it cost.

        Args:
            build: the build.
            texts: one or more.
            known: rows that people decided; the teacher may be shown some.
            meter: shows how far it is.
            limits: what may be spent.
            before: what was spent earlier under the same limits.
        """
        spec, cache, reply = build.spec, build.settings.replies, partial(student_of(build).reply, build.spec)
        shown = shots.choose(known if spec.teacher.shots else (), texts, build.encoder.vectors)
        questions = shots.questions(partial(self.request, spec), texts, shown, reply)
        return ask_about(spec, questions, self.read, build.endpoint, cache, meter, limits, before)

    def inputs(self, build: Build) -> dict[str, Any]:
        """What `judge` depends on besides what it does for every kind."""
        return {}

    def further(
        self,
        build: Build,
        out: Path,
        rows: Sequence[Row],
        shown: Sequence[Row],
        said: Sequence[Said[Any]],
        spent: Spent,
    ) -> dict[str, Any]:
        """What else `judge` leaves in its folder, and its lines of the summary.

        Args:
            rows: all cleaned rows.
            shown: those of them that the teacher was asked about.
            said: what it said of them.
            spent: what that has left of the limits, with writing.
        """
        return {}

    def context(self, build: Build, judged: Path) -> check.Context:
        """What `checks` may know."""
        return check.context(build.spec, build.gold)

    def weighs(self, build: Build) -> dict[str, Any]:
        """What `weighed` depends on besides the rows, as inputs of `review`."""
        return {}

    def weighed(self, build: Build, rows: Sequence[Row]) -> tuple[list[Row], dict[str, Any]]:
        """Rows with other weights than `synthetic_weight`, or a verdict that drops them, by what people's show of the
        teacher; and what that is, for the summary."""
        return list(rows), {}

    def alike(self, machine: str, people: str | None) -> float:
        """How far two decisions agree, as `Row.decision` writes them, 0 to 1; None: people would give none."""
        return float(machine == people)

    def agree(self, machine: str, people: str | None) -> bool:
        """Whether two decisions, as for `alike`, come to the same."""
        return self.alike(machine, people) >= ALIKE

    def interval(self, values: Sequence[float]) -> tuple[float, float]:
        """The 95 % interval of the mean of how far decisions agree."""
        share = wilson(int(sum(values)), len(values))
        return share.low, share.high

    def rated(self, answers: Sequence[Answer]) -> dict[str, Any]:
        """What people say of decisions besides giving others, for the summary."""
        return {}

    def usable(self, line: Line) -> bool:
        """Whether there is a decision on a line."""
        return line[self._field] is not None

    @property
    def _field(self) -> str:
        return DECIDES[self.kind]

    @property
    def functions(self) -> Mapping[str, Callable[[Build], Output]]:
        """The stages that take the place of those for classification."""
        return {"judge": self.judge, "review": self.review}

    def judge(self, build: Build) -> Output:
        """What the teacher finds in real texts, and then in those that people decided, up to the budget.

        judgements.jsonl: see `Line`.
        """
        cleaned = build.run("clean")
        limits = limits_of(build)

        def work(out: Path) -> None:
            rows = read_rows(cleaned.path / "kept.jsonl")
            real = [row for row in rows if row.origin in ("unlabelled", "reviewed")]
            shown = sorted(real, key=_turn)[: build.budget.judge]
            meter, spent = build.meter(self.asking, "rows"), spent_on_writing(build)
            texts, known = [row.text for row in shown], [row for row in real if row.origin == "reviewed"]
            said, cost = self.ask(build, texts, known, meter, limits, spent) if shown else ([], Spent())
            write_jsonl(out / "judgements.jsonl", (self._line(row, one) for row, one in zip(shown, said, strict=True)))
            stopped = [one.failure.removeprefix(NOT_ASKED) for one in said if one.failure.startswith(NOT_ASKED)]
            summary: dict[str, Any] = {
                f"texts {self.asked}": len(said) - len(stopped),
                "replies not as asked": sum(bool(one.failure) for one in said) - len(stopped),
                **self.tally(said),
            }
            summary |= self.further(build, out, rows, shown, said, spent + replace(cost, stopped="", unasked=0))
            write_json(out / SUMMARY, summary | told(stopped[0] if stopped else "", len(stopped)))

        shot = {"shots": [shots.VERSION, build.encoder_identity]} if build.spec.teacher.shots else {}
        return build.stage("judge", judge_inputs(build, cleaned) | shot | self.inputs(build), work)

    def review(self, build: Build) -> Output:
        """Show people some rows, take in what they have answered so far: kept.jsonl, dropped.jsonl, statistics.json.

        A real text that the teacher was not asked about, or whose reply could not be used, is dropped with the reason.

        Where the spec sets a floor for the judge, people are shown some of what is dropped on its word as well, and
        judge.json holds its drops against what they say (factory.hygiene.trust).

        Raises:
            ReviewPendingError: the spec requires review, people have not answered yet, and the deadline has not come.
        """
        cleaned, judged = build.run("clean"), build.run("judge")
        spec = build.spec
        rows, said = self.decide(build, cleaned.path, judged.path)
        sound = [row for row in rows if hygiene.sound(row)]
        known = self.context(build, judged.path)
        checks, floor = check.asked(spec.hygiene, self.checks), spec.review.judge_floor
        seen = hygiene.run(sound, known, checks)
        shown = select(
            seen.kept,
            build.budget.review,
            spec.review.audit,
            dropped=[] if floor is None else [row for row in seen.dropped if dropped_by(row) in trust.CHECKS],
            share=spec.review.dropped,
            overlap=spec.review.overlap,
            people=spec.review.reviewers,
        )
        pushed, pulled = ask_people(build, shown, sound)
        back_again = sources.came_back(build, pulled.answers)

        def work(out: Path) -> None:
            merged = merge.merge(sound, pulled.answers)
            adopted = sources.adopted(merged.orphans, spec, back_again)
            back = contest.admitted(adopted, sources.known_to_checks(build))
            kept = merge.keep_reviewed(merged.rows, back.kept)
            judge = trust.measure([*seen.kept, *seen.dropped], merge.unaided(pulled.answers), floor, self.agree)
            checked = hygiene.run(kept, judge.context(known), checks)
            undecided = [row for row in rows if not hygiene.sound(row)]
            weighed, belief = self.weighed(build, checked.kept)
            trained_on = [row for row in weighed if hygiene.sound(row)]
            unsound = [row for row in weighed if not hygiene.sound(row)]
            left = undecided + checked.dropped + merged.dropped + back.dropped + unsound
            hygiene.write(out, hygiene.Result(trained_on, left, checked.statistics))
            write_json(out / REVIEWERS, reviewers.table(pulled.answers))
            proposed = proposals.table(spec, sound, pulled.answers)
            write_json(out / proposals.FILE, proposed)
            if floor is not None:
                write_json(out / trust.FILE, judge.to_json())
            pairs = self._pairs(rows, said)
            summary: dict[str, Any] = {
                "shown to people": pushed.total,
                "answered by people": len({answer.row_id for answer in pulled.answers}),
                **unanswered(pulled),
                "where": pushed.where,
                **on_reviewers(pulled.answers, spec.review.reviewers),
                "rows people labelled": sum(row.origin == "reviewed" for row in trained_on),
                f"real texts nobody {self.decided}, dropped": len(undecided),
                **{f"dropped by {item.check}": item.dropped for item in checked.statistics},
                **({} if floor is None else {"the judge beside people": judge.sentence}),
                "kept": len(trained_on),
                **({"proposed changes to the policy": len(proposed)} if proposed else {}),
                "problems": pulled.problems,
                **self.agreement(build, pairs),
                **belief,
                **self.rated(pulled.answers),
                "audit": self._audit(pairs, merge.audited(sound, pulled.answers), judge.slice),
            }
            write_json(out / SUMMARY, summary)

        inputs = {
            "clean": cleaned,
            "judge": judged,
            "answers": answered_of(pulled),
            "synthetic_weight": spec.student.synthetic_weight,
            "spec": spec.data_identity,
            **self.weighs(build),
            **({"came back": back_again} if back_again else {}),
        }
        return build.stage("review", inputs, work)

    def decide(self, build: Build, cleaned: Path, judged: Path) -> tuple[list[Row], Mapping[str, Line]]:
        """What the teacher makes of the rows in the folders of `clean` and `judge`, and its lines by the rows' ids.

        Real texts that it was not asked about, or of which it said nothing usable, are rows that are not sound.
        """
        said = {line["id"]: line for line in read_jsonl(judged / "judgements.jsonl")}
        rows = read_rows(cleaned / "kept.jsonl")
        weight = build.spec.student.synthetic_weight
        return [self._row(build, row, said.get(row.id), weight) for row in rows], said

    def _line(self, row: Row, said: Said[Any]) -> dict[str, Any]:
        decision = to_jsonable_python(said.decision)
        return {"id": row.id, self._field: decision, **said.beside, "key": said.key, "failure": said.failure}

    def _row(self, build: Build, row: Row, line: Line | None, weight: float) -> Row:
        """The row with what the teacher found, if it is for the teacher to say; people's rows stay as they are."""
        if row.origin in ("reviewed", "example"):
            return row
        weighed = row.model_copy(update={"weight": weight})
        if row.origin == "generated":
            return weighed
        if line is None or not self.usable(line):
            why = f"not {self.asked}: beyond the budget" if line is None else f"not {self.asked}: {line['failure']}"
            refusal = Verdict(check=self.verdict, passed=False, score=None, reason=why)
            return weighed.model_copy(update={"verdicts": [*row.verdicts, refusal]})
        decided = Row.from_json({**row.to_json(), self._field: line[self._field]})
        lineage = row.lineage.model_copy(update={"teacher": build.teacher, "reply": line["key"]})
        verdicts = [*row.verdicts, self.told(line)]
        return decided.model_copy(update={"weight": weighed.weight, "lineage": lineage, "verdicts": verdicts})

    def _pairs(self, rows: Sequence[Row], said: Mapping[str, Line]) -> list[Pair]:
        """The rows people had decided before, and of which the teacher could say something; none that were picked."""
        known = [row for row in rows if row.origin == "reviewed" and not row.picked]
        return [(row, said[row.id]) for row in known if row.id in said and self.usable(said[row.id])]

    def _audit(
        self, pairs: Sequence[Pair], audited: Sequence[tuple[str, str | None]], how: str
    ) -> dict[str, Any] | None:
        """How far rows agree with people: on the audit slice people answered, else on rows decided before."""
        values = [self.alike(machine, people) for machine, people in audited]
        if not values:
            values, how = [self.right(pair) for pair in pairs], self.how
        if not values:
            return None
        low, high = self.interval(values)
        mean = sum(values) / len(values)
        return {"value": round(mean, 4), "low": round(low, 4), "high": round(high, 4), "n": len(values), "how": how}


def _turn(row: Row) -> tuple[bool, bool, str]:
    """By what rows are shown to the teacher sooner or later: undecided before decided ones, and of those production's
    first. Of these they come last: picked for a wrong answer, they tell little of how far the teacher can be believed.
    """
    decided = row.origin == "reviewed"
    return decided, row.picked if decided else not row.from_production, row.id


def precision_recall(right: int, claimed: int, there: int) -> tuple[float | None, float | None, float | None]:
    """Precision, recall and F1 (0 to 1) of `right` things among those claimed and those that are there.

    None where nothing tells: precision where nothing was claimed, recall where nothing is there.
    """
    parts = ((right, claimed), (right, there), (2 * right, claimed + there))
    precision, recall, f1 = (round(part / whole, 4) if whole else None for part, whole in parts)
    return precision, recall, f1
