"""Real text that the factory reads: passages that ground a teacher's writing, and texts for it to label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import DataError
from factory.files import digest, read_jsonl
from factory.row import row_id
from factory.settings import Settings
from factory.spec import Spec
from factory.teacher.chat import printable
from factory.words import length


@dataclass(frozen=True)
class Passage:
    """A real text nobody has labelled.

    Attributes:
        id: as its file names it; lineage cites it.
        text: with runs of white space folded into one space.
        source: where it comes from, as its file says.
    """

    id: str
    text: str
    source: str = ""


def seed_passages(spec: Spec, settings: Settings) -> list[Passage]:
    """The passages that show a teacher how real texts sound, in a reproducible order.

    They come from the spec's `seed`; without one from its unlabelled texts, the best model there is of their own
    style; without either there are none.

    Raises:
        DataError: the file is missing or broken, a row has no text, or half a character, or nothing passes the spec's
            filter.
    """
    if spec.seed is None:
        return unlabelled(spec, settings)
    path = settings.seed / spec.seed.file
    rows = _read(path, "FACTORY_SEED", "seed")
    wanted = spec.seed.sources
    chosen = [row for row in rows if not wanted or any(part in str(row.get("source", "")) for part in wanted)]
    passages = _passages(chosen, path, spec.seed.words, spec.name)
    if not passages:
        raise DataError(
            "No seed passage passes the spec's filter.",
            where=str(path),
            fix=f"Widen seed.sources or seed.words in {spec.folder / 'spec.yaml'}.",
        )
    return passages


def unlabelled(spec: Spec, settings: Settings) -> list[Passage]:
    """The real texts a teacher may be asked to label, in a reproducible order; none where the spec names none.

    They are those of the spec's `unlabelled`, and after them the passages of its `seed` where that says so.

    The first n are the sample of size n: a larger budget begins with a smaller one's texts. Texts equal but for case
    and space are taken once, and those outside `hygiene.words` not at all.

    Raises:
        DataError: the file is missing or broken, or a row has no text, or half a character.
    """
    found: list[Passage] = []
    if spec.unlabelled is not None:
        path = settings.gold / spec.unlabelled
        found = _passages(_read(path, "FACTORY_GOLD", "unlabelled"), path, spec.hygiene.words, spec.name)
    if spec.seed is not None and spec.seed.unlabelled:
        known = {passage.text.casefold() for passage in found}
        found += [passage for passage in seed_passages(spec, settings) if passage.text.casefold() not in known]
    return found


def _read(path: Path, variable: str, key: str) -> list[dict[str, Any]]:
    if not path.is_file():
        raise DataError(
            f"The file that `{key}` names in the spec is missing.",
            where=str(path),
            fix=f"Set {variable} to the folder that holds it, or take `{key}` out of spec.yaml.",
        )
    return read_jsonl(path)


def _passages(rows: Iterable[dict[str, Any]], path: Path, words: tuple[int, int], salt: str) -> list[Passage]:
    shortest, longest = words
    found: dict[str, Passage] = {}
    for row in rows:
        raw = row.get("text")
        if not isinstance(raw, str):
            raise DataError("A row has no `text`.", where=f"{path}: id {row.get('id', '(none)')}")
        text = " ".join(raw.split())
        if shortest <= length(text) <= longest:
            source = str(row.get("source", ""))
            try:
                f"{row.get('id', '')}{source}{text}".encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    "A row holds half a character.",
                    where=f"{path}: id {printable(str(row.get('id', '(none)')))}: {text[:60]!a}",
                    fix="Mend its text, id or source: a lone \\ud... stands there, of a character that was cut in two.",
                ) from error
            passage = Passage(id=str(row.get("id") or row_id(text)), text=text, source=source)
            found.setdefault(text.casefold(), passage)
    # Sorted by a hash: as good as shuffled, and a text keeps its place relative to others when the file grows.
    return sorted(found.values(), key=lambda passage: digest([salt, passage.text]))
