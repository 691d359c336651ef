"""`sparring inspect`: what is in a source, before any training."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparring.cli._sources import DomainA, DomainB, place_of
from sparring.cli._values import parse_pairs
from sparring.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

    from sparring.data import Data, Inspection

SHOWN = 8

SHEET = 32
"""Examples on a sheet, of each of two domains."""


def inspect(
    source: Annotated[str | None, typer.Argument(help="As for `sparring train`.")] = None,
    a: DomainA = None,
    b: DomainB = None,
    pairs: Annotated[
        str | None,
        typer.Option(
            help="names: files of one name in two folders are pairs; side-by-side: the halves of each picture."
        ),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="A .png to write: some examples; pairs beside one another.")
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Look anew, and keep nothing in the user's cache folder.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Report what SOURCE holds: count, sizes, channels, labels, pairs, corrupt files, duplicates, what is unread."""
    if sheet and sheet.suffix.lower() != ".png":
        raise UserError(f"--sheet {sheet}: cannot write a picture as {sheet.suffix or 'that'}", "a name in .png")
    how, place = parse_pairs(pairs), place_of(source, a, b)
    if place is None:
        raise UserError("nothing to inspect was named", "SOURCE, or --a DIR --b DIR")
    import sparring.data
    from sparring.cli._display import Preparing

    with Preparing() as progress:
        found = sparring.data.inspect(place, pairs=how, cache=not no_cache, progress=progress)
        opened = sparring.data.open(place, pairs=how, cache=not no_cache, progress=progress) if sheet else None
    if sheet and opened:
        from sparring.grids import save

        save(preview(opened), sheet)
    typer.echo(json.dumps(found.to_dict(), indent=1) if as_json else describe(found))


def preview(data: "Data") -> "Image.Image":
    """A few examples: of pairs both beside one another, of unpaired domains those of a on the left."""
    import numpy as np

    from sparring.data import is_paired
    from sparring.grids import as_image, beside, picture_grid

    rows = data.batch(0, min(len(data), SHEET), 0)
    if "x" in rows:
        return data.schema["x"].preview(rows["x"], rows["x"])
    a, b = (data.schema[name].to_array(rows[name]) for name in "ab")
    if is_paired(data):
        return picture_grid(beside(a, b))
    return as_image(beside(*(np.atleast_3d(np.asarray(picture_grid(each)))[None] for each in (a, b)), gap=16)[0])


def describe(found: "Inspection") -> str:
    """An inspection as text, one line a finding."""
    lines = [f"examples    {found.count:,} ({found.kind})"]
    size, kind = ("dimensions", "numbers") if found.kind == "points" else ("sizes", "pixels")
    for title, counts in ((size, found.sizes), (kind, found.modes), ("labels", found.labels)):
        lines.append(f"{title:<12}{_most_common(counts)}")
    if found.values is not None:
        lines.append(f"values      {found.values[0]:g} to {found.values[1]:g}")
    if found.kind in ("unpaired", "pairs") and found.labels:
        alone = f"{', '.join(found.alone)}{', ...' if found.strangers > len(found.alone) else ''}"
        said = f"; {found.strangers:,} files have no partner: {alone}" if found.strangers else ""
        lines.append(f"pairs       {found.partners:,} files of one name{said}")
    lines.append(f"corrupt     {len(found.corrupt)}")
    lines += [f"            {name}: {reason}" for name, reason in found.corrupt[:SHOWN]]
    if found.ignored:
        lines.append(f"no picture  {_most_common(found.ignored)}")
    lines.append(f"duplicates  {found.duplicates}")
    lines += [f"            {' = '.join(group)}" for group in found.duplicate_groups[:SHOWN]]
    lines += [f"note        {note}" for note in found.notes]
    return "\n".join(lines)


def _most_common(counts: Mapping[str, int]) -> str:
    if not counts:
        return "none"
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    rest = f", and {len(ranked) - SHOWN} more" if len(ranked) > SHOWN else ""
    return ", ".join(f"{name} ({count:,})" for name, count in ranked[:SHOWN]) + rest
