"""Which curves a story has, and how to read them."""

import numpy as np

from sparring.reporting.curves import Chart, Line
from sparring.reporting.story import Series, Story

CHANCE = (0.5, "chance")

SHARES = {
    "precision": ("Precision", "Share of the samples that lie among reals."),
    "recall": ("Recall", "Share of the reals that lie among samples."),
    "distinct": ("Distinct", "Effective number of samples, over that of as many reals."),
    "lost": ("Lost", "Share of the data where samples are almost missing."),
}
"""Signals of variety, each with a title and how to read it."""

DRAWN = {
    *SHARES, "distance", "floor", "judge", "judge_low", "judge_high", "accuracy", "accuracy_held_out", "classes"
}  # fmt: skip
"""Signals that have a place of their own."""


def course(story: Story) -> list[Chart]:
    """How near the samples are to the data, whether a judge can tell them apart, and whether the discriminator can."""
    best = None
    if story.best and np.isfinite(story.best[1]) and story.signal("distance"):
        best = (*story.best, "best")
    floor = story.signal("floor")
    # it is unbiased, and may by chance lie below the 0 of no distance at all
    floor = Series(floor.rounds, np.where(floor.values > 0, floor.values, np.nan))
    interval = story.signal("judge_low"), story.signal("judge_high")
    distance = Chart(
        "Distance from the data",
        _present(Line(story.signal("distance"), "samples"), Line(floor, "reals", "floor")),
        f"Lower is better. Reals are at {'the dashed line' if floor else '0'}: no samples are expected to be nearer.",
        within=(0.0,),
        wide=30,
        mark=best,
    )
    judge = Chart(
        "A fresh judge tells samples from reals",
        _present(Line(story.signal("judge"), "judge")),
        "Its accuracy, with the 95% interval. At chance, samples look like reals to it.",
        percent=True,
        within=(0.4, 1.0),
        band=interval if all(interval) else None,
        rule=CHANCE,
    )
    accuracy = Chart(
        "The discriminator is right",
        _present(
            Line(story.signal("accuracy"), "training"),
            Line(story.signal("accuracy_held_out"), "held out", "second"),
        ),
        "On training reals and samples, and on reals held out. Far apart, it knows its training data by heart.",
        percent=True,
        within=(0.4, 1.0),
        rule=CHANCE,
    )
    return _drawable(distance, judge, accuracy)


def variety(story: Story) -> list[Chart]:
    """How much of the data the samples cover, and how varied they are."""
    return _drawable(
        *(
            Chart(title, _present(Line(story.signal(name))), note, percent=True, within=(0.0, 1.0))
            for name, (title, note) in SHARES.items()
        )
    )


def terms(story: Story) -> list[Chart]:
    """Every logged term, one player's after another's."""
    players = list(dict.fromkeys(name.partition("/")[0] for name in story.terms))
    names = sorted(story.terms, key=lambda name: players.index(name.partition("/")[0]))
    return [Chart(name.replace("/", ": ", 1), (Line(story.terms[name]),)) for name in names]


def other_signals(story: Story) -> list[Chart]:
    """What the doctor measured and no other plot shows."""
    return [
        Chart(name.replace("_", " "), (Line(series),)) for name, series in story.signals.items() if name not in DRAWN
    ]


def _present(*lines: Line) -> tuple[Line, ...]:
    return tuple(line for line in lines if line.series)


def _drawable(*charts: Chart) -> list[Chart]:
    return [chart for chart in charts if chart.lines]
