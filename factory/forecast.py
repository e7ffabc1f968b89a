"""What a build will cost, before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass

from factory.generate.plan import plan
from factory.generate.prompt import messages
from factory.generate.seed import seed_passages, unlabelled
from factory.progress import clock
from factory.settings import Settings
from factory.spec import Spec

CHARACTERS_A_TOKEN = 4.0  # English prose under byte-pair encodings of about 100,000 tokens and more
WRITING, READING = 110.0, 250.0
"""Tokens a second that the default teacher writes, and reads past its prefix cache, on two cores (benchmarks/)."""
PRICE_WRITING, PRICE_READING = 0.60, 0.15
"""US dollars a million tokens: what a small hosted model typically costs; on one's own machine nothing is billed."""


@dataclass(frozen=True)
class Work:
    """One kind of request: how many, and tokens read and written in all."""

    name: str
    requests: int
    read: int
    written: int

    @property
    def seconds(self) -> float:
        """On two cores with the default teacher."""
        return self.read / READING + self.written / WRITING

    @property
    def dollars(self) -> float:
        """At a hosted model's price."""
        return (self.read * PRICE_READING + self.written * PRICE_WRITING) / 1e6


def forecast(spec: Spec, budget_name: str, settings: Settings) -> list[Work]:
    """Estimate a build's requests and tokens from the real prompts; replies in the cache are not deducted.

    Instructions that many requests share are counted once: a server with a prefix cache reads them once.
    """
    budget = spec.budget(budget_name)
    passages = seed_passages(spec, settings)
    cells = plan(spec, budget, passages)
    texts = [passage.text for passage in unlabelled(spec, settings)[: budget.label]]
    average = sum(map(len, texts)) / len(texts) / CHARACTERS_A_TOKEN if texts else spec.teacher.tokens_per_row
    by_id = {passage.id: passage.text for passage in passages}
    found = []
    read = 0
    for cell in cells[:20]:
        shown = messages(
            spec,
            "generate.jinja",
            label=cell.label,
            definition=spec.labels[cell.label],
            contrasts=[{"label": label, "definition": spec.labels[label]} for label in list(spec.labels)[:4]],
            attributes=cell.attributes,
            examples=cell.examples,
            passages=[by_id[name] for name in cell.passages],
            avoid=(),
            count=cell.count,
        )
        read += _tokens(shown)
    each = read // max(1, min(20, len(cells)))
    found.append(
        Work("write", len(cells), each * len(cells), sum(cell.count for cell in cells) * spec.teacher.tokens_per_row)
    )
    options = [{"code": "A", "label": label, "definition": spec.gist(label)} for label in spec.labels]
    every = _tokens(messages(spec, "judge.jinja", options=options, text=""))
    fixed = len(spec.labels) <= spec.teacher.shortlist
    few = _tokens(messages(spec, "judge.jinja", options=options[: spec.teacher.shortlist], text=""))
    judged = min(budget.judge, budget.review + len(texts) + budget.generate)
    found.append(Work("judge", judged, int(judged * average + (every if fixed else judged * few)), judged))
    measured = budget.measure_teacher or _gold_rows(spec, settings)
    found.append(Work("measure the teacher", measured, int(every + measured * (average + 8)), measured * 6))
    return found


def text(work: list[Work]) -> str:
    """The forecast as a table for people."""
    lines = [f"{'':<22}{'requests':>9}{'tokens read':>13}{'written':>9}{'time on 2 cores':>17}{'if hosted':>11}"]
    lines += [
        f"{item.name:<22}{item.requests:>9}{item.read:>13,}{item.written:>9,}{clock(item.seconds):>17}"
        f"{item.dollars:>10.3f}$"
        for item in work
    ]
    seconds, dollars = sum(item.seconds for item in work), sum(item.dollars for item in work)
    lines.append(f"{'all':<22}{sum(i.requests for i in work):>9}{'':>22}{clock(seconds):>17}{dollars:>10.3f}$")
    lines.append("Estimates; replies that are in the cache already cost nothing. Training and measuring come on top.")
    return "\n".join(lines)


def _gold_rows(spec: Spec, settings: Settings) -> int:
    path = settings.gold / spec.gold / "validation.jsonl"
    return sum(1 for line in path.open(encoding="utf-8") if line.strip()) if path.exists() else 0


def _tokens(chat: list[dict[str, str]]) -> int:
    return int(sum(len(message["content"]) for message in chat) / CHARACTERS_A_TOKEN) + 8
