"""`sparring inspect`: what is in a source, before any training."""

import json
from typing import Annotated

import typer


def inspect(
    source: Annotated[str, typer.Argument(help="As for `sparring train`.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Report what SOURCE holds: count, sizes, channels, labels, corrupt files, exact duplicates."""
    import sparring.data

    found = sparring.data.inspect(source)
    typer.echo(json.dumps(found.to_dict(), indent=1) if as_json else str(found))
