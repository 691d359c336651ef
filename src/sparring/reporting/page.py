"""The page: one HTML document that asks the network for nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from sparring.readable import duration, number
from sparring.reporting import gallery, plots, tables, verdicts
from sparring.reporting.command import command
from sparring.reporting.curves import Chart, draw
from sparring.reporting.document import document, resource
from sparring.reporting.markup import Markup, data, note, tag
from sparring.reporting.story import Story


def page(story: Story) -> str:
    """The whole document."""
    numbers: list[dict[str, Any]] = []  # of the charts, in the order of the page

    def drawn(charts: Sequence[Chart], kind: str = "charts small") -> Markup | None:
        figures = []
        for chart in charts:
            figure, values = draw(chart, story.round)
            figures.append(figure)
            numbers.append(values)
        return tag("div", *figures, class_=kind) if figures else None

    title = story.run.path.resolve().name or "run"
    readings = verdicts.thinned(story.readings)
    body = [
        tag("header", tag("p", "sparring report", class_="kind"), tag("h1", title)),
        verdicts.diagnosis(story),
        _facts(story),
        _section("Verdicts", *verdicts.timeline(readings, story.round)),
        _section("Samples", *gallery.samples(story)),
        _section("The course of the game", drawn(plots.course(story), "charts")),
        _section("Variety", drawn(plots.variety(story))),
        _section("What each player minimises", drawn(plots.terms(story))),
        _section("Classes", *tables.classes(story)),
        _section("What else the doctor measured", _folded("Curves", drawn(plots.other_signals(story)))),
        _section("Beside the training data", *gallery.neighbors(story)),
        _section("The newest evaluation", *tables.evaluation(story)),
        _section("Play it again", *_again(story)),
    ]
    known = {"last": max(story.round, 1), "charts": numbers, "readings": verdicts.numbers(readings)}
    return document(
        f"{title} - sparring report",
        *(part for part in body if part),
        style=resource("sparring.reporting", "style.css"),
        data=[tag("script", data(known), type="application/json", id="numbers")],
        scripts=[resource("sparring.reporting", "script.js")],
    )


def _section(title: str, *children: Markup | None) -> Markup | None:
    """Nothing at all where there is nothing to put into it."""
    return tag("section", tag("h2", title), *children) if any(children) else None


def _folded(title: str, inside: Markup | None) -> Markup | None:
    return tag("details", tag("summary", title), inside) if inside else None


def _facts(story: Story) -> Markup:
    config, columns = story.config, story.schema
    kinds = [f"{kind.name} of {kind.describe()}" for name, kind in columns.items() if name == config.makes]
    kinds += [kind.describe() for name, kind in columns.items() if name != config.makes]
    facts = {
        "recipe": config.recipe,
        "data": config.data.named or "handed over in memory",
        "shape": ", ".join(kinds),
        "seed": str(config.seed),
        "rounds": f"{story.round:,}",
        "images": f"{story.images:,}",
        "time": duration(story.seconds),
    }
    if story.best:
        facts["best checkpoint"] = f"round {story.best[0]:,}, distance {number(story.best[1])}"
    if story.restored is not None:
        facts["restored to"] = f"round {story.restored:,}"
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()), class_="facts")


def _again(story: Story) -> Iterator[Markup | None]:
    line = command(story.config)
    if line is None:
        yield note("No command plays this run again: its data or its game was handed over from Python.")
    else:
        yield tag("pre", line, class_="command")
        if story.config.begins and story.config.horizon:
            yield note(
                f"In round {story.config.begins:,}, when its length became known, the run's schedules were set to end "
                f"at round {story.config.horizon:,}. Those of a run begun with this command may end elsewhere."
            )
    yield _folded("config.toml", tag("pre", story.run.config.read_text(encoding="utf-8")))
