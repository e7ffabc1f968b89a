"""The stages that differ where the decision is a set of spans: judge, review, and those for which there is no student.

There is no committee: a text's spans are the teacher's, found in the text and checked, or people's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.dataset.version import open_version
from factory.errors import FactoryError
from factory.files import read_jsonl, write_json, write_jsonl
from factory.generate.limits import NOT_ASKED
from factory.generate.marking import Marking, mark_up
from factory.hygiene import check, spans
from factory.hygiene import run as hygiene
from factory.review import merge
from factory.review.select import select
from factory.row import Row, Verdict, read_rows
from factory.span import Span
from factory.stage import Output
from factory.stages.build import SUMMARY, Build
from factory.stages.data import limits_of, spent_on_writing, told
from factory.stages.judge import judge_inputs
from factory.stages.review import answered_of, ask_people

CHECK = "marking"
LATER = ("train", "reviewed_only", "zero_shot", "evaluate", "publish")


def judge(build: Build) -> Output:
    """What the teacher marks in real texts, and then in those that people marked, up to the budget: judgements.jsonl.

    A line has the row's id, `spans` (null where the reply could not be used), `refused` claims, `key`, `failure`.
    """
    cleaned = build.run("clean")
    spec, limits = build.spec, limits_of(build)

    def work(out: Path) -> None:
        rows = [row for row in read_rows(cleaned.path / "kept.jsonl") if row.origin in ("unlabelled", "reviewed")]
        rows.sort(key=lambda row: (row.origin == "reviewed", row.id))
        asked = rows[: build.budget.judge]
        meter = build.meter("mark up", "rows")
        texts = [row.text for row in asked]
        found: list[Marking] = []
        if asked:
            before = spent_on_writing(build)
            found = mark_up(spec, texts, build.endpoint, build.settings.replies, meter, limits, before)
        write_jsonl(out / "judgements.jsonl", (_line(row, one) for row, one in zip(asked, found, strict=True)))
        stopped = [one.failure.removeprefix(NOT_ASKED) for one in found if one.failure.startswith(NOT_ASKED)]
        summary: dict[str, Any] = {
            "texts marked up": len(found) - len(stopped),
            "replies not as asked": sum(one.spans is None for one in found) - len(stopped),
            "spans": sum(len(one.spans or ()) for one in found),
            "claims refused": sum(len(one.refused) for one in found),
        }
        write_json(out / SUMMARY, summary | told(stopped[0] if stopped else "", len(stopped)))

    return build.stage("judge", judge_inputs(build, cleaned), work)


def review(build: Build) -> Output:
    """Show people some rows, take in what they have answered so far: kept.jsonl, dropped.jsonl, statistics.json.

    A real text that the teacher was not asked about, or whose reply could not be used, is dropped with the reason.

    Raises:
        ReviewPendingError: the spec requires review and people have not answered yet.
    """
    cleaned, judged = build.run("clean"), build.run("judge")
    spec = build.spec
    said = {line["id"]: line for line in read_jsonl(judged.path / "judgements.jsonl")}
    rows = [_decided(build, row, said.get(row.id)) for row in read_rows(cleaned.path / "kept.jsonl")]
    sound = [row for row in rows if hygiene.sound(row)]
    shown = select(sound, build.budget.review, spec.review.audit)
    pushed, pulled = ask_people(build, shown)

    def work(out: Path) -> None:
        merged = merge.merge(sound, pulled.answers)
        kept = merge.keep_reviewed(merged.rows, merge.adopt(merged.orphans, spec.identity))
        checked = hygiene.run(kept, check.context(spec, build.gold), (spans.NAME,))
        unmarked = [row for row in rows if not hygiene.sound(row)]
        hygiene.write(
            out, hygiene.Result(checked.kept, unmarked + checked.dropped + merged.dropped, checked.statistics)
        )
        summary: dict[str, Any] = {
            "shown to people": pushed.total,
            "answered by people": len({answer.row_id for answer in pulled.answers}),
            "where": pushed.where,
            "rows people labelled": sum(row.origin == "reviewed" for row in checked.kept),
            "real texts nobody marked, dropped": len(unmarked),
            **{f"dropped by {item.check}": item.dropped for item in checked.statistics},
            "kept": len(checked.kept),
            "problems": pulled.problems,
            **_agreement(rows, said),
            "audit": _audit(rows, said, merge.audit(sound, pulled.answers)),
        }
        write_json(out / SUMMARY, summary)

    inputs = {
        "clean": cleaned,
        "judge": judged,
        "answers": answered_of(pulled),
        "synthetic_weight": spec.student.synthetic_weight,
        "spec": spec.identity,
    }
    return build.stage("review", inputs, work)


def no_student(build: Build) -> Output:
    """Say how far it goes.

    Raises:
        FactoryError: always, once the dataset is there.
    """
    made = build.run("dataset")
    raise FactoryError(
        f"Students of kind spans cannot be trained yet; {build.spec.name} ends with its dataset.",
        where=f"the dataset {open_version(made.path).version} is at {made.path}",
        fix="Build with `--until dataset`, and train on that by other means: `datasets.load_dataset` opens it.",
    )


FUNCTIONS: Mapping[str, Callable[[Build], Output]] = {
    "judge": judge,
    "review": review,
    **dict.fromkeys(LATER, no_student),
}
"""The stages that take the place of those for classification."""


def _line(row: Row, one: Marking) -> dict[str, Any]:
    return {
        "id": row.id,
        "spans": None if one.spans is None else [span.model_dump() for span in one.spans],
        "refused": [{"text": r.claim.text, "type": r.claim.label, "reason": r.reason} for r in one.refused],
        "key": one.key,
        "failure": one.failure,
    }


def _marks(line: Mapping[str, Any]) -> tuple[Span, ...]:
    return tuple(Span.model_validate(one) for one in line["spans"])


def _decided(build: Build, row: Row, line: Mapping[str, Any] | None) -> Row:
    """The row with what the teacher marked, if it is for the teacher to say; people's rows stay as they are."""
    if row.origin in ("reviewed", "example"):
        return row
    weighed = row.model_copy(update={"weight": build.spec.student.synthetic_weight})
    if row.origin == "generated":
        return weighed
    if line is None or line["spans"] is None:
        why = "not marked up: beyond the budget" if line is None else f"not marked up: {line['failure']}"
        return weighed.model_copy(
            update={"verdicts": [*row.verdicts, Verdict(check=CHECK, passed=False, score=None, reason=why)]}
        )
    refused = "; ".join(one["reason"] for one in line["refused"])
    verdict = Verdict(check=CHECK, passed=True, score=float(len(line["refused"])), reason=refused)
    lineage = row.lineage.model_copy(update={"teacher": build.teacher, "reply": line["key"]})
    changes = {"spans": _marks(line), "lineage": lineage, "verdicts": [*row.verdicts, verdict]}
    return weighed.model_copy(update=changes)


def _compared(rows: Sequence[Row], said: Mapping[str, Any]) -> list[tuple[set[Span], set[Span]]]:
    """People's spans and the teacher's, of the rows people had marked before and the teacher could mark up."""
    return [
        (set(row.spans or ()), set(_marks(said[row.id])))
        for row in rows
        if row.origin == "reviewed" and row.id in said and said[row.id]["spans"] is not None
    ]


def _agreement(rows: Sequence[Row], said: Mapping[str, Any]) -> dict[str, float]:
    """How well the teacher marks up what people had marked: precision, recall and F1 of exact spans with their type."""
    pairs = _compared(rows, said)
    right = sum(len(people & teacher) for people, teacher in pairs)
    claimed, there = (sum(len(pair[side]) for pair in pairs) for side in (1, 0))
    if not claimed or not there:
        return {}
    return {
        "teacher's spans that people marked": round(right / claimed, 4),
        "people's spans that the teacher found": round(right / there, 4),
        "teacher's F1 on people's spans": round(2 * right / (claimed + there), 4),
    }


def _audit(rows: Sequence[Row], said: Mapping[str, Any], answered: merge.Audit) -> dict[str, Any] | None:
    """How often all spans of a row are right: on the audit slice people answered, else on rows they marked before."""
    right, n, how = answered.right, answered.n, "a random slice of the rows, judged by people unaided"
    if n == 0:
        pairs = _compared(rows, said)
        right, n = sum(people == teacher for people, teacher in pairs), len(pairs)
        how = "rows people had marked before, marked up by the teacher alone; a row is right if all its spans are"
    if n == 0:
        return None
    low, high = merge.wilson(right, n)
    return {"value": round(right / n, 4), "low": round(low, 4), "high": round(high, 4), "n": n, "how": how}
