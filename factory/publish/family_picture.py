"""The family's picture: every specialist beside its teacher and the best baseline, for README.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from factory.evidence.svg import Picture
from factory.publish.family_figures import SHOWN, STUDENT, TEACHER, Figure, best_baseline, of

WIDTH, LEFT, NAMES, RIGHT, LANE, STEP, TOP = 900.0, 14.0, 240.0, 30.0, 48.0, 9.0, 64.0
"""Where names begin and end, how far apart lanes are, and what is told of one specialist within its lane."""
TEACHERS = {TEACHER: "its teacher, zero-shot", SHOWN: "its teacher, shown people's rows"}
BASELINE = "the best baseline on the same rows"
_STYLE = """
svg { background: #fff; font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
text { fill: #5a6675; } .name { fill: #1b2330; font-weight: 600; }
polyline { stroke-width: 3; stroke-linecap: round; fill: none; } .grid { stroke: #dde2e9; stroke-width: 1; }
polyline.student { stroke: #1f5fbf; } circle.student { fill: #1f5fbf; }
polyline.teacher { stroke: #9aa3af; } circle.teacher { fill: #5a6675; }
polyline.few_shot { stroke: #9aa3af; } circle.few_shot { fill: #fff; stroke: #5a6675; stroke-width: 2; }
polyline.baseline { stroke: #e0b061; } circle.baseline { fill: #a86a00; }
"""


def picture(figures: Sequence[Figure], titles: Mapping[str, str]) -> str:
    """An SVG file that stands by itself.

    Args:
        figures: of all specialists; a specialist's are of one metric.
        titles: metric to what it is called, in the order in which specialists are told.
    """
    told = [(metric, name) for metric in titles for name in _names(figures, metric)]
    height = TOP + LANE * len(told) + 34
    drawn = Picture(WIDTH, height, "Each specialist beside its teacher and the best baseline, with 95 % intervals")
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawn.line([(_x(share), TOP - 8), (_x(share), height - 28)], "grid")
        drawn.text((_x(share), height - 8), f"{100 * share:.0f} %", "", "middle")
    legend = {STUDENT: "student", **TEACHERS, "baseline": BASELINE}
    x = LEFT + 6
    for css, words in legend.items():
        drawn.dot((x, 20), css, 5)
        drawn.text((x + 12, 25), words)
        x += 34 + 7.1 * len(words)
    for place, (metric, name) in enumerate(told):
        y = TOP + LANE * place
        drawn.text((LEFT, y + 13), name, "name")
        drawn.text((LEFT, y + 30), titles[metric])
        for row, (css, one) in enumerate(_told(of(name, figures))):
            level = y + 4 + STEP * row
            if one.low is not None and one.high is not None:
                drawn.line([(_x(one.low), level), (_x(one.high), level)], css)
            drawn.dot((_x(one.value), level), css, 5, f"{name}, {legend[css]}: {100 * one.value:.1f} %")
    return drawn.alone(_STYLE) + "\n"


def _names(figures: Sequence[Figure], metric: str) -> list[str]:
    return sorted({one.specialist for one in figures if one.metric == metric})


def _told(known: Mapping[str, Figure]) -> list[tuple[str, Figure]]:
    """What is drawn of a specialist, by style: the student, the teacher twice, the best of all that is no model."""
    drawn = [(who, known[who]) for who in (STUDENT, *TEACHERS) if who in known]
    best = best_baseline(known)
    return [*drawn, ("baseline", best)] if best else drawn


def _x(share: float) -> float:
    return NAMES + share * (WIDTH - NAMES - RIGHT)
