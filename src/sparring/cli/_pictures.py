"""Pictures that a command is given for a run: read, fitted to it, and what was done to them told."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sparring.data import Fitted
    from sparring.kinds import Pictures


def read_wanted(source: Path, kind: "Pictures") -> "list[Fitted]":
    """Read a picture, or a folder or zip of them, fitted to what the run makes.

    Raises:
        UserError: see `sparring.data.read_fitted`.
    """
    from sparring import data
    from sparring.kinds import Pictures

    wanted, notes = data.read_fitted(source, kind.shape, kind.raw)
    others: dict[tuple[int, int, int], list[str]] = {}
    for each in wanted:
        if each.stored != each.picture.shape:
            others.setdefault(each.stored, []).append(each.name)
    for stored, (first, *more) in others.items():
        named = f"{first} and {len(more):,} more are" if more else f"{first} is"
        notes += (f"{named} {Pictures(stored).describe()}: fitted to {kind.describe()}",)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    return wanted
