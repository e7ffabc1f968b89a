from xml.etree import ElementTree

import pytest

from factory.errors import FactoryError
from factory.evidence.records import GateLine, Record
from factory.publish.family import collect
from factory.publish.family_figures import Figure, read, write
from factory.publish.family_readme import BEGIN, END
from factory.publish.hub import open_hub
from factory.publish.release import release


def test_the_table_says_what_the_published_evidence_says(trained, spec, dataset, evidence, tmp_path):
    hub = tmp_path / "hub"
    release(open_hub(str(hub)), trained, spec, dataset.manifest, evidence, tmp_path / "out")
    table = collect(open_hub(str(hub)), [spec.name, "test/unpublished"], tmp_path / "cards").read_text()
    own = next(r for r in evidence if isinstance(r, Record) and (r.who, r.metric) == ("student:int8", "accuracy"))
    assert f"[{spec.name}]({spec.name}.md) | 1.0.0 | {own.value:.3f}" in table
    assert "unpublished" not in table
    card = (tmp_path / "cards" / f"{spec.name}.md").read_text()
    assert card == (hub / spec.name / "1.0.0" / "README.md").read_text()


def test_a_version_that_was_published_by_force_is_called_so(trained, spec, dataset, evidence, tmp_path):
    hub = open_hub(str(tmp_path / "hub"))
    failed = [one.model_copy(update={"passed": False}) if isinstance(one, GateLine) else one for one in evidence]
    release(hub, trained, spec, dataset.manifest, failed, tmp_path / "out", forced=True)
    table = collect(hub, [spec.name], tmp_path / "cards").read_text()
    assert f"[{spec.name}]({spec.name}.md) | 1.0.0, by force | " in table
    assert {one.version for one in read(tmp_path / "cards" / "family.csv")} == {"1.0.0, by force"}


def test_what_this_hub_does_not_have_keeps_its_figures(trained, spec, dataset, evidence, tmp_path):
    hub, cards = tmp_path / "hub", tmp_path / "cards"
    release(open_hub(str(hub)), trained, spec, dataset.manifest, evidence, tmp_path / "out")
    there = [
        Figure("other/spans", "1.1.0", "span_f1", "student", 0.8, 0.75, 0.85, 300),
        Figure("other/spans", "1.1.0", "span_f1", "lexicon", 0.4, None, None, 300),
        Figure("other/gone", "1.0.0", "accuracy", "student", 0.9, 0.8, 0.95, 100),
        Figure(spec.name, "0.9.0", "accuracy", "student", 0.123, 0.1, 0.2, 10),
    ]
    write(cards / "family.csv", there)
    table = collect(open_hub(str(hub)), [spec.name, "other/spans"], cards).read_text()
    assert (
        "| [other/spans](other/spans.md) | 1.1.0 | 0.800 (0.750 to 0.850), n 300 | – | – | – | – | 0.400, n 300 |"
        in table
    )
    assert "other/gone" not in table and "0.123" not in table and f"[{spec.name}]" in table
    kept = read(cards / "family.csv")
    assert [one for one in kept if one.specialist == "other/spans"] == there[:2]
    picture = ElementTree.fromstring((cards / "family.svg").read_text())  # noqa: S314 (our own)
    said = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert "other/spans, student: 80.0 %" in said
    assert "other/spans, the best baseline on the same rows: 40.0 %" in said
    assert not any("gone" in one for one in said if one)


def test_the_short_table_takes_its_place_in_the_readme_and_nothing_else(trained, spec, dataset, evidence, tmp_path):
    hub, readme = tmp_path / "hub", tmp_path / "README.md"
    release(open_hub(str(hub)), trained, spec, dataset.manifest, evidence, tmp_path / "out")
    readme.write_text(f"# Ours\n\n{BEGIN}\nold\n{END}\n\nThe end.\n")
    there = [
        Figure("other/spans", "1.1.0, by force", "span_f1", "student", 0.8, 0.75, 0.85, 300),
        Figure("other/spans", "1.1.0, by force", "span_f1", "teacher", 0.5, 0.4, 0.6, 200),
        Figure("other/spans", "1.1.0, by force", "span_f1", "features", 0.6, 0.5, 0.7, 300),
        Figure("other/spans", "1.1.0, by force", "span_f1", "lexicon", 0.4, None, None, 300),
        Figure("other/spans", "1.1.0, by force", "span_f1", "reviewed_only", 0.9, None, None, 300),
    ]
    write(tmp_path / "cards" / "family.csv", there)
    for _ in range(2):
        collect(open_hub(str(hub)), [spec.name, "other/spans"], tmp_path / "cards")
        said = readme.read_text()
        assert said.startswith(f"# Ours\n\n{BEGIN}\n") and said.endswith(f"{END}\n\nThe end.\n") and "old" not in said
        assert (
            "| [other/spans](cards/other/spans.md) 1.1.0, by force | span F1 (strict) | **80.0** (75.0–85.0) "
            "| 50.0 (40.0–60.0), of 200 | – | 60.0 (50.0–70.0), Word features | 90.0 |\n" in said
        )
        assert said.count(f"[{spec.name}](cards/{spec.name}.md) 1.0.0") == 1


def test_a_readme_without_marks_is_left_alone_and_half_a_pair_is_told(trained, spec, dataset, evidence, tmp_path):
    hub, readme = tmp_path / "hub", tmp_path / "README.md"
    release(open_hub(str(hub)), trained, spec, dataset.manifest, evidence, tmp_path / "out")
    readme.write_text("# Ours\n")
    collect(open_hub(str(hub)), [spec.name], tmp_path / "cards")
    assert readme.read_text() == "# Ours\n"
    readme.write_text(f"# Ours\n{BEGIN}\n")
    with pytest.raises(FactoryError, match=r"no end(?s:.*)README\.md"):
        collect(open_hub(str(hub)), [spec.name], tmp_path / "cards")
    assert readme.read_text() == f"# Ours\n{BEGIN}\n"


@pytest.mark.parametrize("there", [True, False])
def test_nothing_published_is_said(tmp_path, there):
    if there:
        (tmp_path / "hub").mkdir()
    with pytest.raises(FactoryError, match="Nothing is published"):
        collect(open_hub(str(tmp_path / "hub")), ["a/b"], tmp_path / "cards")


def test_a_version_that_was_changed_is_an_error_that_a_person_can_act_on(trained, spec, dataset, evidence, tmp_path):
    hub = tmp_path / "hub"
    release(open_hub(str(hub)), trained, spec, dataset.manifest, evidence, tmp_path / "out")
    card = hub / spec.name / "1.0.0" / "README.md"
    card.chmod(0o644)
    card.write_text("another card")
    with pytest.raises(FactoryError, match=r"README\.md"):
        collect(open_hub(str(hub)), [spec.name], tmp_path / "cards")
    assert not (tmp_path / "cards" / "README.md").exists()
