"""What a specialist takes and what a million texts cost, beside who could be asked in its place; as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from factory.evidence import cost, footprint
from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import said, truth
from factory.evidence.prices import PriceList
from factory.evidence.records import Cost, Footprint, Speed
from factory.evidence.sample import sample
from factory.processes import cores
from factory.stages import model
from factory.stages.build import Build

LONGEST = 5  # gold texts that a fresh process is given
ASKED = 100  # gold rows whose questions are counted


def records(
    build: Build, folder: Path, speeds: Sequence[Speed], prices: PriceList, circumstances: Circumstances
) -> list[Footprint | Cost]:
    """The footprint of the packaged student in `folder`; the cost of it, of the teacher, and of hosted models.

    A teacher elsewhere, or on a GPU, keeps no cores busy here: of it there is no cost.
    """
    who, student = model.trained(build).who, model.student_of(build)
    longest = sorted((row.text for row in build.gold), key=len)[-LONGEST:]
    own = [one for one in speeds if one.who == who]
    found: list[Footprint | Cost] = [footprint.measure(folder, longest, who, circumstances, own[0].what)]
    found.append(cost.computed(own, 1, prices, "one thread"))
    elsewhere = build.settings.teacher_url or "no GPU" not in circumstances.hardware
    if theirs := [one for one in speeds if one.who == "teacher" and not elsewhere]:
        found.append(cost.computed(theirs, cores(), prices, "one question at a time"))
    if prices.hosted:
        rows = sample(build.gold, ASKED)
        questions = [student.question(build.spec, row.text, True).messages for row in rows]
        asked = [
            (sum(len(message["content"]) for message in messages), len(said(truth(row))))
            for messages, row in zip(questions, rows, strict=True)
        ]
        found += [cost.hosted(one, asked, prices.currency, circumstances) for one in prices.hosted]
    return found
