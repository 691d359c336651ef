"""`sparring explore`: what a generator's noise does, in pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from sparring.cli._values import parse_crossing, parse_seeds, parse_span
from sparring.errors import UserError


def explore(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    walk: Annotated[str | None, typer.Option(help="Walk through these seeds and back: 0,7,12.")] = None,
    grid: Annotated[str | None, typer.Option(help="A grid between four corner seeds: 0,7,12,3.")] = None,
    directions: Annotated[
        int | None, typer.Option(min=1, help="So many directions that change most, a row for each.")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(help="A code of the recipe through all its values: code, or its name.")
    ] = None,
    mix: Annotated[
        str | None, typer.Option(help="Styles of seeds by row, mixed with those by column: 1,2,3x7,8,9.")
    ] = None,
    truncate: Annotated[str | None, typer.Option(help="A row of truncations for each seed: 0.3..1.2.")] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            help="One .html file to play with: seeds, classes, sliders; the browser itself makes the samples."
        ),
    ] = None,
    film: Annotated[
        Path | None,
        typer.Option(help="How the samples grew: the sheets that the run kept, as one .gif, .webp or .mp4."),
    ] = None,
    frames: Annotated[int, typer.Option(min=2, max=100_000, help="Of a walk.")] = 60,
    rate: Annotated[
        float | None, typer.Option(min=0.1, max=100, help="Frames a second: by default 20 of a walk, 8 of a film.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=2, max=1000, help="Samples in a row; by default 8, of directions 7.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Directions by sefa, from the first weight, or by activations, from samples. [default: sefa]"
        ),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(min=1, help="Of a mix: rows give the layers before this one; by default half of them.")
    ] = None,
    strength: Annotated[float, typer.Option(min=1e-6, help="How far along a direction, to both sides.")] = 3.0,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Where directions, sweeps and pages begin, by default 0; rows of truncations, by default 0-7."
        ),
    ] = None,
    class_: Annotated[
        str | None, typer.Option("--class", help="Of this class; by default what the first seed is given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Of a walk .gif, .webp, .mp4 or a new folder, else as for sparring sample; by default walk.gif, ...",
        ),
    ] = None,
    runtime: Annotated[
        Path | None,
        typer.Option(
            envvar="SPARRING_RUNTIME",
            help="Of a page: a folder or .tgz of onnxruntime-web; by default the one in the cache, or npm fetches it.",
        ),
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="latest; best, the one the doctor found nearest to the data; or a round.")
    ] = "latest",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "cpu",
) -> None:
    """Show what the noise of RUN does: a walk, a grid, directions, a sweep, mixed styles, truncations, or a page.

    Or how its samples grew, as a film.

    Seeds are those of sparring sample: the first frame of a walk is the sample of its first seed.
    """
    views = {
        "walk": walk,
        "grid": grid,
        "directions": directions,
        "sweep": sweep,
        "mix": mix,
        "truncate": truncate,
        "page": page,
        "film": film,
    }
    view = _asked(views)
    _check(view, seeds, out)
    stops = parse_seeds(walk or grid or "", f"--{view}") if view in ("walk", "grid") else []
    rows, columns = parse_crossing(mix, "--mix") if mix is not None else ([], [])
    span = parse_span(truncate, "--truncate") if truncate is not None else (0.0, 0.0)
    start = parse_seeds(seeds) if seeds is not None else []
    if view in ("directions", "page") and len(start) > 1:
        raise UserError(f"--{view} begins at one seed, not {len(start)}", "--seeds 0")
    seed = start[0] if start else 0
    path = page or film or out or Path(f"{view}.{'gif' if walk else 'png'}")
    from sparring import exploring, workflows
    from sparring.kinds import check_ending

    if film is not None:
        exploring.check_film(film, "--film")
        exploring.save_growth(exploring.growth(run), film, rate)
        typer.echo(film)
        return
    ready = workflows.sampler(run, checkpoint=checkpoint, device=device)
    if page:
        from sparring import exporting

        name = run.resolve().name or "run"
        exporting.write_page(ready, name, page, by, seed, class_, runtime, lambda text: typer.echo(text, err=True))
    elif walk is not None:
        exploring.check_animation(ready.kind, path)
        exploring.save_animation(ready.kind, exploring.walk(ready, stops, frames, class_), path, rate or 20.0)
    else:
        check_ending(ready.kind, path)
        sheets = {
            "grid": lambda: exploring.grid(ready, stops, steps or 8, class_),
            "directions": lambda: exploring.directions(
                ready, directions or 1, by or "sefa", seed, steps or 7, strength, class_
            ),
            "sweep": lambda: exploring.sweep(ready, sweep or "", start or [0], steps or 8, class_),
            "mix": lambda: exploring.mix(ready, rows, columns, layer, class_),
            "truncate": lambda: exploring.truncations(ready, *span, start or range(8), steps or 8, class_),
        }
        sheet = sheets[view]()
        ready.kind.write(sheet.made, path, sheet.names, columns=sheet.columns)
        typer.echo(sheet.said, err=True)
    typer.echo(path)


def _asked(views: Mapping[str, object]) -> str:
    asked = [name for name, value in views.items() if value is not None]
    if len(asked) != 1:
        problem = f"--{asked[0]} and --{asked[1]} were given" if asked else "nothing to show was asked for"
        *others, last = (f"--{name}" for name in views)
        raise UserError(problem, f"give one of {', '.join(others)} and {last}")
    return asked[0]


def _check(view: str, seeds: str | None, out: Path | None) -> None:
    if seeds is not None and view in ("walk", "grid", "mix", "film"):
        raise UserError(f"--{view} has seeds of its own", "leave --seeds out")
    if out is not None and view in ("page", "film"):
        raise UserError(f"--{view} and --out were given", f"--{view} names the file")
