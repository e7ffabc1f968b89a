"""Which of a specialist's answers are to be marked unsure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Doubt:
    """Thresholds of confidence.

    Attributes:
        threshold: an answer less confident than this is unsure; None: none could be shown.
        thresholds: of labels (or types of spans) that have one of their own, in its place. Where there are any, and no
            `threshold`, answers of all other labels are unsure.
    """

    threshold: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def promises(self) -> bool:
        """Whether anything is promised of answers that are not unsure; where nothing is, no answer is."""
        return self.threshold is not None or bool(self.thresholds)

    def unsure(self, confidence: float, label: str = "") -> bool:
        """Whether an answer is, by its confidence and its label, if it is one."""
        edge = self.thresholds.get(label, self.threshold)
        return self.promises and (edge is None or confidence < edge)
