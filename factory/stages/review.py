"""People and committee: rows are shown to people, their answers come back, every other row gets a soft label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from factory.errors import FactoryError, ReviewPendingError
from factory.files import read_jsonl, write_json
from factory.generate import committee
from factory.generate.committee import Array, Voters, Weights
from factory.hygiene import check
from factory.hygiene import run as hygiene
from factory.review import merge
from factory.review.backend import Answer, Backend
from factory.review.select import select
from factory.row import Row, read_rows
from factory.stage import Output
from factory.stages.build import SUMMARY, Build
from factory.stages.data import VECTORS

FOLDS = 5
VOTED = ("consistency", "balance")  # checks of what the committee thinks
HUMAN = ("reviewed", "example")  # labelled by people; no machine has a say about them


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


def review(build: Build) -> Output:
    """Show people the rows most worth their time, take in what they have answered so far, and label the rest softly.

    kept.jsonl, dropped.jsonl, statistics.json (the consistency check) and committee.json.

    Raises:
        ReviewPendingError: the spec requires review and people have not answered yet.
    """
    cleaned, judged = build.run("clean"), build.run("judge")
    spec = build.spec
    ballot = _Ballot(build, cleaned.path, judged.path)
    shown = select(ballot.labelled(ballot.rows), build.budget.review, spec.review.audit)
    place = backend(build)
    pushed = place.push(spec, [selection.item() for selection in shown])
    pulled = place.pull(spec)
    answered = {answer.row_id for answer in pulled.answers}
    if spec.review.required and len(answered) < len(shown):
        raise ReviewPendingError(
            f"People have answered {len(answered)} of {len(shown)} rows, and the spec requires review.",
            where=pushed.where,
            fix="Answer the rows there and run the same command again; it goes on from here.",
        )

    def work(out: Path) -> None:
        merged = merge.merge(ballot.rows, pulled.answers)
        adopted = merge.adopt(merged.orphans, spec.identity)
        weights, rows = ballot.decide(merged.rows)
        rows = merge.keep_reviewed(rows, adopted)
        checked = hygiene.run(rows, check.context(spec, build.gold), check.asked(spec.hygiene, VOTED))
        hygiene.write(
            out,
            hygiene.Result([_voted(row) for row in checked.kept], checked.dropped + merged.dropped, checked.statistics),
        )
        audit = _audit(ballot, pulled.answers)
        write_json(
            out / "committee.json",
            {"exponents": weights.exponents, "fitted_to": weights.fitted_to, "bias": _named(build.labels, weights)},
        )
        summary: dict[str, Any] = {
            "shown to people": pushed.total,
            "answered by people": len(answered),
            "where": pushed.where,
            "rows people labelled": sum(row.origin == "reviewed" for row in checked.kept),
            **{f"committee listens to {name}": round(value, 2) for name, value in weights.exponents.items()},
            "label not believed, dropped": checked.statistics[0].dropped,
            **{f"dropped by {item.check}": item.dropped for item in checked.statistics[1:]},
            "kept": len(checked.kept),
            "problems": pulled.problems,
            "audit": audit,
        }
        write_json(out / SUMMARY, summary)

    inputs = {
        "clean": cleaned,
        "judge": judged,
        "answers": sorted((asdict(answer) for answer in pulled.answers), key=str),
        "consistency": spec.hygiene.consistency,
        "synthetic_weight": spec.student.synthetic_weight,
        "spec": spec.identity,
    }
    return build.stage("review", inputs, work)


class _Ballot:
    """The committee's votes on the cleaned rows."""

    def __init__(self, build: Build, cleaned: Path, judged: Path) -> None:
        self.build = build
        self.rows = read_rows(cleaned / "kept.jsonl")
        self._place = {row.id: number for number, row in enumerate(self.rows)}
        self._vectors = np.load(cleaned / VECTORS)
        self._labels = np.load(cleaned / f"label_{VECTORS}")
        scores = {line["id"]: line["scores"] for line in read_jsonl(judged / "judgements.jsonl")}
        asked = [row.label if row.origin == "generated" else None for row in self.rows]
        self._fixed = {
            "teacher": committee.teacher([scores.get(row.id) for row in self.rows], build.labels),
            "definitions": committee.definitions(self._vectors, self._labels),
            "writer": committee.writer(asked, build.labels),
        }

    def votes(self, known: dict[int, int]) -> Voters:
        """All members' votes, given what people have labelled (row number to label number)."""
        return Voters({**self._fixed, "people": committee.people(self._vectors, self._labels, known)})

    def labelled(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with soft labels and the likeliest label."""
        return [_voted(row) for row in self.decide(rows)[1]]

    def decide(self, rows: Sequence[Row]) -> tuple[Weights, list[Row]]:
        """Fit the committee to reviewed rows and give every other row a soft label; `label` stays as it was."""
        known = self.known(rows)
        voters = self.votes(known)
        teacher = np.abs(voters.members["teacher"]).sum(axis=1) > 0
        heard = _fit(voters, known, teacher)
        unheard = _fit(_without_teacher(voters), known, np.ones(len(teacher), bool))
        p = np.where(teacher[:, None], heard.vote(voters), unheard.vote(voters))
        decided = [
            row if row.origin in HUMAN else row.model_copy(update={"soft": _soft(p[self._place[row.id]], self)})
            for row in rows
        ]
        weight = self.build.spec.student.synthetic_weight
        return heard, [row if row.origin in HUMAN else row.model_copy(update={"weight": weight}) for row in decided]

    def held_out_accuracy(self, known: dict[int, int]) -> tuple[int, int]:
        """How often a committee that has not seen a person's label gives it: (right, n), over folds.

        (0, 0) where so few rows are known that a fold's committee would not be fitted as the one that votes is.
        """
        rows, right = sorted(known), 0
        if len(rows) - -(-len(rows) // FOLDS) < committee.FEWEST:
            return 0, 0
        for fold in range(FOLDS):
            held = rows[fold::FOLDS]
            rest = {row: known[row] for row in rows if row not in set(held)}
            if not held or not rest:
                continue
            voters = self.votes(rest)
            weights = committee.fit(voters.take(sorted(rest)), np.array([rest[row] for row in sorted(rest)]))
            found = weights.vote(voters.take(held)).argmax(axis=1)
            right += int(sum(found[i] == known[row] for i, row in enumerate(held)))
        return right, len(rows)

    def known(self, rows: Sequence[Row]) -> dict[int, int]:
        """Row number to label number, of the rows people labelled."""
        labels = {label: number for number, label in enumerate(self.build.labels)}
        return {self._place[row.id]: labels[row.label] for row in rows if row.origin == "reviewed"}


def _fit(voters: Voters, known: dict[int, int], usable: Any) -> Weights:
    rows = [row for row in sorted(known) if usable[row]]
    return committee.fit(voters.take(rows), np.array([known[row] for row in rows]))


def _without_teacher(voters: Voters) -> Voters:
    silent = np.zeros_like(voters.members["teacher"])
    return Voters({**voters.members, "teacher": silent})


def _soft(probabilities: Array, ballot: _Ballot) -> dict[str, float]:
    """A distribution without its dust: labels below one in a thousand are left out, the rest rounded to sum to 1."""
    labels = ballot.build.labels
    best = {labels[i]: float(p) for i, p in enumerate(probabilities) if p >= 1e-3}
    total = sum(best.values())
    found = {label: round(p / total, 4) for label, p in best.items()}
    top = max(found, key=lambda label: found[label])
    found[top] = round(found[top] + 1.0 - sum(found.values()), 4)
    return found


def _voted(row: Row) -> Row:
    if row.soft is None:
        return row
    return row.model_copy(update={"label": max(row.soft, key=lambda label: (row.soft or {})[label])})


def _audit(ballot: _Ballot, answers: Sequence[Answer]) -> dict[str, Any] | None:
    """How often the committee's label is right: on the audit slice people answered, else on simulated reviewed rows."""
    found = merge.audit(ballot.labelled(ballot.rows), answers)
    right, n, how = found.right, found.n, "a random slice of the rows, judged by people unaided"
    if n == 0:
        right, n = ballot.held_out_accuracy(ballot.known(ballot.rows))
        how = "rows people had labelled before, each judged by a committee that had not seen its label"
    if n == 0:
        return None
    low, high = merge.wilson(right, n)
    return {"value": round(right / n, 4), "low": round(low, 4), "high": round(high, 4), "n": n, "how": how}


def _named(labels: Sequence[str], weights: Weights) -> dict[str, float]:
    return {label: round(float(value), 3) for label, value in zip(labels, weights.bias, strict=True)}
