"""`sparring export`: a run's generator for others."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="model.onnx, or a new folder: weights, config and a model card.")
    ],
    checkpoint: Annotated[
        str, typer.Option(help="latest; best, the one the doctor found nearest to the data; or a round.")
    ] = "latest",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "cpu",
) -> None:
    """Write the averaged generator of RUN, to use without it."""
    from sparring import exporting

    typer.echo(exporting.export(run, out, checkpoint=checkpoint, device=device))
