"""A whole build of a small specialist of kind generation: its dataset, its student, and what answers from the hub."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from factory.dataset.version import open_version
from factory.evidence.predictions import read_predictions
from factory.evidence.records import Promise, Record
from factory.files import read_json, read_jsonl
from factory.generate.limits import NOT_ASKED
from factory.generate.rating import Rating
from factory.gold import read_gold
from factory.publish.family import collect
from factory.publish.hub import open_hub
from factory.row import read_rows
from factory.stages import generation
from factory.stages.measure import RIVAL
from factory.wording import rouge_l
from tests import card_code, llama_cpp, lost
from tests.conftest import Factory
from tests.stages import whole
from zoo.prompt import Prompt

pytestmark = pytest.mark.real
NAME = "test/lost"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    yield from whole.build(tmp_path_factory.mktemp("lost"), NAME, lost, 0.2)


def stage(built: Factory, name: str) -> Path:
    return whole.stages(built, NAME)(name)


def test_texts_come_with_their_answers_and_each_slip_is_dropped_by_its_check(built: Factory) -> None:
    cells = read_jsonl(stage(built, "plan") / "plan.jsonl")
    assert {cell["label"] for cell in cells} == {"answer"}
    assert {cell["strategy"] for cell in cells} == {"answered", "answered_few_shot"}
    rows = read_rows(stage(built, "write") / "rows.jsonl")
    failed = read_jsonl(stage(built, "write") / "failed.jsonl")
    assert len(rows) + len(failed) == 60
    assert all(one["reason"] == "1 texts without an answer that can be read" for one in failed)
    broken = {row.id: row for row in rows if row.answer != lost.answer_of(row.text)}
    assert len(broken) > 3
    dropped = {row.id: row.verdicts[-1] for row in read_rows(stage(built, "clean") / "dropped.jsonl")}
    kept = {row.id for row in read_rows(stage(built, "clean") / "kept.jsonl")}
    assert not broken.keys() & kept
    said = {"I'm sorry": "refusal", "and 17 more?": "faithful", "Lost.": "answer"}
    for row in broken.values():
        expected = next((check for words, check in said.items() if words in (row.answer or "")), "copied")
        assert dropped[row.id].check in (expected, "length", "duplicates"), (row.answer, dropped[row.id])
    assert {dropped[name].check for name in broken} >= {"copied", "refusal", "faithful"}


def test_real_texts_are_answered_by_the_teacher_and_people_are_believed(built: Factory) -> None:
    kept = read_rows(stage(built, "review") / "kept.jsonl")
    origins = Counter(row.origin for row in kept)
    assert origins["reviewed"] == 24 and origins["example"] == 2 and origins["unlabelled"] > 8
    for row in kept:
        assert row.origin == "example" or row.answer == lost.answer_of(row.text)
        assert row.weight == (1.0 if row.origin in ("reviewed", "example") else 0.5)
        if row.origin == "unlabelled":
            assert row.lineage.teacher == "loopback@127.0.0.1" and row.lineage.reply
    dropped = read_rows(stage(built, "review") / "dropped.jsonl")
    why = Counter(row.verdicts[-1].reason for row in dropped if row.origin == "unlabelled")
    assert set(why) == {"not answered: not JSON: cut off or malformed", "not in the text: Zanzibar"}


def test_several_answers_are_compared_and_the_agreement_is_kept(built: Factory) -> None:
    lines = {line["id"]: line for line in read_jsonl(stage(built, "judge") / "judgements.jsonl")}
    assert len(lines) == 48
    for line in lines.values():
        assert (line["answer"] is None) == bool(line["failure"])
        assert line["answer"] is None or (0.0 <= line["agreement"] <= 1.0 and len(line["others"]) == 2)
    torn = [line for line in lines.values() if line["answer"] and line["agreement"] < 1.0]
    assert torn and all(line["key"] for line in torn)
    verdicts = [
        (lines[row.id], verdict)
        for row in read_rows(stage(built, "review") / "kept.jsonl")
        if row.origin == "unlabelled"
        for verdict in row.verdicts
        if verdict.check == "answering"
    ]
    assert verdicts and all(verdict.score == line["agreement"] for line, verdict in verdicts)


def test_answers_are_marked_and_the_marks_are_tried_on_peoples(built: Factory) -> None:
    marks = read_jsonl(stage(built, "judge") / "marks.jsonl")
    by = {of: [one["score"] for one in marks if one["of"] == of] for of in ("writer", "teacher", "people", "another")}
    assert len(by["people"]) == len(by["another"]) == 24 and by["writer"]
    assert min(by["people"]) > 0.6 > max(by["another"])
    summary = read_json(stage(built, "judge") / "summary.json")
    assert summary["marks tell these two apart (AUC; 0.5: not at all)"] == 1.0
    kept = [row for row in read_rows(stage(built, "review") / "kept.jsonl") if row.origin == "generated"]
    scores = [v.score for row in kept for v in row.verdicts if v.check == "rubric" and v.score is not None]
    assert scores and min(scores) > 0.6


def test_a_limit_that_ends_marking_is_told() -> None:
    late = Rating(None, "k", f"{NOT_ASKED}max_tokens")
    told = generation._told([("teacher", Rating(0.5, "k")), ("teacher", late), ("people", late)])
    assert told == {
        "mean mark of the teacher's answers": 0.5, "marking stopped by": "max_tokens", "answers not marked": 2
    }  # fmt: skip


def test_agreement_with_people_is_rouge_l(built: Factory) -> None:
    summary = read_json(stage(built, "review") / "summary.json")
    lines = {line["id"]: line["answer"] for line in read_jsonl(stage(built, "judge") / "judgements.jsonl")}
    people = [row for row in read_rows(stage(built, "review") / "kept.jsonl") if row.origin == "reviewed"]
    alike = [rouge_l(row.answer or "", lines[row.id]) for row in people if lines.get(row.id)]
    audit = summary["audit"]
    assert audit["n"] == len(alike) < 24 and audit["value"] == pytest.approx(sum(alike) / len(alike), abs=1e-4)
    assert audit["low"] < audit["value"] < audit["high"] and "ROUGE-L" in audit["how"]


def test_no_row_is_lost_on_the_way(built: Factory) -> None:
    whole.assert_no_row_is_lost(whole.stages(built, NAME), 24 + 24 + 2)


def test_the_dataset_opens_with_datasets_alone(built: Factory, tmp_path: Path) -> None:
    found, rows = whole.opened_by_datasets(stage(built, "dataset"), tmp_path)
    assert not {"label", "soft", "spans", "record"} & set(found["train"].column_names)
    assert rows == {row.id: row for row in read_rows(stage(built, "review") / "kept.jsonl")}
    assert all(value["answer"] == rows[value["id"]].answer for split in found.values() for value in split)


def test_the_card_and_the_metadata_speak_of_answers(built: Factory, tmp_path: Path) -> None:
    version = open_version(stage(built, "dataset"))
    card = (version.path / "README.md").read_text()
    assert "text-generation" in card and "| `answer` |" in card and "| `soft` |" not in card
    assert "ROUGE-L F1" in card and "no machine has checked" in card and "(60 asked for)" in card
    manifest = version.manifest
    assert manifest["kind"] == "generation" and manifest["labels"] == ["answer"]
    assert manifest["per_label"]["answer"] == sum(manifest["splits"].values())
    for row, value in whole.opened_by_croissant(version, tmp_path):
        assert value["answer"].decode() == row.answer


def test_what_the_cells_yielded_is_told_by_attribute(built: Factory) -> None:
    ended = built.run("coverage", NAME)
    assert ended.returncode == 0 and "answered_few_shot" in ended.stdout and "| tone |" in ended.stdout, ended.stdout
    ended = built.run("ledger", NAME, "--verify")
    assert ended.returncode == 0, ended.stdout


def test_the_evidence_has_everybody_on_the_same_rows(built: Factory) -> None:
    opponents = {"lead", "question", "nearest", "reviewed_only", "teacher", "teacher:weaker prompt", "few_shot"}
    records = whole.assert_everybody_is_measured(built, NAME, "rouge_l", opponents)
    own = f"student:{whole.weights(built, NAME)}"
    figures = {one.metric: one.value for one in records if isinstance(one, Record) and one.who == own}
    assert figures["answered"] == 1.0 and 0.5 < figures["length"] < 2.0
    (promise,) = (one for one in records if isinstance(one, Promise))
    assert "unlike people's" in promise.sentence
    rival = read_predictions(stage(built, "evaluate") / "predictions" / "reviewed_only.jsonl")
    assert rival.what.endswith(f"ONNX {whole.weights(built, NAME)}")  # as what is published is asked, so it is
    assert not (stage(built, "evaluate") / RIVAL).exists()


def test_the_zoo_loads_it_from_the_hub_and_it_answers_in_words(built: Factory, tmp_path: Path) -> None:
    specialist = zoo.load(NAME, hub=built.home / "hub")
    assert isinstance(specialist, zoo.Writer)
    told = read_predictions(stage(built, "evaluate") / "predictions" / f"student_{whole.weights(built, NAME)}.jsonl")
    rows = read_gold(built.gold / NAME / "validation.jsonl", ["answer"], "generation")
    answers = specialist.predict([row.text for row in rows[:6]])
    assert [one.text for one in answers] == told.predicted[:6]  # what is published is what was measured
    assert "| ROUGE-L | version |" in collect(open_hub(str(built.home / "hub")), [NAME], tmp_path / "cards").read_text()
    folder = built.home / "hub" / NAME / "1.0.0"
    assert "pipeline_tag: text-generation" in (folder / "README.md").read_text()
    by_zoo, by_transformers = card_code.run(folder, built.home / "hub", tmp_path)
    assert by_zoo.startswith(by_transformers.strip()) and by_transformers.startswith("Is there a")


def test_as_a_gguf_file_it_says_the_same_in_llama_cpp(built: Factory, tmp_path: Path) -> None:
    file = tmp_path / "lost.gguf"
    ended = built.run("gguf", NAME, "--out", str(file), "--type", "f32")
    assert ended.returncode == 0 and f"{NAME}@1.0.0, f32" in ended.stdout, ended.stdout
    specialist = zoo.load(NAME, hub=built.home / "hub", weights="fp32")
    prompt = Prompt.read(specialist.folder / "prompt.json")
    texts = [row.text for row in read_gold(built.gold / NAME / "validation.jsonl", ["answer"], "generation")[:10]]
    with llama_cpp.serving(file) as client:
        asked = [f"{prompt.before}{text}{prompt.after}" for text in texts]
        said = [llama_cpp.complete(client, one, prompt.max_new_tokens)["content"].strip() for one in asked]
    alike = [one == answer.text for one, answer in zip(said, specialist.predict(texts), strict=True)]
    assert sum(alike) >= 9, said  # two all but equally likely tokens may change places by rounding


def test_people_answer_in_files_and_the_versions_differ_by_that(built: Factory) -> None:
    folder = built.home / "review" / NAME / "v1"
    shown = read_jsonl(folder / "to_review.jsonl")
    assert {line["reason"] for line in shown} <= {"audit", "uncertain", "coverage"}
    assert all((line["suggestion"] is None) == (line["reason"] == "audit") for line in shown)
    first, second, third, fourth, *_ = (line for line in shown if line["suggestion"])
    blind = next(line for line in shown if line["reason"] == "audit")
    lines = [
        {"row_id": first["row_id"], "answer": first["suggestion"], "rating": 5},
        {"row_id": second["row_id"], "answer": "Has somebody seen my things?", "rating": 2},
        {"row_id": third["row_id"], "answer": None, "problem": "unusable"},
        {"row_id": fourth["row_id"], "answer": "What?", "rating": 9},
        {"row_id": blind["row_id"], "answer": "Was something lost?"},
    ]
    before = open_version(stage(built, "dataset")).version
    answers = folder / "answers.jsonl"
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = built.run("build", NAME, "--until", "dataset")
    assert ended.returncode == 0, ended.stdout
    newest = max((built.home / "builds" / NAME / "review").glob("[!.]*"), key=lambda path: path.stat().st_mtime)
    kept, dropped = ({row.id: row for row in read_rows(newest / f"{n}.jsonl")} for n in ("kept", "dropped"))
    assert kept[first["row_id"]].lineage.was is None and kept[first["row_id"]].origin == "reviewed"
    assert kept[second["row_id"]].answer == "Has somebody seen my things?"
    assert kept[second["row_id"]].lineage.was == second["suggestion"]
    assert [v.score for v in kept[second["row_id"]].verdicts if v.check == "review"] == [2.0]
    assert dropped[third["row_id"]].verdicts[-1].check == "review"
    summary = read_json(newest / "summary.json")
    assert summary["answered by people"] == 4 and "rating: 9 is none of 1 to 5" in summary["problems"][0]
    assert summary["people's ratings of answers, 1 to 5"] == "3.5 (2 given)"
    assert summary["audit"]["n"] == 1 and summary["audit"]["value"] < 1.0
    after = max((built.home / "builds" / NAME / "dataset").glob("[!.]*"), key=lambda path: path.stat().st_mtime)
    ended = built.run("diff", f"{NAME}@{before}", f"{NAME}@{open_version(after).version}")
    assert ended.returncode == 0 and "-> Has somebody seen my things?" in ended.stdout, ended.stdout
    ended = built.run("explain", second["row_id"])
    assert "answer     Has somebody seen my things?  (was " in ended.stdout, ended.stdout
