"""The committee's votes on the cleaned rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from factory.files import read_jsonl
from factory.generate import committee
from factory.generate.committee import Array, Voters, Weights
from factory.generate.cotraining import words
from factory.generate.limits import NOT_ASKED
from factory.row import Row, read_rows
from factory.stages.build import Build
from factory.stages.data import READER, VECTORS

FOLDS = 5
HUMAN = ("reviewed", "example")  # labelled by people; no machine has a say about them


class Ballot:
    """All members' votes on the rows that were kept, and what they come to.

    Args:
        build: for the labels and the weight of rows nobody has seen.
        cleaned: the stage `clean`'s folder.
        judged: the stage `judge`'s folder.

    Attributes:
        rows: the rows that were kept.
        said: what each of the spec's judges finds likeliest, as factory.evidence.agreement takes it; empty without any.
    """

    def __init__(self, build: Build, cleaned: Path, judged: Path) -> None:
        self.build = build
        self.rows = read_rows(cleaned / "kept.jsonl")
        self._place = {row.id: number for number, row in enumerate(self.rows)}
        self._views = {
            prefix: (np.load(cleaned / file), np.load(cleaned / f"label_{file}"))
            for prefix, file in (("", VECTORS), ("reader_", READER))
            if (cleaned / file).exists()
        }
        scores: dict[str, dict[str, Any]] = {name: {} for name in _names(build)}
        for line in read_jsonl(judged / "judgements.jsonl"):
            if not line["failure"].startswith(NOT_ASKED):
                scores[_member(line.get("judge"))][line["id"]] = line["scores"]
        self._judges = {
            name: committee.teacher([given.get(row.id) for row in self.rows], build.labels)
            for name, given in scores.items()
        }
        self.said = {
            judge.identity: {
                row_id: build.labels[self._judges[name][self._place[row_id]].argmax()] if score else None
                for row_id, score in scores[name].items()
            }
            for name, judge in zip(scores, build.judges, strict=True)
            if build.spec.judges
        }
        asked = [row.label if row.origin == "generated" else None for row in self.rows]
        self._fixed = {
            **self._judges,
            "writer": committee.writer(asked, build.labels),
            **{f"{prefix}definitions": committee.definitions(*view) for prefix, view in self._views.items()},
        }
        self._cast: dict[tuple[tuple[int, int], ...], Voters] = {}

    @property
    def vectors(self) -> dict[str, Array]:
        """Row id to the encoder's vector of its text [hidden]."""
        return dict(zip(self._place, self._views[""][0], strict=True))

    def votes(self, known: Mapping[int, int]) -> Voters:
        """All members' votes, given what people have labelled (row number to label number)."""
        key = tuple(sorted(known.items()))
        if key not in self._cast:
            others = self._without_words(known)
            texts = [row.text for row in self.rows]
            learnt = words(texts, known, lambda people: _pool(self._without_words(people), people)[1])
            self._cast[key] = Voters({**others.members, "words": learnt})
        return self._cast[key]

    def opinions(self) -> dict[str, dict[str, Array]]:
        """Row id to what each judge thinks of it, as checks take it (factory.hygiene.check.Context)."""
        found: dict[str, dict[str, Array]] = {row_id: {} for said in self.said.values() for row_id in said}
        for (judge, said), votes in zip(self.said.items(), self._judges.values(), strict=False):
            for row_id in (row_id for row_id, label in said.items() if label is not None):
                p = np.exp(votes[self._place[row_id]])
                found[row_id][judge] = p / p.sum()
        return found

    def labelled(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with soft labels and the likeliest label."""
        return [voted(row) for row in self.decide(rows)[1]]

    def decide(self, rows: Sequence[Row]) -> tuple[Weights, list[Row]]:
        """Fit the committee to reviewed rows and give every other row a soft label; `label` stays as it was."""
        known = self.known(rows)
        weights, p = _pool(self.votes(known), known)
        decided = [
            row if row.origin in HUMAN else row.model_copy(update={"soft": self._soft(p[self._place[row.id]])})
            for row in rows
        ]
        weight = self.build.spec.student.synthetic_weight
        return weights, [row if row.origin in HUMAN else row.model_copy(update={"weight": weight}) for row in decided]

    def relabelled(self, rows: Sequence[Row]) -> list[Row]:
        """A dataset's rows as they would be labelled if people had labelled none but those among them.

        What no committee decides, people's rows and weights, stays as it is.
        """
        votes = {row.id: voted(row) for row in self.decide(rows)[1]}
        return [row.model_copy(update={"soft": votes[row.id].soft, "label": votes[row.id].label}) for row in rows]

    def held_out_accuracy(self, known: Mapping[int, int]) -> tuple[int, int]:
        """How often a committee that has not seen a person's label gives it: (right, n), over folds.

        A member that learns votes on a labelled row as one that has not seen its label (factory.generate.committee,
        factory.generate.cotraining); here the members' weights have not seen it either. (0, 0) where so few rows are
        known that a fold's weights would not be fitted as those that vote are.
        """
        rows, right = sorted(known), 0
        if len(rows) - -(-len(rows) // FOLDS) < committee.FEWEST:
            return 0, 0
        voters = self.votes(known)
        for fold in range(FOLDS):
            held = rows[fold::FOLDS]
            rest = [row for row in rows if row not in set(held)]
            weights = committee.fit(voters.take(rest), np.array([known[row] for row in rest]))
            found = weights.vote(voters.take(held)).argmax(axis=1)
            right += int(sum(found[i] == known[row] for i, row in enumerate(held)))
        return right, len(rows)

    def known(self, rows: Sequence[Row]) -> dict[int, int]:
        """Row number to label number, of the rows people labelled; the committee knows nothing of rows that are not its
        own, such as people brought back."""
        labels = {label: number for number, label in enumerate(self.build.labels)}
        people = [row for row in rows if row.origin == "reviewed" and row.id in self._place]
        return {self._place[row.id]: labels[row.label] for row in people}

    def _without_words(self, known: Mapping[int, int]) -> Voters:
        people = {f"{prefix}people": committee.people(*view, known) for prefix, view in self._views.items()}
        return Voters({**self._fixed, **people})

    def _soft(self, probabilities: Array) -> dict[str, float]:
        """A distribution without its dust: labels below one in a thousand are left out, the rest sums to 1."""
        best = {self.build.labels[i]: float(p) for i, p in enumerate(probabilities) if p >= 1e-3}
        total = sum(best.values())
        found = {label: round(p / total, 4) for label, p in best.items()}
        top = max(found, key=lambda label: found[label])
        found[top] = round(found[top] + 1.0 - sum(found.values()), 4)
        return found


def _names(build: Build) -> list[str]:
    """The members that judge."""
    return [_member(judge.identity if build.spec.judges else None) for judge in build.judges]


def _member(judge: str | None) -> str:
    return "teacher" if judge is None else committee.JUDGE + judge


def voted(row: Row) -> Row:
    """The row with its likeliest label."""
    if row.soft is None:
        return row
    return row.model_copy(update={"label": max(row.soft, key=lambda label: (row.soft or {})[label])})


def _pool(voters: Voters, known: Mapping[int, int]) -> tuple[Weights, Array]:
    """The weights of a committee with all its judges, and everybody's probabilities [rows, labels].

    Rows that some judges, or the teacher, have not judged are decided by weights fitted without these. Where judges
    have judged too little of what people labelled, the weights told are those that decide most of such rows.
    """
    judges = [name for name in voters.members if name == "teacher" or name.startswith(committee.JUDGE)]
    spoke = np.stack([np.abs(voters.members[name]).sum(axis=1) > 0 for name in judges], axis=1)
    weights = _fit(voters, known, spoke.all(axis=1))
    p, most = weights.vote(voters), 0
    unfitted = not weights.fitted_to
    for some in np.unique(spoke[~spoke.all(axis=1)], axis=0):
        silent = [name for name, spoken in zip(judges, some, strict=True) if not spoken]
        others = Voters({**voters.members, **{name: np.zeros_like(voters.members[name]) for name in silent}})
        rows = (spoke == some).all(axis=1)
        fitted = _fit(others, known, spoke[:, some].all(axis=1))
        p[rows] = fitted.vote(others)[rows]
        if unfitted and rows.sum() > most:
            weights, most = fitted, int(rows.sum())
    return weights, p


def _fit(voters: Voters, known: Mapping[int, int], usable: Any) -> Weights:
    rows = [row for row in sorted(known) if usable[row]]
    return committee.fit(voters.take(rows), np.array([known[row] for row in rows]))
