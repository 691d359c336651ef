"""The controls of a page to play with."""

from collections.abc import Sequence
from typing import Any

from sparring.game import Part
from sparring.readable import printable
from sparring.reporting.markup import Markup, note, tag

SEEDS = 1000
"""Of which a page has the noise: 0 to 999."""

COUNTS = (1, 16, 64)
"""Samples that are shown at once."""

STRENGTH = 3.0
"""How far along a direction, to both sides: standard deviations of normal noise."""

WIDEST = 2.0
"""The largest truncation of a page."""


def _row(label: Markup, *fields: Markup) -> Markup:
    return tag("p", label, tag("span", *fields), class_="row")


def samples(classes: Sequence[str], seed: int) -> Markup:
    """Which seeds, how many of them, and of which class where there are classes."""
    counts = [
        tag("label", tag("input", type="radio", name="count", value=n, checked=n == COUNTS[1]), str(n)) for n in COUNTS
    ]
    number = tag("input", id="seed", type="number", min=0, max=SEEDS - 1, step=1, value=seed, inputmode="numeric")
    rows = [
        _row(tag("label", "Seed", for_="seed"), number, tag("button", "Another", type="button", id="another")),
        _row(tag("b", "How many", id="many"), tag("span", *counts, role="radiogroup", aria_labelledby="many")),
    ]
    if classes:
        rows.append(_choice("class", "Class", [printable(name) for name in classes]))
    return tag("fieldset", tag("legend", "Samples"), *rows)


def _choice(name: str, label: str, values: Sequence[str], **more: Any) -> Markup:
    """One of some values, or what every seed has of itself."""
    options = [tag("option", "as each seed has it", value=-1)]
    options += [tag("option", value, value=k) for k, value in enumerate(values)]
    return _row(tag("label", label, for_=name), tag("select", *options, id=name, **more))


def _slider(
    name: str, label: str, low: float, high: float, value: float, switched: bool = False, **more: Any
) -> Markup:
    """A slider and its value; where it is switched, also whether it counts at all."""
    named = tag("label", label, for_=name)
    if switched:
        named = tag("span", tag("input", type="checkbox", id=f"{name}-set", aria_label=f"Set {label}"), named)
    return tag(
        "p",
        named,
        tag(
            "input",
            type="range",
            id=name,
            min=low,
            max=high,
            step=0.05 if high - low <= WIDEST else 0.1,
            value=value,
            **more,
        ),
        tag("output", "", for_=name),
        class_="row slide",
    )


def truncation() -> Markup:
    """How far out noise may lie."""
    return tag(
        "fieldset",
        tag("legend", "Truncation"),
        _slider("truncation", "within ±", 0.1, WIDEST, 1.0, switched=True),
        note("Less variety and more typical samples. It draws the noise of a seed anew."),
    )


def codes(parts: Sequence[tuple[int, Part]]) -> Markup | None:
    """Every part of the noise that has a name of its own."""
    rows: list[Markup] = []
    for first, part in parts:
        if part.name == "z":
            continue
        if part.kind == "category":
            more = {"class_": "code", "data_start": first, "data_dim": part.dim}
            rows.append(_choice(f"code{first}", part.name, [str(k) for k in range(part.dim)], **more))
        else:
            most = 1.0 if part.kind == "uniform" else STRENGTH
            for k in range(part.dim):
                label = part.name if part.dim == 1 else f"{part.name} {k + 1}"
                more = {"class_": "code", "data_start": first + k}
                rows.append(_slider(f"code{first + k}", label, -most, most, 0.0, switched=True, **more))
    return tag("fieldset", tag("legend", "Codes"), *rows) if rows else None


def directions(count: int) -> Markup:
    """A slider for each direction."""
    rows = [
        _slider(f"direction{k}", f"direction {k + 1}", -STRENGTH, STRENGTH, 0.0, class_="direction", data_row=k)
        for k in range(count)
    ]
    reset = tag("button", "Reset", type="button", id="reset")
    return tag("fieldset", tag("legend", "Directions"), *rows, reset)


def pad(count: int) -> Markup | None:
    """A square that moves along two directions at once."""
    if count < 2:
        return None

    def choice(name: str, chosen: int) -> Markup:
        options = [tag("option", f"direction {k + 1}", value=k, selected=k == chosen) for k in range(count)]
        return _row(tag("label", name, for_=name), tag("select", *options, id=name))

    square = tag(
        "div",
        tag("i"),
        id="pad",
        tabindex=0,
        role="application",
        aria_label="Pad of two directions: arrow keys move, Home goes back to the middle",
        aria_describedby="place",
    )
    return tag(
        "fieldset",
        tag("legend", "Pad"),
        choice("across", 0),
        choice("up", 1),
        square,
        tag("p", id="place", class_="note"),
    )
