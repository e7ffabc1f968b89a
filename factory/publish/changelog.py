"""CHANGELOG.md of a specialist: what sets each version apart from the one that it follows, the newest first.

It is published with the specialist, so that no text of gold rows and no value read out of one stands in it: examples of
changed answers are named by the rows' ids, with labels, or types and places of spans, which say nothing of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factory.evidence.behaviour import Behaviour
from factory.evidence.records import AnyEvidence
from factory.publish.card import METRICS
from factory.publish.changes import Data, Papers, change
from factory.template import fill
from zoo.manifest import WRITING, Manifest

TEMPLATE = "changelog.md.jinja"
_SECTION = "\n## "


@dataclass(frozen=True)
class Followed:
    """The version that another one follows.

    Attributes:
        papers: what it says of itself.
        changelog: its CHANGELOG.md; empty: it has none, being older than these.
        data: what sets their datasets apart; None: it is the same.
        behaviour: which of its answers to gold rows are others now, told without texts; None where nobody knows.
        yanked: why it was taken back; empty: it was not, or there is no knowing.
    """

    papers: Papers
    changelog: str = ""
    data: Data | None = None
    behaviour: Behaviour | None = None
    yanked: str = ""


def render(manifest: Manifest, evidence: Sequence[AnyEvidence], before: Followed | None) -> str:
    """The text of a version's CHANGELOG.md: what is new in it, then what its predecessor's says.

    Args:
        manifest, evidence: of the version.
        before: what it follows; None: it is the first.
    """
    after = Papers(manifest, evidence)
    values = {
        "after": after,
        "change": change(before.papers, after, before.data, before.behaviour) if before else None,
        "yanked": before.yanked if before else "",
        "writes": manifest.kind in WRITING,
        "metrics": METRICS,
    }
    _, _, older = (before.changelog if before else "").partition(_SECTION)
    told = fill(TEMPLATE, values).strip() + "\n"
    return told + (_SECTION + older if older else "")
