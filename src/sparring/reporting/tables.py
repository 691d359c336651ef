"""Numbers that are no curves: the newest evaluation, and how often each class is made."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sparring.kinds import classes_of
from sparring.metrics.table import BETTER, Row
from sparring.readable import number
from sparring.reporting.markup import Markup, note, tag
from sparring.reporting.story import Story

MOST_CLASSES = 40

SIDES = ("value", "identity")
"""Figures of translations, and of what was given."""


def evaluation(story: Story) -> Iterator[Markup]:
    """The newest of `metrics.jsonl`, as `sparring evaluate` prints it."""
    found = story.evaluation
    if found is None:
        return
    head = [
        tag("th", title, scope="col", class_=kind)
        for title, kind in (
            ("metric", None),
            ("samples", "number"),
            ("reals", "number"),
            ("N", "number extra"),
            ("better", "extra"),
            ("seen", None),
        )
    ]
    rows = [_row(values) for values in found["rows"] if isinstance(values, dict)]
    yield tag("div", tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows)), class_="wide")
    yield from _agreement(found.get("agreement") or [])
    yield from _partners(found.get("partners") or [])
    copies = found.get("copies")
    flagged = isinstance(copies, dict) and copies.get("flagged")
    said = "not tested" if not copies else "copies of the training data" if flagged else "no sign of copying"
    notes = "".join(f"; {each}" for each in found.get("notes") or ())
    for values in found["rows"]:
        if isinstance(values, dict) and values.get("note"):
            yield note(f"The {values['name']} {values['note']}.")
    yield note(f"Round {found.get('round', 0):,}, {found.get('extractor')} features; memorisation: {said}{notes}.")


def _agreement(found: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    """How often a classifier reads samples as the class that was asked for."""
    if not found:
        return
    titles = (("class asked for", None), ("read as such", "number"), ("reals", "number"), ("N", "number extra"))
    head = [tag("th", title, scope="col", class_=kind) for title, kind in titles]
    worst = sorted(range(len(found)), key=lambda k: float(found[k]["samples"] or 0))[:MOST_CLASSES]
    rows = [
        tag(
            "tr",
            tag("th", str(each["name"]), scope="row"),
            *(tag("td", _percent(each[side]), class_="number") for side in ("samples", "reals")),
            tag("td", f"{each['asked']:,}", class_="number extra"),
        )
        for each in (found[k] for k in sorted(worst))
    ]
    yield tag("div", tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows)), class_="wide")


def _partners(found: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    """Translations beside what they ought to be, and beside what was given."""
    if not found:
        return
    titles = (("beside its partner", None), ("translated", "number"), ("as given", "number"), ("better", "extra"))
    head = [tag("th", title, scope="col", class_=kind) for title, kind in titles]
    rows = [
        tag(
            "tr",
            tag("th", str(each["name"]), scope="row"),
            *(tag("td", "-" if each[side] is None else number(each[side]), class_="number") for side in SIDES),
            tag("td", BETTER.get(each["better"]), class_="extra"),
        )
        for each in found
    ]
    yield tag("div", tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows)), class_="wide")
    yield note(f"{found[0]['n']:,} held-out pictures, translated, beside those of the same names.")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def classes(story: Story) -> Iterator[Markup]:
    """A bar a class, beside the line at which it is as frequent as among the reals."""
    shares = story.classes
    if not shares:
        return
    known = classes_of(story.schema)
    names = known if len(known) == len(shares) else [str(k) for k in range(len(shares))]
    chosen = sorted(sorted(range(len(shares)), key=lambda k: shares[k])[:MOST_CLASSES])
    longest = max(1.5, *shares)
    bars = [
        tag(
            "li",
            tag("span", names[k], title=names[k]),
            tag("i", tag("i", style=f"width:{100 * max(0.0, shares[k]) / longest:.1f}%")),
            tag("b", number(shares[k])),
        )
        for k in chosen
    ]
    width = min(14, 1 + max(len(names[k]) for k in chosen))
    yield tag("ul", *bars, class_="classes", style=f"--one:{100 / longest:.1f}%;--name:{width}ch")
    rarest = f" The {len(chosen)} rarest of {len(shares):,} are shown." if len(chosen) < len(shares) else ""
    yield note(f"How often samples of a class are made; at the line, as often as they are among the reals.{rarest}")


def _row(values: Mapping[str, Any]) -> Markup:
    # infinite values are null in JSON
    value, floor = (float("inf") if values.get(key) is None else float(values[key]) for key in ("value", "floor"))
    row = Row(
        name=str(values.get("name")),
        value=value,
        spread=values.get("spread"),
        floor=floor,
        floor_spread=values.get("floor_spread"),
        better=values.get("better", "floor"),
        n=values.get("n", 0),
    )
    return tag(
        "tr",
        tag("th", row.name, scope="row"),
        *(_figure(each, spread) for each, spread in ((row.value, row.spread), (row.floor, row.floor_spread))),
        tag("td", f"{row.n:,}", class_="number extra"),
        tag("td", BETTER.get(row.better), class_="extra"),
        tag("td", row.seen),
    )


def _figure(value: float, spread: float | None) -> Markup:
    around = None if spread is None else tag("small", f" ± {spread:.2g}")
    return tag("td", number(value), around, class_="number")
