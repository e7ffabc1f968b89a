"""What judges think of kept rows: the teacher, or the models that the spec names, one after the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from factory.files import digest, write_json, write_jsonl
from factory.generate import committee
from factory.generate import judge as judging
from factory.generate.limits import NOT_ASKED
from factory.hygiene.sketch import PREFERENCE
from factory.row import Row, read_rows
from factory.stage import Output
from factory.stages.build import SUMMARY, Build
from factory.stages.data import VECTORS, limits_of, spent_on_writing, told


def judge(build: Build) -> Output:
    """What judges think of kept rows, up to the budget: judgements.jsonl, a line a row and judge.

    Rows of people come first: they tell what the judge is worth. Then text that nobody wrote a label for, that of
    production before other, and last written rows, which have their writer's.

    All are asked the same of the same rows. Each is asked about every row before the next is started, and its replies
    are in the cache by then, so a build that is killed goes on with the one it was at. Of a limit each may spend an
    even part of what those before it have left.
    """
    cleaned = build.run("clean")
    spec, limits = build.spec, limits_of(build)

    def work(out: Path) -> None:
        rows = read_rows(cleaned.path / "kept.jsonl")
        vectors, labels = np.load(cleaned.path / VECTORS), np.load(cleaned.path / f"label_{VECTORS}")
        near = np.argsort(-committee.definitions(vectors, labels), axis=1, kind="stable")[:, : spec.teacher.shortlist]
        order = sorted(range(len(rows)), key=lambda i: _turn(rows[i]))
        order = order[: build.budget.judge]
        texts = [rows[i].text for i in order]
        shortlists = [[build.labels[place] for place in near[i]] for i in order]
        lines: list[dict[str, Any]] = []
        summary: dict[str, Any] = {}
        stopped: list[str] = []
        spent = spent_on_writing(build)
        for number, who in enumerate(build.judges if order else ()):
            name = {"judge": who.identity} if spec.judges else {}
            found, cost = judging.judge(
                spec,
                texts,
                shortlists,
                who,
                build.settings.replies,
                build.meter(f"judge {who.identity}" if name else "judge", "rows"),
                limits.share(spent, len(build.judges) - number),
                spent,
            )
            spent += replace(cost, stopped="", unasked=0)
            lines += [{"id": rows[i].id, **name, **vars(one)} for i, one in zip(order, found, strict=True)]
            unasked = [one.failure.removeprefix(NOT_ASKED) for one in found if one.failure.startswith(NOT_ASKED)]
            unread = sum(one.scores is None for one in found) - len(unasked)
            by = f" by {who.identity}" if name else ""
            summary |= {f"texts judged{by}": len(found) - len(unasked), f"replies not as asked{by}": unread}
            stopped += unasked
        write_jsonl(out / "judgements.jsonl", lines)
        write_json(out / SUMMARY, summary | told(stopped[0] if stopped else "", len(stopped)))

    asked = {"shortlist": spec.teacher.shortlist, "order": PREFERENCE}
    return build.stage("judge", judge_inputs(build, cleaned) | asked, work)


def _turn(row: Row) -> tuple[int, int, str]:
    """By what rows are judged sooner or later.

    Those that people corrected in production were picked for a wrong answer, and tell little of what the judge is
    worth: they come after the texts that nobody decided.
    """
    if row.origin == "reviewed" and row.picked:
        return PREFERENCE.index("unlabelled"), 2, row.id
    return PREFERENCE.index(row.origin), 0 if row.from_production else 1, row.id


def judge_inputs(build: Build, cleaned: Output) -> dict[str, Any]:
    """What any judgement of cleaned rows depends on, as a stage's inputs."""
    spec, limits = build.spec, limits_of(build)
    return {
        "clean": cleaned,
        **({"judges": [one.identity for one in build.judges]} if spec.judges else {"teacher": build.teacher}),
        "prompt": digest([spec.template("judge.jinja"), spec.labels, spec.question, spec.rules, spec.title, spec.text]),
        "judge": build.budget.judge,
        **({"limits": limits.identity()} if limits.any else {}),
    }
