"""Where people answer: what they are shown, and what they have answered so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from factory.errors import FactoryError, ReviewPendingError
from factory.review.backend import Answer, Backend, Pulled, Pushed
from factory.review.select import Selection
from factory.stages.build import Build


def backend(build: Build) -> Backend:
    """The place where people answer, by the setting FACTORY_REVIEW."""
    if build.settings.review == "jsonl":
        from factory.review.jsonl import JsonlBackend

        return JsonlBackend(build.settings.home / "review")
    if build.settings.review == "argilla":
        from factory.review.argilla import connect

        return connect(build.settings)
    raise FactoryError(
        f"FACTORY_REVIEW is {build.settings.review!r}.", fix="Set it to `argilla` or `jsonl`, or leave it out."
    )


def ask_people(build: Build, shown: Sequence[Selection]) -> tuple[Pushed, Pulled]:
    """Show rows to people, and take in what they have answered so far.

    Raises:
        ReviewPendingError: the spec requires review and people have not answered yet.
    """
    place = backend(build)
    pushed = place.push(build.spec, [selection.item() for selection in shown])
    pulled = place.pull(build.spec)
    answered = {answer.row_id for answer in pulled.answers}
    if build.spec.review.required and len(answered) < len(shown):
        raise ReviewPendingError(
            f"People have answered {len(answered)} of {len(shown)} rows, and the spec requires review.",
            where=pushed.where,
            fix="Answer the rows there and run the same command again; it goes on from here.",
        )
    return pushed, pulled


def answered_of(pulled: Pulled) -> list[dict[str, Any]]:
    """The answers as a stage's inputs."""
    return sorted((_plain(answer) for answer in pulled.answers), key=str)


def _plain(answer: Answer) -> dict[str, Any]:
    said = asdict(answer)
    if said.get("spans") is not None:
        said["spans"] = [span.model_dump() for span in said["spans"]]
    return said
