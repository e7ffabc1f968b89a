"""A person's way: sign in, read, pick a label, submit, discard with a reason; and what the factory gets of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from review_specs import make_spec

from factory.review.argilla import ArgillaBackend
from factory.review.backend import Item
from factory.services.argilla.server import ArgillaServer

pytestmark = pytest.mark.real

TEXTS = {
    "lost": "I left my card on the bus, can you stop it before someone uses it?",
    "fee": "why was i charged 3 pounds for taking out my own money",
    "pin": "The new PIN you sent does not work in any machine.",
    "noise": "hello??",
}
SUGGESTED = {"lost": "topic_40", "pin": "topic_42", "noise": "topic_43"}  # "fee" is audited: judged unaided


def items() -> list[Item]:
    return [
        Item(
            row_id=row_id,
            text=text,
            suggestion=SUGGESTED.get(row_id),
            confidence=0.4,
            reason="uncertain" if row_id in SUGGESTED else "audit",
            candidates=(SUGGESTED[row_id], "topic_66") if row_id in SUGGESTED else (),
            metadata={"origin": "generated", "machine": "topic_40"},
        )
        for row_id, text in TEXTS.items()
    ]


def answer(page: Any, row_id: str) -> None:
    if row_id == "lost":  # the suggestion is right, and is marked already
        page.get_by_role("button", name="Submit").click()
    elif row_id == "fee":  # a label among those in sight
        assert page.locator(".label-active").count() == 0, "an audited row shows the machine's label"
        assert page.get_by_text("Likely labels").count() == 0
        page.locator("label[for=label_topic_03]").click()
        page.get_by_role("button", name="Submit").click()
    elif row_id == "pin":  # a label that has to be looked for
        page.get_by_placeholder("Search labels").fill("topic_66")
        page.locator("label[for=label_topic_66]").click()
        page.get_by_role("button", name="Submit").click()
    else:
        page.locator("label[title='It is not a real text of this kind']").click()
        page.locator("p[contenteditable=true]").last.click()
        page.keyboard.type("says nothing")
        page.get_by_role("button", name="Discard").click()


def test_a_reviewer_answers_in_the_browser(argilla: ArgillaServer, page: Any, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "spec", name="support/browser")
    backend = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    pushed = backend.push(spec, items())
    shots = argilla.home / "screenshots"
    shots.mkdir(exist_ok=True)
    reached: list[str] = []
    page.on("response", lambda response: reached.append(response.url))
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("response", lambda response: failures.append(response.url) if response.status >= 500 else None)

    page.goto(pushed.where)
    page.get_by_label("username").fill("reviewer")
    page.locator("input[type=password]").fill(argilla.credentials.reviewer_password)
    page.screenshot(path=shots / "1-sign-in.png")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("1 of 4").wait_for()
    page.get_by_role("button", name="Expand Panel").first.click()
    page.get_by_text("press Discard", exact=True).wait_for()
    page.wait_for_timeout(500)  # the panel slides
    page.screenshot(path=shots / "2-dataset-and-guidelines.png")
    page.get_by_role("button", name="Collapse Panel").first.click()

    seen: list[str] = []
    while len(seen) < len(TEXTS):
        record = page.locator("[class*=record]").filter(has_text="types into the bank's chat").last
        record.wait_for()
        row_id = next(key for key, text in TEXTS.items() if page.get_by_text(text, exact=True).count())
        assert row_id not in seen
        page.screenshot(path=shots / f"3-{len(seen)}-{row_id}.png")
        answer(page, row_id)
        page.get_by_text(TEXTS[row_id], exact=True).wait_for(state="detached")
        seen.append(row_id)
    page.wait_for_timeout(1000)
    page.screenshot(path=shots / "4-done.png")

    said = {answer.row_id: answer for answer in backend.pull(spec).answers}
    assert {key: answer.label for key, answer in said.items()} == {
        "lost": "topic_40",
        "fee": "topic_03",
        "pin": "topic_66",
        "noise": None,
    }
    assert (said["noise"].problem, said["noise"].comment) == ("unusable", "says nothing")
    assert said["fee"].reason == "audit"
    assert said["fee"].text == TEXTS["fee"]
    assert len({answer.reviewer for answer in said.values()}) == 1
    assert "reviewer" not in said["fee"].reviewer
    assert said["fee"].submitted_at
    assert not failures
    assert all(url.startswith((argilla.url, "data:", "blob:")) for url in reached), "the page loaded from elsewhere"
