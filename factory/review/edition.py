"""Which edition of the policy answers were given under, and which of them a newer edition touches.

An edition is policy.md with the labels' definitions, by its parts (factory.review.policy). The editions that people
were shown are kept in `policies.json`, in order. An answer counts until somebody answers the row under a newer edition.
Rows are shown again whose answers a change touches:

- a label's part has changed, and the label was given, or was the machines' before it was corrected;
- anything has changed, and somebody had said that the policy leaves the row open.

The general part belongs to no label, so a change of it touches rows of the second kind alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from factory.files import read_json, write_json
from factory.review import policy, reviewers
from factory.review.backend import DISPUTED, UNAIDED, UNCLEAR, Answer, Item
from factory.row import Row
from factory.spec import Spec

FILE = "policies.json"


class Touched(NamedTuple):
    """An answered row that the policy's change touches: its answers, and the parts that changed."""

    answers: list[Answer]
    parts: list[str]


class Editions:
    """The editions that people were shown, the present one last.

    Args:
        path: policies.json; it is written where the present edition is another than the last.
        spec: whose policy is the present one.
    """

    def __init__(self, path: Path, spec: Spec) -> None:
        self._spec, self.now = spec, policy.identity(spec)
        known: list[dict[str, Any]] = read_json(path) if path.exists() else []
        if not known or known[-1]["policy"] != self.now:
            others = [one for one in known if one["policy"] != self.now]
            known = [*others, {"policy": self.now, "parts": policy.parts(spec)}]
            write_json(path, known)
        self._parts: dict[str, dict[str, str]] = {one["policy"]: one["parts"] for one in known}
        self._order = {name: place for place, name in enumerate(self._parts)}

    @classmethod
    def of(cls, home: Path, spec: Spec) -> Editions:
        """Those of a specialist, under FACTORY_HOME."""
        return cls(home / "review" / spec.name / f"v{spec.major}" / FILE, spec)

    def counting(self, answers: Iterable[Answer]) -> list[Answer]:
        """The answers that count: of each row those given under the newest edition that anybody answered it under."""
        given = list(answers)
        newest: dict[str, int] = {}
        for answer in given:
            newest[answer.row_id] = max(self._age(answer), newest.get(answer.row_id, -1))
        return [answer for answer in given if self._age(answer) == newest[answer.row_id]]

    def touched(self, answers: Sequence[Answer], rows: Mapping[str, Row]) -> dict[str, Touched]:
        """The answered rows to be shown again, by row id; those first that the policy had left open.

        Args:
            answers: those that count.
            rows: by id, as the machines saw them; of others only what people gave is known.
        """
        found: dict[str, Touched] = {}
        for answer in reviewers.latest(answers):
            changed = self._changed(answer)
            sides = {*policy.named(self._spec, answer), *policy.named(self._spec, rows.get(answer.row_id))}
            parts = changed if answer.problem in UNCLEAR else [part for part in changed if part in sides]
            if parts:
                before = found.get(answer.row_id, Touched([], []))
                both = list(dict.fromkeys([*before.parts, *parts]))
                found[answer.row_id] = Touched([*before.answers, answer], both)
        unclear = {key: any(one.problem in UNCLEAR for one in given.answers) for key, given in found.items()}
        return {key: found[key] for key in sorted(found, key=lambda key: (not unclear[key], key))}

    def item(self, row_id: str, touched: Touched, people: int = 1) -> Item:
        """A row as it is shown again: as a new one would be judged, without a machine's decision.

        Why it was shown first stays, so that a row drawn at random still counts as one. On others stands what was
        said before. As many people judge it as did before, since of one alone nothing would be known.

        Args:
            row_id: the row's.
            touched: its answers that the change touches.
            people: how many are to judge the row now, if it is more.
        """
        first = touched.answers[0]
        said = {str(one.decision) for one in touched.answers if one.decision is not None}
        before = {one.reviewer for one in touched.answers if one.reason != DISPUTED}
        return Item(
            row_id=row_id,
            text=first.text,
            suggestion=None,
            confidence=0.0,
            reason=first.reason,
            metadata={"changed": ", ".join(part or "general" for part in touched.parts)},
            people=max(people, len(before)),
            said=() if first.reason in UNAIDED else tuple(sorted(said)),
            again=self.now,
        )

    def _age(self, answer: Answer) -> int:
        """Place of its edition; answers from before editions were kept are of the first one."""
        return self._order.get(answer.policy or next(iter(self._order)), -1)

    def _changed(self, answer: Answer) -> list[str]:
        """Parts that differ between an answer's edition and the present one; none where its edition is not known."""
        then = self._parts.get(answer.policy or next(iter(self._parts)))
        now = self._parts[self.now]
        return [] if then is None else [part for part in {**then, **now} if then.get(part) != now.get(part)]
