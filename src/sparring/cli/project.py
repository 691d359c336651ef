"""`sparring project`: the noise whose sample is nearest to a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparring.cli._pictures import read_wanted
from sparring.errors import UserError

if TYPE_CHECKING:
    from sparring.data import Fitted
    from sparring.exploring import Nearest
    from sparring.workflows import Sampler

ANIMATED = (".gif", ".webp", ".mp4")


def project(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    picture: Annotated[Path, typer.Argument(help="A picture; or a folder or zip of them.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help=".png (each picture beside its nearest sample), .npz (with the noise), or a new folder of samples.",
        ),
    ] = Path("near.png"),
    frames: Annotated[
        Path | None, typer.Option(help="A .gif, .webp or .mp4 of the search beside the picture; of one picture only.")
    ] = None,
    starts: Annotated[int, typer.Option(min=1, max=256, help="Searches at once; the best one counts.")] = 8,
    steps: Annotated[int, typer.Option(min=1, max=100_000, help="Of each search.")] = 200,
    class_: Annotated[
        str | None, typer.Option("--class", help="Of this class; by default each search keeps its seed's.")
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="latest; best, the one the doctor found nearest to the data; or a round.")
    ] = "latest",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "cpu",
) -> None:
    """Find the noise whose sample is nearest to PICTURE, in pixels and in random features, and tell how near."""
    if out.suffix.lower() not in (".png", ".npz", ""):
        raise UserError(f"--out {out}: cannot write what was found as {out.suffix}", ".png, .npz or a new folder")
    if frames and frames.suffix.lower() not in ANIMATED:
        raise UserError(f"--frames {frames}: cannot write an animation as that", f"a name in {', '.join(ANIMATED)}")
    from sparring import exploring, workflows
    from sparring.kinds import check_ending

    ready = workflows.sampler(run, checkpoint=checkpoint, device=device)
    kind = exploring.check_pictures(ready)
    check_ending(kind, out)
    if frames:
        exploring.check_animation(kind, frames)
    wanted = read_wanted(picture, kind)
    if frames and len(wanted) > 1:
        raise UserError(f"--frames shows one search, and {picture} has {len(wanted)} pictures", "name one of them")
    found = _search(ready, wanted, starts, steps, class_)
    exploring.save_nearest(kind, wanted, found, out)
    if frames:
        exploring.save_search(kind, wanted[0], found[0], frames)
    typer.echo(out)


def _search(ready: "Sampler", wanted: "list[Fitted]", starts: int, steps: int, class_: str | None) -> "list[Nearest]":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from sparring import exploring

    console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    found: list[Nearest] = []
    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=float(len(wanted)))
        for done, each in enumerate(wanted):
            bar.update(task, completed=done, description=each.name)

            def tell(share: float, done: int = done) -> None:
                bar.update(task, completed=done + share)

            found.append(exploring.project_picture(ready, each, starts, steps, class_, tell))
            console.print(f"{each.name}: {found[-1].told()}", markup=False)
    return found
