"""`sparring cache`: what is kept in the user's cache folder, and a way to remove it."""

from pathlib import Path
from typing import Annotated

import typer


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all of it that no process is using.")] = False,
) -> None:
    """List the prepared data that is kept in the user's cache folder, and the features of reals; or remove them."""
    from datetime import datetime

    from sparring.cache import MAX_BYTES, features_folder
    from sparring.data import kept
    from sparring.readable import printable

    room = kept.most()
    if clear:
        size = sum(each.size for each in kept.thin(0)) + sum(map(_removed, features_folder().glob("*")))
        typer.echo(f"removed {_size(size)}; what a process is using stays")
    found = kept.kept()
    typer.echo(f"data      {_size(sum(each.size for each in found))} of {_size(room)} ({kept.VARIABLE}), {kept.root()}")
    for each in reversed(found):
        when = datetime.fromtimestamp(each.used).isoformat(" ", "minutes")
        typer.echo(f"          {_size(each.size)}, last used {when}: {printable(each.source) or each.folder.name}")
    size = sum(path.stat().st_size for path in features_folder().glob("*"))
    typer.echo(f"features  {_size(size)} of {_size(MAX_BYTES)}, {features_folder()}")


def _removed(path: Path) -> int:
    """Its size; features are read whole, so nobody is using the file."""
    size = path.stat().st_size
    path.unlink(missing_ok=True)
    return size


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
