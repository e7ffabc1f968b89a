"""What a specialist is: the one declaration, read from prompts/<vertical>/<task>/spec.yaml.

Everything the factory does to a specialist follows from this file and its neighbours `generate.jinja`,
`judge.jinja` and `policy.md`; no specialist has a line of code of its own.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from factory.errors import SpecError
from factory.files import digest
from factory.spec_hygiene import Hygiene, Part, Words

NAME = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*/[a-z0-9]+(?:[_-][a-z0-9]+)*")
COMPANIONS = ("generate.jinja", "judge.jinja", "policy.md")
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
IN_SHORT = re.compile(r"^## In short[ \t]*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class Example(Part):
    """A few-shot row the user gives."""

    text: str = Field(min_length=1)
    label: str


class Seed(Part):
    """Real text that grounds the teacher's writing.

    Attributes:
        file: a JSONL file under FACTORY_SEED with `text` (and `source`) a row.
        sources: take only rows whose source contains one of these; empty: all.
        words: shortest and longest passage taken, in words.
    """

    file: str
    sources: list[str] = Field(default_factory=list)
    words: Words = (5, 120)


class Teacher(Part):
    """Who writes and who judges, and how.

    Attributes:
        model: a name from factory.teacher.weights (packaged weights), a Hub id, or a local folder. Where
            FACTORY_TEACHER_URL names an endpoint, the model as that endpoint calls it.
        temperature, top_p: sampling when writing; judging is always greedy.
        rows_per_request: rows asked for in one request when writing.
        concurrency: requests in flight.
        tokens_per_row: expected length of one written row, for budgets and forecasts.
        shortlist: when there are more labels than this, a judge sees this many, those nearest to the text.
    """

    model: str = "qwen2.5-coder-1.5b-instruct"
    temperature: float = Field(default=0.9, ge=0.0, le=2.0)
    top_p: float = Field(default=0.95, gt=0.0, le=1.0)
    rows_per_request: int = Field(default=6, ge=1, le=20)
    concurrency: int = Field(default=32, ge=1, le=512)
    tokens_per_row: int = Field(default=30, ge=1)
    shortlist: int = Field(default=12, ge=2, le=52)


class Review(Part):
    """How people take part.

    Attributes:
        required: wait for people before training.
        audit: share of the rows sent that is drawn at random, for an unbiased measure of the data.
    """

    required: bool = False
    audit: float = Field(default=0.3, ge=0.0, le=1.0)


class Student(Part):
    """What is trained.

    Attributes:
        encoder: a name from factory.teacher.weights, a Hub id, or a local folder.
        lora_rank: rank of the adapters.
        learning_rate: peak, for the adapters.
        max_tokens: longer texts are cut here.
        synthetic_weight: how much the loss listens to rows no person has seen, against a reviewed row.
    """

    encoder: str = "all-minilm-l6-v2"
    lora_rank: int = Field(default=16, ge=1, le=256)
    learning_rate: float = Field(default=1e-3, gt=0.0)
    max_tokens: int = Field(default=64, ge=8, le=8192)
    synthetic_weight: float = Field(default=0.5, gt=0.0, le=1.0)


class Requirement(Part):
    """One line of the gate.

    Attributes:
        better_than: an opponent (`teacher`, `tfidf`, `reviewed_only`, `majority`): the paired 95 % interval of the
            difference in `metric` must lie above zero.
        at_least: or a floor that the lower end of the metric's own 95 % interval must reach.
        metric: what is compared.
    """

    better_than: Literal["teacher", "tfidf", "reviewed_only", "majority"] | None = None
    at_least: float | None = Field(default=None, ge=0.0, le=1.0)
    metric: Literal["accuracy", "macro_f1"] = "accuracy"

    @model_validator(mode="after")
    def _one(self) -> Requirement:
        if (self.better_than is None) == (self.at_least is None):
            raise ValueError("say either better_than or at_least")
        return self


class Budget(Part):
    """What one build may spend.

    Attributes:
        generate: rows the teacher is asked to write.
        label: real unlabelled texts that become training rows, labelled softly by the committee.
        judge: texts the teacher is asked about for the committee: first those people labelled, which tell how far it
            can be believed, then the others.
        review: rows a person is asked about.
        measure_teacher: gold rows the teacher is measured on (a fixed stratified sample); 0: all of them.
        epochs: passes of training over the rows.
    """

    generate: int = Field(ge=0)
    label: int = Field(ge=0)
    judge: int = Field(default=0, ge=0)
    review: int = Field(ge=0)
    measure_teacher: int = Field(default=0, ge=0)
    epochs: int = Field(default=10, ge=1)


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
        kind: the kind of task.
        major: first number of its version; raise it when the labels change.
        language: ISO 639-1 code of the texts.
        text: what one text is, in words a writer understands: "a message a customer types into ...".
        question: what is asked about a text, in words a judge understands.
        labels: name to definition.
        attributes: the axes of diversity: name to values.
        examples: few-shot rows.
        seed: real text to ground the teacher, if any.
        unlabelled: a JSONL file of real texts, relative to the gold folder, for the teacher to label; or none.
        gold: folder under FACTORY_GOLD with validation.jsonl (and reviewed.jsonl to simulate reviewers).
        budgets: what `quick` and `full` builds may spend.
        gate: what the evidence must show before anything is published.
    """

    name: str
    title: str
    purpose: str
    not_for: list[str] = Field(default_factory=list)
    kind: Literal["classification"]
    major: int = Field(default=1, ge=1)
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    text: str
    question: str
    labels: dict[str, str] = Field(min_length=2)
    attributes: dict[str, list[str]] = Field(min_length=1)
    examples: list[Example] = Field(default_factory=list)
    seed: Seed | None = None
    unlabelled: str | None = None
    gold: str
    teacher: Teacher = Teacher()
    hygiene: Hygiene = Hygiene()
    review: Review = Review()
    student: Student = Student()
    gate: list[Requirement] = Field(
        default_factory=lambda: [Requirement(better_than="teacher"), Requirement(better_than="tfidf")]
    )
    budgets: dict[Literal["quick", "full"], Budget]
    licence: Licence = Licence()
    folder: Path = Field(exclude=True)

    @model_validator(mode="after")
    def _consistent(self) -> Spec:
        for label, definition in self.labels.items():
            if not definition.strip():
                raise ValueError(f"labels.{label} has no definition")
        for number, example in enumerate(self.examples):
            if example.label not in self.labels:
                raise ValueError(f"examples.{number}.label is {example.label!r}, which is not under labels")
        for axis, values in self.attributes.items():
            if not values or len(set(values)) != len(values):
                raise ValueError(f"attributes.{axis} must list at least one value, each once")
        for name in ("quick", "full"):
            if name not in self.budgets:
                raise ValueError(f"budgets.{name} is missing")
        return self

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
        """8 hex digits over the declaration and its companion files."""
        return digest([self.model_dump(mode="json"), [self.template(name) for name in COMPANIONS]])[:8]

    @property
    def identity(self) -> str:
        """Name and hash, as rows' lineage cites it."""
        return f"{self.name}#{self.hash}"


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
    raw = _read_yaml(path)
    for key in ("name", "folder"):
        if key in raw:
            raise SpecError(f"`{key}` is not written in a spec; it comes from the folder.", where=f"{path}: {key}")
    try:
        spec = Spec.model_validate({**raw, "name": name, "folder": folder})
    except ValidationError as error:
        raise SpecError("\n".join(_explain(item) for item in error.errors()), where=str(path)) from error
    for companion in COMPANIONS:
        if not (folder / companion).is_file():
            raise SpecError(f"{companion} is missing beside spec.yaml.", where=str(folder / companion))
    return spec


class _UniqueKeys(yaml.SafeLoader):
    """YAML allows a key twice and keeps the last; a label named twice is a mistake, so here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"`{key}` is named twice (lines {seen[key]} and {line})", key_node.start_mark
                )
            seen[key] = line
        return super().construct_mapping(node, deep)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506  (a SafeLoader)
    except UnicodeDecodeError as error:
        raise SpecError("This file is not UTF-8 text.", where=str(path), fix="Save it as UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SpecError(f"This YAML can't be read: {error.problem}.", where=f"{path}{line}") from error
    except yaml.YAMLError as error:
        raise SpecError(f"This YAML can't be read: {error}.", where=str(path)) from error
    if not isinstance(raw, dict):
        raise SpecError("A spec is a mapping of keys to values.", where=str(path))
    return raw


def _explain(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "(the whole file)"
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        allowed = _allowed(item["loc"][:-1])
        return f"{key}: unknown key" + (f"; allowed here: {', '.join(allowed)}" if allowed else "")
    if item["type"] == "missing":
        return f"{key}: this key is required"
    got = f" (got {item['input']!r})" if not isinstance(item["input"], dict | list) else ""
    return f"{key}: {message}{got}"


def _allowed(path: tuple[Any, ...]) -> list[str]:
    """The keys allowed at a place in the spec, found by walking the models' annotations."""
    model: Any = Spec
    for step in path:
        field = getattr(model, "model_fields", {}).get(step)
        if field:  # else a place in a list or a key of a mapping, whose model is found already
            model = _model_in(field.annotation)
    fields = getattr(model, "model_fields", {})
    return [name for name in fields if name not in ("name", "folder")]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
