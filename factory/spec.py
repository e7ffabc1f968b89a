"""What a specialist is: the one declaration, read from prompts/<vertical>/<task>/spec.yaml.

Everything the factory does to a specialist follows from this file and its neighbours `generate.jinja`,
`judge.jinja` and `policy.md`; no specialist has a line of code of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from factory import spec_probes
from factory.budget import Budget
from factory.errors import SpecError
from factory.files import digest
from factory.spec_answer import AnswerForm
from factory.spec_declared import Declared
from factory.spec_file import explain, read_yaml
from factory.spec_kind import derived, refused
from factory.spec_student import WRITER

NAME = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*/[a-z0-9]+(?:[_-][a-z0-9]+)*")
COMPANIONS = ("generate.jinja", "judge.jinja", "policy.md")
CONFUSIONS = "confusions.json"
"""Pairs of labels that a student mistook for each other (factory.generate.confusion), beside spec.yaml."""
RATING = "rate.jinja"
"""What a teacher is asked who scores an answer; beside spec.yaml it takes the place of the built-in template."""
AFTER_DATA: Mapping[str, Any] = {
    **dict.fromkeys(("student", "probes", "paraphrases", "gate"), True),
    "budgets": {"__all__": {"epochs", "measure_teacher"}},
}
"""What of a declaration only stages after the dataset take, as pydantic's `exclude`."""
RESERVED = ("strategy", "change", "near", "types", "fields", "told")
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
IN_SHORT = re.compile(r"^## In short[ \t]*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class Spec(Declared):
    """A specialist: the keys of its spec.yaml (factory.spec_declared), and what follows from them together."""

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
        """The same without what only training and measuring take (AFTER_DATA): of specs that ask for the same data.

        Stages up to the dataset are made from this. What they take from the recipe all the same (the encoder, the
        weight of synthetic rows) is an input of theirs by itself.
        """
        return f"{self.name}#{self._digest(AFTER_DATA)}"

    def _digest(self, without: Mapping[str, Any] | None = None) -> str:
        files = [self.template(name) for name in COMPANIONS]
        own = [f"{name}.jinja" for name in sorted(self.strategies)]
        own += [CONFUSIONS] if "contrastive" in self.strategies else []
        own += [RATING] if self.answer is not None else []
        files += [self.template(name) for name in own if (self.folder / name).is_file()]
        declared = self.model_dump(mode="json", exclude=without)
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
