"""What may go, or has gone, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from factory.retention.logs import REST
from factory.retention.prune import Plan


def table(plan: Plan) -> str:
    """A specialist: how much it is, and a line for each file or folder."""
    lines = [line(plan)]
    for one in plan.unneeded:
        lines.append(f"  {_size(one.size):>9}  {one.used:%Y-%m-%d}  {'/'.join(one.path.parts[-2:])}: {one.why}")
    return "\n".join(lines)


def line(plan: Plan) -> str:
    """A specialist in a line."""
    told = f"{plan.name}: {len(plan.unneeded)} that nobody needs, {_size(plan.size)}; {plan.stages} finished stages"
    return f"{told}; {plan.kept}" if plan.kept else told


def logs(found: Sequence[Path]) -> list[str]:
    """A line for each log that is long."""
    return [f"{log}: all but its last {_size(REST)}" for log in found]


def conclusion(days: int, *, removed: bool) -> str:
    """What that was."""
    if removed:
        return "That is removed."
    return f"Nothing is removed yet: --yes removes this, all of it unused for {days} days."


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
