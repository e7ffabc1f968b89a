"""Where people answer: what they are shown, and what they have answered so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from factory.errors import FactoryError, ReviewPendingError
from factory.review import reviewers, waiting
from factory.review.backend import DISPUTED, UNAIDED, Answer, Backend, Item, Pulled, Pushed
from factory.review.edition import Editions
from factory.review.select import Selection
from factory.row import Row
from factory.settings import Settings
from factory.spec import Spec
from factory.stages.build import Build

REVIEWERS = "reviewers.json"


def backend(settings: Settings) -> Backend:
    """The place where people answer, by the setting FACTORY_REVIEW."""
    if settings.review == "jsonl":
        from factory.review.jsonl import JsonlBackend

        return JsonlBackend(settings.home / "review")
    if settings.review == "argilla":
        from factory.review.argilla import connect

        return connect(settings)
    raise FactoryError(
        f"FACTORY_REVIEW is {settings.review!r}.", fix="Set it to `argilla` or `jsonl`, or leave it out."
    )


def ask_people(build: Build, shown: Sequence[Selection], rows: Sequence[Row] = ()) -> tuple[Pushed, Pulled]:
    """Show rows to people, and take in what they have answered so far, each answer with its worth.

    Answered rows that a change of the policy touches (factory.review.edition) are shown again, as many as the budget
    leaves room for beside those that nobody has answered yet; until they are answered again the older answers count.

    Args:
        build: for the place, the policy and the budget.
        shown: the rows.
        rows: all rows as the machines saw them, for what a change of the policy touches.

    Raises:
        ReviewPendingError: the spec requires review, people have not answered yet, and the deadline has not come.
    """
    spec, place = build.spec, backend(build.settings)
    editions = Editions.of(build.settings.home, spec)
    pushed = place.push(spec, [selection.item() for selection in shown])
    pulled = take_in(spec, place, editions)
    answered = {answer.row_id for answer in pulled.answers}
    room = max(0, build.budget.review - sum(one.row.id not in answered for one in shown))
    touched = editions.touched(pulled.answers, {row.id: row for row in rows})
    people = {one.row.id: one.people for one in shown}
    if again := [editions.item(row_id, touched[row_id], people.get(row_id, 1)) for row_id in list(touched)[:room]]:
        place.push(spec, again)
    home, now = build.settings.home, datetime.now(UTC)
    awaited = {one.row.id: one.people for one in shown if spec.review.required is True or one.reason in UNAIDED}
    if not spec.review.required:
        waiting.end(home, spec.name, build.budget_name)
        return pushed, pulled
    waits = waiting.begin(home, spec.name, build.budget_name, awaited, pushed.where, now)
    waits = waiting.look(waits, pulled.answers, spec.review.reviewers, spec.review.patience, now)
    waiting.keep(home, waits)
    if waits.verdict == "wait":
        raise ReviewPendingError(
            f"People have answered {waits.answered} of {len(awaited)} rows, and the spec requires review.",
            where=pushed.where,
            fix="Answer the rows there and run the same command again; it goes on from here.",
        )
    return pushed, replace(pulled, missing=waits.missing)


def take_in(spec: Spec, place: Backend, editions: Editions) -> Pulled:
    """What people have answered so far that counts, each answer with its worth.

    Rows on which they are divided are shown once more, to be settled.
    """
    pulled = place.pull(spec)
    pulled = Pulled(reviewers.weighed(editions.counting(pulled.answers)), pulled.problems)
    divided = reviewers.disputed(pulled.answers, spec.review.reviewers)
    if divided:
        place.push(spec, [_to_settle(row_id, given) for row_id, given in divided.items()])
    return pulled


def unanswered(pulled: Pulled) -> dict[str, int]:
    """What a build has not waited for any longer, for a stage's summary; nothing where nothing is missing."""
    return {"not answered by the deadline": pulled.missing} if pulled.missing else {}


def on_reviewers(answers: Sequence[Answer], people: int) -> dict[str, Any]:
    """What is known of those who answered, for a stage's summary; nothing where nobody answered what others did."""
    known = reviewers.table(answers)
    if not known:
        return {}
    return {
        "rows that several people answered": known["rows"],
        "they agree (Krippendorff's alpha)": known["alpha"],
        "rows to be settled": len(reviewers.disputed(answers, people)),
        **{f"{who} is right": f"{one['right']:.1%} of {one['rows']} rows" for who, one in known["people"].items()},
    }


def _to_settle(row_id: str, given: Sequence[Answer]) -> Item:
    said = tuple(sorted({str(answer.decision) for answer in given if answer.decision is not None}))
    text = next(answer.text for answer in given)
    return Item(row_id, text, suggestion=None, confidence=0.0, reason=DISPUTED, said=said)


def answered_of(pulled: Pulled) -> list[dict[str, Any]]:
    """The answers as a stage's inputs, without their worth, which follows from them, and the policy they were given
    under, which says which of them count."""
    return sorted((_plain(answer) for answer in pulled.answers), key=str)


def _plain(answer: Answer) -> dict[str, Any]:
    said = {name: value for name, value in asdict(answer).items() if name not in ("worth", "policy")}
    if said.get("spans") is not None:
        said["spans"] = [span.model_dump() for span in said["spans"]]
    return said
