"""What a spec of kind spans, extraction or generation may say, and what makes no sense under it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from factory import spec as specs
from factory.errors import DataError, SpecError
from factory.files import write_jsonl
from factory.row import Span, read_gold
from factory.spec import COMPANIONS, Spec
from factory.spec_declared import Example
from tests import kitchen, lost, registry


def extract(base: Path, **changes: Any) -> Spec:
    registry.make_specialist(base / "prompts" / "test" / "registry", base / "gold", changes)
    return specs.load("test/registry", base / "prompts")


def answering(base: Path, **changes: Any) -> Spec:
    lost.make_specialist(base / "prompts" / "test" / "lost", base / "gold", changes)
    return specs.load("test/lost", base / "prompts")


def declare(base: Path, **changes: Any) -> Spec:
    folder = base / "prompts" / "test" / "kitchen"
    kitchen.make_specialist(folder, base / "gold", changes)
    return specs.load("test/kitchen", base / "prompts")


def test_the_default_is_to_write_marked_texts(tmp_path: Path) -> None:
    spec = declare(tmp_path)
    assert spec.strategies == {"marked": 1.0}
    said = spec.model_dump(mode="json")
    assert Spec.model_validate({**said, "folder": spec.folder}, strict=False).hash == spec.hash


def test_one_type_is_enough(tmp_path: Path) -> None:
    assert list(declare(tmp_path, labels={"Food": "Eaten."}, examples=[]).labels) == ["Food"]


BUDGET = {"generate": 8, "label": 9, "judge": 8, "review": 0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strategies": {"contrastive": 1.0}}, "strategies.contrastive writes rows of one label"),
        ({"strategies": {"marked": 0.5, "out_of_scope": 0.5}}, "strategies.out_of_scope writes rows of one label"),
        ({"out_of_scope": "Food"}, "out_of_scope makes no sense under `kind: spans`"),
        ({"judges": ["one", "two"]}, "judges makes no sense under `kind: spans`"),
        ({"hygiene": {"disagreement": 0.3}}, "hygiene.disagreement makes no sense under `kind: spans`"),
        ({"review": {"judge_floor": 0.4}}, "review.judge_floor makes no sense under `kind: spans`"),
        ({"reader": "all-mpnet-base-v2"}, "reader makes no sense under `kind: spans`"),
        (
            {"gate": [{"at_least": 0.5, "metric": "accuracy"}]},
            "gate.0.metric is accuracy; under `kind: spans` use span_f1",
        ),
        (
            {"gate": [{"better_than": "tfidf"}]},
            "gate.0.better_than is tfidf; under `kind: spans` use features or lexicon",
        ),
        ({"hygiene": {"consistency": 0.3}}, "hygiene.consistency makes no sense under `kind: spans`"),
        ({"hygiene": {"label_noise": True}}, "hygiene.label_noise makes no sense"),
        ({"hygiene": {"pii": "mask"}}, "hygiene.pii: `mask` would move the spans"),
        ({"teacher": {"shortlist": 3}}, "teacher.shortlist makes no sense"),
        ({"labels": {"a type": "With a space."}}, "labels.a type: under `kind: spans` a label is a type"),
        ({"labels": {"none": "The word for nothing."}}, "labels.none: under `kind: spans`"),
        ({"labels": {"Food": "One.", "food": "Two."}}, "labels: two types differ by case alone"),
        ({"examples": [{"text": "a <Food>pear</Food>", "label": "Food"}]}, "examples.0.label: under `kind: spans`"),
        ({"examples": [{"text": "a <Food>pear"}]}, "examples.0.text: its tags can't be read: unclosed tag: Food"),
        ({"attributes": {"types": ["x"]}}, "attributes.types is a name that rows use"),
        ({"budgets": {"quick": BUDGET, "full": BUDGET}}, "budgets.quick.judge is 8, but under `kind: spans`"),
        ({"student": {"recipe": "qlora"}}, "student.recipe: 4-bit weights are for models that write"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_key(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        declare(tmp_path, **changes)
    assert said in str(caught.value) and "spec.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": {"glad": "Glad."}}, "labels: there must be at least two"),
        (
            {"hygiene": {"disagreement": 0.3}, "judges": ["one"]},
            "hygiene.disagreement compares judges; name at least two",
        ),
        (
            {"strategies": {"marked": 1.0}},
            "strategies.marked does not write rows of one label; it goes with `kind: spans` only",
        ),
        ({"overlaps": "shorter"}, "overlaps: spans overlap under `kind: spans` only"),
        ({"examples": [{"text": "a note"}]}, "examples.0.label is '', which is not under labels"),
    ],
)
def test_classification_stays_classification(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    folder = tmp_path / "notes" / "mood"
    folder.mkdir(parents=True)
    budget = {"generate": 1, "label": 0, "review": 0}
    good = {
        "title": "t", "purpose": "p", "kind": "classification", "text": "a note", "question": "Glad?",
        "labels": {"glad": "Glad.", "sad": "Sad."}, "attributes": {"tone": ["calm"]}, "gold": "g",
        "budgets": {"quick": budget, "full": budget},
    }  # fmt: skip
    for name in COMPANIONS:
        (folder / name).write_text("x")
    (folder / "spec.yaml").write_text(yaml.safe_dump(good | changes))
    with pytest.raises(SpecError) as caught:
        specs.load("notes/mood", tmp_path)
    assert said in str(caught.value)


GOOD = {"type": "Food", "start": 4, "end": 8, "text": "eggs"}


def test_gold_entities_become_spans_by_start(tmp_path: Path) -> None:
    text = "two eggs , two sieves"
    last = {"type": "Tool", "start": 15, "end": 21, "text": "sieves"}
    write_jsonl(tmp_path / "g.jsonl", [{"id": "1", "text": text, "entities": [last, GOOD]}])
    (row,) = read_gold(tmp_path / "g.jsonl", kitchen.WORDS, "spans")
    assert row.spans == (Span(start=4, end=8, label="Food"), Span(start=15, end=21, label="Tool"))
    assert row.label == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({}, "`entities` is no list"),
        ({"entities": [{**GOOD, "start": 3}]}, "not where it is said to be: 'eggs'"),
        ({"entities": [{**GOOD, "type": "Pan"}]}, "unknown type: 'Pan'"),
        ({"entities": [GOOD, GOOD]}, "overlapping spans"),
        ({"entities": [{"type": "Food"}]}, "can't be read"),
        ({"entities": [], "text": ""}, "lacks text"),
    ],
)
def test_a_gold_row_that_cannot_be_right_names_its_line(tmp_path: Path, line: dict[str, Any], said: str) -> None:
    write_jsonl(tmp_path / "g.jsonl", [{"id": "1", "text": "two eggs", **line}])
    with pytest.raises(DataError) as caught:
        read_gold(tmp_path / "g.jsonl", kitchen.WORDS, "spans")
    assert said in str(caught.value) and "g.jsonl:1" in str(caught.value)


def test_of_gold_spans_that_overlap_the_shorter_stays_where_the_spec_says_so(tmp_path: Path) -> None:
    both = {"type": "Tool", "start": 0, "end": 8, "text": "two eggs"}
    write_jsonl(tmp_path / "g.jsonl", [{"id": "1", "text": "two eggs", "entities": [both, GOOD, GOOD]}])
    with pytest.raises(DataError, match="write `overlaps: shorter`"):
        read_gold(tmp_path / "g.jsonl", kitchen.WORDS, "spans")
    (row,) = read_gold(tmp_path / "g.jsonl", kitchen.WORDS, "spans", overlaps="shorter")
    assert row.spans == (Span(start=4, end=8, label="Food"),)


def test_days_of_an_example_are_texts() -> None:
    """YAML reads them as dates, in lists as well."""
    said = Example(text="On 4 and 5 May", record={"days": [date(2011, 5, 4), "2011-05-05"], "first": date(2011, 5, 4)})
    assert said.record == {"days": ["2011-05-04", "2011-05-05"], "first": "2011-05-04"}


def test_labels_follow_from_fields(tmp_path: Path) -> None:
    spec = extract(tmp_path, strategies={"filled": 1.0})
    assert spec.labels == {name: one["definition"] for name, one in registry.FIELDS.items()}
    said = spec.model_dump(mode="json")
    assert Spec.model_validate({**said, "folder": spec.folder}, strict=False).hash == spec.hash
    without = {key: value for key, value in said.items() if key != "strategies"}
    assert Spec.model_validate({**without, "folder": spec.folder}, strict=False).strategies == {"filled": 1.0}
    assert [(one.metric, one.better_than) for one in spec.gate] == [("field_f1", "teacher"), ("field_f1", "nearest")]
    retyped = {**registry.FIELDS, "loan": {**registry.FIELDS["loan"], "type": "text"}}
    fields = Spec.model_validate({**said, "fields": retyped, "folder": spec.folder}, strict=False)
    assert fields.hash != spec.hash


def test_days_need_no_quotation_marks_in_yaml(tmp_path: Path) -> None:
    folder = tmp_path / "prompts" / "test" / "registry"
    registry.make_specialist(folder, tmp_path / "gold", {})
    file = folder / "spec.yaml"
    said = file.read_text()
    assert "due: '1999-05-03'" in said
    file.write_text(said.replace("due: '1999-05-03'", "due: 1999-05-03"))
    spec = specs.load("test/registry", tmp_path / "prompts")
    assert spec.examples[0].record == {"borrower": ["hugo  prandt"], "due": "1999-05-03"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fields": {}, "labels": {"a": "b"}}, "fields: under `kind: extraction` name at least one"),
        ({"labels": {"loan": "Another."}}, "labels: under `kind: extraction` they follow from `fields`"),
        ({"fields": {"a b": {"definition": "d", "type": "text"}}, "examples": []}, "fields.a b: a field is called by"),
        (
            {"fields": {"none": {"definition": "d", "type": "text"}}, "examples": []},
            "fields.none: a field is called by",
        ),
        ({"fields": {"a": {"definition": " ", "type": "text"}}, "examples": []}, "labels.a has no definition"),
        ({"fields": {"a": {"definition": "d", "type": "words"}}}, "fields.a.type: Input should be 'quote', 'text'"),
        ({"fields": {"a": {"definition": "d", "type": "text", "of": 1}}}, "fields.a.of: unknown key; allowed here:"),
        ({"fields": {"a": {"definition": "d", "type": "choice"}}}, "fields.a: a choice needs `values`"),
        ({"fields": {"a": {"type": "text"}}}, "fields.a.definition: this key is required"),
        ({"examples": [{"text": "a", "label": "due"}]}, "examples.0.label: under `kind: extraction`"),
        ({"examples": [{"text": "a"}]}, "examples.0.record is missing"),
        ({"examples": [{"text": "a", "record": {"due": {"day": 1}}}]}, "examples.0.record is missing, or no mapping"),
        (
            {"examples": [{"text": "a", "record": {"borrower": ["b"]}}]},
            "examples.0.record does not hold: not in the text",
        ),
        ({"strategies": {"marked": 1.0}}, "strategies.marked goes with `kind: spans` only"),
        (
            {"strategies": {"label": 1.0}},
            "strategies.label writes rows of one label; under `kind: extraction` use filled",
        ),
        ({"out_of_scope": "due"}, "out_of_scope makes no sense under `kind: extraction`"),
        ({"reader": "all-mpnet-base-v2"}, "reader makes no sense under `kind: extraction`"),
        (
            {"gate": [{"at_least": 0.5, "metric": "span_f1"}]},
            "metric is span_f1; under `kind: extraction` use field_f1",
        ),
        ({"gate": [{"better_than": "tfidf"}]}, "is tfidf; under `kind: extraction` use nearest or frequent"),
        ({"hygiene": {"consistency": 0.3}}, "hygiene.consistency makes no sense under `kind: extraction`"),
        ({"hygiene": {"label_noise": True}}, "hygiene.label_noise makes no sense"),
        ({"strategies": {"drawn": 1.0}}, "fields.borrower.samples: strategies.drawn draws values of type quote"),
        ({"fields": {"a": {"definition": "d", "type": "date", "samples": ["May"]}}}, "`samples`: 'May' is no date"),
        ({"fields": {"a": {"definition": "d", "type": "number", "samples": ["1"]}}}, "`samples`: '1' is no number"),
        ({"hygiene": {"pii": "mask"}}, "hygiene.pii: `mask` would change the words that records quote"),
        ({"attributes": {"told": ["x"]}}, "attributes.told is a name that rows use"),
        ({"budgets": {"quick": BUDGET, "full": BUDGET}}, "budgets.quick.judge is 8, but under `kind: extraction`"),
        ({"student": {"recipe": "frozen"}}, "student.recipe: a model that writes has no head"),
    ],
)
def test_what_makes_no_sense_for_records_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        extract(tmp_path, **changes)
    assert said in str(caught.value) and "spec.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fields": registry.FIELDS}, "fields: there are records under `kind: extraction` only; this is `kind: spans`"),
        ({"examples": [{"text": "a", "record": {}}]}, "examples.0.record: there are records"),
        ({"strategies": {"filled": 1.0}}, "strategies.filled goes with `kind: extraction` only"),
    ],
)
def test_fields_are_for_extraction_alone(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        declare(tmp_path, **changes)
    assert said in str(caught.value)


def test_models_that_write_may_learn_over_4_bits(tmp_path: Path) -> None:
    for made in (extract, answering):
        assert made(tmp_path, student={"recipe": "qlora"}).student.recipe == "qlora"


def test_what_is_answered_is_the_one_label(tmp_path: Path) -> None:
    spec = answering(tmp_path, strategies={"answered": 1.0})
    assert spec.labels == {"answer": spec.form.definition} and spec.form.words == (3, 15)
    said = spec.model_dump(mode="json")
    assert Spec.model_validate({**said, "folder": spec.folder}, strict=False).hash == spec.hash
    without = {key: value for key, value in said.items() if key != "strategies"}
    assert Spec.model_validate({**without, "folder": spec.folder}, strict=False).strategies == {"answered": 1.0}
    assert [(one.metric, one.better_than) for one in spec.gate] == [("rouge_l", "teacher"), ("rouge_l", "nearest")]
    stricter = {**said["answer"], "score": 0.5}
    assert Spec.model_validate({**said, "answer": stricter, "folder": spec.folder}, strict=False).hash != spec.hash


def test_a_specialists_own_question_for_marks_is_part_of_what_it_is(tmp_path: Path) -> None:
    spec = answering(tmp_path)
    before = spec.hash
    (spec.folder / "rate.jinja").write_text("Mark it.\n---\n{{ text }} {{ answer }}")
    assert specs.load("test/lost", tmp_path / "prompts").hash != before


ANSWER = {"definition": "One question.", "words": [3, 15]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": None, "labels": {"a": "b"}}, "answer: under `kind: generation` say what an answer is"),
        ({"answer": {**ANSWER, "words": [9, 3]}}, "answer.words"),
        ({"answer": {**ANSWER, "copied": 0.0}}, "answer.copied"),
        ({"answer": {**ANSWER, "length": 3}}, "answer.length: unknown key; allowed here:"),
        ({"labels": {"short": "A short one."}}, "labels: under `kind: generation` an answer has none"),
        ({"examples": [{"text": "a", "label": "answer"}]}, "examples.0.label: under `kind: generation`"),
        ({"examples": [{"text": "a", "answer": " "}]}, "examples.0.answer is missing"),
        ({"fields": registry.FIELDS}, "fields: there are records under `kind: extraction` only"),
        ({"strategies": {"filled": 1.0}}, "strategies.filled goes with `kind: extraction` only"),
        (
            {"strategies": {"label": 1.0}},
            "strategies.label writes rows of one label; under `kind: generation` use answered",
        ),
        ({"judges": ["one", "two"]}, "judges makes no sense under `kind: generation`: the teacher answers"),
        ({"review": {"judge_floor": 0.4}}, "the judge's marks drop no answer; set `answer.score` as well"),
        ({"review": {"dropped": 0.5}}, "review.dropped makes no sense under `kind: generation`"),
        ({"reader": "all-mpnet-base-v2"}, "reader makes no sense under `kind: generation`"),
        (
            {"gate": [{"at_least": 0.5, "metric": "field_f1"}]},
            "metric is field_f1; under `kind: generation` use rouge_l",
        ),
        ({"gate": [{"better_than": "frequent"}]}, "under `kind: generation` use nearest or lead or question"),
        ({"hygiene": {"balance": 2.0}}, "hygiene.balance makes no sense under `kind: generation`"),
        ({"hygiene": {"pii": "mask"}}, "hygiene.pii: `mask` would take away words that answers rest on"),
        ({"budgets": {"quick": BUDGET, "full": BUDGET}}, "budgets.quick.judge is 8, but under `kind: generation`"),
    ],
)
def test_what_makes_no_sense_for_answers_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        answering(tmp_path, **changes)
    assert said in str(caught.value) and "spec.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": ANSWER}, "answer: texts are answered under `kind: generation` only; this is `kind: spans`"),
        ({"examples": [{"text": "a", "answer": "b"}]}, "examples.0.answer: texts are answered"),
        ({"strategies": {"answered": 1.0}}, "strategies.answered goes with `kind: generation` only"),
    ],
)
def test_answers_are_for_generation_alone(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        declare(tmp_path, **changes)
    assert said in str(caught.value)


def test_gold_answers_are_read_in_their_one_form(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "g.jsonl", [{"id": "1", "text": "a letter", "answer": " What  was\nlost? "}])
    (row,) = read_gold(tmp_path / "g.jsonl", ["answer"], "generation")
    assert (row.answer, row.label) == ("What was lost?", "")


@pytest.mark.parametrize(
    ("line", "said"), [({"answer": "\x00"}, "answer is blank"), ({"answer": " "}, "answer"), ({}, "lacks answer")]
)
def test_a_gold_text_without_an_answer_names_its_line(tmp_path: Path, line: dict[str, Any], said: str) -> None:
    write_jsonl(tmp_path / "g.jsonl", [{"id": "1", "text": "a letter", **line}])
    with pytest.raises(DataError) as caught:
        read_gold(tmp_path / "g.jsonl", ["answer"], "generation")
    assert said in str(caught.value) and "g.jsonl:1" in str(caught.value)


@pytest.mark.parametrize("made", [declare, extract])
def test_texts_whose_words_are_the_answer_are_not_said_in_other_words(tmp_path: Path, made: Any) -> None:
    with pytest.raises(SpecError, match="paraphrases: in other words a text loses what people marked"):
        made(tmp_path, paraphrases=10)


def test_probes_and_paraphrases_make_no_data_anew(tmp_path: Path) -> None:
    plain, asked = answering(tmp_path / "a"), answering(tmp_path / "b", paraphrases=10)
    assert asked.paraphrases == 10 and plain.identity != asked.identity
    assert plain.data_identity == asked.data_identity


def test_only_what_writes_learns_from_tokens(tmp_path: Path) -> None:
    distil = {"student": {"distil": {"model": "smollm2-135m-instruct"}}}
    asked = answering(tmp_path / "a", **distil).student.distil
    assert asked and (asked.share, asked.temperature) == (0.5, 2.0)
    with pytest.raises(SpecError, match=r"student\.distil: probabilities of tokens are learned by models that write"):
        declare(tmp_path / "b", **distil)
