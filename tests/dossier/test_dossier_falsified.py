"""Twenty falsifications and more, each with the folder's own manifest made to fit again: every one is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from factory.dossier import seal
from factory.dossier.verify import verify
from factory.lineage import ledger
from factory.settings import Settings
from tests.dossier.conftest import NAME, edit, swap

EVIDENCE, MANIFEST = "records/specialist/evidence.jsonl", "records/specialist/manifest.json"


def _without_section(folder: Path) -> None:
    text = (folder / "annex-iv.md").read_text()
    start, end = text.index("## 5. Risk management"), text.index("## 6. Changes")
    (folder / "annex-iv.md").write_text(text[:start] + text[end:])


def _row_of_the_bill(folder: Path) -> None:
    edit(folder / "bom.cdx.json", lambda bill: bill["components"].pop())


def _licence(folder: Path) -> None:
    def change(bill: dict) -> None:
        (teacher,) = (one for one in bill["components"] if one["bom-ref"].startswith("encoder:"))
        teacher["licenses"] = [{"license": {"id": "MIT"}}]

    edit(folder / "bom.cdx.json", change)


def _hash_of_the_model(folder: Path) -> None:
    edit(folder / "bom.cdx.json", lambda b: b["metadata"]["component"]["hashes"][0].update(content="0" * 64))


def _line_of_evidence(folder: Path) -> None:
    lines = (folder / EVIDENCE).read_text().splitlines(keepends=True)
    (folder / EVIDENCE).write_text("".join(lines[1:]))


def _entry_added(folder: Path) -> None:
    """A later entry of `clean` that tells of other statistics, well chained."""
    book = folder / "records/ledger"
    path = folder / "records/stages/clean/statistics.json"
    swap(path, '"dropped": 4', '"dropped": 0')
    found = ledger.read(book)
    entry = json.loads(next(e for e in found.entries if e.stage == "clean").line())
    entry |= {"number": found.following[0], "previous": found.following[1]}
    entry["files"]["statistics.json"] = sha256(path.read_bytes()).hexdigest()
    line = ledger.canonical(entry).encode()
    with (book / ledger.FILE).open("ab") as file:
        file.write(line + b"\n")
    (book / ledger.HEAD).write_text(json.dumps({"entries": entry["number"] + 1, "sha256": sha256(line).hexdigest()}))


def _gone(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _swapped(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: swap(folder / name, old, new)


FALSIFIED = {
    "a figure in the risk sheet": (_swapped("risk.md", "0.7000", "0.9000"), "risk.md: line"),
    "a figure in the documentation": (_swapped("annex-iv.md", "0.9120", "0.9920"), "annex-iv.md: line"),
    "what training took": (_swapped("annex-iv.md", "0.06 Wh", "0.01 Wh"), "annex-iv.md: line"),
    "a label in the risk sheet": (_swapped("risk.md", "| glad | 40 |", "| glad | 90 |"), "risk.md: line"),
    "a verdict in the risk sheet": (_swapped("risk.md", "**kept**", "**broken**"), "risk.md: line"),
    "a sentence of the data sheet": (
        _swapped("data-protection.md", "**None was looked for**", "All of it was removed"), "data-protection.md: line"),
    "a figure on the page": (_swapped("index.html", "0.9120", "0.9920"), "index.html: line"),
    "a script on the page": (_swapped("index.html", "</main>", "<script>1</script></main>"), "index.html: line"),
    "a section removed": (_without_section, "annex-iv.md: line"),
    "a field that a person did not fill": (
        _swapped("annex-iv.md", "**For a person to fill in** (`oversight`", "**Stated by a person:** (`oversight`"),
        "annex-iv.md: line"),
    "a figure in evidence": (_swapped(EVIDENCE, '"value": 0.912', '"value": 0.992'), f"{EVIDENCE}: sha256"),
    "a line of evidence removed": (_line_of_evidence, f"{EVIDENCE}: sha256"),
    "a figure in facts": (_swapped("facts.json", "0.912", "0.992"), "facts.json: figures.value[0].value: found 0.992, "
                          "expected 0.912"),
    "a rule in facts": (_swapped("facts.json", "the weakest ten", "the best ten"), "facts.json: classes.rule"),
    "a fact removed": (lambda folder: edit(folder / "facts.json", lambda f: f.pop("promise")), "facts.json: promise"),
    "a licence in the bill": (_licence, "bom.cdx.json: components[0].licenses[0].license.id: found MIT, "
                              "expected Apache-2.0"),
    "a component of the bill removed": (_row_of_the_bill, "bom.cdx.json: components["),
    "a hash in the bill": (_hash_of_the_model, "bom.cdx.json: metadata.component.hashes[0].content"),
    "a bill that is none": (lambda folder: edit(folder / "bom.cdx.json", lambda b: b.update(bomFormat="SPDX")),
                            "bom.cdx.json: CycloneDX's schema"),
    "the card": (_swapped("records/specialist/README.md", "0.912", "0.992"), "README.md: sha256"),
    "the published manifest": (_swapped(MANIFEST, '"threshold": 0.6', '"threshold": 0.5'), f"{MANIFEST}: sha256, as"),
    "the gate": (_swapped("records/stages/evaluate/gate.json", "17.5", "27.5"), "gate.json: sha256"),
    "an answer to a gold row": (
        _swapped("records/stages/evaluate/predictions/student_int8.jsonl", '"predicted": "sad"', '"predicted": "calm"'),
        "student_int8.jsonl: sha256"),
    "the statistics of cleaning": (_swapped("records/stages/clean/statistics.json", '"dropped": 4', '"dropped": 0'),
                                   "clean/statistics.json: sha256"),
    "the same, with an entry that fits": (_entry_added, "clean/statistics.json: sha256"),
    "a line of the ledger": (_swapped("records/ledger/ledger.jsonl", "tester", "nobody"), "ledger.jsonl: the chain"),
    "the dataset version": (_swapped("records/dataset/manifest.json", '"corrected": 0', '"corrected": 9'),
                            "dataset/manifest.json: sha256"),
    "the spec": (_swapped(f"records/spec/{NAME}/spec.yaml", "Judging people", "Judging cats"), "spec/: identity"),
    "the policy": (_swapped(f"records/spec/{NAME}/policy.md", "mood", "moods"), "spec/: identity"),
    "a text that is shown": (_swapped("records/gold/shown.jsonl", "a sad note", "a glad note"), "shown.jsonl: g1"),
    "a statistic removed": (_gone("records/stages/clean/statistics.json"), "clean/statistics.json"),
    "evidence removed": (_gone(EVIDENCE), f"{EVIDENCE}: the file"),
    "a paper removed": (_gone("risk.md"), "risk.md: line 1"),
    "a paper added": (lambda folder: (folder / "fine.md").write_text("All is well.\n"), "fine.md: the file"),
}  # fmt: skip


@pytest.mark.parametrize("what", FALSIFIED)
def test_a_falsification_is_found(what: str, dossier: Path, where: Settings) -> None:
    spoil, told = FALSIFIED[what]
    spoil(dossier)
    seal.seal(dossier, f"{NAME}@1.0.0")  # whoever falsifies fits the manifest of the folder, too
    found = [str(one) for one in verify(dossier, where).differences]
    assert any(told in one for one in found), found


def test_a_file_swapped_without_a_new_seal_is_named(dossier: Path, where: Settings) -> None:
    shutil.copyfile(dossier / "risk.md", dossier / "data-protection.md")
    found = [str(one) for one in verify(dossier, where).differences]
    assert any(one.startswith("dossier.json: files.data-protection.md: found ") for one in found), found


def test_an_omission_that_is_excused_is_found_where_the_builds_are(dossier: Path, where: Settings) -> None:
    (dossier / "records/stages/evaluate/gate.json").unlink()
    excuse = "gate.json of the stage evaluate: it was built elsewhere."
    edit(dossier / "records/about.json", lambda about: about["not_found"].append(excuse))
    found = [str(one) for one in verify(dossier, where).differences]
    assert any("gate.json: the file: found nothing" in one for one in found), found
