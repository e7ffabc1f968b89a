"""CHANGELOG.md: what changed, in the words of records, and nothing of people's texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import zoo
from factory import settings
from factory.dataset.build import build as build_dataset
from factory.dataset.version import DatasetVersion
from factory.evidence import behaviour
from factory.evidence.decision import Known, Worded
from factory.evidence.predictions import Prediction, Predictions
from factory.evidence.records import AnyEvidence, Comparison, read_evidence, write_evidence
from factory.files import write_json
from factory.publish import changes
from factory.publish.changelog import Followed, render
from factory.publish.changes import Papers
from factory.publish.folder_hub import FolderHub
from factory.publish.hub import open_hub
from factory.publish.package import CHANGELOG, EVIDENCE, Trained
from factory.publish.release import release
from factory.row import Lineage, Row
from factory.span import Span
from factory.spec import Spec
from factory.stage import Output
from factory.stages import publish as publishing
from zoo.manifest import PROMPT, FileEntry, Manifest
from zoo.names import Version

SECRET = "my neighbour Jane drinks"


def answers(who: str, *said: Any) -> Predictions:
    """What somebody says of gold rows: (gold, answer) of each."""
    items = tuple(
        Prediction(id=f"row-{number}", gold=gold, predicted=answer) for number, (gold, answer) in enumerate(said)
    )
    return Predictions(who=who, items=items)


def followed(hub: Path, **more: Any) -> Followed:
    """The version 1.0.0 in a hub, to be followed."""
    folder = hub / "test/mood/1.0.0"
    papers = Papers(Manifest.read(folder), read_evidence(folder / EVIDENCE))
    return Followed(papers, (folder / CHANGELOG).read_text(), **more)


def test_each_version_tells_what_is_new_in_it_and_before(
    trained: Trained, spec: Spec, dataset: DatasetVersion, evidence: list[AnyEvidence], tmp_path: Path
) -> None:
    shelf = tmp_path / "hub"
    hub = open_hub(str(shelf))
    release(hub, trained, spec, dataset.manifest, evidence, tmp_path / "out")
    first = (shelf / "test/mood/1.0.0" / CHANGELOG).read_text()
    assert first.startswith("# Changelog of test/mood\n") and "\nThe first version.\n" in first

    rows = [Row(text=f"note {n}", label=["sad", "calm"][n % 2], origin="generated", lineage=Lineage(spec="x"))
            for n in range(44)]  # fmt: skip
    other = build_dataset(rows, spec, tmp_path / "other")
    hub.publish_dataset(tmp_path / "dataset")
    hub.publish_dataset(tmp_path / "other")
    where = replace(settings.load(), home=tmp_path / "home", hub=str(shelf))
    data = changes.data("test/mood", dataset.version, other.version, where)
    seen = behaviour.compare(
        answers("version 1.0.0", ("glad", "glad"), ("sad", "glad"), ("sad", "sad"), ("calm", "glad")),
        answers("student:int8", ("glad", "sad"), ("sad", "sad"), ("sad", "sad"), ("calm", "sad")),
        {},
    )
    paired = next(one for one in evidence if isinstance(one, Comparison)).model_copy(
        update={"against": "version 1.0.0", "difference": 0.02, "low": 0.005, "high": 0.035, "sample": "all"}
    )
    second = replace(trained, lineage={**trained.lineage, "dataset": other.version, "teacher": "teacher-2"})
    release(
        hub, second, spec, other.manifest, [*evidence, paired], tmp_path / "out",
        follows=followed(shelf, data=data, behaviour=seen),
    )  # fmt: skip
    text = (shelf / "test/mood/1.1.0" / CHANGELOG).read_text()
    assert "after 1.0.0" in text and text.index("## 1.1.0 (") < text.index("## 1.0.0 (")
    assert text.endswith("The first version.\n") and text.count("# Changelog of") == 1
    assert "- teacher: `teacher-1@abc` → `teacher-2`" in text
    assert f"`{dataset.version}` → `{other.version}`: 40 rows → 44. 4 came, 0 went," in text
    assert "| glad | 20 | 0 | -20 |" in text
    assert "| accuracy | 0.912 (0.893 to 0.928) | 0.912 (0.893 to 0.928) | +0.020 (+0.005 to +0.035), paired |" in text
    assert "Of 4 gold rows that both answered, 1 were wrong and are right now, 1 were right and are wrong now" in text
    assert "| `row-0` | glad | glad | sad | wrong now |" in text
    assert "| `row-3` | calm | glad | sad | wrong both times |" in text
    zoo.verify(shelf / "test/mood/1.1.0")
    hub.papers("test/mood", Version(1, 1, 0), tmp_path)


def test_all_that_it_was_made_from_is_compared(packed: Callable[..., Path]) -> None:
    manifest = Manifest.read(packed())
    made_of = ("teacher", "judges", "encoder", "language model", "distilled from", "budget", "spec")
    one, other = (replace(manifest, lineage={**manifest.lineage, **{key: f"{key} {n}" for key in made_of}})
                  for n in (1, 2))  # fmt: skip
    text = render(other, [], Followed(Papers(one, [])))
    for key in made_of:
        assert f"- {key}: `{key} 1` → `{key} 2`" in text


def test_after_a_version_that_was_taken_back_it_is_told_and_not_forgotten(
    trained: Trained, spec: Spec, dataset: DatasetVersion, evidence: list[AnyEvidence], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    where = replace(settings.load(), home=tmp_path / "home", hub=str(tmp_path / "hub"))
    measured = tmp_path / "measured"
    write_json(measured / "gate.json", {"passed": True, "lines": []})
    write_evidence(measured / "evidence.jsonl", evidence)
    hub = open_hub(where.hub)
    release(hub, trained, spec, dataset.manifest, evidence, tmp_path / "out")
    hub.yank("test/mood", Version(1, 0, 0), "glad and sad were swapped")
    (trained.folder / "model.safetensors").write_bytes(b"other")
    monkeypatch.setattr(publishing.model, "trained", lambda build: trained)

    def stage(name: str, inputs: dict[str, Any], work: Callable[[Path], None]) -> Output:
        work(tmp_path / name)
        return Output(name, "key", tmp_path / name, False)

    build = SimpleNamespace(
        spec=spec, settings=where, force=False, root=tmp_path / "book", stage=stage,
        run=lambda name: Output(name, "key", measured if name == "evaluate" else dataset.path, True),
    )  # fmt: skip
    publishing.publish(build)  # type: ignore[arg-type]
    text = (tmp_path / "hub/test/mood/1.0.1" / CHANGELOG).read_text()
    assert "after 1.0.0" in text and "1.0.0 was taken back: glad and sad were swapped" in text
    assert text.index("## 1.0.1 (") < text.index("was taken back") < text.index("## 1.0.0 (")
    assert text.endswith("The first version.\n")
    published = read_evidence(tmp_path / "hub/test/mood/1.0.1" / EVIDENCE)
    assert not any(isinstance(one, Comparison) and one.against == "version 1.0.0" for one in published)


def test_no_text_of_a_gold_row_is_published(packed: Callable[..., Path], tmp_path: Path) -> None:
    manifest = Manifest.read(packed())
    manifest = replace(manifest, files={**manifest.files, PROMPT: FileEntry("0" * 64, 1)})
    own = Papers(manifest, [])
    cases = {
        "spans": ((Span(start=3, end=12, label="Person"),), (), "Person 3:12"),
        "extraction": (Known(record={"name": SECRET}, told=("name",)), {"name": SECRET + " tea"}, "row-0"),
        "generation": (Worded(answer=SECRET), SECRET + " tea", "row-0"),
    }
    for kind, (gold, answer, shown) in cases.items():
        seen = behaviour.compare(answers("version 1.0.0", (gold, None)), answers("student:int8", (gold, answer)), {})
        assert sum(seen.counts.values()) == 1
        text = render(replace(manifest, kind=kind), [], Followed(own, behaviour=seen))
        assert shown in text and SECRET not in text


def test_a_version_from_before_changelogs_is_followed_all_the_same(packed: Callable[..., Path], tmp_path: Path) -> None:
    folder = packed()
    assert not (folder / CHANGELOG).exists()
    FolderHub(tmp_path / "hub").publish(folder)
    assert FolderHub(tmp_path / "hub").papers("test/mood", Version(1, 0, 0), tmp_path)
    manifest = Manifest.read(folder)
    text = render(replace(manifest, version="1.0.1"), [], Followed(Papers(manifest, [])))
    assert "## 1.0.1" in text and "The same dataset" in text and "Not known: 1.0.0 was not asked" in text
    assert "## 1.0.0" not in text
