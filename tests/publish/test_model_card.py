import json
from dataclasses import replace

import pytest
import yaml

from factory.errors import FactoryError, GateError
from factory.evidence.records import GateLine, Promise
from factory.publish.card import render
from factory.publish.package import describe
from factory.template import fill
from tests import card_code
from zoo.files import FileEntry
from zoo.manifest import ADAPTER


@pytest.fixture
def manifest(trained, spec):
    return describe(trained, spec, "1.0.0")


def test_every_figure_on_the_card_is_a_record_s(manifest, spec, dataset, evidence):
    card = render(manifest, spec, dataset.manifest, evidence)
    assert "| **student:int8** | 0.912 (0.893 to 0.928) | 0.900 (0.880 to 0.920) | MiniLM \\| LoRA |" in card
    assert "Measured on all 1000 rows:" in card
    assert "Measured on a sample: stratified 200 of 1000, seed 13:" in card
    assert "| teacher | 0.735 (0.670 to 0.790) |" in card
    assert "| student:int8 (0.910) | teacher (0.735) | accuracy | +0.175 | +0.110 to +0.240 | a sample:" in card
    assert "| 80.0 % | 0.710 | 3.0 % | 2.0 % to 4.5 % | 800 |" in card
    assert "| 0.432 | 38.8 % | 28.0 % to 51.0 % | 67 |" in card
    assert (
        "| length | over 9 | 0.800 | 0.770 to 0.830 | 1000 |\n| source | fax | 0.300 | 0.100 to 0.500 | 12 (too few) |"
        in card
    )
    assert "| typos | one in 20 | 0.850 | -0.050 | -0.090 to -0.010 |" in card
    assert "| gender | women | 0.875 | men | 0.906 | -0.031 | -0.062 to +0.016 | 4.7 % | 1.6 % to 12.9 % | 64 |" in card
    assert "| age | old | – | young | – | – | – | – | – | none |" in card
    assert "It loads 23.4 MB from disk in 0.8 seconds; a process with nothing but it holds 171.2 MB at most" in card
    assert "Training on 800 rows took 40 seconds, 50 a thousand rows, in a process that held 1200.0 MB at most" in card
    assert "and 0.06 Wh (1 thread, a core each; 2 cores, AVX512)." in card
    assert "| student:int8 | 1.25 | 6.9 | – | one thread, 1 core |" in card
    assert card.index("| glad | 0.747") < card.index("| sad | 0.924")
    assert "glad taken for sad (31 of 300)." in card
    assert "The published weights are `student:int8`. int8 gives 99.0 % of torch's answers.\n" in card
    assert "| student:int8 | 1 | 4.0 ms | 5.0 ms | 6.1 ms | 240.0 | 2 cores, AVX512 |" in card
    assert "| accuracy better than teacher | passed | 17.5 points. |" in card
    assert "70.0 % of 1000 answers are not: the promise was kept. The threshold was chosen on other rows" in card
    assert "That is of all together, not of each label." in card
    assert "| glad | 40 | 30.0 % | 18.0 % to 46.0 % | broken |" in card
    assert "0.012" not in card  # aurc has no column
    assert "Nothing was there to learn `calm` from." in card
    assert "Published by force" not in card
    assert "\n\n\n" not in card


def test_the_model_index_says_the_same(manifest, spec, dataset, evidence):
    card = render(manifest, spec, dataset.manifest, evidence)
    metadata = yaml.safe_load(card.split("---\n")[1])
    assert metadata["license"] == "apache-2.0"
    assert "specialist-zoo" in metadata["tags"]
    (entry,) = metadata["model-index"]
    assert entry["name"] == "test/mood"
    metrics = {metric["type"]: metric["value"] for result in entry["results"] for metric in result["metrics"]}
    assert metrics == {"accuracy": 0.912, "f1": 0.9}


def test_labels_thresholds_are_told(manifest, spec, dataset, evidence):
    own = replace(manifest, thresholds={"sad": 0.75}, format=2)
    told = [
        one.model_copy(update={"thresholds": {"sad": 0.75}}) if isinstance(one, Promise) else one for one in evidence
    ]
    card = render(own, spec, dataset.manifest, told)
    assert "An answer below the threshold of its label is marked unsure (`sad` 0.750, any other 0.600): give it" in card
    assert "These thresholds were chosen on other rows that people labelled" in card
    assert "Of labels without a threshold of their own it is promised of all together." in card
    never = render(replace(own, threshold=None), spec, dataset.manifest, told)
    assert "is marked unsure (`sad` 0.750, any other always): give it" in never
    assert "Of labels without a threshold of their own nothing is promised." in never


def test_a_teacher_is_named_where_rows_of_its_are_there_and_nowhere_else(manifest, spec, dataset, evidence):
    spec = spec.model_copy(update={"unlabelled": "test/texts.jsonl"})
    said = ["written or labelled by a teacher model", "The real texts the teacher labelled"]

    def card(**origins):
        return render(manifest, spec, {**dataset.manifest, "origins": origins}, evidence)

    assert [one in card(generated=3, unlabelled=2, reviewed=9) for one in said] == [True, True]
    assert [one in card(generated=3, reviewed=9) for one in said] == [True, False]
    assert [one in card(reviewed=9, replaced=5) for one in said] == [False, False]


def test_a_failed_gate_is_refused_and_when_forced_is_the_first_thing_read(trained, spec, dataset, evidence, manifest):
    failed = GateLine(
        who="student:int8", rows="", n=9, requirement="accuracy better than tfidf", passed=False, sentence="Worse."
    )
    with pytest.raises(GateError, match="Worse"):
        render(manifest, spec, dataset.manifest, [*evidence, failed])
    forced = describe(trained, spec, "1.0.0", forced=True)
    card = render(forced, spec, dataset.manifest, [*evidence, failed])
    warning = card.index("Published by force")
    assert warning < card.index("> - accuracy better than tfidf: Worse.") < card.index("Tell whether a note")
    assert "| accuracy better than tfidf | **failed** | Worse. |" in card


def test_no_card_without_figures_of_the_published_weights(manifest, spec, dataset, evidence):
    others = [record for record in evidence if record.who != "student:int8"]
    with pytest.raises(GateError, match="no figure for student:int8"):
        render(manifest, spec, dataset.manifest, others)


def test_a_template_that_asks_for_what_nobody_gave_is_an_error(tmp_path):
    (tmp_path / "card.jinja").write_text("{{ nothing }}")
    with pytest.raises(FactoryError, match="'nothing' is undefined"):
        fill("card.jinja", {}, tmp_path)
    with pytest.raises(FactoryError, match="no-such"):
        fill("no-such", {}, tmp_path)


def test_a_card_of_a_model_that_writes_names_vllm_where_there_is_an_adapter(manifest):
    files = {**manifest.files, ADAPTER[0]: FileEntry("0" * 64, 1)}
    adapted = replace(manifest, files=files, lineage={**manifest.lineage, "language model": "small@sha256:1a2b"})
    told = fill("loading_writing.md.jinja", {"manifest": adapted, "example": '"x"'})
    assert f"zoo engine {manifest.name}@{manifest.version} --base BASE" in told and "small@sha256:1a2b" in told
    assert "vLLM" not in fill("loading_writing.md.jinja", {"manifest": manifest, "example": '"x"'})


def test_the_card_s_three_ways_to_load_work_and_agree(packed, tmp_path):
    from factory.publish.folder_hub import FolderHub

    folder = packed()
    FolderHub(tmp_path / "hub").publish(folder)
    said = [out.split() for out in card_code.run(folder, tmp_path / "hub", tmp_path)]
    assert len(said) == 3
    answers = [(label, float(confidence)) for label, confidence in said]
    zoo, onnx, torch = answers
    assert {label for label, _ in answers} <= set(json.loads((folder / "manifest.json").read_text())["labels"])
    assert zoo[0] == onnx[0] == torch[0]
    assert zoo[1] == pytest.approx(onnx[1], abs=1e-6)
    assert zoo[1] == pytest.approx(torch[1], abs=0.05)  # int8 against fp32
