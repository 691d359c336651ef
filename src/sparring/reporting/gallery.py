"""Pictures of a run: its sheets through the rounds, and samples beside training examples."""

from collections.abc import Iterator

from sparring.errors import UserError
from sparring.readable import short
from sparring.reporting.markup import Markup, note, tag
from sparring.reporting.neighbors import DRAWN, nearest_examples
from sparring.reporting.pictures import COLUMNS, Picture, embedded, ends, evenly, sheets_and_strip
from sparring.reporting.story import Story

EXAMPLE_BYTES = 8_000
"""Of one sample beside its training example."""


def samples(story: Story) -> Iterator[Markup]:
    """One sheet with a slider, and beside it the same few samples at a few rounds."""
    single = story.kind.single
    sheets, strip = sheets_and_strip(story.sheets, story.kind)
    if not sheets:
        return
    last = len(sheets) - 1
    images = [
        _image(sheet, f"Samples at round {sheet.round:,}", data_round=sheet.round, hidden=k < last)
        for k, sheet in enumerate(sheets)
    ]
    choice = tag("input", type="range", min=0, max=last, value=last, aria_label="Which of the sheets of samples")
    slider = tag("div", tag("button", "Play", type="button"), choice, class_="slider", hidden=True)
    title = tag("figcaption", tag("b", "At one round"), tag("span", f"round {sheets[-1].round:,}", class_="round"))
    given, truth = ends(story.sheets, story.schema, story.config.makes)
    strip = [strip[k] for k in evenly(len(strip), COLUMNS - bool(given) - bool(truth))]
    columns = [
        tag("figure", tag("figcaption", short(column.round)), _image(column, f"At round {column.round:,}"))
        for column in strip
    ]
    columns = [*_end("given", given), *columns, *_end("truth", truth)]
    how = "Each row is one noise, each column a round." if single else "Samples over reals, in grey."
    if given:
        how = "Each row is one held-out picture: as it was given, and translated round by round."
        how += " What it ought to be is at the end." if truth else ""
    yield tag(
        "div",
        tag("figure", title, tag("div", *images, class_="sheet"), slider, class_="sheets"),
        tag(
            "figure",
            tag("figcaption", tag("b", f"The same {'pictures' if given else 'noise'}, round by round")),
            tag("div", *columns, class_="strip"),
            note(how),
        ),
        class_="samples" if single else "samples sets",
    )


def _end(what: str, picture: Picture | None) -> list[Markup]:
    return [tag("figure", tag("figcaption", what), _image(picture, what.capitalize()))] if picture else []


def neighbors(story: Story) -> Iterator[Markup]:
    """Samples above their nearest training examples; of kinds that cannot be looked at one by one, nothing."""
    if not story.kind.single:
        return
    try:
        found = nearest_examples(story)
    except UserError as error:
        yield note(f"Not shown: {error.problem}.")
        return
    pairs = []
    for pair in found.pairs:
        sample, example = (embedded(story.kind.preview(each[None], each[None]), EXAMPLE_BYTES) for each in pair)
        pairs.append(tag("figure", _image(sample, "Sample"), _image(example, "Nearest training example")))
    yield tag("div", *pairs, class_="pairs")
    searched = f"{found.searched:,} of {found.of:,}" if found.searched < found.of else f"{found.of:,}"
    yield note(
        f"Above, the {len(pairs)} of {DRAWN} samples of the {story.checkpoint} checkpoint that are nearest to a "
        f"training example; below, that example: the nearest of {searched} in random features. If the two are one "
        "picture, the generator hands its training data back."
    )


def _image(picture: Picture, alt: str, **attributes: object) -> Markup:
    return tag("img", src=picture.source, width=picture.width, height=picture.height, alt=alt, **attributes)
