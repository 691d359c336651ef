"""`sparring encode` and `sparring reconstruct`: pictures as codes and back, by a run's own encoder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparring.cli._pictures import read_wanted
from sparring.errors import UserError

if TYPE_CHECKING:
    from sparring.data import Fitted
    from sparring.workflows import Sampler

RunPath = Annotated[Path, typer.Argument(help="A run directory.")]
Source = Annotated[Path, typer.Argument(help="A picture; or a folder or zip of them.")]
Checkpoint = Annotated[
    str, typer.Option(help="latest; best, the one the doctor found nearest to the data; or a round.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


def encode(
    run: RunPath,
    pictures: Source,
    out: Annotated[
        Path, typer.Option("--out", "-o", help=".npy, a row for each picture in the order of their names; or .npz.")
    ] = Path("codes.npy"),
    checkpoint: Checkpoint = "latest",
    device: Device = "cpu",
) -> None:
    """Write the codes that the encoder of RUN reads from PICTURES."""
    if out.suffix.lower() not in (".npy", ".npz"):
        raise UserError(f"--out {out}: cannot write codes as {out.suffix or 'a folder'}", ".npy, or .npz with names")
    from sparring import exploring, grids

    ready, wanted = _read(run, pictures, None, checkpoint, device)
    codes = ready.codes_of(exploring.pictures_of(wanted)).numpy()
    if out.suffix.lower() == ".npz":
        exploring.save_arrays(wanted, out, z=codes)
    else:
        grids.save_array(codes, out, [])
    typer.echo(out)


def reconstruct(
    run: RunPath,
    pictures: Source,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="A new folder; .png (each picture beside what it became); or .npz (with the codes)."
        ),
    ] = Path("reconstructed.png"),
    checkpoint: Checkpoint = "latest",
    device: Device = "cpu",
) -> None:
    """Make PICTURES again from the codes that the encoder of RUN reads from them, and tell how near they come."""
    if out.suffix.lower() not in (".png", ".npz", ""):
        raise UserError(f"--out {out}: cannot write pictures as {out.suffix}", "a new folder, .png or .npz")
    from sparring import exploring, workflows

    ready, wanted = _read(run, pictures, out, checkpoint, device)
    stored = exploring.pictures_of(wanted)
    codes = ready.codes_of(stored)
    made = workflows.decoded(ready, codes)
    away = (made.float() - stored.float()).square().flatten(1).mean(1).sqrt()
    kind = exploring.check_pictures(ready)
    exploring.save_beside(kind, wanted, made, out, {"z": codes.numpy(), "distances": away.numpy()})
    told = f"{away.median():.1f} of 255 away (root mean square)"
    if len(wanted) > 1:
        told = f"{len(wanted):,} pictures: {told} in the median, {away.min():.1f} to {away.max():.1f}"
    typer.echo(told, err=True)
    typer.echo(out)


def _read(run: Path, source: Path, out: Path | None, checkpoint: str, device: str) -> "tuple[Sampler, list[Fitted]]":
    from sparring import exploring, workflows
    from sparring.kinds import check_ending

    ready = workflows.sampler(run, checkpoint=checkpoint, device=device)
    workflows.check_encoder(ready)
    kind = exploring.check_pictures(ready)
    if out:
        check_ending(kind, out)
    return ready, read_wanted(source, kind)
