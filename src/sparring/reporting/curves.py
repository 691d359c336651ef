"""Curves as SVG that stretches, with text as HTML that does not: readable at any width, and without JavaScript."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from sparring.readable import number, short
from sparring.reporting.axes import WIDE, Axis, round_values
from sparring.reporting.markup import Markup, note, tag
from sparring.reporting.story import Series

BUCKETS = 200
"""A curve has its lowest and its highest value in each of so many stretches: spikes stay, points do not."""

SIDE = 1000
"""Units of the drawing, either way; CSS stretches it."""

LINE_HEIGHT = 0.105
"""Of a label, as a share of the height of a plot."""


@dataclass(frozen=True, eq=False)
class Line:
    """A curve and what to call it; without a name only its last value stands at its end."""

    series: Series
    name: str = ""
    tone: str = "main"


@dataclass(frozen=True, eq=False)
class Chart:
    """One plot.

    Args:
        title: what is plotted.
        lines: the curves.
        note: how to read it.
        percent: whether values are shares.
        within: values that the axis shows unless it is logarithmic.
        wide: positive values that span more than this factor stand on a logarithmic axis.
        band: the curves between which an interval lies.
        rule: a value to compare with, and what it is.
        mark: (round, value, name) of a point that matters.
    """

    title: str
    lines: tuple[Line, ...]
    note: str = ""
    percent: bool = False
    within: tuple[float, ...] = ()
    wide: float = WIDE
    band: tuple[Series, Series] | None = None
    rule: tuple[float, str] | None = None
    mark: tuple[int, float, str] | None = None

    def worded(self, value: float) -> str:
        """A value as text."""
        return f"{value:.1%}".replace(".0%", "%") if self.percent else number(value)


def thinned(series: Series, buckets: int = BUCKETS) -> Series:
    """A series of a few points that looks the same.

    Args:
        series: of any length.
        buckets: stretches of equally many points; of each, the lowest and the highest stay, and the first one that is
            not finite, so that gaps stay too.
    """
    n = len(series.values)
    if n <= 2 * buckets:
        return series
    kept = {0, n - 1}
    for rows in np.array_split(np.arange(n), buckets):
        finite = np.isfinite(series.values[rows])
        if finite.any():
            seen = rows[finite]
            kept |= {int(seen[series.values[seen].argmin()]), int(seen[series.values[seen].argmax()])}
        if not finite.all():
            kept.add(int(rows[~finite][0]))
    which = sorted(kept)
    return Series(series.rounds[which], series.values[which])


def round_labels(last: int) -> Markup:
    """The rounds below a plot that ends at the last one."""
    ticks = [round(tick) for tick in round_values(0, max(last, 1)) if tick.is_integer()]
    spans = [tag("span", short(tick), style=f"left:{tick / max(last, 1):.2%}") for tick in ticks]
    return tag("div", *spans, class_="rounds", aria_hidden="true")


def draw(chart: Chart, last: int) -> tuple[Markup, dict[str, Any]]:
    """A chart, and the numbers in it for whoever points at it.

    Args:
        chart: each of its lines has a finite value.
        last: the round at its right end; the left end is round 0.
    """
    lines = [replace(line, series=thinned(line.series)) for line in chart.lines]
    band = [thinned(edge) for edge in chart.band or ()]
    compared = [point for point in (chart.rule and chart.rule[0], chart.mark and chart.mark[1]) if point is not None]
    values = np.concatenate([*(line.series.values for line in lines), *(edge.values for edge in band), compared])
    frame = _Frame(Axis.over(values, chart.within, chart.wide), max(last, 1))
    ticks = frame.axis.ticks()
    texts = [f"{tick:.0%}" for tick in ticks] if chart.percent else frame.axis.labels()
    drawn = [
        *(frame.level(tick, "grid") for tick in ticks),
        frame.area(*band) if band else None,
        frame.level(chart.rule[0], "rule") if chart.rule else None,
        *(path for line in lines for path in frame.curve(line.series, line.tone)),
    ]
    labels = [frame.label(tick, "tick", text) for tick, text in zip(ticks, texts, strict=True)]
    if chart.mark:
        drawn += frame.curve(Series(np.array([chart.mark[0]]), np.array([chart.mark[1]])), "mark")
        labels.append(frame.named(*chart.mark))
    ends = _ends(chart)
    room = max(map(len, texts), default=0), max(len(f"{end.name} {end.worded}".strip()) for end in ends)
    form = {"viewBox": f"0 0 {SIDE} {SIDE}", "preserveAspectRatio": "none"}
    figure = tag(
        "figure",
        tag("figcaption", tag("b", chart.title)),
        tag(
            "div",
            tag("svg", *drawn, **form, role="img", aria_label=summary(chart)),
            *labels,
            *_placed(ends, frame),
            class_="plot",
        ),
        round_labels(last),
        note(chart.note) if chart.note else None,
        class_="chart",
        style=f"--left:{max(5, room[0])};--right:{max(7, room[1])}",
    )
    return figure, {"percent": chart.percent, "lines": [_numbers(line) for line in lines]}


def summary(chart: Chart) -> str:
    """The chart in words, for those who cannot see it."""
    said = []
    for line in chart.lines:
        finite = np.isfinite(line.series.values)
        rounds, values = line.series.rounds[finite], line.series.values[finite]
        first, last, lowest, highest = (
            f"{chart.worded(values[k])} at round {rounds[k]:,}" for k in (0, -1, values.argmin(), values.argmax())
        )
        said.append(f"{line.name or chart.title}: {first}, {last}; lowest {lowest}, highest {highest}.")
    return " ".join(said)


def apart(places: Sequence[float], distance: float = LINE_HEIGHT) -> list[float]:
    """Heights of labels, moved until none lies on another.

    Args:
        places: 0 to 1, where each one belongs.
        distance: between any two, at least.

    Examples:
        >>> [round(height, 2) for height in apart([0.5, 0.5, 0.98], 0.1)]
        [0.45, 0.55, 0.98]
    """
    order = np.argsort(np.array(places), kind="stable")
    groups: list[tuple[float, int]] = []  # middles of labels that touch, and how many they are
    for place in np.array(places)[order]:
        groups.append((float(place), 1))
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < distance * (groups[-1][1] + groups[-2][1]) / 2:
            (a, n), (b, m) = groups[-2:]
            groups[-2:] = [((a * n + b * m) / (n + m), n + m)]
    heights = [middle + distance * (k - (n - 1) / 2) for middle, n in groups for k in range(n)]
    found = [0.0] * len(places)
    for index, height in zip(order, heights, strict=True):
        found[index] = height
    return found


@dataclass(frozen=True)
class _End:
    """What stands at the right of a plot: a line's name and last value, or the rule's."""

    value: float
    worded: str
    name: str
    tone: str


def _ends(chart: Chart) -> list[_End]:
    lasts = [(line.series.values[np.isfinite(line.series.values)][-1], line.name, line.tone) for line in chart.lines]
    lasts += [(*chart.rule, "rule")] if chart.rule else []
    return [_End(value, chart.worded(value), name, tone) for value, name, tone in lasts]


def _placed(ends: Sequence[_End], frame: "_Frame") -> Iterator[Markup]:
    for height, end in zip(apart([frame.height(end.value) for end in ends]), ends, strict=True):
        name = f"{end.name} " if end.name else None
        yield tag(
            "span",
            name,
            tag("b", end.worded),
            class_=f"end {end.tone}",
            style=f"bottom:{height:.2%}",
            aria_hidden="true",
        )


@dataclass(frozen=True)
class _Frame:
    """Where rounds and values lie in a plot.

    Args:
        axis: from the bottom to the top.
        last: the round at the right.
    """

    axis: Axis
    last: int

    def height(self, value: float) -> float:
        """0 at the bottom, 1 at the top."""
        return float(self.axis.place(np.array(value)))

    def corners(self, series: Series) -> list[str | None]:
        """Places in the drawing; None where a value is missing."""
        known = np.isfinite(series.values)
        x = SIDE * series.rounds / self.last
        y = SIDE * (1 - self.axis.place(np.where(known, series.values, np.nan)))
        return [f"{x[k]:.0f} {y[k]:.0f}" if known[k] else None for k in range(len(known))]

    def level(self, value: float, kind: str) -> Markup:
        """A line from left to right."""
        return tag("path", d=f"M0 {SIDE * (1 - self.height(value)):.0f}H{SIDE}", class_=kind)

    def curve(self, series: Series, tone: str) -> Iterator[Markup]:
        """Broken where values are missing; a lone point is a dot."""
        groups = groupby(self.corners(series), lambda corner: corner is not None)
        parts = [[corner for corner in group if corner] for known, group in groups if known]
        strokes = ["M" + "L".join(part) for part in parts if len(part) > 1]
        dots = [f"M{part[0]}h0" for part in parts if len(part) == 1]
        yield from (
            tag("path", d="".join(d), class_=f"{kind} {tone}") for d, kind in ((strokes, "curve"), (dots, "dot")) if d
        )

    def area(self, low: Series, high: Series) -> Markup:
        """All between two curves."""
        around = [corner for corner in (*self.corners(low), *reversed(self.corners(high))) if corner]
        return tag("path", d=f"M{'L'.join(around)}Z", class_="band")

    def label(self, value: float, kind: str, text: str) -> Markup:
        """Text at the height of a value."""
        return tag("span", text, class_=kind, style=f"bottom:{self.height(value):.2%}", aria_hidden="true")

    def named(self, round: int, value: float, name: str) -> Markup:
        """A name above a point, on the side where there is room."""
        across = round / self.last
        place = f"left:{across:.2%}" if across < 0.5 else f"right:{1 - across:.2%}"
        return tag("span", name, class_="marked", style=f"{place};bottom:{self.height(value):.2%}", aria_hidden="true")


def _numbers(line: Line) -> dict[str, Any]:
    values = [float(f"{value:.4g}") if math.isfinite(value) else None for value in line.series.values]
    return {"rounds": line.series.rounds.tolist(), "values": values}
