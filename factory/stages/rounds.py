"""Writing, and writing again what cleaning takes away."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from factory.generate import plan as planning
from factory.generate import write as writing
from factory.generate.limits import Limits
from factory.generate.refill import Refill
from factory.generate.strategies.cell import Cell
from factory.stages import sources
from factory.stages.build import Build


def write_rounds(build: Build, cells: Sequence[Cell], limits: Limits) -> tuple[list[Cell], writing.Written]:
    """Ask for the plan's rows and, with `refill`, for those that cleaning takes away: later cells, and all rows."""
    spec = build.spec
    material = sources.material(build, writing=True)
    refill = Refill(cells, itertools.islice(planning.cells(material), len(cells), None)) if spec.refill else None
    meter = build.meter("write", "requests")
    further: list[Cell] = []
    written, asked = writing.Written([], []), list(cells)
    while asked:
        found = writing.write(
            material, asked, build.endpoint, build.settings.replies, meter, limits, before=written.spent
        )
        written = writing.Written(written.rows + found.rows, written.failed + found.failed, written.spent + found.spent)
        if refill is None or written.spent.stopped:
            break
        kept = sources.checked(build, sources.candidates(build, written.rows)).kept
        asked = refill.further([row for row in kept if row.origin == "generated"])
        further += asked
    return further, written
