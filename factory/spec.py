"""What a specialist is: the one declaration, read from prompts/<vertical>/<task>/spec.yaml.

Everything the factory does to a specialist follows from this file and its neighbours `generate.jinja`,
`judge.jinja` and `policy.md`; no specialist has a line of code of its own.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from factory import spec_probes
from factory.budget import Budget as Budget
from factory.budget import Prices as Prices
from factory.errors import SpecError
from factory.files import digest
from factory.gold import Overlaps
from factory.spec_answer import AnswerForm
from factory.spec_field import Field as RecordField
from factory.spec_file import explain, read_yaml
from factory.spec_gate import Requirement as Requirement
from factory.spec_hygiene import Hygiene, Words
from factory.spec_kind import derived, refused
from factory.spec_part import Part
from factory.spec_probes import Probes
from factory.spec_review import Review as Review
from factory.spec_student import WRITER as WRITER
from factory.spec_student import Student as Student

NAME = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*/[a-z0-9]+(?:[_-][a-z0-9]+)*")
COMPANIONS = ("generate.jinja", "judge.jinja", "policy.md")
CONFUSIONS = "confusions.json"
"""Pairs of labels that a student mistook for each other (factory.generate.confusion), beside spec.yaml."""
RATING = "rate.jinja"
"""What a teacher is asked who scores an answer; beside spec.yaml it takes the place of the built-in template."""
RESERVED = ("strategy", "change", "near", "types", "fields", "told")
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
IN_SHORT = re.compile(r"^## In short[ \t]*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


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
        return {name: one.isoformat() if isinstance(one, date) else one for name, one in value.items()}


class Seed(Part):
    """Real text that grounds the teacher's writing.

    Attributes:
        file: a JSONL file under FACTORY_SEED with `text` (and `source`) a row.
        sources: take only rows whose source contains one of these; empty: all.
        words: shortest and longest passage taken, in words.
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
        rows_per_request: rows asked for in one request when writing.
        concurrency: requests in flight.
        tokens_per_row: expected length of one written row, for budgets and forecasts.
        shortlist: when there are more labels than this, a judge sees this many, those nearest to the text.
        shots: where the kind is `spans` or `extraction`: with each real text that it reads it is shown people's rows
            most like that one (factory.generate.shots).
        prices: what it bills, for forecasts and `max_cost`.
    """

    unsaid = ("shots", "prices")

    model: str = "qwen2.5-coder-1.5b-instruct"
    temperature: float = Field(default=0.9, ge=0.0, le=2.0)
    top_p: float = Field(default=0.95, gt=0.0, le=1.0)
    rows_per_request: int = Field(default=6, ge=1, le=20)
    concurrency: int = Field(default=32, ge=1, le=512)
    tokens_per_row: int = Field(default=30, ge=1)
    shortlist: int = Field(default=12, ge=2, le=52)
    shots: bool = False
    prices: Prices = Prices()


StrategyName = Literal[
    "label", "seed_grounded", "few_shot", "rewrite", "contrastive", "out_of_scope", "marked", "marked_few_shot",
    "filled", "filled_few_shot", "drawn", "replaced", "answered", "answered_few_shot"
]  # fmt: skip
"""The ways there are to make a teacher write rows: factory.generate.strategies."""


class Licence(Part):
    """SPDX-like identifiers as the Hugging Face Hub spells them."""

    model: str = "apache-2.0"
    data: str = "cc-by-4.0"


class Spec(Part):
    """A specialist.

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

    _derived = model_validator(mode="before")(derived)

    @model_validator(mode="after")
    def _consistent(self) -> Spec:
        for label, definition in self.labels.items():
            if not definition.strip():
                raise ValueError(f"labels.{label} has no definition")
        if reason := refused(self) or spec_probes.refused(self.probes):
            raise ValueError(reason)
        for axis, values in self.attributes.items():
            if not values or len(set(values)) != len(values):
                raise ValueError(f"attributes.{axis} must list at least one value, each once")
            if axis in RESERVED:
                raise ValueError(f"attributes.{axis} is a name that rows use for how they were written; choose another")
        for name in ("quick", "full"):
            if name not in self.budgets:
                raise ValueError(f"budgets.{name} is missing")
        if len(set(self.judges)) < len(self.judges) or not all(map(str.strip, self.judges)):
            raise ValueError("judges must name each model once")
        self._check_strategies()
        return self

    def _check_strategies(self) -> None:
        if any(share <= 0 for share in self.strategies.values()) or abs(sum(self.strategies.values()) - 1) > 1e-6:
            raise ValueError("strategies are shares above 0 that sum to 1")
        if self.out_of_scope is not None and self.out_of_scope not in self.labels:
            raise ValueError(f"out_of_scope is {self.out_of_scope!r}, which is not under labels")
        if "out_of_scope" in self.strategies and self.out_of_scope is None:
            raise ValueError(
                "strategies.out_of_scope writes rows that are none of the labels, but the spec has no label for them; "
                "name it by the key `out_of_scope`"
            )

    @property
    def base(self) -> str:
        """The model that the student starts from."""
        writes = self.kind in ("extraction", "generation")
        return self.student.base or (WRITER if writes else self.student.encoder)

    @property
    def form(self) -> AnswerForm:
        """What an answer is; raises SpecError under a kind that answers nothing."""
        if self.answer is None:
            raise SpecError(f"{self.name} says nothing of answers.", where=str(self.folder / "spec.yaml"))
        return self.answer

    def budget(self, name: str) -> Budget:
        """One of the spec's budgets; raises SpecError naming those there are."""
        for known, budget in self.budgets.items():
            if known == name:
                return budget
        raise SpecError(f"{self.name} has no budget {name!r}.", fix=f"Use one of: {', '.join(self.budgets)}.")

    def template(self, name: str) -> str:
        """The text of a companion file: generate.jinja, judge.jinja or policy.md."""
        return (self.folder / name).read_text(encoding="utf-8")

    def gist(self, label: str) -> str:
        """The first sentence of a label's definition: what it is, in the texts' own words, without its neighbours."""
        return SENTENCE_END.split(self.labels[label].strip(), maxsplit=1)[0]

    @property
    def rules(self) -> str:
        """The section `In short` of policy.md: what a judge is told where a reviewer reads the whole policy.

        Raises:
            SpecError: policy.md has no such section, or nothing in it.
        """
        found = IN_SHORT.search(self.template("policy.md"))
        if not found or not found[1].strip():
            raise SpecError(
                "policy.md has no section `## In short`.",
                where=str(self.folder / "policy.md"),
                fix="Write the few rules that decide most rows under that heading; judges are given them.",
            )
        return found[1].strip()

    @property
    def hash(self) -> str:
        """8 hex digits over the declaration, its companion files and the files its strategies bring along."""
        return self._digest()

    @property
    def identity(self) -> str:
        """Name and hash, as rows' lineage cites it."""
        return f"{self.name}#{self.hash}"

    @property
    def data_identity(self) -> str:
        """The same without the student's recipe, probes, paraphrases and gate: of specs that ask for the same data.

        Stages up to the dataset are made from this. What they take from the recipe all the same (the encoder, the
        weight of synthetic rows) is an input of theirs by itself.
        """
        return f"{self.name}#{self._digest('student', 'probes', 'paraphrases', 'gate')}"

    def _digest(self, *without: str) -> str:
        files = [self.template(name) for name in COMPANIONS]
        own = [f"{name}.jinja" for name in sorted(self.strategies)]
        own += [CONFUSIONS] if "contrastive" in self.strategies else []
        own += [RATING] if self.answer is not None else []
        files += [self.template(name) for name in own if (self.folder / name).is_file()]
        declared = self.model_dump(mode="json", exclude=set(without) or None)
        return digest([declared, files])[:8]


def names(prompts: Path) -> list[str]:
    """Every specialist there is a spec for, sorted."""
    return sorted(f"{path.parent.parent.name}/{path.parent.name}" for path in prompts.glob("*/*/spec.yaml"))


def load(name: str, prompts: Path) -> Spec:
    """Read a specialist's declaration.

    Raises:
        SpecError: no such spec, YAML that can't be read, a key named twice, an unknown key, a value that is not
            allowed, or a missing companion file; each with the file, the key and what is allowed.
    """
    known = names(prompts)
    if not NAME.fullmatch(name) or name not in known:
        raise SpecError(
            f"There is no specialist named {name!r}.",
            where=str(prompts),
            fix=f"Use one of: {', '.join(known) or '(none yet)'}; or make {prompts}/{name}/spec.yaml.",
        )
    folder = prompts / name
    path = folder / "spec.yaml"
    raw = read_yaml(path)
    for key in ("name", "folder"):
        if key in raw:
            raise SpecError(f"`{key}` is not written in a spec; it comes from the folder.", where=f"{path}: {key}")
    try:
        spec = Spec.model_validate({**raw, "name": name, "folder": folder})
    except ValidationError as error:
        raise SpecError("\n".join(explain(item, Spec) for item in error.errors()), where=str(path)) from error
    for companion in COMPANIONS:
        if not (folder / companion).is_file():
            raise SpecError(f"{companion} is missing beside spec.yaml.", where=str(folder / companion))
    return spec
