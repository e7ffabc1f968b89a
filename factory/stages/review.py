"""People and committee: rows are shown to people, their answers come back, every other row gets a soft label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from factory import stage
from factory.evidence import agreement
from factory.evidence.intervals import wilson
from factory.files import write_json
from factory.generate import committee
from factory.generate.committee import Weights
from factory.hygiene import advice, check, contest, disagreement, trust, worth
from factory.hygiene import run as hygiene
from factory.review import merge, proposals, reviewers
from factory.review.backend import AUDIT, SPOT_CHECK, UNAIDED, Answer
from factory.review.select import select
from factory.row import Row, read_rows, write_rows
from factory.spec import Spec
from factory.stage import Output
from factory.stages import sources
from factory.stages.answers import REVIEWERS, answered_of, ask_people, on_reviewers, unanswered
from factory.stages.ballot import Ballot, voted
from factory.stages.build import SUMMARY, Build
from factory.stages.data import ROWS

VOTED = ("consistency", "disagreement", "balance")  # checks of what the committee thinks
WORTH = "worth.json"
JUDGES = "judges.json"


def review(build: Build) -> Output:
    """Show people the rows most worth their time, take in what they have answered so far, and label the rest softly.

    kept.jsonl, dropped.jsonl, statistics.json (the committee's checks), committee.json, reviewers.json (how far people
    agree, and how often each is right), and worth.json: the checks held against people's answers; judge.json: the
    judge's drops held against them, which are none where it is below the spec's floor (factory.hygiene.trust); with
    judges in the spec also judges.json: how far they agree, with each other and with people. A row that a check
    dropped and people labelled comes back, unless a guard (factory.hygiene.contest) objects.

    Raises:
        ReviewPendingError: the spec requires review, people have not answered yet, and the deadline has not come.
    """
    cleaned, judged = build.run("clean"), build.run("judge")
    spec = build.spec
    ballot = Ballot(build, cleaned.path, judged.path)
    known, voted_on = replace(sources.known_to_checks(build), opinions=ballot.opinions()), _voted_on(spec)
    depends: dict[str, Any] = {
        "clean": cleaned,
        "judge": judged,
        "members": list(committee.DEFAULT),
        "consistency": spec.hygiene.consistency,
        "synthetic_weight": spec.student.synthetic_weight,
        "spec": spec.data_identity,
    }
    unaided = _unaided(build, ballot, known, voted_on, depends)
    dropped = read_rows(cleaned.path / "dropped.jsonl")
    refused = [*dropped, *(row for row in unaided if not hygiene.sound(row))]
    share = spec.review.dropped
    shown = select(
        [voted(row) for row in unaided],
        build.budget.review,
        spec.review.audit,
        dropped=contest.showable(refused, known) if share * spec.review.audit * build.budget.review else (),
        share=share,
        overlap=spec.review.overlap,
        people=spec.review.reviewers,
        vectors=ballot.vectors,
    )
    # Of real text the machines' label is what the committee says; the one it came with was but the nearest.
    seen = [voted(row) if row.origin == "unlabelled" else row for row in unaided]
    pushed, pulled = ask_people(build, shown, [*dropped, *seen])
    answered = {answer.row_id for answer in pulled.answers}
    back_again = sources.came_back(build, pulled.answers)

    def work(out: Path) -> None:
        merged = merge.merge(ballot.rows, pulled.answers)
        appealed = merge.appeal(dropped, merged.orphans)
        adopted = sources.adopted(appealed.orphans, spec, back_again)
        back = contest.admitted([*map(contest.forgiven, appealed.rows), *adopted], known)
        weights, rows = ballot.decide(merged.rows)
        rows = merge.keep_reviewed(rows, back.kept)
        judge = trust.measure(seen, merge.unaided(pulled.answers), spec.review.judge_floor)
        checked = hygiene.run(rows, judge.context(known), voted_on)
        gone = [*checked.dropped, *merged.dropped, *appealed.dropped, *back.dropped]
        hygiene.write(out, hygiene.Result([voted(row) for row in checked.kept], gone, checked.statistics))
        returned = {row.id for row in appealed.rows} & {row.id for row in back.kept}
        audit = _audit(ballot, unaided, pulled.answers, judge)
        agreed = agreement.table(ballot.said, _unled(ballot, pulled.answers))
        write_json(out / REVIEWERS, reviewers.table(pulled.answers))
        proposed = proposals.table(spec, [*dropped, *seen], pulled.answers)
        write_json(out / proposals.FILE, proposed)
        write_json(out / WORTH, _worth(build, [*dropped, *seen], pulled.answers))
        write_json(out / trust.FILE, judge.to_json())
        write_json(
            out / "committee.json",
            {"exponents": weights.exponents, "fitted_to": weights.fitted_to, "bias": _named(build.labels, weights)},
        )
        if spec.judges:
            write_json(out / JUDGES, agreed)
        summary: dict[str, Any] = {
            "shown to people": pushed.total,
            "answered by people": len(answered),
            **unanswered(pulled),
            "where": pushed.where,
            **on_reviewers(pulled.answers, spec.review.reviewers),
            "rows people labelled": sum(row.origin == "reviewed" for row in checked.kept),
            **({"of these dropped before": len(returned)} if returned else {}),
            **{f"committee listens to {name}": round(value, 2) for name, value in weights.exponents.items()},
            **({"judges name the same label": agreed["all"]["same"]} if len(spec.judges) > 1 else {}),
            "label not believed, dropped": checked.statistics[0].dropped,
            **{f"dropped by {item.check}": item.dropped for item in checked.statistics[1:]},
            "the judge beside people": judge.sentence,
            "kept": len(checked.kept),
            **({"proposed changes to the policy": len(proposed)} if proposed else {}),
            "problems": pulled.problems,
            "audit": audit,
        }
        write_json(out / SUMMARY, summary)

    came_back = {"came back": back_again} if back_again else {}
    return build.stage("review", {**depends, "answers": answered_of(pulled), **came_back}, work)


def _voted_on(spec: Spec) -> list[str]:
    """The checks of what the committee thinks; the judges' disagreement is kept without a threshold, too."""
    asked = check.asked(spec.hygiene, VOTED)
    return [name for name in VOTED if name in asked or (name == disagreement.NAME and len(spec.judges) > 1)]


def _unaided(
    build: Build, ballot: Ballot, known: check.Context, voted_on: Sequence[str], depends: dict[str, Any]
) -> list[Row]:
    """What the machines make of all rows before anybody has answered.

    A stage of its own because it takes minutes; not in the ledger, because no row of a dataset rests on it.
    """

    def work(out: Path) -> None:
        write_rows(out / ROWS, hygiene.judge(ballot.decide(ballot.rows)[1], known, voted_on)[0])

    return read_rows(stage.run(build.root, "vote", depends, work).path / ROWS)


def _audit(
    ballot: Ballot, unaided: Sequence[Row], answers: Sequence[Answer], judge: trust.Trust
) -> dict[str, Any] | None:
    """How often the committee's label is right: on the audit slice people answered, else on simulated reviewed rows."""
    found = merge.audit([voted(row) for row in unaided], answers)
    right, n, how = found.right, found.n, judge.slice
    if n == 0:
        right, n = ballot.held_out_accuracy(ballot.known([row for row in ballot.rows if not row.picked]))
        how = "rows people had labelled before, each judged by a committee that had not seen its label"
    if n == 0:
        return None
    share = wilson(right, n)
    return {**{name: round(value, 4) for name, value in vars(share).items()}, "n": n, "how": how}


def _unled(ballot: Ballot, answers: Sequence[Answer]) -> dict[str, str | None]:
    """What people said whom no machine's label led: of the audit slice, or else of rows they had labelled before."""
    found = merge.said([answer for answer in answers if answer.reason == AUDIT])
    return found or {row.id: row.label for row in ballot.rows if row.origin == "reviewed" and not row.picked}


def _worth(build: Build, rows: Sequence[Row], answers: Sequence[Answer]) -> dict[str, Any]:
    """Every check against what people said of rows drawn at random, as worth.json holds it.

    Args:
        build: for the settings in its spec.
        rows: kept and dropped, as the machines saw them.
        answers: all answers; those to rows that were not drawn at random are passed over.
    """
    drawn, people = [answer for answer in answers if answer.reason in UNAIDED], merge.unaided(answers)
    spots = {answer.row_id for answer in drawn if answer.reason == SPOT_CHECK}
    checks = [one.to_json() for one in worth.table(rows, people)]
    now = build.spec.hygiene
    settings = [advice.advise(rows, people, "consistency", now.consistency)]
    if len(build.spec.judges) > 1:
        settings.append(advice.advise(rows, people, disagreement.NAME, now.disagreement, low_is_bad=False))
    return {
        "judged": len(people),
        "of these dropped": len(people.keys() & spots),
        "checks": checks,
        "settings": settings,
    }


def _named(labels: Sequence[str], weights: Weights) -> dict[str, float]:
    return {label: round(float(value), 3) for label, value in zip(labels, weights.bias, strict=True)}
