"""What a causal student is asked, and how it is to write: made once, when it is trained, and read by the zoo.

The chat template is rendered here. What travels is prompt.json (zoo.prompt), so that whoever runs the student needs no
template engine, and asks exactly what it was trained on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from factory.errors import FactoryError
from factory.files import write_json
from factory.record import Record
from zoo.errors import BrokenSpecialist
from zoo.form import Form
from zoo.manifest import PROMPT
from zoo.prompt import Frame, Prompt

_PLACE = "THE-TEXT-STANDS-HERE"


def make(
    tokenizer: Any, instruction: str, max_new_tokens: int, fields: Mapping[str, Mapping[str, Any]] | None
) -> Prompt:
    """The prompt of a task: its instruction as the system's turn, the text as the user's, the assistant's begun.

    A tokenizer without a chat template gets instruction and text with blank lines between.

    Args:
        tokenizer: of transformers; its end of sequence ends an answer.
        instruction: what the model is told before every text.
        max_new_tokens: an answer is cut there.
        fields: of records, name to what a value looks like (zoo.form), in order; None: answers are words.

    Raises:
        FactoryError: the template does not repeat the user's words, or the tokenizer has no token that ends a turn.
    """
    before, after = f"{instruction}\n\n", "\n\n"
    if tokenizer.chat_template:
        turns = [{"role": "system", "content": instruction}, {"role": "user", "content": _PLACE}]
        rendered = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        before, place, after = rendered.partition(_PLACE)
        if not place:
            raise FactoryError("The model's chat template leaves out what the user says.", fix="Take another model.")
    if tokenizer.eos_token_id is None:
        raise FactoryError("The model's tokenizer has no token that ends an answer.", fix="Take another model.")
    forms = {name: Form.of(name, one) for name, one in (fields or {}).items()}
    return Prompt(before, after, (tokenizer.eos_token_id,), max_new_tokens, forms)


def write(folder: Path, prompt: Prompt) -> None:
    """Write prompt.json, which `zoo.prompt.Prompt.read` reads; `fields` is left out where there are none."""
    write_json(folder / PROMPT, {name: value for name, value in asdict(prompt).items() if value != {}})


def cutter(tokenizer: Any) -> Any:
    """A `tokenizers.Tokenizer` of one's own that neither truncates nor pads."""
    from tokenizers import Tokenizer

    found = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    found.no_truncation()
    found.no_padding()
    return found


def frame(prompt: Prompt, cut: Any, max_tokens: int) -> Frame:
    """How texts are given, as the zoo gives them; raises FactoryError where the prompt leaves no room for a text."""
    try:
        return Frame(prompt, cut, max_tokens)
    except BrokenSpecialist as error:
        raise FactoryError(
            error.what, fix="Raise student.max_tokens in the spec, or shorten its question or definition."
        ) from error


class Part(NamedTuple):
    """A piece of what a model writes, which is cut into tokens by itself.

    Attributes:
        text: its words.
        learned: people, or the teacher, say what it is.
    """

    text: str
    learned: bool


def record(fields: Iterable[str], said: Record, told: Iterable[str] | None = None) -> list[Part]:
    """A record as one JSON object on one line, as the zoo has models write it: every field in order, null for none.

    The zoo writes names and marks itself (zoo.guide), and so cuts them and every value apart: `: null` is one token and
    then another to it, where a tokenizer that sees the whole makes one of the space and the word. A model that has
    learned the whole writes nonsense there. Names are learned all the same: another server lets the model write them.

    Args:
        fields: their names, in order.
        said: the record.
        told: the fields that people spoke of; None: all.
    """
    spoken = None if told is None else set(told)
    parts = []
    for number, name in enumerate(fields):
        parts.append(Part(f"{', ' if number else '{'}{json.dumps(name, ensure_ascii=False)}: ", learned=True))
        value = json.dumps(said.get(name), ensure_ascii=False)
        parts.append(Part(value, learned=spoken is None or name in spoken))
    return [*parts, Part("}", learned=True)]
