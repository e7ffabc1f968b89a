"""People are shown rows that checks dropped; what they say changes the data, and what the checks are worth."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from factory.dataset.version import open_version
from factory.files import read_json, read_jsonl
from factory.hygiene.contest import CONTESTED, dropped_by
from factory.row import read_rows
from tests.conftest import Factory

pytestmark = pytest.mark.real

NAME = "test/contested"
ALONE = {"FACTORY_SIMULATE_REVIEW": "0"}


def newest(made: Factory, stage: str) -> Path:
    found = (made.home / "builds" / NAME / stage).glob("[!.]*")
    return max(found, key=lambda path: path.stat().st_mtime)


def built_until(made: Factory, stage: str) -> str:
    ended = made.run("build", NAME, "--until", stage, **ALONE)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_answers_for_dropped_rows(factory: Factory, tmp_path: Path) -> None:
    made = factory.elsewhere(tmp_path / "home")
    # Many of the teacher's texts have more words than this, and half of what is drawn is of these.
    made.specialist(NAME, hygiene={"words": [3, 28]}, review={"audit": 0.8, "dropped": 0.5})
    built_until(made, "dataset")
    dropped = {row.id: row for row in read_rows(newest(made, "clean") / "dropped.jsonl")}
    long = {key for key, row in dropped.items() if dropped_by(row) == "length"}
    gold = {row.text for row in made.gold_rows()}
    folder = made.home / "review" / NAME / "v1"
    shown = read_jsonl(folder / "to_review.jsonl")
    reasons = Counter(item["reason"] for item in shown)
    assert reasons["spot check"] == min(12, len(long))
    assert reasons["spot check"] >= 4, "the texts of the loopback teacher have changed; set another length"
    spots = [item for item in shown if item["reason"] == "spot check"]
    assert all(dropped_by(dropped[item["row_id"]]) in CONTESTED for item in spots if item["row_id"] in dropped)
    assert {item["row_id"] for item in spots} <= long
    assert all(item["suggestion"] is None and item["candidates"] == [] for item in spots)
    assert not {item["text"] for item in shown} & gold

    untouched = newest(made, "dataset")
    nobody = read_json(newest(made, "review") / "worth.json")
    assert (nobody["judged"], nobody["of these dropped"]) == (0, 0)
    before = open_version(untouched).manifest
    assert before["dropped"]["length"] == len(long)

    # One is right to be dropped, one has another label, the others are good rows after all.
    nonsense, corrected, *fine = spots
    other = next(label for label in ("parcel", "money") if label != dropped[corrected["row_id"]].label)
    answers: list[dict[str, Any]] = [
        {"row_id": nonsense["row_id"], "label": None, "problem": "unusable", "reviewer": "ann"},
        {"row_id": corrected["row_id"], "label": other, "reviewer": "ann"},
        *({"row_id": item["row_id"], "label": dropped[item["row_id"]].label, "reviewer": "ann"} for item in fine),
        *({**item, "label": item["metadata"]["machine"]} for item in shown if item["reason"] == "audit"),
    ]
    (folder / "answers.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    told = built_until(made, "dataset")
    assert f"of these dropped before: {len(spots) - 1}" in told

    kept = {row.id: row for row in read_rows(newest(made, "review") / "kept.jsonl")}
    for item in (corrected, *fine):
        row = kept[item["row_id"]]
        assert (row.origin, row.weight, row.lineage.reviewers) == ("reviewed", 1.0, ["ann"])
        [overruled] = [one for one in row.verdicts if one.check == "length"]
        assert overruled.passed and overruled.reason.startswith("overruled by people: too long")
        assert [one.passed for one in row.verdicts if one.check == "contamination"] == [True]
    assert kept[corrected["row_id"]].label == other
    assert kept[corrected["row_id"]].lineage.was == dropped[corrected["row_id"]].label
    assert nonsense["row_id"] not in kept

    after = open_version(newest(made, "dataset"))
    assert after.manifest["dropped"].get("length", 0) == len(long) - (len(spots) - 1)
    in_dataset = {row.id for split in ("train", "held_out") for row in after.rows(split)}
    assert {item["row_id"] for item in (corrected, *fine)} <= in_dataset
    assert sum(after.manifest["splits"].values()) == sum(before["splits"].values()) + len(spots) - 1

    worth = read_json(newest(made, "review") / "worth.json")
    assert worth["of these dropped"] == len(spots)
    [length] = [one for one in worth["checks"] if one["check"] == "length"]
    assert (length["dropped"], length["flagged"], length["caught"]) == (len(long), len(spots), 2)
    assert length["precision"]["value"] == pytest.approx(2 / len(spots))
    assert "drops that people judged were right" in length["sentence"]
    assert {one["earns"] for one in worth["checks"] if one["check"] not in CONTESTED} == {"not asked"}
    assert worth["settings"][0]["setting"] == "hygiene.consistency"

    life = made.run("explain", corrected["row_id"]).stdout
    assert "Dropped by length" in life and "overruled by people" in life
    assert f"corrected from {dropped[corrected['row_id']].label}" in life
    life = made.run("explain", nonsense["row_id"]).stdout
    assert "No label given. It is not a real text of this kind" in life
    assert made.run("ledger", NAME, "--verify").returncode == 0

    # A gold row that says the same as an answered row comes later: the answer does not bring it into training.
    guarded = made.gold / "test" / "guarded"
    guarded.mkdir()
    rows = [json.loads(line) for line in (made.gold / "test/shop/validation.jsonl").read_text().splitlines()]
    rows.append({"id": "late", "text": fine[0]["text"], "label": "money"})
    (guarded / "validation.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = made.prompts / NAME / "spec.yaml"
    spec.write_text(spec.read_text().replace("gold: test/shop", "gold: test/guarded"))
    built_until(made, "dataset")
    last = open_version(newest(made, "dataset"))
    assert fine[0]["row_id"] not in {row.id for split in ("train", "held_out") for row in last.rows(split)}
    [refused] = [row for row in read_rows(newest(made, "review") / "dropped.jsonl") if row.id == fine[0]["row_id"]]
    assert dropped_by(refused) == "contamination"
    assert fine[0]["row_id"] not in {item["row_id"] for item in read_jsonl(folder / "to_review.jsonl")[len(shown) :]}


def test_a_report_says_what_checks_are_worth_where_nobody_was_asked(built: Factory) -> None:
    for name in ("report.html", "report.md"):
        section = (built.stage("evaluate") / name).read_text().split("Which checks earn their keep")[1]
        assert "nobody has judged rows of this build" in section
    assert read_json(built.stage("review") / "worth.json")["judged"] == 0
