from __future__ import annotations

from pathlib import Path

import pytest
from review_specs import POLICY, make_spec

from factory.review import proposals
from factory.review.backend import Answer
from factory.row import Lineage, Row
from factory.spec import Spec

LABELS = {"lost": "A card is gone.", "fee": "A charge is disputed.", "pin": "The PIN."}


@pytest.fixture
def told(tmp_path: Path) -> Spec:
    spec = make_spec(tmp_path / "spec", LABELS)
    (spec.folder / "policy.md").write_text(POLICY + "\n- A stolen card is `lost`, not `fee`.\n- Abroad it is `fee`.\n")
    return spec


def row(text: str, label: str, **soft: float) -> Row:
    return Row(text=text, label=label, soft=soft or None, origin="generated", lineage=Lineage(spec="s"))


def said(of: Row, label: str | None, problem: str = "", comment: str = "", reviewer: str = "anna") -> Answer:
    return Answer(of.id, label, reviewer, of.text, "uncertain", problem=problem, comment=comment)


def test_what_people_would_change_by_what_it_is_about(told: Spec) -> None:
    open_, wrong, right, silent = (
        row("is it stolen or charged", "lost", lost=0.6, fee=0.4),
        row("charged abroad", "lost"),
        row("pin please", "pin"),
        row("nothing to say", "fee"),
    )
    answers = [
        said(open_, None, "policy", "Stolen and charged?"),
        said(open_, None, "several", reviewer="ben"),
        said(wrong, "fee", comment="Abroad is a fee, mail me at jane.doe@example.com"),
        said(right, "pin", comment="Say what a PIN is."),
        said(silent, "fee"),
    ]
    found = proposals.table(told, [open_, wrong, right, silent], answers)
    assert [(one["title"], one["how"], one["answers"], one["unclear"]) for one in found] == [
        ("between lost and fee", "between", 2, 2),
        ("pin", "about", 1, 0),
        ("lost corrected to fee", "corrected", 1, 0),
    ]
    between, _, corrected = found
    assert between["lines"][0]["text"].startswith("- A stolen card is `lost`, not `fee`")
    lines = (told.folder / "policy.md").read_text().splitlines()
    assert all(line["text"] in " ".join(lines[line["line"] - 1].split()) for line in between["lines"])
    assert between["definitions"] == {"lost": "A card is gone.", "fee": "A charge is disputed."}
    assert between["comments"][0].endswith("Stolen and charged?")
    assert "jane.doe" not in str(corrected) and "Abroad is a fee" in corrected["comments"][0]
    told_in_words = proposals.say(found)
    assert "between lost and fee: 2 answers, 2 say that the policy leaves it open" in told_in_words
    assert f"policy.md:{between['lines'][0]['line']}: " in told_in_words


def test_nothing_to_change(told: Spec) -> None:
    one = row("pin please", "pin")
    assert proposals.table(told, [one], [said(one, "pin"), said(one, None, "unreal")]) == []
    assert proposals.say([]).startswith("Nobody has left a comment")
