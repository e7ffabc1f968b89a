"""A person at Argilla in a real browser, whatever the kind: reads, corrects, submits, discards, changes an answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from factory.review.backend import PROBLEMS
from factory.services.argilla.credentials import REVIEWER
from factory.services.argilla.server import ArgillaServer

# Where a word of a text is on the screen: a range over the text node that holds it.
_BOX = """
([text, word]) => {
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
        if (node.textContent.trim() !== text) continue
        const range = document.createRange(), start = node.textContent.indexOf(word)
        range.setStart(node, start)
        range.setEnd(node, start + word.length)
        const box = range.getBoundingClientRect()
        return [box.left, box.right, (box.top + box.bottom) / 2]
    }
    return null
}
"""

# Whether a word is marked: marks are highlights named after types, hl-...; what is being drawn is no mark yet.
_MARKED = """
word => [...CSS.highlights].some(([name, ranges]) => name.startsWith("hl-") && !name.endsWith("-selection")
    && [...ranges].some(range => range.toString() === word))
"""


class Person:
    """Signed in as the reviewer, at a dataset.

    Attributes:
        failures: errors of the page, and answers of the server that say it failed.
    """

    def __init__(self, page: Any, argilla: ArgillaServer, where: str, shots: Path) -> None:
        self._page, self._where, self._shots = page, where, shots
        shots.mkdir(parents=True, exist_ok=True)
        self.failures: list[str] = []
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.on("response", lambda response: self._heard(response.status, response.url))
        page.goto(where)
        page.get_by_label("username").or_(page.get_by_role("button", name="Submit")).first.wait_for()
        if page.get_by_label("username").count():
            page.get_by_label("username").fill(REVIEWER)
            page.locator("input[type=password]").fill(argilla.credentials.reviewer_password)
            page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Submit").wait_for()

    def _heard(self, status: int, url: str) -> None:
        if status >= 400:
            self.failures.append(f"{status} {url}")

    def shot(self, name: str) -> None:
        """Take a picture."""
        self._page.screenshot(path=self._shots / f"{name}.png")

    def read(self, texts: Mapping[str, str]) -> str:
        """Which of these rows, id to text, is shown."""
        for _ in range(100):
            for row_id, text in texts.items():
                if self._page.get_by_text(text, exact=True).count():
                    return row_id
            self._page.wait_for_timeout(100)
        raise AssertionError("none of the rows is shown")

    def choose(self, label: str) -> None:
        """Choose a label."""
        self._page.locator(f"label[for=label_{label}]").click()

    def mark(self, text: str, word: str, label: str) -> None:
        """Choose a type, and draw over a word of the text until it is marked."""
        for _ in range(5):
            if not self._page.locator(".span-annotation__field--active").count():  # a second click would take it back
                self._page.get_by_role("group", name="Label-Options").get_by_text(label, exact=True).click()
            # The page puts the text down anew when it learns of marks, and what is drawn meanwhile is lost.
            left, right, middle = self._page.wait_for_function(_BOX, arg=[text, word]).json_value()
            self._page.mouse.move(left + 1, middle)
            self._page.mouse.down()
            self._page.mouse.move(right - 1, middle, steps=8)
            self._page.mouse.up()
            self._page.wait_for_timeout(300)
            if self._page.evaluate(_MARKED, word):
                return
        self.shot("not-marked")
        raise AssertionError(f"{word!r} can't be marked")

    def write(self, text: str) -> None:
        """Put words in the place of those that the first question for words has."""
        self._page.locator("p[contenteditable=true]").first.click()
        self._page.keyboard.press("Control+A")
        self._page.keyboard.insert_text(text)

    def rate(self, rating: int) -> None:
        """Say how good the machine's answer was."""
        self._page.locator(f"label[for=rating_{rating}]").click()

    def submit(self, text: str) -> None:
        """Submit, and wait until the row is gone."""
        self._page.get_by_role("button", name="Submit").click()
        self._gone(text)

    def discard(self, text: str, problem: str, comment: str) -> None:
        """Say why, and discard."""
        self._page.locator(f"label[title='{PROBLEMS[problem]}']").click()
        self._page.locator("p[contenteditable=true]").last.click()
        self._page.keyboard.insert_text(comment)
        self._page.get_by_role("button", name="Discard").click()
        self._gone(text)

    def find_submitted(self, text: str) -> None:
        """Find a row again among those answered, by a search for its words."""
        self._page.goto(self._where)
        status = self._page.locator(".filters__status")
        status.get_by_text("pending").click()
        status.get_by_text("submitted").click()
        self._page.wait_for_load_state("networkidle")
        self._page.locator("[class*=search]").first.click()  # folded up until then
        words = self._page.get_by_placeholder("Introduce a query").first
        words.fill(f'"{text}"')
        words.press("Enter")
        self._page.get_by_text(text, exact=True).first.wait_for()
        # Of what was shown before the search, the page may keep the place where marks are drawn.
        self._page.reload()
        self._page.get_by_text(text, exact=True).first.wait_for()
        self._page.wait_for_load_state("networkidle")

    def update(self) -> None:
        """Submit the changed answer of a row that was found again."""
        # A search is a POST, too.
        with self._page.expect_response(lambda answer: "/responses" in answer.url.partition("?")[0]) as waited:
            self._page.locator(".button--submit").click()
        assert waited.value.ok

    def _gone(self, text: str) -> None:
        self._page.get_by_text(text, exact=True).first.wait_for(state="detached")
