"""Pictures as SVG that stands in a page: no script, no library; colours are the page's, by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Literal

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


class Picture:
    """An SVG element, drawn from back to front. Lengths are in its own units, from the top left.

    Args:
        width, height: its size; the page scales it.
        title: what it shows, for those who do not see it.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self._title = width, height, title
        self._parts: list[str] = []

    def line(self, points: Sequence[Point], css: str) -> None:
        """A line through points."""
        self._parts.append(f'<polyline class="{css}" points="{_list(points)}"/>')

    def area(self, points: Sequence[Point], css: str) -> None:
        """What points enclose."""
        self._parts.append(f'<polygon class="{css}" points="{_list(points)}"/>')

    def dot(self, at: Point, css: str, radius: float = 4.0, says: str = "") -> None:
        """A filled circle; `says` is shown where a mouse rests on it."""
        said = f"<title>{escape(says)}</title>" if says else ""
        self._parts.append(f'<circle class="{css}" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius:g}">{said}</circle>')

    def box(self, at: Point, size: Point, css: str, opacity: float = 1.0) -> None:
        """A filled rectangle by its top left."""
        self._parts.append(
            f'<rect class="{css}" x="{at[0]:.1f}" y="{at[1]:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" '
            f'fill-opacity="{opacity:.3f}"/>'
        )

    def text(self, at: Point, said: str, css: str = "", anchor: Anchor = "start", turned: bool = False) -> None:
        """Words at their base line; `turned`: from bottom to top."""
        turn = f' transform="rotate(-90 {at[0]:.1f} {at[1]:.1f})"' if turned else ""
        self._parts.append(
            f'<text class="{css}" x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}"{turn}>{escape(said)}</text>'
        )

    def __str__(self) -> str:
        return self._element("", [])

    def alone(self, style: str) -> str:
        """The same as a file of its own, with the colours that a page would give it."""
        return self._element(' xmlns="http://www.w3.org/2000/svg"', [f"<style>{style}</style>"])

    def _element(self, space: str, before: Sequence[str]) -> str:
        size = f'width="{self.width:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        head = f'<svg{space} {size} role="img" aria-label="{escape(self._title)}">'
        return "\n".join([head, f"<title>{escape(self._title)}</title>", *before, *self._parts, "</svg>"])


@dataclass(frozen=True)
class Axis:
    """A scale of values.

    Attributes:
        name: what the values are, with their unit.
        low, high: its ends.
        said: a value in words.
        marks: the values that are written beside it; none: round ones, two to seven.
    """

    name: str
    low: float
    high: float
    said: Callable[[float], str]
    marks: tuple[float, ...] = ()

    @property
    def ticks(self) -> Sequence[float]:
        """The marks."""
        if self.marks:
            return self.marks
        raw = (self.high - self.low) / 5
        power = 10.0 ** floor(log10(raw))
        step = next(width * power for width in (1, 2, 5, 10) if width * power >= raw - 1e-12)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [round(n * step, 12) for n in range(first, last + 1)]


class Frame:
    """Two axes in a picture: a grid with its values and names, and where a pair of values lies.

    Args:
        picture: it fills this, but for margins in which the axes' words stand.
        x, y: the axes.
    """

    LEFT, RIGHT, TOP, BOTTOM = 76.0, 16.0, 14.0, 50.0

    def __init__(self, picture: Picture, x: Axis, y: Axis) -> None:
        self.x, self.y = x, y
        self._across = picture.width - self.LEFT - self.RIGHT
        self._up = picture.height - self.TOP - self.BOTTOM
        floor_, wall = picture.height - self.BOTTOM, self.LEFT
        for value in y.ticks:
            picture.line([self.at(x.low, value), self.at(x.high, value)], "grid")
            picture.text((wall - 8, self.at(x.low, value)[1] + 4), y.said(value), "tick", "end")
        for value in x.ticks:
            picture.line([self.at(value, y.low), self.at(value, y.high)], "grid")
            picture.text((self.at(value, y.low)[0], floor_ + 18), x.said(value), "tick", "middle")
        picture.line([self.at(x.low, y.high), self.at(x.low, y.low), self.at(x.high, y.low)], "axis")
        picture.text((wall + self._across / 2, picture.height - 10), x.name, "name", "middle")
        picture.text((16, self.TOP + self._up / 2), y.name, "name", "middle", turned=True)

    def at(self, x: float, y: float) -> Point:
        """Where a pair of values lies; on the edge where it is beyond an axis' ends."""
        right = (min(max(x, self.x.low), self.x.high) - self.x.low) / (self.x.high - self.x.low)
        up = (min(max(y, self.y.low), self.y.high) - self.y.low) / (self.y.high - self.y.low)
        return self.LEFT + right * self._across, self.TOP + (1 - up) * self._up


def _list(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
