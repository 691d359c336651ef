"""Curves as SVG that stretches, with text as HTML that does not: readable at any width, and without JavaScript."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from sparring.readable import number, short
from sparring.reporting.markup import Markup, tag
from sparring.reporting.story import Series

BUCKETS = 200
"""A curve has its lowest and its highest value in each of so many stretches: spikes stay, points do not."""

WIDE = 1000
"""Values that span more than this factor, all positive, stand on a logarithmic axis."""

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
        within: values that the axis shows in any case.
        band: the curves between which an interval lies.
        rule: a value to compare with, and what it is.
        mark: (round, value, name) of a point that matters.
    """

    title: str
    lines: tuple[Line, ...]
    note: str = ""
    percent: bool = False
    within: tuple[float, ...] = ()
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


@dataclass(frozen=True)
class Axis:
    """The values between the bottom and the top of a plot."""

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def over(cls, values: np.ndarray, within: Sequence[float] = ()) -> "Axis":
        """One that shows all of these, of which one at least is finite, and unless it is logarithmic also those."""
        values = values[np.isfinite(values)]
        if values.min() > 0 and values.max() / values.min() > WIDE:
            return cls(float(values.min()) / 1.3, float(values.max()) * 1.3, True)
        both = np.append(values, within)
        low, high = float(both.min()), float(both.max())
        pad = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        return cls(low - pad if low else 0.0, high + pad)

    def place(self, values: np.ndarray) -> np.ndarray:
        """0 at the bottom, 1 at the top."""
        if self.logarithmic:
            return np.log(values / self.low) / math.log(self.high / self.low)
        return (values - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """A few round values."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1, 1 + (last - first) // 4)]
        return round_values(self.low, self.high)

    def labels(self) -> list[str]:
        """The ticks as text."""
        return [number(tick) for tick in self.ticks()] if self.logarithmic else tick_labels(self.ticks())


def round_values(low: float, high: float, most: int = 4) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten.

    Examples:
        >>> round_values(0, 100), round_values(-0.31, 0.9), round_values(0, 2628)
        ([0.0, 25.0, 50.0, 75.0, 100.0], [0.0, 0.5], [0.0, 1000.0, 2000.0])
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= rough)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Ticks at even distances as text, with as many digits as they need.

    Examples:
        >>> tick_labels([0.0, 0.25, 0.5]), tick_labels([1000.0, 2000.0]), tick_labels([0.0, 1e-9])
        (['0.00', '0.25', '0.50'], ['1,000', '2,000'], ['0', '1e-09'])
    """
    step = min((b - a for a, b in pairwise(ticks)), default=0.0)
    for digits in range(5):
        if all(abs(round(tick, digits) - tick) < step / 100 < 1e5 for tick in ticks):
            return [f"{tick:,.{digits}f}" for tick in ticks]
    return [number(tick) for tick in ticks]


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
    lines = [Line(thinned(line.series), line.name, line.tone) for line in chart.lines]
    edges = [thinned(edge) for edge in chart.band or ()]
    shown = [*(line.series for line in lines), *edges]
    compared = [*([chart.rule[0]] if chart.rule else []), *([chart.mark[1]] if chart.mark else [])]
    axis = Axis.over(np.concatenate([*(each.values for each in shown), compared]), chart.within)
    ticks = axis.ticks()
    texts = [f"{tick:.0%}" for tick in ticks] if chart.percent else axis.labels()
    heights = [float(height) for height in axis.place(np.array(ticks))]
    drawn = [
        *(_path(f"M0 {_y(height)}H{SIDE}", "grid") for height in heights),
        *([_path(_area(edges[0], edges[1], axis, last), "band")] if edges else []),
        *([_path(f"M0 {_y(_at(axis, chart.rule[0]))}H{SIDE}", "rule")] if chart.rule else []),
        *(path for line in lines for path in _curve(line, axis, last)),
        *([_path(_dot(chart.mark, axis, last), "mark")] if chart.mark else []),
    ]
    picture = tag(
        "svg", *drawn, viewBox=f"0 0 {SIDE} {SIDE}", preserveAspectRatio="none", role="img", aria_label=summary(chart)
    )
    labels = [_label("tick", height, text) for height, text in zip(heights, texts, strict=True)]
    ends = _ends(chart, lines, axis)
    room = max(map(len, texts), default=0), max(len(f"{end.name} {end.value}".strip()) for end in ends)
    plot = tag("div", picture, *labels, *_placed(ends), _mark(chart, axis, last), class_="plot")
    figure = tag(
        "figure",
        *(tag("figcaption", tag("b", chart.title)), plot, round_labels(last)),
        tag("p", chart.note, class_="note") if chart.note else None,
        class_="chart",
        style=f"--left:{max(5, room[0])};--right:{max(7, room[1])}",
    )
    return figure, {"percent": chart.percent, "lines": [_points(line) for line in lines]}


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
    """What stands at the right of a plot, and where: a line's name and last value, or the rule's."""

    height: float
    name: str
    value: str
    tone: str


def _ends(chart: Chart, lines: Sequence[Line], axis: Axis) -> list[_End]:
    ends = []
    for line in lines:
        value = line.series.values[np.isfinite(line.series.values)][-1]
        ends.append(_End(_at(axis, value), line.name, chart.worded(value), line.tone))
    if chart.rule:
        ends.append(_End(_at(axis, chart.rule[0]), chart.rule[1], chart.worded(chart.rule[0]), "rule"))
    return ends


def _placed(ends: Sequence[_End]) -> Iterator[Markup]:
    for height, end in zip(apart([end.height for end in ends]), ends, strict=True):
        yield _label(f"end {end.tone}", height, f"{end.name} " if end.name else None, tag("b", end.value))


def _mark(chart: Chart, axis: Axis, last: int) -> Markup | None:
    if chart.mark is None:
        return None
    round, value, name = chart.mark
    across = round / max(last, 1)
    side = "left" if across < 0.5 else "right"
    place = across if side == "left" else 1 - across
    return tag("span", name, class_="marked", style=f"{side}:{100 * place:.2f}%;bottom:{100 * _at(axis, value):.2f}%")


def _label(kind: str, height: float, *text: object) -> Markup:
    return tag("span", *text, class_=kind, style=f"bottom:{100 * height:.2f}%", aria_hidden="true")


def _at(axis: Axis, value: float) -> float:
    return float(axis.place(np.array(value)))


def _y(height: float) -> int:
    return round(SIDE * (1 - height))


def _path(d: str, kind: str) -> Markup:
    return tag("path", d=d, class_=kind)


def _dot(mark: tuple[int, float, str], axis: Axis, last: int) -> str:
    return f"M{round(SIDE * mark[0] / max(last, 1))} {_y(_at(axis, mark[1]))}h0"


def _curve(line: Line, axis: Axis, last: int) -> Iterator[Markup]:
    """Broken where values are missing; a lone point is a dot."""
    x, y = _places(line.series, axis, last)
    strokes, dots = [], []
    for known, group in groupby(range(len(x)), lambda k: bool(np.isfinite(line.series.values[k]))):
        corners = [f"{x[k]:.0f} {y[k]:.0f}" for k in group]
        if known and len(corners) > 1:
            strokes.append("M" + "L".join(corners))
        elif known:
            dots.append(f"M{corners[0]}h0")
    yield from (_path("".join(d), f"{kind} {line.tone}") for d, kind in ((strokes, "curve"), (dots, "dot")) if d)


def _area(low: Series, high: Series, axis: Axis, last: int) -> str:
    corners = []
    for edge, order in ((low, 1), (high, -1)):
        x, y = _places(edge, axis, last)
        known = np.flatnonzero(np.isfinite(edge.values))[::order]
        corners += [f"{x[k]:.0f} {y[k]:.0f}" for k in known]
    return "M" + "L".join(corners) + "Z"


def _places(series: Series, axis: Axis, last: int) -> tuple[np.ndarray, np.ndarray]:
    known = np.where(np.isfinite(series.values), series.values, np.nan)
    return SIDE * series.rounds / max(last, 1), SIDE * (1 - axis.place(known))


def _points(line: Line) -> dict[str, Any]:
    values = [float(f"{value:.4g}") if math.isfinite(value) else None for value in line.series.values]
    return {"name": line.name, "rounds": line.series.rounds.tolist(), "values": values}
