"""The papers: facts through the templates in cards/dossier. The same facts give the same papers, to the letter."""

from __future__ import annotations

import re
from typing import Any

from factory.dossier import human
from factory.dossier.bom import cited
from factory.dossier.records import Records
from factory.publish.package import CARD
from factory.template import CARDS, fill
from zoo.files import SIGNATURE
from zoo.serve.markdown import to_html

TEMPLATES = CARDS / "dossier"
PAGE = "index.html"
PAPERS = {
    "annex-iv.md": ("annex_iv.md.jinja", "Technical documentation (Annex IV, draft)"),
    "risk.md": ("risk.md.jinja", "Risk sheet"),
    "data-protection.md": ("data_protection.md.jinja", "Data-protection sheet"),
}
"""File to its template and what it is called."""
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_FIRST = re.compile(r"^([-+=]|\d+(?=[.)](?:\s|$)))")


def papers(records: Records, facts: dict[str, dict[str, Any]], bill: dict[str, Any]) -> dict[str, str]:
    """Every paper and the page over them: file name to text.

    Args:
        records: for what is no figure: who is spoken of, what people said.
        facts: as factory.dossier.facts makes them.
        bill: as factory.dossier.bom makes it.

    Raises:
        FactoryError: a template is broken, or asks for what no fact says.
    """
    values = {
        "facts": facts,
        "f": {name: fact["value"] for name, fact in facts.items()},
        "who": records.who,
        "human": facts["human"]["value"],
        "fields": human.FIELDS,
        "cited": cited(records.manifest),
        "software": sum(part["type"] == "library" for part in bill["components"]),
        "locks": [f"{lock}.lock" for lock in records.software],
        "signed": (records.root / "specialist" / SIGNATURE).exists(),
    }
    found = {name: _fill(template, values) for name, (template, _) in PAPERS.items()}
    sheets = [(name, title, _html(found[name])) for name, (_, title) in PAPERS.items()]
    card = _html((records.root / "specialist" / CARD).read_text(encoding="utf-8"))
    found[PAGE] = _fill("page.html.jinja", {**values, "sheets": [*sheets, ("card", "Model card", card)], "bill": bill})
    return found


def plain(text: object) -> str:
    """Text that stays text inside Markdown: on one line, none of its marks having a meaning."""
    return _FIRST.sub(_escaped, _MARKS.sub(r"\\\1", " ".join(str(text).split())))


def _escaped(found: re.Match[str]) -> str:
    """A mark that begins a list, or the number before one, without that meaning."""
    return f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}"


def _fill(name: str, values: dict[str, Any]) -> str:
    return re.sub(r"\n{3,}", "\n\n", fill(name, values, TEMPLATES, plain=plain)).strip() + "\n"


def _html(markdown: str) -> Any:
    """A paper as a part of the page: headings one lower, and HTML in it shown as it is written."""
    from markupsafe import Markup

    text = re.sub(r"<(/?)h([1-4])>", lambda found: f"<{found[1]}h{int(found[2]) + 1}>", to_html(markdown))
    text = re.sub(r"<table>.*?</table>", lambda m: f'<div class="scroll" tabindex="0">{m[0]}</div>', text, flags=re.S)
    text = re.sub(r'href="([\w-]+)\.md"', r'href="#\1"', text)
    return Markup(text)  # noqa: S704  (of zoo.serve.markdown, which lets no HTML through)
