"""A chain that a file declares, so that it can be served and changed without code.

    {"format": 1, "name": "notes", "title": "What a clinical note says",
     "steps": [{"name": "section", "asked": "medical/section@1"},
               {"name": "entities", "asked": "medical/entities", "when": {"section": ["PLAN", "MEDICATIONS"]}},
               {"name": "use", "asked": "medical/question_summary", "source": "entities",
                "when": {"entities": ["Chemical"]}, "feed": "What is {answer.Chemical} for?"}]}

`asked` is what zoo.load takes; a folder is looked for beside the file. `when` names labels, types of spans or fields of
earlier steps: one of them must be in the answer. `feed` is what is asked about: `{text}` stands for the chain's text,
`{answer}` for what the source says, `{answer.NAME}` for its spans of a type or its value of a field. Where one of them
is empty the step is skipped. Without a feed it is asked about the text, or about `{answer}` where it has a source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.chain import Chain
from zoo.decision import RecordDecision, SpansDecision, WordsDecision
from zoo.errors import BadInput
from zoo.extractor import Extracted
from zoo.given import Predictor
from zoo.hub import Hub
from zoo.loader import is_folder, load
from zoo.manifest import CLASSIFICATION
from zoo.names import Reference
from zoo.step import Step, When
from zoo.writer import Written

FORMAT = 1
NAME = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
_PLACE = re.compile(r"\{([^{}]*)\}")
_KEYS = {"name": str, "asked": str, "when": dict, "source": str, "feed": str}


@dataclass(frozen=True)
class StepDeclared:
    """A step as the file has it.

    Attributes:
        asked: a specialist as zoo.load takes it.
        when: labels, types or fields by earlier step.
        source, feed: see the module; None: not given.
    """

    name: str
    asked: str | Path
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str | None = None
    feed: str | None = None

    @property
    def asks_about(self) -> str:
        """The feed, or what stands for it."""
        return self.feed if self.feed is not None else "{answer}" if self.source is not None else "{text}"


@dataclass(frozen=True)
class Declared:
    """A chain as a file has it; its specialists are not loaded.

    Attributes:
        name: small letters, digits, `-` and `_`.
        title: what it is for.
        where: the file.
    """

    name: str
    title: str
    steps: tuple[StepDeclared, ...]
    where: str

    def open(self, find: Callable[[str | Path], Predictor]) -> Chain:
        """The chain.

        Args:
            find: from what a step asks to who that is.

        Raises:
            BadInput: steps that are not there or need each other, labels, types or fields that the earlier step does
                not have, with the file and the step.
        """
        asked = {step.name: find(step.asked) for step in self.steps}
        try:
            steps = [self._step(step, asked) for step in self.steps]
            return Chain(*steps)
        except BadInput as error:
            where = f"{self.where}, {error.where}" if error.where else self.where
            raise BadInput(error.what, where=where, fix=error.fix) from error

    def _step(self, step: StepDeclared, asked: Mapping[str, Any]) -> Step[Any]:
        where = f"step {step.name}"
        when: dict[str, When] = {}
        for earlier, wanted in step.when.items():
            manifest = getattr(asked.get(earlier), "manifest", None)
            when[earlier] = wanted
            if manifest is not None and manifest.kind != CLASSIFICATION:
                _known(set(wanted), manifest.labels, earlier, where)
                when[earlier] = _holds(wanted)
        feed = None
        if step.source is not None or step.asks_about != "{text}":
            manifest = getattr(asked.get(step.source or ""), "manifest", None)
            names = {name.partition(".")[2] for name in _places(step) if name.startswith("answer.")}
            if manifest is not None:
                _known(names, manifest.labels, str(step.source), where)
            feed = _feed(step.asks_about, with_answer=step.source is not None)
        return Step(step.name, asked[step.name], when=when, source=step.source, feed=feed)


def read(path: str | Path) -> Declared:
    """A chain's declaration; raises BadInput where the file can't be read, or holds what it must not."""
    where = str(path)
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"The file of a chain can't be read: {error}.", where=where) from error
    top = {"format": int, "name": str, "title": str, "steps": list}
    said = _held(raw, top, {"format", "name", "steps"}, where)
    if said["format"] != FORMAT:
        raise BadInput(f"Chains are of format {FORMAT}, not {said['format']}.", where=where, fix="Upgrade the zoo.")
    if not NAME.fullmatch(said["name"]):
        raise BadInput(f"A chain can't be called {said['name']!r}.", where=where, fix="Write small letters and digits.")
    steps = tuple(_declared(one, place, Path(path)) for place, one in enumerate(said["steps"]))
    return Declared(said["name"], said.get("title", said["name"]), steps, where)


def load_chain(path: str | Path, *, hub: str | Path | Hub | None = None, **how: Any) -> Chain:
    """Load a chain that a file declares, with its specialists.

    Args:
        path: a JSON file, see zoo.chain_file.
        hub, how: as for `zoo.load`.

    Raises:
        BadInput: the file is not right, or not with these specialists.
        what `zoo.load` raises.
    """
    loaded: dict[str | Path, Any] = {}

    def find(name: str | Path) -> Any:
        if name not in loaded:
            loaded[name] = load(name, hub=hub, **how)
        return loaded[name]

    return read(path).open(find)


def _declared(raw: Any, place: int, file: Path) -> StepDeclared:
    named = raw.get("name") if isinstance(raw, dict) else None
    where = f"{file}, step {named if isinstance(named, str) else place + 1}"
    said = _held(raw, _KEYS, {"name", "asked"}, where)
    when = {}
    for earlier, wanted in said.get("when", {}).items():
        names = [wanted] if isinstance(wanted, str) else wanted
        if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
            raise BadInput(f"when must name labels, types or fields, not {wanted!r}.", where=where)
        when[earlier] = tuple(names)
    asked: str | Path = said["asked"]
    if is_folder(asked):
        asked = file.parent / Path(asked).expanduser()
    else:
        Reference.parse(str(asked))
    step = StepDeclared(said["name"], asked, when, said.get("source"), said.get("feed"))
    for name in _places(step):
        if name != "text" and (step.source is None or name.partition(".")[0] != "answer"):
            fix = "Use {text}; with a source {answer} or {answer.NAME}, too."
            raise BadInput(f"feed can't hold {{{name}}}.", where=where, fix=fix)
    return step


def _held(raw: Any, keys: Mapping[str, type], needed: set[str], where: str) -> dict[str, Any]:
    """An object with these keys and no others."""
    if not isinstance(raw, dict):
        raise BadInput("This must be a JSON object.", where=where)
    if strange := ", ".join(sorted(set(raw) - set(keys))):
        raise BadInput(f"There is no key {strange}.", where=where, fix=f"Keys are: {', '.join(keys)}.")
    if missing := ", ".join(sorted(needed - set(raw))):
        raise BadInput(f"It lacks {missing}.", where=where)
    for key, value in raw.items():
        if type(value) is not keys[key]:
            raise BadInput(f"{key} can't be {value!r}.", where=where)
    return raw


def _known(names: set[str], there: tuple[str, ...], step: str, where: str) -> None:
    if strange := ", ".join(sorted(names - set(there))):
        raise BadInput(f"{step} has no {strange}.", where=where, fix=f"Use some of: {', '.join(there)}.")


def _places(step: StepDeclared) -> list[str]:
    return _PLACE.findall(step.asks_about)


def _holds(wanted: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda answer: any(_words(answer).get(name) for name in wanted)


def _feed(template: str, *, with_answer: bool) -> Callable[..., str | None]:
    """From text and answer to what is asked; None where a place is empty. What is put in is not looked at again."""

    def feed(text: str, answer: Any = None) -> str | None:
        words = _words(answer) if with_answer else {}
        said = {"text": text, "answer": ", ".join(one for some in words.values() for one in some)}
        said |= {f"answer.{name}": ", ".join(some) for name, some in words.items()}
        if not all(said.get(name) for name in _PLACE.findall(template)):
            return None
        return _PLACE.sub(lambda place: said[place[1]], template)

    return feed


def _words(answer: Any) -> dict[str, list[str]]:
    """What an answer says: its label; its spans' words by type, values by field; or its words."""
    if isinstance(answer, list | SpansDecision):
        found: dict[str, list[str]] = {}
        for span in answer if isinstance(answer, list) else answer.spans:
            found.setdefault(span.label, []).append(span.text)
        return found
    if isinstance(answer, Extracted | RecordDecision):
        values = {name: value if isinstance(value, list) else [value] for name, value in answer.values.items()}
        return {name: [_said(one) for one in some] for name, some in values.items()}
    return {"answer": [answer.text]} if isinstance(answer, Written | WordsDecision) else {answer.label: [answer.label]}


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
