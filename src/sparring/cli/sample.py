"""`sparring sample`: draw samples from a run."""

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli._values import parse_seeds
from sparring.errors import UserError


def sample(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    n: Annotated[
        int | None, typer.Option("-n", min=1, help="How many; their seeds are 0 to N-1. [default: 64]")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="One sample a seed, such as 0-15,42.")] = None,
    truncation: Annotated[
        float | None, typer.Option(min=1e-6, help="Keep the noise within this, or styles near their mean.")
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="latest; best, the one the doctor found nearest to the data; or a round.")
    ] = "latest",
    class_: Annotated[
        str | None,
        typer.Option("--class", help="Of this class: a name or an index; several with commas; all: a row a class."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help=".png (a sheet), .npy, .npz, .csv of points, or a new folder (a file each)."),
    ] = Path("samples.png"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "cpu",
) -> None:
    """Draw samples from a checkpoint of RUN. The same seed is the same sample, whatever the others are."""
    if n is not None and seeds is not None:
        raise UserError("-n and --seeds were given", "give one of them")
    from sparring import workflows
    from sparring.kinds import check_ending

    ready = workflows.sampler(run, checkpoint=checkpoint, device=device)
    check_ending(ready.kind, out)
    several = class_ is not None and len(ready.classes(class_)[1]) > 1
    wanted = parse_seeds(seeds) if seeds is not None else list(range(n or (workflows.PER_CLASS if several else 64)))
    if class_ is None:
        names = [f"seed{seed:06d}" for seed in wanted]
        ready.kind.write(ready(wanted, None, truncation)[ready.game.makes], out, names)
    else:
        made, names = workflows.by_class(ready, class_, wanted, truncation)
        ready.kind.write(made, out, names, columns=len(wanted) if several else None)
    typer.echo(out)
