"""What a build will cost, before anything is spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from factory.budget import Prices
from factory.generate import answering, extraction, marking, rating, shots
from factory.generate import judge as judging
from factory.generate.examples import given
from factory.generate.plan import grow
from factory.generate.prompt import messages
from factory.generate.refill import PLATEAU
from factory.generate.seed import seed_passages, unlabelled
from factory.generate.strategies import STRATEGIES, Material
from factory.progress import clock
from factory.review import simulated
from factory.row import Lineage
from factory.settings import Settings
from factory.spec import Spec
from factory.teacher.chat import Request
from factory.teacher.processor import narrow

CHARACTERS_A_TOKEN = 4.0  # English prose under byte-pair encodings of about 100,000 tokens and more
WRITING, READING = (15.0, 60.0) if narrow() else (110.0, 250.0)
"""Tokens a second that the default teacher writes, and reads past its prefix cache, on two cores of this kind."""
MARKED = 2 * marking.CLAIM + 8
"""Tokens of a teacher's reply that names the spans of a text: two of them, on average."""
WORD = 1.3
"""Tokens of a word."""
NAMED = 6
"""Tokens of a reply that is a label."""
QUESTION: Mapping[str, Callable[[Spec, str, bool], Request]] = {
    "classification": judging.question,
    "spans": marking.question,
    "extraction": extraction.question,
    "generation": answering.question,
}
"""Kind to what a teacher is asked zero-shot when it is measured: twice, without and with the policy."""
SAMPLE = 20
"""Requests that are rendered to learn how long they are."""


@dataclass(frozen=True)
class Work:
    """One kind of request.

    Attributes:
        name: what is done.
        requests: how many.
        read: tokens read in all, those that many prompts share counted once: a server with a prefix cache reads
            them once.
        written: tokens written in all.
        billed: tokens of prompts in all, as hosted models bill them and budgets count them.
        prices: what is paid for them.
    """

    name: str
    requests: int
    read: int
    written: int
    billed: int = 0
    prices: Prices = Prices()  # noqa: RUF009  (frozen)

    @property
    def seconds(self) -> float:
        """On two cores with the default teacher."""
        return self.read / READING + self.written / WRITING

    @property
    def dollars(self) -> float:
        """At a hosted model's price; on one's own machine nothing is billed."""
        return self.prices.dollars(self.billed, self.written)


def forecast(spec: Spec, budget_name: str, settings: Settings) -> list[Work]:
    """Estimate a build's requests and tokens from the real prompts; replies in the cache are not deducted."""
    budget = spec.budget(budget_name)
    texts = [passage.text for passage in unlabelled(spec, settings)[: budget.label]]
    average = sum(map(len, texts)) / len(texts) / CHARACTERS_A_TOKEN if texts else spec.teacher.tokens_per_row

    def work(name: str, requests: int, read: float, written: float, billed: float) -> Work:
        return Work(name, requests, int(read), int(written), int(billed), spec.teacher.prices)

    material = _material(spec, settings)
    cells = [cell for cell in grow(material, budget.generate) if STRATEGIES[cell.strategy].asks]
    shown = [STRATEGIES[cell.strategy].request(cell, material).messages for cell in cells[:SAMPLE]]
    asked = len(cells) * sum(map(_tokens, shown)) // max(1, len(shown))
    written = sum(cell.count for cell in cells) * spec.teacher.tokens_per_row
    found = [work("write", len(cells), asked, written, asked)]

    if spec.kind != "classification":
        name, asks, reply, times = _asking(spec)
        asked_about = min(budget.judge, budget.review + len(texts))
        beside = _shown(average, reply) if spec.teacher.shots and budget.review else 0
        billed = times * asked_about * (average + beside + asks)
        read = asked_about * (average + beside) + asks  # samples of one text share all of its prompt
        found.append(work(name, times * asked_about, read, times * asked_about * reply, billed))
        if spec.kind == "generation":
            longest = average + spec.form.words[1]
            asks = _tokens(rating.request(spec, "", "").messages)
            marked = min(budget.judge, asked_about + budget.generate) + 2 * min(budget.review, asked_about)
            found.append(work("mark", marked, marked * longest + asks, marked, marked * (longest + asks)))
    else:
        options = [{"code": "A", "label": label, "definition": spec.gist(label)} for label in spec.labels]
        every = _tokens(messages(spec, "judge.jinja", options=options, text=""))
        fixed = len(spec.labels) <= spec.teacher.shortlist
        few = _tokens(messages(spec, "judge.jinja", options=options[: spec.teacher.shortlist], text=""))
        judged, judges = min(budget.judge, budget.review + len(texts) + budget.generate), max(1, len(spec.judges))
        billed = judged * (average + few)
        read = judged * average + every if fixed else billed
        found.append(work("judge", judges * judged, judges * read, judges * judged, judges * billed))
    measured, reply = budget.measure_teacher or _gold_rows(spec, settings), _asking(spec)[2]
    # Both prompts to the end: whether one is soon clearly behind (factory.stages.prompted) nobody knows before.
    prompts = [_tokens(QUESTION[spec.kind](spec, "", policy).messages) for policy in (False, True)]
    read, billed = 2 * measured * average + sum(prompts), measured * (2 * average + sum(prompts))
    found.append(work("measure the teacher", 2 * measured, read, 2 * measured * reply, billed))
    if budget.review:
        few, beside = min(measured, shots.ASKED), _shown(average, reply)
        read, billed = few * (average + beside) + prompts[0], few * (average + beside + prompts[0])
        found.append(work("show it people's rows", few, read, few * reply, billed))
    return found


def _shown(average: float, reply: int) -> float:
    """Tokens of people's rows that are shown with a text (factory.generate.shots)."""
    return min(shots.MOST * (average + reply), WORD * shots.WORDS)


def _asking(spec: Spec) -> tuple[str, int, int, int]:
    """What a teacher is asked about real texts: its name, tokens of the question and of a reply, and how many times.

    Of labels, where it is asked to measure it.
    """
    if spec.kind == "classification":
        return "label", _tokens(judging.question(spec, "", True).messages), NAMED, 1
    if spec.kind == "spans":
        return "mark up", _tokens(marking.request(spec, "").messages), MARKED, 1
    if spec.kind == "extraction":
        reply = extraction.FIELD * len(spec.fields)
        return "read out", _tokens(extraction.request(spec, "").messages), reply, 1
    reply = 8 + answering.TOKENS_A_WORD * sum(spec.form.words) // 2
    return "answer", _tokens(answering.request(spec, "").messages), reply, 1 + spec.form.samples


def limits(spec: Spec, budget_name: str, work: list[Work]) -> list[str]:
    """A sentence for each limit of a budget: whether the build fits, or how far it will come."""
    budget = spec.budget(budget_name)
    within = [item for item in work if item.name in ("write", "judge", "mark up", "read out", "answer", "mark")]
    needs: list[tuple[str, float | None, float, str]] = [
        ("max_tokens", budget.max_tokens, sum(item.billed + item.written for item in within), "{:,.0f} tokens"),
        ("max_cost", budget.max_cost, sum(item.dollars for item in within), "${:,.2f}"),
        ("max_time", budget.max_time, sum(item.seconds for item in within) / 60, "{:,.1f} minutes"),
    ]
    told = []
    for name, limit, need, unit in needs:
        if limit is not None:
            share = f"it will stop at about {limit / need:.0%}" if need > limit else "it fits"
            told.append(f"{name} is {unit.format(limit)}; writing and judging need about {unit.format(need)}: {share}.")
    if spec.refill:
        told.append(f"Rows that cleaning takes away are asked for again: up to {1 / PLATEAU:.0f} times the writing.")
    return told


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


def _material(spec: Spec, settings: Settings) -> Material:
    """What strategies may look at, as far as it can be had without an encoder and without asking anybody."""
    rows = given(spec, Lineage(spec=""))
    if settings.simulate_review and (settings.gold / spec.gold / "reviewed.jsonl").exists():
        rows += simulated.read(spec, settings.gold, min(budget.review for budget in spec.budgets.values()))
    labels = list(spec.labels)
    others = {label: [other for other in labels if other != label] for label in labels}
    return Material(spec, seed_passages(spec, settings), known=rows, neighbours=others)


def _gold_rows(spec: Spec, settings: Settings) -> int:
    path = settings.gold / spec.gold / "validation.jsonl"
    return sum(1 for line in path.open(encoding="utf-8") if line.strip()) if path.exists() else 0


def _tokens(chat: list[dict[str, str]]) -> int:
    return int(sum(len(message["content"]) for message in chat) / CHARACTERS_A_TOKEN) + 8
