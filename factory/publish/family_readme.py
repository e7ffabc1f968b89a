"""The family's short table in a README.md, between two marks that it has for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from factory.errors import FactoryError
from factory.evidence.report import NAMES
from factory.files import write_text
from factory.publish.family_figures import ALONE, SHOWN, STUDENT, TEACHER, Figure, best_baseline, of

BEGIN, END = "<!-- the family: `python -m factory cards` writes this table -->", "<!-- /the family -->"
_COLUMNS = "student", "its teacher", "teacher shown people's rows", "best baseline", "people's rows alone"
_HEAD = f"| specialist | measured by | {' | '.join(_COLUMNS)} |", "|---|---|" + "---|" * len(_COLUMNS)


def put(readme: Path, figures: Sequence[Figure], titles: Mapping[str, str], cards: str) -> None:
    """Write the table into a README.md; one that is not there, or has no marks, is left alone.

    Args:
        readme: the file.
        figures: of all specialists.
        titles: metric to what it is called, in the order in which specialists are told.
        cards: the folder of their cards, as seen from the file.

    Raises:
        FactoryError: the second mark is missing.
    """
    if not readme.exists() or BEGIN not in (text := readme.read_text(encoding="utf-8")):
        return
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise FactoryError("The family's table has no end.", where=str(readme), fix=f"Put {END} on a line after it.")
    table = "\n".join([BEGIN, "", *_HEAD, *_lines(figures, titles, cards), "", END])
    write_text(readme, before + table + after)


def _lines(figures: Sequence[Figure], titles: Mapping[str, str], cards: str) -> Iterator[str]:
    for metric in titles:
        for name in sorted({one.specialist for one in figures if one.metric == metric}):
            known = of(name, figures)
            told = (known.get(STUDENT), known.get(TEACHER), known.get(SHOWN), best_baseline(known), known.get(ALONE))
            rows = max(one.n for one in known.values())
            version = next(iter(known.values())).version
            link = f"[{name}]({cards}/{name}.md) {version}"
            yield f"| {link} | {titles[metric]} | {' | '.join(_said(one, rows) for one in told)} |"


def _said(one: Figure | None, rows: int) -> str:
    """In per cent with its interval; of how many rows, where not all were asked about."""
    if one is None:
        return "–"
    value = f"**{100 * one.value:.1f}**" if one.who == STUDENT else f"{100 * one.value:.1f}"
    interval = "" if one.low is None or one.high is None else f" ({100 * one.low:.1f}–{100 * one.high:.1f})"
    known = one.who in (STUDENT, TEACHER, SHOWN, ALONE)
    named = "" if known else ", " + NAMES.get(one.who, one.who).removesuffix(", same rows")
    return f"{value}{interval}{named}" + (f", of {one.n}" if one.n < rows else "")
