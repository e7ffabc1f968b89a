import pytest

from factory.errors import FactoryError
from factory.evidence.records import Record
from factory.publish.family import collect
from factory.publish.hub import open_hub
from factory.publish.release import release


def test_the_table_says_what_the_published_evidence_says(trained, spec, dataset, evidence, tmp_path):
    hub = tmp_path / "hub"
    release(open_hub(str(hub)), trained, spec, dataset.manifest, evidence, tmp_path / "out")
    table = collect(str(hub), [spec.name, "test/unpublished"], tmp_path / "cards").read_text()
    own = next(r for r in evidence if isinstance(r, Record) and (r.who, r.metric) == ("student:int8", "accuracy"))
    assert f"[{spec.name}]({spec.name}.md) | 1.0.0 | {own.value:.3f}" in table
    assert "unpublished" not in table
    card = (tmp_path / "cards" / f"{spec.name}.md").read_text()
    assert card == (hub / spec.name / "1.0.0" / "README.md").read_text()


def test_nothing_published_is_said(tmp_path):
    (tmp_path / "hub").mkdir()
    with pytest.raises(FactoryError, match="Nothing is published"):
        collect(str(tmp_path / "hub"), ["a/b"], tmp_path / "cards")
