"""One build of one specialist: what it is made from, where its stages are, and the teacher while it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any

from factory import stage
from factory.budget import Budget
from factory.errors import FactoryError, SpecError
from factory.files import read_json
from factory.lineage import ledger
from factory.progress import Meter, Progress
from factory.row import Gold, read_gold
from factory.settings import Settings
from factory.spec import Spec
from factory.stage import Output
from factory.students.encoder import Encoder
from factory.teacher.batch import BatchTeacher
from factory.teacher.chat import Endpoint, Teacher

SUMMARY = "summary.json"


@dataclass(frozen=True)
class _Asleep:
    """A teacher before anybody needs it."""

    identity: str
    reach: Callable[[], Endpoint]


class Build:
    """Runs stages in order, each at most once; use as `with Build(...) as build`.

    Args:
        spec: the specialist.
        budget: `quick` or `full`.
        settings: where things are.
        force: publish in spite of the gate; the card says so.
        meter: makes a progress listener, given what is being done and in what unit it is counted.
    """

    def __init__(
        self,
        spec: Spec,
        budget: str,
        settings: Settings,
        *,
        force: bool = False,
        meter: Callable[[str, str], Progress] = Meter,
    ) -> None:
        self.spec, self.settings, self.force, self.meter = spec, settings, force, meter
        self.budget: Budget = spec.budget(budget)
        self.budget_name = budget
        self.root: Path = settings.builds / spec.name
        self._outputs: dict[str, Output] = {}
        self._open = ExitStack()
        self._awake: tuple[str, Endpoint] | None = None

    def __enter__(self) -> Build:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def run(self, name: str) -> Output:
        """The output of a stage; it and those before it run if they have not.

        Raises:
            FactoryError: there is no such stage, or what the stage itself raises.
        """
        from factory.stages import OF_KIND

        stages = OF_KIND[self.spec.kind]
        if name not in stages:
            raise FactoryError(f"There is no stage named {name!r}.", fix=f"Use one of: {', '.join(stages)}.")
        if name not in self._outputs:
            self._outputs[name] = stages[name](self)
        return self._outputs[name]

    def stage(self, name: str, inputs: dict[str, Any], work: Callable[[Path], None]) -> Output:
        """Run a stage's work unless its output is there (factory.stage.run), and enter it in the ledger."""
        output = stage.run(self.root, name, inputs, work)
        ledger.enter(self.root, output, self.settings.operator)
        return output

    def summary(self, name: str) -> dict[str, Any]:
        """A stage's small table for people: name to figure."""
        value: dict[str, Any] = read_json(self.run(name).path / SUMMARY)
        return value

    @property
    def labels(self) -> list[str]:
        """The spec's labels, in order."""
        return list(self.spec.labels)

    @cached_property
    def teacher(self) -> str:
        """The teacher and its revision, without starting it."""
        return self._identity(self.spec.teacher.model)

    @cached_property
    def endpoint(self) -> Teacher:
        """The teacher; started when somebody must reach it, and stopped when another model is reached or the build
        ends."""
        return self._teacher(self.spec.teacher.model)

    @cached_property
    def judges(self) -> Sequence[Teacher]:
        """Who judges: the models that the spec names, or else the teacher; in the same order however the spec has them.

        The teacher's own model comes first, because it runs already.

        Raises:
            TeacherError: there is no such model, or the address in FACTORY_TEACHER_URL doesn't serve it.
            SpecError: two names mean the same weights.
        """
        from factory.teacher import weights

        models = sorted(self.spec.judges, key=lambda model: (model != self.spec.teacher.model, model))
        for model in models if not (self.settings.teacher_url or self.settings.teacher_batch) else ():
            weights.check(model)
        found = [self._teacher(model) for model in models]
        if len({judge.identity for judge in found}) < len(found):
            raise SpecError(
                "Two of the judges are the same model.",
                where=f"{self.spec.folder / 'spec.yaml'}: judges",
                fix="Name each once: " + ", ".join(f"{m} is {j.identity}" for m, j in zip(models, found, strict=True)),
            )
        return found or [self.endpoint]

    def _teacher(self, model: str) -> Teacher:
        """A model that can be asked, and is not started yet."""
        if folder := self.settings.teacher_batch:
            return BatchTeacher(model, folder)
        return _Asleep(self._identity(model), partial(self._reach, model))

    def _identity(self, model: str) -> str:
        """A model and its revision."""
        from factory.teacher import probe, weights

        if folder := self.settings.teacher_batch:
            return BatchTeacher(model, folder).identity
        if self.settings.teacher_url:
            return probe.external(model, self.settings.teacher_url, self.settings.teacher_key).identity
        return weights.identity(model, self.settings)

    def _reach(self, model: str) -> Endpoint:
        """Where a model answers. Two do not fit into a small machine at once: another one is stopped first."""
        from factory.teacher.server import connect

        if self._awake is None or self._awake[0] != model:
            self._open.close()
            self._awake = None
            meter = self.meter("teacher starts", "seconds")
            self._awake = model, self._open.enter_context(connect(model, self.settings, meter))
        return self._awake[1]

    @cached_property
    def encoder_source(self) -> str:
        """The encoder of texts' vectors: its folder."""
        from factory.teacher import weights

        return str(weights.resolve(self.spec.student.encoder, self.settings))

    @cached_property
    def encoder_identity(self) -> str:
        """The encoder and its revision."""
        from factory.teacher import weights

        return weights.identity(self.spec.student.encoder, self.settings)

    @cached_property
    def base_source(self) -> str:
        """The model that the student starts from: its folder."""
        from factory.teacher import weights

        return str(weights.resolve(self.spec.base, self.settings))

    @cached_property
    def base_identity(self) -> str:
        """That model and its revision."""
        from factory.teacher import weights

        return weights.identity(self.spec.base, self.settings)

    @cached_property
    def mentor_source(self) -> str:
        """The model that the student is distilled from, its folder; empty: there is none."""
        from factory.teacher import weights

        distil = self.spec.student.distil
        return str(weights.resolve(distil.model, self.settings)) if distil else ""

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder as it came, for vectors."""
        return Encoder.load(self.encoder_source, self.labels, self.spec.student.max_tokens)

    @cached_property
    def reader_identity(self) -> str | None:
        """The reader and its revision; None where the spec names none."""
        from factory.teacher import weights

        return weights.identity(self.spec.reader, self.settings) if self.spec.reader else None

    @cached_property
    def gold(self) -> list[Gold]:
        """The validation rows; for measuring and for keeping training rows away from."""
        return read_gold(self.gold_file, self.labels, self.spec.kind, self.spec.fields, self.spec.overlaps)

    @property
    def gold_file(self) -> Path:
        """Where they are."""
        return self.settings.gold / self.spec.gold / "validation.jsonl"
