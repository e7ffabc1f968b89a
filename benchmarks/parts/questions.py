"""The questions of one run, which every way of asking gets alike: as many as asked, no two the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass

MODEL = "loopback"
SYSTEM = "You write messages that customers of a bank send to its support, exactly as asked, and nothing else. " * 3
TEMPERATURE, MAX_TOKENS = 0.9, 300


@dataclass(frozen=True)
class Run:
    """What a way of asking is told: URL COUNT CONCURRENCY TAG FOLDER.

    Attributes:
        url: the teacher, up to /v1.
        count: how many questions.
        concurrency: how many at once.
        tag: what makes this run's questions different from any other's.
        folder: where it may leave things.
    """

    url: str
    count: int
    concurrency: int
    tag: str
    folder: str

    def prompts(self) -> list[str]:
        """The users' messages."""
        return [f"{self.tag}: write six messages about matter number {number}." for number in range(self.count)]

    def chats(self) -> list[list[dict[str, str]]]:
        """The same as chats."""
        return [
            [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}] for prompt in self.prompts()
        ]


def told() -> Run:
    """The run this command is to do."""
    url, count, concurrency, tag, folder = sys.argv[1:]
    return Run(url, int(count), int(concurrency), tag, folder)
