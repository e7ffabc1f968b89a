"""Ledger and lineage as text for a terminal."""

from __future__ import annotations

from pathlib import Path

from factory.errors import DataError
from factory.lineage import ledger
from factory.lineage.trace import Step, Trace
from factory.lineage.verify import verify


def entries(root: Path) -> str:
    """A specialist's ledger, a few lines an entry.

    Raises:
        DataError: nothing was entered yet.
    """
    found = _there(root)
    lines = []
    for entry in found.entries:
        by = "".join(f", {what}" for what in (entry.operator, entry.commit) if what)
        lines.append(f"{entry.number:>4}  {entry.time}  {entry.event:<8}  {entry.output}{_made(entry.version)}{by}")
        if entry.inputs:
            lines.append(f"{'':6}from {', '.join(dict.fromkeys(entry.inputs.values()))}")
        counts = ", ".join(f"{name} {_count(value)}" for name, value in entry.counts.items())
        lines.append(f"{'':6}{len(entry.files)} files{f'; {counts}' if counts else ''}")
    return "\n".join([*lines, *(f"WARNING: {problem}" for problem in found.problems)])


def proof(root: Path) -> str:
    """What was checked, and found in order.

    Raises:
        DataError: nothing was entered yet; or the chain is broken, or files are not as entered: it says which.
    """
    book = _there(root)
    found = verify(root, book)
    notes = "".join(f"\n  {note}" for note in found.notes)
    if found.problems:
        raise DataError(
            f"The ledger and the builds do not agree in {len(found.problems)} places.\n"
            + "\n".join(f"  - {line}" for line in found.problems),
            where=str(root / ledger.FILE),
            fix="Compare with a backup. A stage whose folder is removed is made again by the next build, from replies "
            "that are kept." + (f"\nAlso:{notes}" if notes else ""),
        )
    return f"{len(book.entries)} entries, each following from the one before; {found.files} files as entered.{notes}"


def trace(found: Trace) -> str:
    """A specialist's lineage."""
    lines = [
        f"{found.specialist}, created {found.created}" + (", published although its gate FAILED" * found.forced),
        f"  {found.where}",
        f"  {found.files} files, as sealed by manifest.json (sha256 {found.manifest})",
    ]
    for name, value in found.made_from.items():
        changed = name == "spec" and found.spec_now not in ("", value)
        lines.append(f"  {name:<10} {value}" + (f" (the checkout's is {found.spec_now} now)" if changed else ""))
    lines += _dataset(found)
    lines += ["", "Stages, the last first", *(line for step in found.stages for line in _step(step))]
    lines += ["", "Measured on", *(f"  gold {name:<5} {value}" for name, value in found.gold.items())]
    for record in found.evidence:
        interval = f" ({record['low']:.3f} to {record['high']:.3f})" if record["low"] is not None else ""
        rows = f"n {record['n']}" + ("" if record["sample"] == "all" else f", {record['sample']}")
        lines.append(f"  {record['who']:<22} {record['metric']:<9} {record['value']:.3f}{interval}, {rows}")
    lines += ["", "Gate", *(f"  {'passed' if line['passed'] else 'FAILED'}: {line['sentence']}" for line in found.gate)]
    cited = f"; entry {found.cited} was its head when this was published" if found.cited is not None else ""
    lines += ["", f"Ledger: {found.entries} entries{cited}"]
    for title, listed in (("PROBLEMS", found.problems), ("Not found", found.not_found)):
        lines += ["", title, *(f"  - {line}" for line in listed)] if listed else []
    return "\n".join(lines)


def _there(root: Path) -> ledger.Ledger:
    found = ledger.read(root)
    if not found.hashes and not found.problems:
        raise DataError("Nothing was entered yet.", where=str(root / ledger.FILE), fix="Build something first.")
    return found


def _dataset(found: Trace) -> list[str]:
    if found.dataset is None:
        return []
    data = found.dataset
    origins = ", ".join(f"{count} {origin}" for origin, count in data["origins"].items())
    people = ", ".join(f"{who} {count}" for who, count in found.people.items()) or "nobody"
    lines = [
        "",
        f"Dataset {data['version']}: {sum(data['splits'].values())} rows: {origins}",
        f"  hash       {data['hash']}",
        f"  licence    {data['licence']}",
        f"  teachers   {', '.join(data['teachers']) or 'none'}",
        *(f"  {name:<14} sha256 {sha}" for name, sha in data["prompts"].items()),
        f"  looked at by {people}; labels changed: {data['corrected']}",
    ]
    if data["dropped"]:
        lines.append("  dropped    " + ", ".join(f"{check} {count}" for check, count in data["dropped"].items()))
    if audit := data["audit"]:
        how = f": {audit['how']}" if "how" in audit else ""
        interval = f"{audit['low']:.3f} to {audit['high']:.3f}"
        lines.append(f"  labels are right in {audit['value']:.3f} ({interval}) of {audit['n']}{how}")
    return lines


def _step(step: Step) -> list[str]:
    when = f"  {step.event} {step.time}" if step.time else ""
    by = "".join(f", {what}" for what in (step.operator, step.commit) if what)
    lines = [f"  {step.output:<32} {step.state}{when}{by}"]
    if step.inputs:
        lines.append(f"      from {', '.join(dict.fromkeys(step.inputs.values()))}")
    return lines + [f"      {name}: {value}" for name, value in step.facts.items()]


def _made(version: str) -> str:
    return f" = {version}" if version else ""


def _count(value: float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
