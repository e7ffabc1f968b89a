"""The report prints records, and only records. All figures here are made up."""

from __future__ import annotations

import dataclasses
import html.parser
import re
from pathlib import Path
from typing import Any

import pytest

from factory.evidence import promise
from factory.evidence.circumstances import Circumstances
from factory.evidence.evaluate import compare, measure
from factory.evidence.gate import judge
from factory.evidence.predictions import Predictions, answers
from factory.evidence.records import (
    Confusion,
    Cost,
    Counterfactual,
    Coverage,
    Footprint,
    LabelPromise,
    Learned,
    Record,
    Reliability,
    Robustness,
    Rung,
    Seeds,
    Slice,
    Training,
)
from factory.evidence.report import Report, render, write
from factory.evidence.speed import from_seconds
from factory.hygiene.trust import Trust
from factory.row import Gold
from factory.spec_gate import Requirement
from zoo.doubt import Doubt

LABELS = [f"label_{letter}" for letter in "abcdefghijklmnop"]
GOLD = [Gold(id=f"g{number}", text="x", label=LABELS[number % 16]) for number in range(400)]
NOTED = Circumstances("a processor, 2 cores, 24 GiB, no GPU", "abc123def456", "2026-01-01T00:00:00+00:00")


def system(who: str, step: int, gold: list[Gold] = GOLD, sample: str = "all", what: str = "") -> Predictions:
    """Every `step`-th answer is wrong, and less sure."""
    wrong = [number % step == 0 for number in range(len(gold))]
    said = [LABELS[(LABELS.index(row.label) + no * 3) % 16] for row, no in zip(gold, wrong, strict=True)]
    scores = [
        {label: 0.6 if no else 0.95, "label_z": 0.4 if no else 0.05} for label, no in zip(said, wrong, strict=True)
    ]
    return answers(who, gold, said, scores=scores, sample=sample, what=what)


@pytest.fixture(scope="module")
def report() -> Report:
    student = system("student:int8", 7, what="MiniLM-L6 + LoRA, 1,204 rows, ONNX int8")
    others = {
        "teacher": system("teacher", 2, GOLD[:200], "stratified 200 of 400, seed 13", "1.5B, constrained choice"),
        "tfidf": system("tfidf", 3),
    }  # fmt: skip
    records = [record for one in (student, *others.values()) for record in measure(one, NOTED)]
    records += [compare(student, other, NOTED) for other in others.values()]
    records.append(promise.measure(student, 0.1, Doubt(0.7), NOTED))
    band = {"error": 0.25, "low": 0.125, "high": 0.4375}
    records.append(
        LabelPromise(who=student.who, rows="ab" * 32, n=400, label="label_c", risk=0.1, accepted=36, **band,
                     verdict="broken")
    )  # fmt: skip
    held: dict[str, Any] = {"who": student.who, "rows": "ab" * 32, "n": 90, "figure": "held-out loss"}
    for epoch, loss in enumerate((1.5, 0.75, 0.875), 1):
        records.append(Learned(**held, by="epoch", at=epoch, held_out=loss, trained=loss / 2, kept=loss == 0.75))
    records.append(
        Seeds(
            who=student.who, rows="ab" * 32, n=400, figure="accuracy", seeds=(13, 14), values=(0.8125, 0.875),
            mean=0.84375, sd=0.0442,
        )
    )  # fmt: skip
    records.append(Rung(**held, method="frozen", wrong=1.25, gain=None, error=None, pays=True))
    again = {"asked": 196, "asked_gain": 0.4375, "asked_error": 0.0312}
    records.append(Rung(**held, method="lora", wrong=0.75, gain=0.5, error=0.0625, pays=True, **again))
    part: dict[str, Any] = {"who": student.who, "rows": "cd" * 32, "figure": "accuracy", "method": "Wilson"}
    for name, value, n in (("web", 0.875, 200), ("mail", 0.5625, 180), ("fax", 0.125, 20)):
        low, high, few = value - 0.0625, value + 0.0625, n < 30
        records.append(Slice(**part, by="channel", slice=name, n=n, value=value, low=low, high=high, few=few))
    typos = Robustness(
        **part, n=200, sample="stratified 200 of 400, seed 13", perturbation="typos", how="swapped | dropped, seed 13",
        touched=181, value=0.75, untouched=0.875, difference=-0.125, low=-0.1875, high=-0.0625,
    )  # fmt: skip
    records.append(typos)
    asked: dict[str, Any] = {"who": student.who, "rows": "cd" * 32, "figure": "accuracy", "method": "paired"}
    women = Counterfactual(
        **asked, n=64, probe="gender", group="women", beside="men", value=0.84375, other=0.90625, difference=-0.0625,
        low=-0.125, high=-0.03125, changed=0.09375, changed_low=0.04, changed_high=0.19, few=False,
    )  # fmt: skip
    records += [women, Counterfactual(**asked, n=0, probe="age | years", group="old", beside="young", few=True)]
    records.append(
        Footprint(
            who=student.who, rows="ef" * 32, n=5, disk_bytes=23_400_000, peak_bytes=171_250_000, load_seconds=0.75
        )
    )
    for name, hours, price in ((student.who, 1.25, None), ("giant-1", None, 52.0)):
        records.append(
            Cost(
                who=name,
                rows="ef" * 32,
                n=9,
                core_hours=hours,
                price=price,
                currency="EUR",
                watt_hours=hours and 5.5 * hours,
                basis="one thread | 1 core",
            )
        )
    records.append(
        Training(
            who=student.who, rows="cd" * 32, n=2000, seconds=90.5, seconds_per_1000=45.25, peak_bytes=1_500_000_000,
            threads=1, watt_hours=0.1375, basis="1 thread, a core each",
        )
    )  # fmt: skip
    gate = [Requirement(better_than=name) for name in ("teacher", "tfidf", "reviewed_only")]  # type: ignore[arg-type]
    records += judge(gate, student, others, GOLD, NOTED).lines
    records += [from_seconds([0.004, 0.005, 0.0061], student.who, NOTED), from_seconds([0.9, 1.2], "teacher", NOTED)]
    return Report(
        name="support/intent",
        title="Bank support: intents <of customers>",
        purpose="Finds what a customer of a bank wants | in one of 16 intents.",
        candidate="student:int8",
        evidence=records,
        data={
            "Rows by origin": {"unlabelled": 812, "generated": 1301, "reviewed": 77},
            "Dropped by check": {"contamination": 130, "near duplicate": 45},
            "Audit": {"label precision": "91.2 % (84.1–95.4), 91 rows"},
        },
        version="1.0.0",
        notes=["The teacher was measured on a sample of 200 of the 400 rows."],
    )


CHECKS = {
    "judged": 41,
    "of these dropped": 10,
    "checks": [
        {"check": "contamination", "dropped": 12, "judged": None, "bad": None, "flagged": None, "caught": None,
         "precision": None, "recall": None, "auc": None, "earns": "not asked", "sentence": "contamination dropped 12."},
        {"check": "roles", "dropped": 1234, "judged": 40, "bad": 10, "flagged": 10, "caught": 8,
         "precision": {"value": 0.8, "low": 0.49, "high": 0.943}, "recall": {"value": 0.8, "low": 0.49, "high": 0.943},
         "auc": None, "earns": "yes", "sentence": "roles earns its <keep>."},
        {"check": "language", "dropped": 0, "judged": 40, "bad": 10, "flagged": 0, "caught": 0,
         "precision": None, "recall": {"value": 0.0, "low": 0.0, "high": 0.28}, "auc": 0.5, "earns": "unknown",
         "sentence": "language dropped nothing."},
    ],
    "settings": [{"sentence": "hygiene.consistency is 0.1: it can stay."}],
}  # fmt: skip


def test_the_promise_is_told_label_by_label(report: Report) -> None:
    page, text = (render(report, f"report.{form}.jinja") for form in ("html", "md"))
    assert "| label_c | 36 | 25.0 % | 12.5–43.8 | broken |" in text
    assert "The promise, label by label" in page and ">36</td>" in page and "<td>broken</td>" in page
    assert "of all together, not of each label" in text and "of all together, not of each label" in page
    records = [
        one.model_copy(update={"own": one.label == "label_c"}) if isinstance(one, LabelPromise) else one
        for one in report.evidence
    ]
    own = dataclasses.replace(report, evidence=records)
    for form in ("html", "md"):
        assert "Promised by itself of each of label_c, of the others together." in render(own, f"report.{form}.jinja")


def test_checks_are_told_in_sentences_and_in_a_table(report: Report) -> None:
    told = dataclasses.replace(report, checks=CHECKS)
    for template in ("report.html.jinja", "report.md.jinja"):
        page = render(told, template)
        section = page.split("Which checks earn their keep")[1]
        assert "41 rows" in section and "contamination dropped 12." in section and "it can stay" in section
        assert "language dropped nothing" not in section, "nothing to tell"
        assert "80.0 %" in section and "49.0–94.3" in section and "0.50" in section
        assert "Which checks" not in render(report, template)
    assert "roles earns its &lt;keep&gt;." in render(told, "report.html.jinja")
    assert "| roles | 1234 | 10 | 8 | 80.0 % | 49.0–94.3 | 80.0 % | 49.0–94.3 | – | yes |" in render(
        told, "report.md.jinja"
    )


def test_where_nobody_judged_that_is_all_that_is_said(report: Report) -> None:
    silent = dataclasses.replace(report, checks={**CHECKS, "judged": 0, "of these dropped": 0})
    for template in ("report.html.jinja", "report.md.jinja"):
        section = render(silent, template).split("Which checks earn their keep")[1]
        assert "nobody has judged rows" in section
        assert "roles" not in section


JUDGES = {
    "judges": [
        {"judge": "big@1", "texts": 1200, "unusable": 0,
         "accuracy": {"value": 0.8, "low": 0.705, "high": 0.873, "n": 90}, "kappa": 0.75},
        {"judge": "small@2", "texts": 1197, "unusable": 3, "accuracy": None},
    ],
    "pairs": [{"judges": ["big@1", "small@2"], "n": 1197, "same": 0.6126, "kappa": 0.4211}],
    "all": {"n": 1197, "same": 0.6126},
}  # fmt: skip


def test_what_judges_agree_on_is_a_table(report: Report) -> None:
    told = dataclasses.replace(report, judges=JUDGES)
    for template in ("report.html.jinja", "report.md.jinja"):
        assert "What the judges agree on" not in render(report, template)
        section = render(told, template).split("What the judges agree on")[1]
        for figure in ("80.0 %", "70.5–87.3", "61.3 %", "0.42", "small@2"):
            assert figure in section, figure
    page = render(told, "report.md.jinja")
    assert "| big@1 | 1200 | 0 | 80.0 % | 70.5–87.3 | 0.75 | 90 |" in page
    assert "| small@2 | 1197 | 3 | – |  | – | 0 |" in page  # as it was told before there was a kappa
    assert "| big@1 and small@2 | 61.3 % | 0.42 | 1197 |" in page
    alone = {**JUDGES, "judges": JUDGES["judges"][:1], "pairs": []}  # type: ignore[index]
    page = render(dataclasses.replace(report, judges=alone), "report.md.jinja")
    assert "big@1" in page and "Two judges" not in page


def test_a_judge_below_its_floor_is_told_with_its_counts(report: Report) -> None:
    weak = Trust(0.4, kept=400, dropped=1234, judged_kept=40, judged_dropped=20, missed=10, caught=5)
    for template in ("report.html.jinja", "report.md.jinja"):
        assert "How far the judge can be trusted" not in render(report, template)
        told = render(dataclasses.replace(report, judge=weak.to_json()), template)
        section = told.split("How far the judge can be trusted")[1]
        assert "The judge is below its floor, so nothing is dropped on its word" in section
    assert "| doubted by the judge | 1234 | 20 | 5 |\n| let pass | 400 | 40 | 10 |" in section


def test_html_is_whole_and_keeps_to_itself(report: Report, tmp_path: Path) -> None:
    path, markdown = write(tmp_path, report)
    page = path.read_text()
    assert "<of customers>" not in page
    assert "&lt;of customers&gt;" in page
    assert not re.search(r"https?://|<script|<link|src=|url\(", page)
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    open_tags: list[str] = []

    class Balance(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "br"):
                open_tags.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Balance().feed(page)
    assert open_tags == []
    assert markdown.name == "report.md"


def test_the_page_has_four_pictures_that_say_what_they_show(report: Report) -> None:
    page = render(report, "report.html.jinja")
    pictures = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    assert len(pictures) == 4
    for picture in pictures:
        name = re.search(r'role="img" aria-label="([^"]+)"', picture)
        assert name and f"<title>{name[1]}</title>" in picture
    assert "threshold 0.700" in pictures[0] and "stated risk 10 %" in pictures[0]


@pytest.mark.parametrize("kind", [Reliability, Coverage, Confusion, Learned])
def test_what_has_no_records_is_not_drawn(report: Report, kind: type[Any]) -> None:
    rest = [one for one in report.evidence if not isinstance(one, kind)]
    assert render(dataclasses.replace(report, evidence=rest), "report.html.jinja").count("<svg ") == 3


@pytest.mark.parametrize("template", ["report.html.jinja", "report.md.jinja"])
def test_how_it_learned_is_told(report: Report, template: str) -> None:
    told = render(report, template).split("How it learned")[1].split("data")[0:3]
    section = "data".join(told)
    assert "90 rows" in section and "kept" in section and "0.75" in section
    assert "+0.5000" in section and "0.0625" in section
    assert "+0.4375, n 196" in section and "0.0312" in section
    none = [one for one in report.evidence if not isinstance(one, Learned | Rung)]
    assert "How it learned" not in render(dataclasses.replace(report, evidence=none), template)


def test_which_epoch_is_kept_is_told(report: Report) -> None:
    lowest, within = "The lowest is kept.", "The last that is at most a standard error above the lowest is kept."
    page = render(report, "report.html.jinja")
    assert lowest in page and within not in page
    others = [one for one in report.evidence if not isinstance(one, Learned)]
    steps = [one.model_copy(update={"kept": one.at == 3}) for one in report.evidence if isinstance(one, Learned)]
    page = render(dataclasses.replace(report, evidence=[*others, *steps]), "report.html.jinja")
    assert within in page and lowest not in page


@pytest.mark.parametrize("template", ["report.html.jinja", "report.md.jinja"])
def test_the_weakest_part_comes_first_and_the_smallest_last(report: Report, template: str) -> None:
    section = render(report, template).split("On which rows it is weak")[1].split("What careless typing costs")[0]
    assert section.index("mail") < section.index("web") < section.index("fax")
    assert "56.2 %" in section and "50.0–62.5" in section and "too few" in section


@pytest.mark.parametrize("template", ["report.html.jinja", "report.md.jinja"])
def test_what_typing_costs_is_told_beside_the_texts_as_they_are(report: Report, template: str) -> None:
    section = render(report, template).split("What careless typing costs")[1].split("Most often confused")[0]
    for told in ("87.5 %", "75.0 %", "−12.5", "−18.8 to −6.2", "181 of 200", "seed 13", "stratified 200 of 400"):
        assert told in section, told


@pytest.mark.parametrize("template", ["report.html.jinja", "report.md.jinja"])
def test_how_it_answers_of_others_is_told_and_of_whom_no_text_is(report: Report, template: str) -> None:
    section = render(report, template).split("whoever a text is about")[1].split("Most often")[0]
    for told in ("gender", "84.4 %", "90.6 %", "−6.2", "−12.5 to −3.1", "9.4 %", "4.0 % to 19.0 %", "64", "too few"):
        assert told in section, told


@pytest.mark.parametrize("template", ["report.html.jinja", "report.md.jinja"])
def test_how_much_is_luck_is_told(report: Report, template: str) -> None:
    said = (
        "alike but for the seed, by torch, on all 400 gold rows: Accuracy 84.4 % on average, standard deviation 4.4 %"
    )
    assert f"Trained 2 times {said} (81.2 %, 87.5 %; the published one first)." in render(report, template)


@pytest.mark.parametrize("template", ["report.html.jinja", "report.md.jinja"])
def test_costs_are_told_and_which_prices_nobody_stated(report: Report, template: str) -> None:
    section = render(report, template).split("What it takes and what it costs")[1].split("How it learned")[0]
    for told in ("23.4 MB", "171.2 MB", "0.75 seconds", "1.25", "6.88", "giant-1", "EUR", "52", "cards/prices.yaml"):
        assert told in section, told
    took = "Training on 2,000 rows took 90.5 seconds, 45.2 a thousand rows, in a process that held 1,500.0 MB at most"
    assert f"{took}, and 0.138 Wh (1 thread, a core each)." in section
    known = [one.model_copy(update={"price": 1.0}) if isinstance(one, Cost) else one for one in report.evidence]
    assert "cards/prices.yaml" not in render(dataclasses.replace(report, evidence=known), template)


@pytest.mark.parametrize("template", ["report.html.jinja", "report.md.jinja"])
def test_every_figure_is_a_records(report: Report, template: str) -> None:
    page = render(report, template)
    accuracy = next(one for one in report.evidence if isinstance(one, Record) and one.metric == "accuracy")
    assert f"{100 * accuracy.value:.1f} %" in page
    for expected in ("not passed", "There are no answers of", "label_a", "1,301", "91.2 %", "stratified 200 of 400",
                     "abc123def456", "The teacher was measured on a sample"):  # fmt: skip
        assert expected in page
    changed = accuracy.model_copy(update={"value": 0.1234, "low": 0.1, "high": 0.2})
    evidence = [changed if one is accuracy else one for one in report.evidence]
    assert "12.3 %" in render(Report(**{**vars(report), "evidence": evidence}), template)


def test_markdown_tables_are_tables(report: Report) -> None:
    lines = render(report, "report.md.jinja").splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("|"):
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        before = lines[number - 1]
        assert not before.startswith("|") or len(re.findall(r"(?<!\\)\|", before)) == cells, line
        assert before.startswith("|") or not before, "a table stands after an empty line"


@pytest.mark.parametrize("template", ["report.html.jinja", "report.md.jinja"])
def test_without_records_it_says_so(template: str) -> None:
    page = render(Report("a/b", "A", "B", "student", []), template)
    assert "The gate has not been judged" in page
