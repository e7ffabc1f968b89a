"""The site's pages, as text. Every figure is printed from a record; what is drawn stands in a table beside it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from factory.evidence import plots, report
from factory.evidence.records import Cost, Record
from factory.evidence.report import Report
from factory.publish.changes import Change
from factory.publish.family import COLUMNS, TITLES
from factory.publish.family_figures import STUDENT
from factory.site.gather import Family, Published, Specialist
from zoo.names import Version
from zoo.serve.markdown import to_html

LAST = 12
"""As many of a ledger's last stages are told."""
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:)]")


@dataclass(frozen=True)
class Row:
    """A specialist in the family's table: its main figure, and its opponents', in the table's order."""

    specialist: Specialist
    version: Version
    figures: list[Record | None]


@dataclass(frozen=True)
class Table:
    """Specialists that are told by the same figure.

    Attributes:
        title: what the figure is called.
        columns: whose it is told of, for people.
        lanes: name, figure and whether it is a student's, to be drawn.
    """

    title: str
    columns: list[str]
    rows: list[Row]
    lanes: list[tuple[str, Record, bool]]


def pages(family: Family, changes: dict[str, list[Change]]) -> dict[str, str]:
    """Every file of the site, path to text.

    Args:
        family: everything.
        changes: a specialist's name to the steps of its versions, newest first.
    """
    environment = report.environment()
    environment.filters |= {"linked": linked, "day": day, "minute": minute}
    made: dict[str, str] = {}

    def page(path: str, template: str, **values: Any) -> None:
        root = "../" * path.count("/")
        made[path] = environment.get_template(f"site/{template}").render(root=root, **values) + "\n"

    page("index.html", "index.html.jinja", family=family, tables=tables(family), entries=_last(family.specialists))
    for one in family.specialists:
        seen = _seen(one.shown) if one.shown else {}
        page(
            f"{one.name}/index.html",
            "specialist.html.jinja",
            one=one,
            shown=one.shown,
            seen=seen,
            pictures=report.pictures(seen) if seen else {},
            costs=costs(one.shown) if one.shown else [],
            cost=_drawn(one.shown) if one.shown else "",
            changes=changes[one.name],
            waiting=[waits for waits in family.waiting if waits.spec == one.name],
            entries=_last([one]),
            hub=family.hub,
        )
        for version in one.versions:
            folder = f"{one.name}/{version.version}"
            page(f"{folder}/card.html", "card.html.jinja", one=version, card=_card(version.card))
            made[f"{folder}/report.html"] = _report(version)
            made |= {f"{folder}/{name}": text for name, text in version.files.items()}
    return made


def tables(family: Family) -> list[Table]:
    """The family by the figures it is told by, as cards/README.md has it."""
    found = []
    for metric, columns in COLUMNS.items():
        rows, lanes = [], []
        for one in family.specialists:
            if one.newest and one.newest.figure == metric:
                newest = one.newest
                figures = [newest.record(newest.who if who == STUDENT else who, metric) for who in columns]
                rows.append(Row(one, newest.version, figures))
                own, teacher = figures[:2]
                lanes += [(f"{one.name} {newest.version}", own, True)] if own else []
                lanes += [("its teacher", teacher, False)] if teacher else []
        if rows:
            named = ["Specialist" if who == STUDENT else report.who(who) for who in columns]
            found.append(Table(TITLES[metric], named, rows, lanes))
    return found


def costs(shown: Published) -> list[tuple[str, Cost, Record | None]]:
    """What answers cost, with the main figure of whoever has one: the student first, then as recorded."""
    found = [one for one in shown.evidence if isinstance(one, Cost)]
    found.sort(key=lambda one: one.who != shown.who)
    return [(report.who(one.who), one, shown.record(one.who, shown.figure)) for one in found]


def _drawn(shown: Published) -> str:
    """The picture of it: in money where all that have a figure have a price, else in core-hours; empty: too few."""
    known = [(name, one, record) for name, one, record in costs(shown) if record]
    priced = all(one.price for _, one, _ in known)
    values = ((name, one.price if priced else one.core_hours, record) for name, one, record in known)
    points = [(name, value, record) for name, value, record in values if value]
    unit = known[0][1].currency if known and priced else "core-hours"
    return plots.cost(points, unit, report.metric(shown.figure)) if len(points) > 1 else ""


def _seen(shown: Published) -> dict[str, Any]:
    return report.view(Report(shown.manifest.name, shown.manifest.title, "", shown.who, shown.evidence))


def _report(one: Published) -> str:
    manifest = one.manifest
    return report.render(
        Report(
            manifest.name,
            manifest.title,
            "Drawn from the evidence that was published with this version. What its build knew besides (data, judges, "
            "checks) is in the report of the build.",
            one.who,
            one.evidence,
            version=manifest.version,
            notes=[f"This version was yanked: {one.yank.reason}"] if one.yank else [],
        ),
        "report.html.jinja",
    )


def _last(specialists: Sequence[Specialist]) -> list[tuple[str, Any]]:
    """The last stages that were entered, newest first: specialist and entry."""
    found = [(one.name, entry) for one in specialists for entry in one.book.entries]
    return sorted(found, key=lambda pair: (pair[1].time, pair[0], pair[1].number), reverse=True)[:LAST]


def _card(card: str) -> str:
    """The card as HTML; what looks like HTML in it is shown as text. Its tables and code can be reached by keyboard."""
    page = to_html(card).replace("<th>", '<th scope="col">').replace("<pre>", '<pre tabindex="0">')
    return "".join(_scrolled(page))


def _scrolled(page: str) -> Iterator[str]:
    """A card's tables, each in a frame of its own that scrolls, told by the heading before it."""
    heading = "Table of the card"
    for part in re.split(r"(<table>.*?</table>|<h\d>.*?</h\d>)", page, flags=re.DOTALL):
        if part.startswith("<h"):
            heading = html.escape(html.unescape(re.sub(r"<[^>]*>", "", part)), quote=True)
        framed = f'<div class="scroll" tabindex="0" role="region" aria-label="{heading}">{part}</div>'
        yield framed if part.startswith("<table>") else part


def linked(text: str) -> Any:
    """A text whose web addresses are links."""
    from markupsafe import Markup, escape

    made, last = Markup(""), 0
    for found in _LINK.finditer(text):
        made += escape(text[last : found.start()]) + Markup('<a href="{0}">{0}</a>').format(found[0])
        last = found.end()
    return made + escape(text[last:])


def day(time: str) -> str:
    """ISO 8601 as `2026-11-26`."""
    return time[:10]


def minute(time: str) -> str:
    """ISO 8601, UTC, as `2026-11-26 22:23 UTC`."""
    return f"{time[:16].replace('T', ' ')} UTC" if time else "–"
