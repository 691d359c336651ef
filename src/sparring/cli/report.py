"""`sparring report`: a training run as one HTML page."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="A run directory, finished or not.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file, .html. [default: report.html in RUN]")
    ] = None,
) -> None:
    """Write a page on RUN: diagnosis, samples, curves, nearest training examples. It opens without a network."""
    from sparring import reporting

    typer.echo(reporting.report(run, out))
