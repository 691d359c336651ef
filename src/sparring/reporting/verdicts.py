"""What the doctor said: the diagnosis in words, and a band of colours over the rounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sparring.reporting.curves import round_labels
from sparring.reporting.markup import Markup, tag, together
from sparring.reporting.story import Reading, Story

SIGNS = {"quiet": "·", "going": "→", "good": "✓", "warning": "!", "bad": "✕"}
"""A colour is never the only sign."""

MOST = 300
"""Readings in the page."""


@dataclass(frozen=True)
class Spell:
    """Readings of one verdict, one after the other.

    Args:
        begin: the round of the first.
        end: the round at which another verdict came, or the run ended.
        last: the newest of them.
    """

    begin: int
    end: int
    last: Reading


def worded(reading: Reading) -> str:
    """The verdict and how sure it is."""
    sure = "" if reading.confidence is None else f", {reading.confidence:.0%} sure"
    return reading.verdict.replace("-", " ") + sure


def diagnosis(story: Story) -> Markup:
    """The last verdict with its evidence and advice, and troubles that were seen before."""
    if not story.readings:
        return tag(
            "section",
            tag("p", tag("b", "No diagnosis"), class_="verdict"),
            tag("p", "The log holds no verdicts: the doctor was off, or the run was made before there was one."),
            class_="diagnosis quiet",
        )
    last = story.readings[-1]
    earlier = [tag("li", line) for line in _earlier(story.readings)]
    return tag(
        "section",
        tag(
            "p",
            tag("span", SIGNS[last.tone], class_="sign", aria_hidden="true"),
            tag("b", last.verdict.replace("-", " ")),
            tag("small", _when(last)),
            class_="verdict",
        ),
        tag("p", last.evidence) if last.evidence else None,
        tag("p", last.advice, class_="advice") if last.advice else None,
        tag("div", tag("p", "Seen before:"), tag("ul", *earlier), class_="earlier") if earlier else None,
        class_=f"diagnosis {last.tone}",
    )


def thinned(readings: Sequence[Reading], most: int = MOST) -> list[Reading]:
    """At most so many readings; of those that stand together, a trouble stays."""
    n = len(readings)
    if n <= most:
        return list(readings)
    parts = [readings[n * k // most : n * (k + 1) // most] for k in range(most)]
    return [max(reversed(part), key=lambda reading: reading.trouble) for part in parts]


def spells(readings: Sequence[Reading], end: int) -> list[Spell]:
    """Readings of one verdict joined; the last spell ends with the run."""
    groups = [list(group) for _, group in groupby(readings, lambda reading: reading.verdict)]
    ends = [*(group[0].round for group in groups[1:]), end]
    return [Spell(group[0].round, until, group[-1]) for group, until in zip(groups, ends, strict=True)]


def timeline(readings: Sequence[Reading], end: int) -> Iterator[Markup]:
    """A band over the rounds, what it says at one of them, and all of it as a table."""
    if not readings:
        return
    found = spells(readings, end)
    whole = max(end, 1)
    pieces = [
        tag(
            "span",
            tag("i", SIGNS[spell.last.tone]),  # the name goes where there is room for it, the sign everywhere
            tag("b", spell.last.verdict.replace("-", " ")),
            class_=f"spell {spell.last.tone}",
            style=f"left:min({spell.begin / whole:.2%}, 100% - 6px);width:{(spell.end - spell.begin) / whole:.2%}",
            title=f"round {spell.begin:,}: {worded(spell.last)}. {spell.last.evidence}",
        )
        for spell in found
    ]
    said = "; ".join(f"{spell.last.verdict} from round {spell.begin:,}" for spell in found)
    yield tag("div", *pieces, class_="plot band", role="img", aria_label=f"Verdicts: {said}.")
    yield round_labels(end)
    yield tag("p", "Point at the band or at a curve: all of them show that round.", class_="note said", hidden=True)
    rows = [
        tag(
            "tr",
            tag("td", f"{spell.begin:,}", class_="number"),
            tag("td", tag("span", SIGNS[spell.last.tone], class_=f"sign {spell.last.tone}"), " ", worded(spell.last)),
            tag("td", spell.last.evidence, " ", tag("em", spell.last.advice), class_="words"),
        )
        for spell in found
    ]
    head = tag("tr", *(tag("th", title, scope="col") for title in ("from round", "verdict", "evidence and advice")))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="wide")
    yield tag("details", tag("summary", "As a table"), table)


def numbers(readings: Sequence[Reading]) -> list[list[int | str]]:
    """What the page says of each round: `[round, tone, verdict, evidence, advice]`."""
    return [[r.round, r.tone, f"{SIGNS[r.tone]} {worded(r)}", r.evidence, r.advice] for r in readings]


def _when(reading: Reading) -> str:
    sure = "" if reading.confidence is None else f"{reading.confidence:.0%} sure, "
    return f"{sure}at round {reading.round:,}"


def _earlier(readings: Sequence[Reading]) -> Iterator[Markup]:
    """Each trouble but the last verdict: when, and on what evidence."""
    troubles: dict[str, list[Reading]] = {}
    for reading in readings:
        if reading.trouble and reading.verdict != readings[-1].verdict:
            troubles.setdefault(reading.verdict, []).append(reading)
    for verdict, found in troubles.items():
        first, last = found[0].round, found[-1].round
        rounds = f"at round {first:,}" if first == last else f"{len(found):,} times from round {first:,} to {last:,}"
        sign = tag("span", SIGNS[found[-1].tone], class_=f"sign {found[-1].tone}", aria_hidden="true")
        yield together(sign, " ", tag("b", verdict.replace("-", " ")), f" {rounds}. ", found[-1].evidence)
