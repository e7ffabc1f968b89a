"""A whole build of a small specialist of kind spans: its dataset, its student, and what answers from the hub."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

import zoo
from factory.dataset.version import open_version
from factory.evidence.intervals import value_of
from factory.evidence.predictions import read_predictions
from factory.evidence.records import (
    Comparison,
    Evidence,
    GateLine,
    Record,
    Robustness,
    Slice,
    SpanMistakes,
    gold_hash,
    read_evidence,
)
from factory.files import read_json, read_jsonl
from factory.row import Gold, read_gold, read_rows
from factory.span import plain, strip
from factory.stages import STAGES
from factory.stages.tagging import Tagging
from factory.students.export import INT8
from factory.students.lesson import Recipe
from tests import card_code, kitchen, shop, tiny_encoder
from tests.conftest import Factory
from tests.stages import whole

pytestmark = pytest.mark.real
NAME = "test/kitchen"
Kind = TypeVar("Kind", bound=Evidence)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    base = tmp_path_factory.mktemp("kitchen")
    encoder = tiny_encoder.make(base / "tiny-encoder", kitchen.every_text(), hidden=64)
    teacher = shop.Teacher(answer=kitchen.teach)
    made = Factory(base / "home", base / "prompts", base / "gold", teacher, encoder)
    student = {"encoder": str(encoder), "recipe": "auto", "lora_rank": 2, "learning_rate": 0.005, "max_tokens": 20}
    kitchen.make_specialist(made.prompts / NAME, made.gold, {"student": student, "gate": [{"at_least": 0.5}]})
    ended = made.run("build", NAME)
    assert ended.returncode == 0, ended.stdout
    (made.home / "out.txt").write_text(ended.stdout)
    yield made
    teacher.stop()


def stage(built: Factory, name: str) -> Path:
    (found,) = (built.home / "builds" / NAME / name).glob("[!.]*")
    return found


def test_what_was_asked_for_is_written_with_exact_spans(built: Factory) -> None:
    cells = read_jsonl(stage(built, "plan") / "plan.jsonl")
    assert Counter(cell["label"] for cell in cells) == {"Food": 2, "Tool": 2, "Food + Tool": 2, "none": 2}
    rows = read_rows(stage(built, "write") / "rows.jsonl")
    failed = read_jsonl(stage(built, "write") / "failed.jsonl")
    assert len(rows) + len(failed) == 32
    assert all("tags can't be read" in one["reason"] for one in failed)
    for row in rows:
        assert row.spans == kitchen.spans_of(row.text)
        assert row.stratum == row.attributes["types"] and row.label == ""
        assert strip(row.decision) == (row.text, row.spans, "")


def test_a_threshold_is_chosen_by_spans_of_known_texts(built: Factory) -> None:
    answers = read_json(stage(built, "calibrate") / "answers.json")
    assert len(answers["texts"]) == len(answers["sure"]) > 0
    assert answers["texts"] == sorted(answers["texts"]) and len(set(answers["texts"])) < len(answers["texts"])


def test_real_texts_are_marked_by_the_teacher_and_people_are_believed(built: Factory) -> None:
    rows = read_rows(stage(built, "review") / "kept.jsonl")
    origins = Counter(row.origin for row in rows)
    assert origins["reviewed"] == 18 and origins["example"] == 2 and origins["unlabelled"] > 0
    for row in rows:
        assert row.spans == kitchen.spans_of(row.text)
        assert row.weight == (1.0 if row.origin in ("reviewed", "example") else 0.5)
        if row.origin == "unlabelled":
            assert row.lineage.teacher == "loopback@127.0.0.1" and row.lineage.reply
    marked = read_jsonl(stage(built, "judge") / "judgements.jsonl")
    refused = [claim["reason"] for line in marked for claim in line["refused"]]
    assert refused and set(refused) == {"not in the text: 'an invented thing'"}


def test_no_row_is_lost_on_the_way(built: Factory) -> None:
    written = read_rows(stage(built, "write") / "rows.jsonl")
    first, last = (
        [read_rows(stage(built, of) / f"{n}.jsonl") for n in ("kept", "dropped")] for of in ("clean", "review")
    )
    assert sum(map(len, first)) == len(written) + 12 + 18 + 2
    assert {row.id for part in last for row in part} == {row.id for row in first[0]}
    for row in first[1] + last[1]:
        assert not row.verdicts[-1].passed and row.verdicts[-1].reason


def test_the_dataset_opens_with_datasets_alone_and_is_stratified(built: Factory, tmp_path: Path) -> None:
    import datasets

    version = open_version(stage(built, "dataset"))
    found = datasets.load_dataset(str(version.path), cache_dir=str(tmp_path))
    assert {name: len(split) for name, split in found.items()} == version.manifest["splits"]
    assert not {"label", "soft"} & set(found["train"].column_names)
    names = found["train"].features["spans"].feature["label"].names
    assert names == list(kitchen.WORDS)
    rows = {row.id: row for split in ("train", "held_out") for row in version.rows(split)}
    for split in found.values():
        for value in split:
            said = [(one["start"], one["end"], names[one["label"]]) for one in value["spans"]]
            assert said == [(span.start, span.end, span.label) for span in rows[value["id"]].spans or ()]
    assert rows == {row.id: row for row in read_rows(stage(built, "review") / "kept.jsonl")}
    strata = {split: Counter(row.stratum for row in version.rows(split)) for split in ("train", "held_out")}
    assert all(strata["train"][types] for types in kitchen.MIDDLES)
    assert all(strata["held_out"][t] for t in kitchen.MIDDLES if strata["train"][t] + strata["held_out"][t] >= 8)


def test_the_card_and_the_metadata_speak_of_spans(built: Factory, tmp_path: Path) -> None:
    version = open_version(stage(built, "dataset"))
    card = (version.path / "README.md").read_text()
    assert "token-classification" in card and "| `spans` |" in card and "| `soft` |" not in card
    assert "Food + Tool" in card and "(8 asked for)" in card
    manifest = version.manifest
    assert manifest["kind"] == "spans" and manifest["audit"]["value"] == 1.0
    assert manifest["per_label"]["Food"] == sum(
        any(span.label == "Food" for span in row.spans or ()) for s in ("train", "held_out") for row in version.rows(s)
    )
    for row, value in whole.opened_by_croissant(version, tmp_path):
        spans = row.spans or ()
        assert list(map(int, value["spans_start"])) == [span.start for span in spans]
        assert list(map(int, value["spans_end"])) == [span.end for span in spans]
        assert [version.labels[int(place)] for place in value["spans_label"]] == [span.label for span in spans]


def own(built: Factory) -> str:
    """What the published student is called in the evidence."""
    return f"student:{whole.weights(built, NAME)}"


def of(built: Factory, kind: type[Kind], who: str = "") -> list[Kind]:
    """The records of a kind about somebody; the published student, where nobody is named."""
    records = read_evidence(stage(built, "evaluate") / "evidence.jsonl")
    return [record for record in records if isinstance(record, kind) and record.who == (who or own(built))]


def gold_of(built: Factory) -> list[Gold]:
    return read_gold(built.gold / NAME / "validation.jsonl", list(kitchen.WORDS), "spans")


def test_the_evidence_has_everybody_on_the_same_rows(built: Factory) -> None:
    records = read_evidence(stage(built, "evaluate") / "evidence.jsonl")
    strict = {r.who: r for r in records if isinstance(r, Record) and r.metric == "span_f1"}
    opponents = {"features", "lexicon", "reviewed_only", "teacher", "teacher:weaker prompt", "few_shot"}
    assert set(strict) == {own(built), "student:fp32"} | opponents
    assert {record.rows for record in strict.values()} == {gold_hash(gold_of(built))}
    assert strict["teacher"].value == 1.0  # it knows the answers
    assert strict["teacher"].what.endswith("words and types by a JSON schema")
    assert strict[own(built)].value > 0.8
    compared = {record.against for record in of(built, Comparison)}
    assert compared == opponents
    assert {one.label: one.right + one.boundaries + one.type + one.missed for one in of(built, SpanMistakes)} == {
        label: sum(span.label == label for row in gold_of(built) for span in row.spans or ()) for label in kitchen.WORDS
    }
    for name in ("report.html", "report.md"):
        told = (stage(built, "evaluate") / name).read_text()
        assert "Relaxed F1" in told and "Words marked in the same rows" in told and "accuracy" not in told.lower()


def test_perturbed_texts_keep_their_spans(built: Factory) -> None:
    found = of(built, Robustness)
    assert {one.perturbation for one in found} == {"typos", "upper case", "lower case", "no punctuation"}
    assert {one.figure for one in found} == {one.figure for one in of(built, Slice)} == {"span_f1"}
    (small,) = (one for one in found if one.perturbation == "lower case")
    assert small.low <= small.difference <= small.high


def test_the_gate_judges_strict_span_f1(built: Factory) -> None:
    (line,) = of(built, GateLine)
    assert line.passed and line.requirement == "span F1 at least 50.0 %" and "span F1" in line.sentence
    assert read_json(stage(built, "evaluate") / "gate.json") == {"passed": True, "lines": [line.sentence]}


def test_the_zoo_loads_it_from_the_hub_and_it_answers_with_typed_spans(built: Factory) -> None:
    specialist = zoo.load(NAME, hub=built.home / "hub")
    assert isinstance(specialist, zoo.Tagger) and specialist.labels == tuple(kitchen.WORDS)
    gold = gold_of(built)
    found = specialist.predict([row.text for row in gold])
    said = [plain(some) for some in found]
    told = read_predictions(stage(built, "evaluate") / "predictions" / f"student_{whole.weights(built, NAME)}.jsonl")
    assert said == told.predicted  # what is published is what was measured
    for row, some in zip(gold, found, strict=True):
        assert all(one.text == row.text[one.start : one.end] and 0 < one.score <= 1 for one in some)


def test_exports_are_read_as_the_zoo_reads_them_whatever_torch_runs_on(
    built: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory.students.encoder.default_device", lambda: "meta")  # not the processor, as a GPU is not
    folder, recipe = stage(built, "train"), Recipe(str(built.encoder), tuple(kitchen.WORDS), max_tokens=20)
    specialist, texts = zoo.load(NAME, hub=built.home / "hub"), [row.text for row in gold_of(built)[:4]]
    assert isinstance(specialist, zoo.Tagger)
    for one, other in zip(
        Tagging().logits(folder, recipe, texts, folder / INT8), specialist.logits(texts), strict=True
    ):
        assert one == pytest.approx(other, abs=1e-5)


def test_a_text_of_many_windows_is_marked_to_its_end(built: Factory) -> None:
    specialist = zoo.load(NAME, hub=built.home / "hub")
    assert isinstance(specialist, zoo.Tagger) and specialist.manifest.max_tokens == 20
    texts = [row.text for row in gold_of(built)]
    whole = " ".join(texts)
    people = kitchen.spans_of(whole)
    found = plain(specialist.predict(whole))
    assert value_of("span_f1", [people], [found]) > 0.8
    assert found[-1].start > len(whole) - 2 * len(texts[-1])


def test_the_card_s_three_ways_to_load_agree(built: Factory, tmp_path: Path) -> None:
    folder = built.home / "hub" / NAME / "1.0.0"
    card = (folder / "README.md").read_text()
    assert "pipeline_tag: token-classification" in card and "| right | other ends |" in card
    said = card_code.run(folder, built.home / "hub", tmp_path)
    answers = [[line.split() for line in out.splitlines()] for out in said]
    assert len(answers) == 3 and ["Tool", "21", "31"] in [one[:3] for one in answers[0]]
    assert all([one[:3] for one in answer] == [one[:3] for one in answers[0]] for answer in answers)
    by_zoo, _, alone = ([float(one[3]) for one in answer] for answer in answers)  # transformers' are not calibrated
    assert by_zoo == pytest.approx(alone, abs=1e-6)


def test_a_second_build_makes_nothing_and_asks_nothing(built: Factory) -> None:
    asked = len(built.teacher.asked)
    again = built.run("build", NAME)
    assert again.returncode == 0, again.stdout
    assert all(f"{name} (was there): " in again.stdout for name in STAGES)
    assert len(built.teacher.asked) == asked


def test_people_answer_in_files(built: Factory, tmp_path: Path) -> None:
    folder = built.home / "review" / NAME / "v1"
    shown = read_jsonl(folder / "to_review.jsonl")
    assert {line["reason"] for line in shown} == {"audit", "coverage"}
    assert all(line["suggestion"] is None for line in shown if line["reason"] == "audit")
    first, second, third, *_ = (line for line in shown if line["suggestion"])
    text = second["text"]
    lines = [
        {"row_id": first["row_id"], "marked": first["suggestion"]},
        {"row_id": second["row_id"], "spans": [{"start": 0, "end": len(text.split()[0]), "label": "Tool"}]},
        {"row_id": third["row_id"], "spans": None, "problem": "unusable"},
    ]
    answers = folder / "answers.jsonl"
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        ended = built.run("build", NAME, "--until", "dataset")
        assert ended.returncode == 0, ended.stdout
        newest = max((built.home / "builds" / NAME / "review").glob("[!.]*"), key=lambda path: path.stat().st_mtime)
        kept, dropped = ({row.id: row for row in read_rows(newest / f"{n}.jsonl")} for n in ("kept", "dropped"))
        assert kept[first["row_id"]].origin == kept[second["row_id"]].origin == "reviewed"
        assert kept[first["row_id"]].lineage.was is None
        assert kept[second["row_id"]].stratum == "Tool" and kept[second["row_id"]].lineage.was == second["suggestion"]
        assert dropped[third["row_id"]].verdicts[-1].check == "review"
        assert read_json(newest / "summary.json")["answered by people"] == 3
    finally:
        answers.unlink()
