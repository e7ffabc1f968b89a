"""The report's pictures. They place records' figures on paper, and compute none."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

from factory.evidence.records import ClassFigures, Confusion, Coverage, Learned, Promise, Record, Reliability
from factory.evidence.svg import Anchor, Axis, Frame, Picture

WIDTH, HEIGHT = 520.0, 320.0
LABELS = 8
"""As many labels as a picture of mistakes has room for."""
CELL, ROW = 46.0, 30.0
SAID = 90.0
"""As wide as a few words get."""


def coverage(points: Sequence[Coverage], promises: Sequence[Promise], unit: str) -> str:
    """How often the surest are wrong, by how many are taken; the stated risk, and what the threshold came to.

    Args:
        points: of one system; at least one.
        promises: of the same, at most one that promises something is shown.
        unit: `Answers` or `Spans`.
    """
    stated = [one for one in promises if one.verdict != "none"]
    risks = [one.risk for one in promises]
    highest = max([*(one.high for one in points), *(1.25 * risk for risk in risks), 0.02])
    picture = Picture(WIDTH, HEIGHT, f"Share wrong among the surest {unit.lower()}, with 95 % interval, by share taken")
    frame = Frame(
        picture, Axis(f"{unit} taken, the surest first", 0, 1, _percent), Axis("Wrong among them", 0, highest, _percent)
    )
    ranked = sorted(points, key=lambda one: one.coverage)
    lower, upper = ([frame.at(one.coverage, getattr(one, end)) for one in ranked] for end in ("low", "high"))
    picture.area([*lower, *reversed(upper)], "cloud")
    for promise in promises:
        picture.line([frame.at(0, promise.risk), frame.at(1, promise.risk)], "stated")
        x, y = frame.at(1, promise.risk)
        picture.text((x - 4, y + 15), f"stated risk {_percent(promise.risk)}", "said stated", "end")
    picture.line([frame.at(one.coverage, one.risk) for one in ranked], "curve")
    for one in ranked:
        picture.dot(frame.at(one.coverage, one.risk), "dot", says=f"{_percent(one.coverage)}: {one.risk:.1%} wrong")
    for promise in stated:
        share = promise.coverage or 0.0
        picture.line([frame.at(share, 0), frame.at(share, highest)], "threshold")
        left = share > 0.5
        x, y = frame.at(share, highest)
        single = promise.threshold is not None and not promise.thresholds
        said = f"threshold {promise.threshold:.3f}" if single else "labels' thresholds"
        picture.text((x - 6 if left else x + 6, y + 12), said, "said threshold", "end" if left else "start")
        if promise.error is not None:
            says = f"not marked unsure: {share:.1%} taken, {promise.error:.1%} wrong"
            picture.dot(frame.at(share, promise.error), "kept", 6, says)
    return str(picture)


def reliability(bins: Sequence[Reliability]) -> str:
    """How often answers of like confidence are right; on the diagonal, confidence says just that."""
    picture = Picture(WIDTH, HEIGHT, "Share right, with 95 % interval, by mean confidence, in bins of equal mass")
    frame = Frame(picture, Axis("Mean confidence", 0, 1, _percent), Axis("Right", 0, 1, _percent))
    picture.line([frame.at(0, 0), frame.at(1, 1)], "ideal")
    x, y = frame.at(0.30, 0.30)
    picture.text((x - 6, y - 6), "as sure as right", "said", "end")
    ranked = sorted(bins, key=lambda one: one.confidence)
    for one in ranked:
        picture.line([frame.at(one.confidence, one.low), frame.at(one.confidence, one.high)], "whisker")
    picture.line([frame.at(one.confidence, one.right) for one in ranked], "curve")
    for one in ranked:
        says = f"{one.count} of confidence {one.confidence:.3f}: {one.right:.1%} right"
        picture.dot(frame.at(one.confidence, one.right), "dot", says=says)
    return str(picture)


def confusion(pairs: Sequence[Confusion], classes: Sequence[ClassFigures]) -> str:
    """What is taken for what, of the labels in the most frequent mistakes; on the diagonal, how often one is found.

    Args:
        pairs: mistakes, most frequent first; the darker a cell, the larger the share of the label's rows.
        classes: figures of the labels.
    """
    labels: list[str] = []
    for one in pairs:
        new = [label for label in (one.gold, one.predicted) if label is not None and label not in labels]
        if len(labels) + len(new) <= LABELS:
            labels += new
    silent = any(one.predicted is None and one.gold in labels for one in pairs)
    columns: list[str | None] = [*labels, None] if silent else [*labels]
    wall = 60.0 + 7.2 * max(len(label) for label in labels)
    picture = Picture(wall + CELL * len(columns) + 8, ROW * (len(labels) + 1) + 26, "What is taken for what, how often")
    picture.text((wall + CELL * len(columns) / 2, 14), "Taken for", "name", "middle")
    for place, column in enumerate(columns):
        head = "none" if column is None else str(place + 1)
        picture.text((wall + CELL * (place + 0.5), 26 + ROW - 10), head, "tick", "middle")
    counted = {(one.gold, one.predicted): one for one in pairs}
    recall = {one.label: one.recall for one in classes}
    for row, label in enumerate(labels):
        top = 26 + ROW * (row + 1)
        picture.text((8, top + ROW / 2 + 4), str(row + 1), "tick")
        picture.text((34, top + ROW / 2 + 4), label, "label")
        for place, column in enumerate(columns):
            corner = (wall + CELL * place, top)
            found = counted.get((label, column))
            right = recall.get(label) if label == column else None
            share = right if right is not None else found.count / max(1, found.support) if found else 0.0
            picture.box(corner, (CELL - 2, ROW - 2), "right" if label == column else "wrong", 0.08 + 0.62 * share)
            said = f"{100 * right:.0f} %" if right is not None else str(found.count) if found else ""
            picture.text((corner[0] + CELL / 2 - 1, top + ROW / 2 + 3), said, "figure", "middle")
    return str(picture)


def learning(steps: Sequence[Learned]) -> str:
    """What was wrong on held-out rows, epoch by epoch or head by head; the one kept is marked."""
    by = steps[0].by
    values = [one.held_out for one in steps]
    name = "Epoch" if by == "epoch" else "Heads, by penalty on their weights"
    places = range(1, len(steps) + 1)
    said = {float(place): f"{one.at:g}" for place, one in zip(places, steps, strict=True)}
    picture = Picture(WIDTH, HEIGHT, f"{steps[0].figure} {'epoch by epoch' if by == 'epoch' else 'head by head'}")
    marks = tuple(said)[:: 1 + len(steps) // 12]
    x = Axis(name, 0.5, len(steps) + 0.5, lambda value: said[value], marks)
    frame = Frame(picture, x, Axis(steps[0].figure.capitalize(), 0, 1.08 * max(*values, 1e-6), lambda v: f"{v:.3g}"))
    points = [frame.at(place, one.held_out) for place, one in zip(places, steps, strict=True)]
    picture.line(points, "curve")
    for at, one in zip(points, steps, strict=True):
        picture.dot(at, "kept" if one.kept else "dot", 6 if one.kept else 4, f"{one.at:g}: {one.held_out:.4f}")
        if one.kept:
            under = max(y for x, y in points if abs(x - at[0]) < SAID)  # below the curve, which words would hide
            anchor: Anchor = "end" if at == points[-1] != points[0] else "middle"
            picture.text((at[0], under + 22), f"kept: {one.held_out:.4g}", "said", anchor)
    return str(picture)


def cost(points: Sequence[tuple[str, float, Record]], unit: str, figure: str) -> str:
    """What a million texts cost, and how good the answers are: to the right is dearer, upwards is better.

    Args:
        points: system, its cost, above zero, and its figure; the one that the picture is about first.
        unit: of the cost.
        figure: in words.
    """
    exponents = [log10(price) for _, price, _ in points]
    low, high = floor(min(exponents) - 0.15), ceil(max(exponents) + 0.15)
    marks = tuple(float(one) for one in range(low, high + 1, 1 + (high - low) // 7))
    picture = Picture(WIDTH, HEIGHT, f"{figure}, with 95 % interval, by what a million texts cost in {unit}")
    x = Axis(f"A million texts, {unit}", low, high, lambda one: f"{10**one:,.10g}", marks)
    frame = Frame(picture, x, Axis(figure, 0, 1, _percent))
    for place, (name, price, record) in enumerate(points):
        across = log10(price)
        at = frame.at(across, record.value)
        if record.low is not None and record.high is not None:
            picture.line([frame.at(across, record.low), frame.at(across, record.high)], "whisker")
        says = f"{name}: {price:,.3g} {unit}, {record.value:.1%}"
        picture.dot(at, "dot" if place == 0 else "hollow", 6 if place == 0 else 5, says)
        left = at[0] > picture.width * 0.6
        picture.text((at[0] - 11 if left else at[0] + 11, at[1] + 4), name, "said", "end" if left else "start")
    return str(picture)


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"
