"""A judge that people contradict drops nothing once it is known to be below the spec's floor."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from factory.dataset.version import open_version
from factory.files import read_json, read_jsonl
from factory.row import Row, read_rows
from tests import lost, shop
from tests.conftest import Factory

pytestmark = pytest.mark.real

NAME, WORDED = "test/doubted", "test/unloved"
SPARED = "not dropped on the judge's word: "
REVIEW = {"audit": 1.0, "dropped": 0.5, "judge_floor": 0.3}


def doubts(text: str) -> bool:
    return sum(map(ord, text)) % 2 == 1


def contrary(body: dict[str, Any]) -> str:
    """As the shop's teacher; of every second text it says a wrong label."""
    right, choices = shop.teach(body), (body.get("structured_outputs") or {}).get("choice")
    text = body["messages"][-1]["content"].split("TEXT:")[-1].split("\nLABEL:")[0].strip()
    return str(next(one for one in sorted(choices) if one != right)) if choices and doubts(text) else right


def harsh(body: dict[str, Any]) -> str:
    """As the lost property office's teacher; of every second answer it thinks nothing."""
    asked = body["messages"][-1]["content"]
    marked = (body.get("structured_outputs") or {}).get("choice")
    return "1" if marked and doubts(asked.split("Answer: ")[-1]) else lost.teach(body)


@pytest.fixture(scope="module")
def made(factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    base, teacher = tmp_path_factory.mktemp("trust"), shop.Teacher(answer=contrary)
    yield dataclasses.replace(
        factory, home=base / "home", prompts=base / "prompts", gold=base / "gold", teacher=teacher
    )
    teacher.stop()


def build(made: Factory, name: str, answers: Mapping[str, dict[str, Any]] | None = None) -> tuple[Path, str]:
    """The newest review after a build with these answers, by row, and what the build printed."""
    folder = made.home / "review" / name / "v1"
    if answers is not None:
        lines = [{"row_id": key, **said} for key, said in answers.items()]
        (folder / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = made.run("build", name, "--until", "dataset", FACTORY_SIMULATE_REVIEW="0")
    assert ended.returncode == 0, ended.stdout
    found = (made.home / "builds" / name / "review").glob("[!.]*")
    return max(found, key=lambda path: path.stat().st_mtime), ended.stdout


def rows(folder: Path) -> tuple[dict[str, Row], dict[str, Row]]:
    kept, dropped = ({row.id: row for row in read_rows(folder / f"{part}.jsonl")} for part in ("kept", "dropped"))
    return kept, dropped


def shown(made: Factory, name: str) -> list[dict[str, Any]]:
    return read_jsonl(made.home / "review" / name / "v1" / "to_review.jsonl")


def test_people_suspend_a_judge(made: Factory) -> None:
    budget = {"generate": 80, "label": 0, "judge": 80, "review": 40, "epochs": 3}
    made.specialist(
        NAME, hygiene={"consistency": 0.6}, review=REVIEW | {"dropped": 0.1}, budgets={"quick": budget, "full": budget}
    )
    first, told = build(made, NAME)
    refused = {key for key, row in rows(first)[1].items() if row.verdicts[-1].check == "consistency"}
    assert len(refused) > 8 and "How far the judge can be trusted is not known" in told
    asked = shown(made, NAME)
    assert {line["row_id"] for line in asked if line["reason"] == "spot check"} <= refused

    right = {line["row_id"]: {"label": shop.label_of(line["text"])} for line in asked}
    second, told = build(made, NAME, right)
    judge = read_json(second / "judge.json")
    assert judge["suspended"] and judge["kappa"]["value"] < 0.3 and judge["of these doubted"] == len(refused)
    drawn = [line for line in asked if line["reason"] in ("audit", "spot check")]
    assert judge["judged"] == len(drawn) >= 30 and judge["bad, doubted"] == 0
    kept, dropped = rows(second)
    assert not [row for row in dropped.values() if row.verdicts[-1].check == "consistency"]
    # The committee has learnt from people meanwhile, and may believe labels now that it did not.
    stay = [kept[key] for key in refused - right.keys()]
    assert stay and all(row.origin == "generated" for row in stay)
    said = [one for row in stay for one in row.verdicts if one.check == "consistency"]
    assert len(said) == len(stay) and all(one.passed and one.score is not None for one in said)
    assert {one.reason.partition(":")[0] for one in said} <= {"", SPARED.partition(":")[0]}
    assert "The judge is below its floor, so nothing is dropped on its word" in told
    version = open_version(
        max((made.home / "builds" / NAME / "dataset").glob("[!.]*"), key=lambda p: p.stat().st_mtime)
    )
    assert version.manifest["judge"]["suspended"] and judge["sentence"] in (version.path / "README.md").read_text()
    assert version.manifest["audit"]["how"].endswith("without what the judge doubts")
    assert made.run("ledger", NAME, "--verify").returncode == 0


def test_marks_of_answers_drop_nothing_where_people_contradict_them(made: Factory) -> None:
    teacher = shop.Teacher(answer=harsh)
    other = dataclasses.replace(made, teacher=teacher, gold=made.home / "gold")
    student = {"encoder": str(made.encoder), "base": str(made.encoder)}
    answer = {"definition": "One question that names the thing and the place.", "words": [3, 15], "score": 0.6}
    budget = {"generate": 60, "label": 48, "judge": 120, "review": 48, "epochs": 1}
    changes = {"student": student, "answer": answer, "review": REVIEW, "budgets": {"quick": budget, "full": budget}}
    lost.make_specialist(other.prompts / WORDED, other.gold, changes)
    try:
        first, _ = build(other, WORDED)
        refused = {key for key, row in rows(first)[1].items() if row.verdicts[-1].check == "rubric"}
        asked = shown(other, WORDED)
        assert len(refused) > 8 and {line["row_id"] for line in asked if line["reason"] == "spot check"} <= refused
        right = {line["row_id"]: {"answer": lost.answer_of(line["text"])} for line in asked}
        second, told = build(other, WORDED, right)
    finally:
        teacher.stop()
    judge, (kept, _) = read_json(second / "judge.json"), rows(second)
    assert judge["suspended"] and judge["bad, doubted"] == 0
    [said] = {one.reason.split(":")[0] for key in refused - right.keys() for one in kept[key].verdicts
              if one.check == "rubric"}  # fmt: skip
    assert said == SPARED.split(":")[0]
    assert "The judge is below its floor" in told and judge["sentence"] in told
