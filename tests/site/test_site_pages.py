"""What the pages say, of a made-up family, and how they are made: for everybody, and of nothing from elsewhere."""

from __future__ import annotations

import html.parser
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from factory import spec as specs
from factory.dataset.build import build
from factory.evidence.records import Record
from factory.publish.hub import open_hub
from factory.row import Lineage, Row
from factory.services.hub.server import running
from factory.settings import CHECKOUT, Settings
from factory.site.make import make
from tests.site.family import NAME, WHO, built, declared, evidence, publish, settings_in, waits
from zoo.names import Version

GOLD = ["glad", "glad", "sad", "sad", "sad"]


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    """A family: two versions of test/mood, one of test/other, a review that waits."""
    where = settings_in(tmp_path)
    declared(where)
    publish(where, "1.0.0", evidence(0.88))
    publish(where, "1.1.0", evidence(0.9, against="1.0.0"))
    publish(where, "1.0.0", evidence(0.7), name="test/other", title="Another & more")
    built(where, "1.1.0", ["glad", "sad", "glad", "sad", "glad"], ["glad", "glad", "sad", "glad", "glad"], GOLD)
    waits(where, until="2026-01-05T03:04:05+00:00")
    return where


def site(where: Settings) -> dict[str, str]:
    """Every page of a site that is made anew, path to text."""
    index, _ = make(where)
    found = (path for path in index.parent.rglob("*") if path.is_file())
    return {path.relative_to(index.parent).as_posix(): path.read_text() for path in found}


class Seen(html.parser.HTMLParser):
    """What a page holds."""

    VOID = ("meta", "link", "br", "polyline", "polygon", "rect")
    APART = ("td", "th", "p", "li", "small", "h1", "h2", "h3", "h4", "dd", "summary", "text")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += [" "] if tag in self.APART else []
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag
        self.text += [" "] if tag in self.APART else []

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & {*self._open}:
            self.text.append(data)

    @property
    def said(self) -> str:
        return " ".join("".join(self.text).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_family_is_told_by_its_newest_versions_with_intervals(where: Settings) -> None:
    said = Seen(site(where)["index.html"]).said
    assert "2 specialists are given out" in said
    assert "test/mood 1.1.0 Mood of a note 90.0 % 88.0–92.0 60.0 % 53.0–67.0 of 200 rows" in said
    assert "test/other 1.0.0 Another & more 70.0 % 68.0–72.0" in said
    assert "test/tags: not published yet" in said
    assert "test/tags (quick): 1 of 2 rows are answered; it goes on at 2026-01-05 03:04 UTC" in said
    assert "publish 1.1.0 of test/mood" in said and "gate passed: yes, gold rows 5" in said


def test_a_specialists_page_has_its_versions_pictures_and_how_to_load_it(where: Settings) -> None:
    pages = site(where)
    page = pages[f"{NAME}/index.html"]
    seen = Seen(page)
    assert "1.1.0 is given out" in seen.said
    assert re.search(r"1\.1\.0 2026-01-02 90\.0 % 88\.0–92\.0 60\.0 %.* 1\.0\.0 2026-01-02 88\.0 %", seen.said)
    assert "60.0 % 53.0–67.0 of 200 rows" in seen.said, "the teacher's figure is of a sample"
    assert [one["aria-label"] for one in seen.of("svg")] == [
        "Share wrong among the surest answers, with 95 % interval, by share taken",
        "Share right, with 95 % interval, by mean confidence, in bins of equal mass",
        "Accuracy, with 95 % interval, by what a million texts cost in core-hours",
        "held-out loss epoch by epoch",
    ]
    assert f'zoo.load("{NAME}@1.1.0", hub="{where.hub}")' in seen.said
    assert "Student, int8 1.25 6.9 – 90.0 % 88.0–92.0 one thread" in seen.said
    for name in ("card.html", "report.html", "evidence.jsonl", "manifest.json"):
        assert f"{NAME}/1.0.0/{name}" in pages
    assert pages[f"{NAME}/1.0.0/evidence.jsonl"] == (Path(where.hub) / NAME / "1.0.0/evidence.jsonl").read_text()
    assert "88.0 %" in pages[f"{NAME}/1.0.0/report.html"]


def test_what_changed_is_told_in_figures_and_in_answers(where: Settings) -> None:
    said = Seen(site(where)[f"{NAME}/index.html"]).said
    assert "Accuracy 88.0 % 86.0–90.0 90.0 % 88.0–92.0 +2.0 +0.5 to +3.5, paired" in said
    assert "The same dataset, d-000000000001" in said
    assert "2 were wrong and are right now, 1 were right and are wrong now, and 0 are wrong in another way" in said
    assert "note <1> glad sad glad right now" in said
    assert "note <3> sad sad glad wrong now" in said
    assert "note <4>" not in said, "the same answer, wrong both times, is no change"


def test_what_changed_in_the_data_is_told_row_by_row(where: Settings, tmp_path: Path) -> None:
    spec = specs.load(NAME, where.prompts)

    def dataset(notes: dict[int, str]) -> str:
        rows = [
            Row(text=f"note {n}", label=label, origin="generated", lineage=Lineage(spec=spec.identity))
            for n, label in notes.items()
        ]
        made = build(rows, spec, tmp_path / f"dataset-{len(rows)}")
        open_hub(where.hub).publish_dataset(made.path)
        return made.version

    before = dataset({n: "glad" if n % 2 else "sad" for n in range(40)})
    after = dataset({n: "glad" if n % 2 or n == 0 else "sad" for n in range(45) if n not in (1, 2)})
    publish(where, "1.0.0", lineage={"dataset": before, "teacher": "teacher-1"})
    publish(where, "1.1.0", lineage={"dataset": after, "teacher": "teacher-2"})
    said = Seen(site(where)[f"{NAME}/index.html"]).said
    assert f"{before} → {after}: 40 rows → 43. 5 came, 2 went," in said
    assert "glad 20 22 +2 sad 20 21 +1" in said
    assert "teacher: teacher-1 → teacher-2" in said
    publish(where, "1.2.0", lineage={"dataset": "d-0123456789ab"})
    said = Seen(site(where)[f"{NAME}/index.html"]).said
    assert f"From {after} to d-0123456789ab; their rows can't be compared here: {NAME} has no dataset version" in said


def test_labels_that_came_or_went_are_told(where: Settings) -> None:
    publish(where, "2.0.0", evidence(), labels=("glad", "calm"))
    assert "Labels that came: calm. Labels that went: sad." in Seen(site(where)[f"{NAME}/index.html"]).said


def test_yanked_versions_are_told_and_not_the_newest(where: Settings) -> None:
    hub = open_hub(where.hub)
    hub.yank(NAME, Version(1, 1, 0), "swaps <glad> and sad")
    pages = site(where)
    assert "test/mood 1.0.0 Mood of a note 88.0 %" in Seen(pages["index.html"]).said
    assert "yanked: swaps <glad> and sad" in Seen(pages[f"{NAME}/index.html"]).said
    for page in ("card.html", "report.html"):
        assert "This version was yanked: swaps <glad> and sad" in Seen(pages[f"{NAME}/1.1.0/{page}"]).said
    hub.yank(NAME, Version(1, 0, 0), "older still")
    pages = site(where)
    assert "test/mood: every version was yanked" in Seen(pages["index.html"]).said
    assert "told of 1.1.0: swaps <glad> and sad" in Seen(pages[f"{NAME}/index.html"]).said


def test_figures_on_other_rows_are_not_subtracted(where: Settings) -> None:
    publish(where, "1.2.0", evidence(0.95, rows="cd" * 32))
    said = Seen(site(where)[f"{NAME}/index.html"]).said
    assert "Accuracy 90.0 % 88.0–92.0 95.0 % 93.0–97.0 – other gold rows" in said
    assert "Not known here: the builds of this machine keep no answers of both." in said


def _evidence_cut(folder: Path) -> None:
    (folder / "evidence.jsonl").write_text("{")


def _manifest_cut(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def _no_card(folder: Path) -> None:
    (folder / "README.md").unlink()


def _another(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace("test/other", "test/else"))


def _unknown_record(folder: Path) -> None:
    publish(settings_in(folder.parents[3]), "1.0.0", [], name="test/other")
    (folder / "evidence.jsonl").write_text('{"kind": "horoscope"}\n')
    publish_again(folder)


def publish_again(folder: Path) -> None:
    """Seal the folder's files as they are."""
    from zoo.manifest import Manifest, describe_files

    replace(Manifest.read(folder), files=describe_files(folder)).write(folder)


@pytest.mark.parametrize("spoil", [_evidence_cut, _manifest_cut, _no_card, _another, _unknown_record])
def test_what_cant_be_read_costs_its_own_page_a_sentence(spoil: Any, where: Settings) -> None:
    sound = site(where)
    spoil(Path(where.hub) / "test/other/1.0.0")
    pages = site(where)
    assert "Version 1.0.0 can't be read" in Seen(pages["test/other/index.html"]).said
    assert "test/other: nothing of it can be read" in Seen(pages["index.html"]).said
    assert "test/mood 1.1.0 Mood of a note 90.0 %" in Seen(pages["index.html"]).said
    kept = {path: page for path, page in sound.items() if path.startswith(NAME)}
    assert {path: pages[path] for path in kept} == kept
    _, problems = make(where)
    assert len(problems) == 1 and problems[0].startswith("test/other: Version 1.0.0 can't be read")


def test_a_version_that_cant_be_read_leaves_the_others(where: Settings) -> None:
    _evidence_cut(Path(where.hub) / NAME / "1.1.0")
    pages = site(where)
    said = Seen(pages[f"{NAME}/index.html"]).said
    assert "1.1.0 is given out" in said and "Version 1.1.0 can't be read" in said
    assert "What follows is told of 1.0.0" in said and "88.0 %" in said
    assert "test/mood 1.0.0 1.1.0 can't be read" in Seen(pages["index.html"]).said


@pytest.mark.parametrize("text", ["{", "[]", '{"spec": "x"}'])
def test_a_waiting_file_that_cant_be_read_is_told(text: str, where: Settings) -> None:
    waits(where, "test/broken").write_text(text)
    said = Seen(site(where)["index.html"]).said
    assert "What test/broken waits for can't be read" in said
    assert "test/tags (quick)" in said


def test_a_ledger_that_was_changed_is_told(where: Settings) -> None:
    ledger = where.builds / NAME / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace("gold rows", "gilt rows"))
    assert "does not follow from the line before it" in Seen(site(where)[f"{NAME}/index.html"]).said


def test_answers_that_cant_be_read_are_told(where: Settings) -> None:
    (where.builds / NAME / "publish" / ("b" * 16) / "published.jsonl").write_text("{")
    assert (
        "The answers kept of both can't be read: This line is not JSON" in Seen(site(where)[f"{NAME}/index.html"]).said
    )


def test_nothing_at_all_is_a_site_too(tmp_path: Path) -> None:
    pages = site(settings_in(tmp_path))
    said = Seen(pages["index.html"]).said
    assert "Nothing is published yet" in said and "No build waits for people." in said and "Nothing was built" in said


def test_the_same_input_makes_the_same_bytes(where: Settings) -> None:
    assert site(where) == site(where)


def test_a_server_makes_the_site_that_its_folder_makes(where: Settings) -> None:
    open_hub(where.hub).yank(NAME, Version(1, 1, 0), "swaps them")
    alone = site(where)
    with running(Path(where.hub)) as server:
        served = site(replace(where, hub=server.address))
        assert {path: page.replace(server.address, where.hub) for path, page in served.items()} == alone


def test_what_people_wrote_is_text(where: Settings) -> None:
    evil = "<script>alert(1)</script>"
    publish(where, "2.0.0", evidence(), title=evil, labels=(evil, "glad"))
    open_hub(where.hub).yank(NAME, Version(1, 1, 0), evil)
    waits(where, place=f"http://127.0.0.1/{evil} javascript:alert(1)")
    for path, page in site(where).items():
        if path.endswith(".html"):
            seen = Seen(page)
            assert not seen.of("script"), path
            assert all(
                str(one.get("href", "")).startswith(("http://127.0.0.1/", "../", "#", "")) for one in seen.of("a")
            )
            assert "javascript:" not in " ".join(str(one.get("href")) for one in seen.of("a"))
            assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
    card = Seen(site(where)[f"{NAME}/2.0.0/card.html"])
    assert "or <b>sad</b>." in card.said and not card.of("b")


def test_every_link_leads_somewhere_in_the_folder(where: Settings) -> None:
    pages = site(where)
    for path, page in pages.items():
        if not path.endswith(".html"):
            continue
        seen = Seen(page)
        ids = {attributes["id"] for _, attributes in seen.tags if "id" in attributes}
        assert not [one for tag in ("script", "img", "iframe", "form") for one in seen.of(tag)]
        for link in [*seen.of("a"), *seen.of("link")]:
            target = str(link["href"])
            if target.startswith(("data:", "http://127.0.0.1:6900/")):
                continue
            if target.startswith("#"):
                assert target[1:] in ids, f"{path}: {target}"
            else:
                resolved = (Path("/") / path).parent.joinpath(target).as_posix()
                parts: list[str] = []
                for part in resolved.split("/")[1:]:
                    parts = parts[:-1] if part == ".." else [*parts, part]
                assert "/".join(parts) in pages, f"{path}: {target}"


def test_pages_are_built_for_everybody(where: Settings) -> None:
    for path, page in site(where).items():
        if not path.endswith(".html") or path.endswith("report.html"):
            continue
        seen = Seen(page)
        assert seen.of("html")[0]["lang"] == "en"
        assert [len(seen.of(tag)) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1], path
        assert all(one.get("aria-label") for one in seen.of("nav"))
        first = next(attributes for tag, attributes in seen.tags if tag == "a")
        assert first["href"] == "#main" and first["class"] == "skip"
        levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch("h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in pairwise(levels)), (path, levels)
        assert all(one.get("scope") in ("col", "row") for one in seen.of("th")), path
        assert all(one.get("role") == "img" and one.get("aria-label") for one in seen.of("svg"))
        assert len(seen.of("svg")) <= len(seen.of("details")) + 1, "each picture has its figures in a table"
        scrolling = [one for one in seen.of("div") if one.get("class") == "scroll"]
        assert len(scrolling) == len(seen.of("table"))
        assert all(one.get("tabindex") == "0" and one.get("aria-label") for one in scrolling)
        labels = [one["aria-label"] for _, one in seen.tags if one.get("role") == "region"]
        assert len(set(labels)) == len(labels), "regions are told apart by their names"


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance of `#rrggbb`."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_words_stand_out_from_their_ground_in_light_and_dark() -> None:
    css = (CHECKOUT / "cards/style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    for scheme in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", scheme))
        pairs = [(ink, ground) for ink in ("ink", "soft", "accent") for ground in ("paper", "panel")]
        pairs += [(ink, f"{ink}-panel") for ink in ("good", "bad", "note")] + [("good", "paper"), ("bad", "paper")]
        for ink, ground in pairs:
            darker, lighter = sorted((luminance(colours[ink]), luminance(colours[ground])))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)


def test_a_specialist_without_some_records_has_no_empty_sections(where: Settings) -> None:
    own = {"who": WHO, "rows": "ab" * 32, "n": 10}
    publish(where, "1.0.0", [Record(**own, metric="accuracy", value=0.5)], name="test/bare", title="Bare")
    seen = Seen(site(where)["test/bare/index.html"])
    assert not seen.of("svg")
    assert "50.0 %" in seen.said and "Its cost" not in seen.said and "How it learned" not in seen.said
