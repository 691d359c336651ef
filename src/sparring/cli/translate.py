"""`sparring translate`: turn pictures of one kind into another by a run."""

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli._values import parse_seeds


def translate(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    pictures: Annotated[Path, typer.Argument(help="A picture, or a folder or zip of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder; or a .png for a single picture.")] = Path(
        "translated"
    ),
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way, from what the run makes.")] = False,
    fit: Annotated[
        bool, typer.Option("--fit", help="Crop and resize to the run's own size first, the scale that it has learnt.")
    ] = False,
    seeds: Annotated[
        str | None, typer.Option(help="One translation a seed, such as 0-3, where the run has styles. [default: 0]")
    ] = None,
    class_: Annotated[
        str | None,
        typer.Option("--class", help="Into this class, where the run has classes: a name or an index; or all."),
    ] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Put each picture and its translations side by side.")
    ] = False,
    checkpoint: Annotated[
        str, typer.Option(help="latest; best, the one the doctor found nearest to the data; or a round.")
    ] = "latest",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "cpu",
) -> None:
    """Translate PICTURES by RUN into PNG files of the same names. Sizes and alpha are kept where the run allows it."""
    from sparring import exploring, workflows
    from sparring.cli._display import Preparing

    translation = workflows.Translation(workflows.sampler(run, checkpoint=checkpoint, device=device), reverse, fit)
    labels: list[tuple[int, str]] = []
    if class_ is not None:
        column, chosen = translation.ready.classes(class_)
        names = translation.ready.class_names(column)
        labels = [(label, names[label]) for label in chosen]
    wanted = exploring.Wanted(None if seeds is None else parse_seeds(seeds), labels, beside)
    with Preparing() as tell:
        notes = exploring.translate_files(translation, pictures, out, wanted, tell)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(out)
