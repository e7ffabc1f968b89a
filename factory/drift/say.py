"""Drift as a table for a terminal."""

from __future__ import annotations

import textwrap

from factory.drift.measure import Drift, Finding


def table(drift: Drift) -> str:
    """What was compared, a line a test with why below it, and the verdict."""
    when = f", {drift.first[:16]} to {drift.last[:16]} UTC" if drift.first else ""
    lines = [
        f"{drift.specialist}, trained on {drift.dataset}",
        f"  production  {drift.production}{when}",
        f"  against     {drift.against}",
        f"  people      looked at {drift.looked_at} answers, of which {drift.wrong} were wrong",
    ]
    if drift.others:
        others = ", ".join(f"{count} of {version}" for version, count in sorted(drift.others.items()))
        lines.append(f"  left out    decisions of other versions: {others}")
    lines += ["", f"{'test':<12} {'verdict':<11} {'distance':>8} {'p':>8} {'its own':>8} {'production':>10}"]
    for one in drift.findings:
        lines += [_line(one), *textwrap.wrap(one.why, 114, initial_indent="    ", subsequent_indent="    ")]
    return "\n".join([*lines, "", verdict(drift)])


def verdict(drift: Drift) -> str:
    """One sentence."""
    drifted = [one.test for one in drift.findings if one.verdict == "drift"]
    missing = [one.test for one in drift.findings if one.verdict == "not tested"]
    untested = f" Not tested: {', '.join(missing)}." if missing else ""
    if drifted:
        return f"DRIFT in {', '.join(drifted)}.{untested}"
    if not drift.tested:
        return "Nothing could be tested, so nothing is known."
    level = f"at {drift.alpha:.0%} for all tests together, from a distance of {drift.least:g} on"
    return f"No drift found {level}.{untested}"


def _line(one: Finding) -> str:
    if one.distance is None or one.p is None:
        return f"{one.test:<12} {one.verdict}"
    p = f"{one.p:.4f}" if one.p >= 0.0001 else "<0.0001"
    return f"{one.test:<12} {one.verdict:<11} {one.distance:>8.3f} {p:>8} {one.ours:>8} {one.theirs:>10}"
