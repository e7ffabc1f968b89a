"""The keys of a spec.yaml; those of its larger parts are in spec_hygiene, spec_student and their like."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from factory.budget import Budget, Prices
from factory.span import Overlaps
from factory.spec_answer import AnswerForm
from factory.spec_field import Field as RecordField
from factory.spec_gate import Requirement
from factory.spec_hygiene import Hygiene, Words
from factory.spec_part import Part
from factory.spec_probes import Probes
from factory.spec_review import Review
from factory.spec_student import Student


class Example(Part):
    """A few-shot row the user gives.

    Attributes:
        text: where the kind is `spans`, with the spans as tags: `<Chemical>Lithium</Chemical> was given.`
        label: the decision; under other kinds than `classification` there is none: the tags, the record or the answer
            say it.
        record: the decision where the kind is `extraction`: field to value.
        answer: the decision where the kind is `generation`.
    """

    unsaid = ("record", "answer")

    text: str = Field(min_length=1)
    label: str = ""
    record: dict[str, Any] | None = None
    answer: str | None = None

    @field_validator("record", mode="before")
    @classmethod
    def _days_as_text(cls, value: Any) -> Any:
        """YAML takes 2011-05-04 for a date, JSON knows none."""
        if not isinstance(value, dict):
            return value

        def text(one: Any) -> Any:
            return one.isoformat() if isinstance(one, date) else one

        return {name: [*map(text, one)] if isinstance(one, list) else text(one) for name, one in value.items()}


class Seed(Part):
    """Real text that grounds the teacher's writing.

    Attributes:
        file: a JSONL file under FACTORY_SEED with `text` (and `source`) a row.
        sources: take only rows whose source contains one of these; empty: all.
        words: shortest and longest passage taken, in words; of Chinese and Japanese in characters.
        unlabelled: the passages are texts such as the specialist will be asked about; after those of the spec's
            `unlabelled` they become rows, too, up to the budget's `label`.
    """

    unsaid = ("unlabelled",)

    file: str
    sources: list[str] = Field(default_factory=list)
    words: Words = (5, 120)
    unlabelled: bool = False


class Teacher(Part):
    """Who writes and who judges, and how.

    Attributes:
        model: a name from factory.teacher.weights (packaged weights), a Hub id, or a local folder. Where
            FACTORY_TEACHER_URL names an endpoint, the model as that endpoint calls it. It writes, and judges unless the
            spec names `judges`.
        temperature, top_p: sampling when writing; judging is always greedy.
        min_p: tokens less likely than so many times the likeliest are left out (Nguyen et al. 2024, Turning Up the
            Heat); vLLM and llama.cpp know it, OpenAI does not. For a `top_p` below 1 vLLM sorts the vocabulary at every
            token, which is slow on a CPU.
        rows_per_request: rows asked for in one request when writing.
        concurrency: requests in flight.
        tokens_per_row: expected length of one written row, for budgets and forecasts.
        shortlist: when there are more labels than this, a judge sees this many, those nearest to the text.
        shots: where the kind is `spans` or `extraction`: with each real text that it reads it is shown people's rows
            most like that one (factory.generate.shots).
        prices: what it bills, for forecasts and `max_cost`.
    """

    unsaid = ("min_p", "shots", "prices")

    model: str = "qwen2.5-coder-1.5b-instruct"
    temperature: float = Field(default=0.9, ge=0.0, le=2.0)
    top_p: float = Field(default=0.95, gt=0.0, le=1.0)
    min_p: float = Field(default=0.0, ge=0.0, lt=1.0)
    rows_per_request: int = Field(default=6, ge=1, le=20)
    concurrency: int = Field(default=32, ge=1, le=512)
    tokens_per_row: int = Field(default=30, ge=1)
    shortlist: int = Field(default=12, ge=2, le=52)
    shots: bool = False
    prices: Prices = Prices()

    @property
    def sampling(self) -> dict[str, Any]:
        """How a reply is drawn when writing; a `min_p` of 0 is left out, as before there was one."""
        drawn = {"temperature": self.temperature, "top_p": self.top_p}
        return drawn | {"min_p": self.min_p} if self.min_p else drawn


StrategyName = Literal[
    "label", "seed_grounded", "few_shot", "rewrite", "contrastive", "out_of_scope", "marked", "marked_few_shot",
    "filled", "filled_few_shot", "drawn", "replaced", "answered", "answered_few_shot"
]  # fmt: skip
"""The ways there are to make a teacher write rows: factory.generate.strategies."""


class Licence(Part):
    """SPDX-like identifiers as the Hugging Face Hub spells them."""

    model: str = "apache-2.0"
    data: str = "cc-by-4.0"


class Declared(Part):
    """What a spec.yaml says of a specialist, each key by itself; whether they go together is factory.spec's affair.

    Attributes:
        name: `<vertical>/<task>`; taken from the folder.
        title: what a person calls it.
        purpose: what it is for, for the card.
        not_for: what it must not be used for, for the card.
        kind: the kind of task: `classification`, one label a text, `spans`, named stretches of a text, `extraction`, a
            record read out of a text, or `generation`, an answer in words of one's own.
        major: first number of its version; raise it when the labels change.
        language: ISO 639-1 code of the texts.
        text: what one text is, in words a writer understands: "a message a customer types into ...".
        question: what is asked about a text, in words a judge understands.
        labels: name to definition: two or more labels, or one or more types of spans; under `extraction` they are the
            fields and their definitions, and follow from `fields`; under `generation` there is one, `answer`.
        fields: what a record holds, under `extraction`: name to definition and type.
        answer: what an answer is, under `generation`.
        attributes: the axes of diversity: name to values.
        examples: few-shot rows.
        seed: real text to ground the teacher, if any.
        unlabelled: a JSONL file of real texts, relative to the gold folder, for the teacher to label; or none.
        reads: which real texts are taken, up to the budget's `label`: some `at_random`, or those most `like_people`'s
            rows, by turns for each label (of spans and records, for each set of types or fields) that these have; for
            texts of which few hold anything.
        strategies: how rows are written: a strategy's name to its share of what is asked for; shares sum to 1.
        refill: ask again where cleaning leaves fewer rows of a label than were asked for, showing the teacher what it
            has written too often (factory.generate.refill).
        out_of_scope: which of the labels means "none of the others", if one does; the strategy of that name needs it.
        judges: models that judge rows in the teacher's place, named as `teacher.model` is; empty: the teacher judges.
        reader: an encoder, named as `student.encoder` is, that helps to label rows and that no application runs; a
            larger one than the student's sees what the student's does not.
        gold: folder under FACTORY_GOLD with validation.jsonl (and reviewed.jsonl to simulate reviewers).
        overlaps: what becomes of spans in gold rows that overlap: the row is `refused`, or the `shorter` one stays; a
            specialist marks spans that lie apart.
        budgets: what `quick` and `full` builds may spend.
        probes: groups of people, by words that name them: gold texts that do are measured as they were of either, too
            (factory.evidence.fairness).
        paraphrases: so many gold texts the teacher says in other words, and the student is measured on these, too; of
            labels and answers in words.
        gate: what the evidence must show before anything is published.
    """

    unsaid = (
        "fields", "answer", "reads", "refill", "out_of_scope", "judges", "reader", "overlaps", "probes", "paraphrases"
    )  # fmt: skip

    name: str
    title: str
    purpose: str
    not_for: list[str] = Field(default_factory=list)
    kind: Literal["classification", "spans", "extraction", "generation"]
    major: int = Field(default=1, ge=1)
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    text: str
    question: str
    labels: dict[str, str] = Field(min_length=1)
    fields: dict[str, RecordField] = Field(default_factory=dict)
    answer: AnswerForm | None = None
    attributes: dict[str, list[str]] = Field(min_length=1)
    examples: list[Example] = Field(default_factory=list)
    seed: Seed | None = None
    unlabelled: str | None = None
    reads: Literal["at_random", "like_people"] = "at_random"
    strategies: dict[StrategyName, float] = Field(min_length=1)
    refill: bool = False
    out_of_scope: str | None = None
    judges: list[str] = Field(default_factory=list)
    reader: str | None = None
    gold: str
    overlaps: Overlaps = "refused"
    teacher: Teacher = Teacher()
    hygiene: Hygiene = Hygiene()
    review: Review = Review()
    student: Student = Student()
    probes: Probes = Field(default_factory=dict)
    paraphrases: int = Field(default=0, ge=0, le=1000)
    gate: list[Requirement] = Field(
        default_factory=lambda: [Requirement(better_than="teacher"), Requirement(better_than="tfidf")]
    )
    budgets: dict[Literal["quick", "full"], Budget]
    licence: Licence = Licence()
    folder: Path = Field(exclude=True)
