"""A dossier that nobody touched: what it holds, says, and does not say."""

from __future__ import annotations

import html
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from factory.__main__ import main
from factory.dossier import bom, facts, human, papers, seal
from factory.dossier.collect import masked, shown
from factory.dossier.make import make, records_of, write
from factory.dossier.papers import plain
from factory.dossier.records import FOLDER, Records
from factory.dossier.verify import verify
from factory.errors import DataError, FactoryError, SpecError
from factory.evidence.decision import Known, Worded
from factory.evidence.predictions import Prediction, Predictions, file_of, write_predictions
from factory.files import read_json, write_jsonl
from factory.settings import Settings
from factory.span import Span
from factory.spec import Spec
from tests.dossier.conftest import NAME, edit, swap
from zoo import signing
from zoo.manifest import PROMPT, WRITING


def test_it_verifies_and_says_what_it_was_compared_with(dossier: Path, where: Settings) -> None:
    found = verify(dossier, where)
    assert found.differences == []
    assert found.notes == [
        "It is not signed.",
        "Compared with test/mood@1.0.0 on the hub.",
        "Compared with the ledger of the builds.",
    ]
    assert found.figures > 200


def test_it_verifies_where_nothing_else_is_at_hand(dossier: Path, where: Settings, tmp_path: Path) -> None:
    moved = Path(shutil.move(dossier, tmp_path / "elsewhere"))
    bare = tmp_path / "bare"
    found = verify(moved, replace(where, home=bare, hub=str(bare / "hub"), gold=bare))
    assert found.differences == []
    assert [note.partition(":")[0] for note in found.notes[1:3]] == [
        "Not compared with the published version",
        "Not compared with the ledger",
    ]


def test_the_same_records_give_the_same_papers_to_the_letter(dossier: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(dossier / FOLDER, again / FOLDER)
    write(again, records_of(again))
    assert seal.files(again) == seal.files(dossier)


def test_every_section_of_annex_iv_is_there_in_order(dossier: Path) -> None:
    lines = (dossier / "annex-iv.md").read_text().splitlines()
    heads = [line.lstrip("# ").split(" ")[0] for line in lines if line.startswith(("## ", "### "))]
    parts = [f"1({letter})" for letter in "abcdefgh"], [f"2({letter})" for letter in "abcdefgh"]
    assert heads == ["1.", *parts[0], "2.", *parts[1], "3.", "4.", "5.", "6.", "7.", "8.", "9."]


def test_what_only_a_person_can_say_is_asked_for_or_taken_over(published: str, where: Settings, tmp_path: Path) -> None:
    said = "Ann Example <b>GmbH</b>, **Vienna**"
    (where.prompts / NAME / human.FILE).write_text(f"provider: '{said}'\n")
    folder = make(published, where, tmp_path / "told")
    text = (folder / "annex-iv.md").read_text()
    assert f"> **Stated by a person:** {plain(said)}" in text
    assert "> **For a person to fill in** (`oversight` in human.yaml)" in text
    assert "<b>GmbH" not in (folder / "index.html").read_text()
    assert verify(folder, where).differences == []


def test_every_question_stands_in_a_paper(dossier: Path) -> None:
    told = "".join((dossier / name).read_text() for name in ("annex-iv.md", "risk.md", "data-protection.md"))
    assert [key for key in human.FIELDS if f"(`{key}` in human.yaml)" not in told] == []


@pytest.mark.parametrize(("text", "told"), [("shoe_size: '43'", "shoe_size"), ("provider: [a]", "must be a text")])
def test_a_field_that_no_paper_asks_for_is_refused(
    text: str, told: str, published: str, where: Settings, tmp_path: Path
) -> None:
    (where.prompts / NAME / human.FILE).write_text(text + "\n")
    with pytest.raises(SpecError, match=told):
        make(published, where, tmp_path / "none")
    assert not list(tmp_path.glob("*none*"))


def test_examples_are_real_mistakes_with_personal_data_masked(dossier: Path) -> None:
    examples = read_json(dossier / "facts.json")["examples"]["value"]
    assert [(one["id"], one["gold"], one["predicted"], one["confidence"]) for one in examples] == [
        ("g1", "sad", "glad", 0.9),
        ("g3", "calm", "sad", 0.7),
    ]
    assert examples[0]["text"] == "a sad note, write to <EMAIL_ADDRESS>"
    assert "ann@example.com" not in "".join(path.read_text() for path in dossier.rglob("*") if path.is_file())


def _wrong(dossier: Path, kind: str, *said: Prediction) -> Records:
    """Records of a dossier as if the specialist was of another kind and had said this to its first gold rows."""
    root = dossier / FOLDER
    edit(root / "specialist" / "manifest.json", lambda value: value.update(kind=kind))
    write_predictions(
        root / "stages" / "evaluate" / file_of("student:int8"), Predictions(who="student:int8", items=said)
    )
    if kind in WRITING:
        seal = {PROMPT: {"sha256": "0" * 64, "bytes": 1}}
        edit(root / "specialist" / "manifest.json", lambda value: value["files"].update(seal))
    return records_of(dossier)


def test_what_was_read_or_written_is_masked_as_its_text_is(dossier: Path, spec: Spec) -> None:
    text = "My US passport number is 912803456, my bank account 945456787, on 2 May; mail ann@example.com"
    gold = dossier.parent / "more.jsonl"
    write_jsonl(gold, [{"id": "g1", "text": text}])
    write_jsonl(dossier / FOLDER / "gold" / "shown.jsonl", shown(gold, {"g1"}, spec))
    read = {"passport": 912803456, "mail": ["ann@example.com"], "day": "2 May", "bank": "no. 945456787", "sent": False}
    known = Known(record=read, told=("passport", "day"))
    records = _wrong(
        dossier, "extraction", Prediction(id="g1", gold=known, predicted={**read, "day": "3"}, scores=(0.9,))
    )
    (one,) = facts.facts(records)["examples"]["value"]
    hidden = {"passport": "<PERSONAL_DATA>", "mail": ["<EMAIL_ADDRESS>"], "bank": "no. <PERSONAL_DATA>", "sent": False}
    assert one["gold"] == {"record": {**hidden, "day": "2 May"}, "told": ["passport", "day"]}
    assert one["confidence"] == 0.9
    shutil.rmtree(dossier / FOLDER / "spec")  # nobody knows what is to be masked
    assert facts.facts(records_of(dossier))["examples"]["value"] == []


def test_words_are_masked_and_not_shown_without_their_text(dossier: Path) -> None:
    said = [
        Prediction(id=key, gold=Worded(answer="call +43 1 58858-0"), predicted="mail ann@example.com", scores=(0.5,))
        for key in ("g1", "g2")  # the text of g2 is not among the records
    ]
    records = _wrong(dossier, "generation", *said)
    found = facts.facts(records)
    (one,) = found["examples"]["value"]
    assert (one["id"], one["predicted"]) == ("g1", "mail <EMAIL_ADDRESS>")
    assert "58858" not in str(one)
    told = papers.papers(records, found, bom.bom(records, found))
    assert "ann@example.com" not in "".join(told.values())
    assert "with what people and the specialist read out of them or wrote" in told["data-protection.md"]


def test_spans_are_shown_by_their_words_and_have_no_confidence_in_common(dossier: Path) -> None:
    def span(start: int, end: int) -> Span:
        return Span(start=start, end=end, label="glad")

    said = [  # "a sad note, write to <EMAIL_ADDRESS>" and "a note"
        Prediction(id="g1", gold=(span(2, 5),), predicted=(), scores=()),
        Prediction(id="g3", gold=(span(2, 6),), predicted=(span(0, 1), span(2, 4)), scores=(0.9, 0.8)),
    ]
    records = _wrong(dossier, "spans", *said)
    found = facts.facts(records)
    lines = papers.papers(records, found, bom.bom(records, found))["risk.md"].splitlines()
    assert [line.split(" | ")[2:] for line in lines if line.startswith(("| g1", "| g3"))] == [
        ["glad: 2 to 5", "no span", "– |"],
        ["glad: note", "glad: a; glad: no", "– |"],
    ]


def test_the_bill_names_models_data_and_software(dossier: Path) -> None:
    bill = read_json(dossier / bom.FILE)
    assert bom.check(bill) == ""
    models = [(one["name"], one.get("licenses")) for one in bill["components"] if one["type"].startswith("machine")]
    assert models == [("all-minilm-l6-v2", [{"license": {"id": "Apache-2.0"}}]), ("teacher-1", None)]
    assert [one["name"] for one in bill["components"] if one["type"] == "data"] == ["dataset version", "gold rows"]
    locked = [one["purl"] for one in bill["components"] if one["type"] == "library"]
    assert "pkg:pypi/pydantic" in " ".join(locked)
    metrics = bill["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert ("accuracy", "0.912") in [(one["type"], one["value"]) for one in metrics]


def test_a_bill_of_one_that_writes_names_its_language_model_its_mentor_and_each_judge(dossier: Path) -> None:
    made_of = {
        "teacher": "teacher-1@abc",
        "judges": "qwen2.5-coder-1.5b-instruct@sha256:cc32, judge-2@def",
        "language model": "smollm2-135m-instruct@sha256:b179",
        "distilled from": "mentor@123",
    }
    edit(dossier / FOLDER / "specialist" / "manifest.json", lambda value: value.update(lineage=made_of))
    records = records_of(dossier)
    found = facts.facts(records)
    bill = bom.bom(records, found)
    assert bom.check(bill) == ""
    models = [one for one in bill["components"] if one["type"] == "machine-learning-model"]
    assert [(one["bom-ref"].partition(":")[0], one["name"], one.get("version")) for one in models] == [
        ("language-model", "smollm2-135m-instruct", "sha256:b179"),
        ("distilled-from", "mentor", "123"),
        ("teacher", "teacher-1", "abc"),
        ("judge", "qwen2.5-coder-1.5b-instruct", "sha256:cc32"),
        ("judge", "judge-2", "def"),
    ]
    assert models[0]["licenses"] == [{"license": {"id": "Apache-2.0"}}] and models[0]["hashes"]
    card = bill["metadata"]["component"]["modelCard"]
    assert card["modelParameters"]["modelArchitecture"] == made_of["language model"]
    annex = papers.papers(records, found, bill)["annex-iv.md"]
    assert [line.partition("`")[0] for line in annex.splitlines() if line.startswith("- ") and "@" in line] == [
        "- language model: ", "- distilled from: ", "- teacher: ", "- judge: ", "- judge: "
    ]  # fmt: skip
    assert "trained from the language model, and learned the probabilities of the model it was distilled from." in annex
    assert "encoder" not in annex[annex.index("Pre-trained models") : annex.index("### 2(b)")]


def test_groups_of_persons_that_were_told_apart_are_told_of(dossier: Path) -> None:
    annex, risk = ((dossier / name).read_text() for name in ("annex-iv.md", "risk.md"))
    assert 'see "Groups of persons" in the [risk sheet](risk.md). No record says whose text a gold row is.' in annex
    assert "Accuracy for groups of persons was not measured" not in annex
    assert "| 0.0469 | 64 |" in risk and "| – | 0 (too few to tell) |" in risk
    records = records_of(dossier)
    found = facts.facts(records) | {"counterfactuals": {"value": [], "record": "", "rule": ""}}
    told = papers.papers(records, found, bom.bom(records, found))["annex-iv.md"]
    assert "Accuracy for groups of persons was not measured" in told and "Texts were answered" not in told


def test_a_signature_is_made_and_asked_for(published: str, where: Settings, tmp_path: Path) -> None:
    public, other = signing.new_key(tmp_path / "key"), signing.new_key(tmp_path / "other")
    folder = make(published, where, tmp_path / "signed", tmp_path / "key")
    assert verify(folder, where, [public]).notes[0].startswith("Signed by ")
    assert "signature" in str(verify(folder, where, [other]).differences)
    swap(folder / "risk.md", "kept", "held")
    seal.seal(folder, f"{NAME}@1.0.0")
    assert "dossier.sig: signature" in str(verify(folder, where, [public]).differences[0])


def test_a_specialist_without_its_builds_has_papers_that_say_so(
    published: str, where: Settings, tmp_path: Path
) -> None:
    shutil.rmtree(where.builds)
    folder = make(published, where, tmp_path / "poor")
    assert "Not recorded: the ledger was not found" in (folder / "annex-iv.md").read_text()
    assert "- The ledger: it was built elsewhere." in (folder / "annex-iv.md").read_text()
    assert verify(folder, where).differences == []


def test_no_papers_are_made_from_records_that_were_changed(published: str, where: Settings, tmp_path: Path) -> None:
    (statistics,) = (where.builds / NAME).glob("clean/*/statistics.json")
    swap(statistics, '"dropped": 4', '"dropped": 0')
    with pytest.raises(DataError, match=r"statistics.json was changed"):
        make(published, where, tmp_path / "none")


def test_masked_places_are_counted_by_the_rows_own_verdicts(tmp_path: Path) -> None:
    def row(*verdicts: tuple[str, str]) -> dict[str, object]:
        return {"verdicts": [{"check": check, "reason": reason} for check, reason in verdicts]}

    kept = [row(("mask", "masked: 2 EMAIL_ADDRESS, 1 PHONE_NUMBER; was 0a1b"), ("pii", "")), row(("schema", ""))]
    write_jsonl(tmp_path / "kept.jsonl", kept)
    write_jsonl(tmp_path / "dropped.jsonl", [row(("mask", "masked: 1 EMAIL_ADDRESS; was 2c3d"))])
    assert masked(tmp_path) == {"rows": 2, "places": {"EMAIL_ADDRESS": 3, "PHONE_NUMBER": 1}}


def test_a_folder_that_is_there_is_left_alone(dossier: Path, published: str, where: Settings) -> None:
    with pytest.raises(FactoryError, match="already"):
        make(published, where, dossier)


def test_the_command_makes_and_checks(published: str, where: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dossier", published]) == 0
    folder = where.home / "dossiers" / NAME / "1.0.0"
    assert capsys.readouterr().out.strip() == str(folder / "index.html")
    assert main(["dossier", "verify", str(folder)]) == 0
    assert "figures and statements as the records say" in capsys.readouterr().out
    swap(folder / "risk.md", "0.7000", "0.9000")
    assert main(["dossier", "verify", str(folder)]) == 1
    assert "risk.md: line" in capsys.readouterr().err
    assert main(["dossier", "verify", str(where.home)]) == 1
    capsys.readouterr()
    for wrong, told in (
        ([published, "and", "more"], "takes one specialist"),
        (["verify"], "takes one folder"),
        (["verify", str(folder), published], "takes one folder"),
        (["verify", str(folder), "--out", "elsewhere"], "has no --out"),
        ([published, "--signed-by", "key.pub", "--out", str(folder / "new")], "Sign this one with --key"),
    ):
        assert main(["dossier", *wrong]) == 1
        assert told in capsys.readouterr().err
    assert not (folder / "new").exists()


def test_what_people_said_is_sealed_with_the_rest(published: str, where: Settings, tmp_path: Path) -> None:
    (where.prompts / NAME / human.FILE).write_text("provider: Example GmbH\n")
    folder = make(published, where, tmp_path / "told")
    swap(folder / FOLDER / human.FILE, "Example GmbH", "Another GmbH")
    assert any(
        str(one).startswith("dossier.json: files.records/human.yaml") for one in verify(folder, where).differences
    )


@pytest.mark.parametrize("text", ["1. not a list", "- no", "# no", "a | b", "<i>", "![x](y)", "*a* _b_ `c`", "&amp;"])
def test_text_of_records_stays_text(text: str) -> None:
    page = MarkdownIt("commonmark").enable("table").render(plain(text))
    assert html.unescape(page) == f"<p>{text}</p>\n"
