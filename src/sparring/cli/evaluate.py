"""`sparring evaluate` and `sparring compare`: do samples follow the data?"""

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import typer

from sparring.cli._values import parse_size
from sparring.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sparring.evaluation import Evaluation
    from sparring.metrics.table import Row

Against = Annotated[str | None, typer.Option(help="The reals, as for `sparring train`. [default: the run's own data]")]
FeaturesOption = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="classifier, random, efficientnet, inception or identity. "
        "[default: classifier where the reals have labels, else random; identity for points]",
    ),
]
SamplesOption = Annotated[int, typer.Option("--samples", min=20, help="How many on either side, at most.")]
SizeOption = Annotated[str | None, typer.Option("--size", help="HxW, to bring samples and reals to.")]
ChannelsOption = Annotated[int | None, typer.Option("--channels", help="1, 3 or 4, to bring samples and reals to.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the split of the reals.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]

MARKS = {"lower": "lower", "higher": "higher", "floor": "like reals"}


def evaluate(
    generated: Annotated[str, typer.Argument(help="A run, or a folder, zip or array of samples.")],
    against: Against = None,
    features: FeaturesOption = None,
    samples: SamplesOption = 10_000,
    size: SizeOption = None,
    channels: ChannelsOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Score samples: every metric beside what reals would get, and a test for copies of the training data."""
    found = _evaluated([generated], against, features, samples, size, channels, seed)[0]
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=1))
        return
    console = _console()
    console.print(f"{found.provenance['generated']} against {found.provenance['reals']}", markup=False)
    console.print(
        f"{found.provenance['samples']:,} samples on either side, {found.extractor} features {found.digest}",
        markup=False,
    )
    console.print(metrics_table(found))
    for line in (copies_line(found), *(f"note: {note}" for note in found.notes)):
        console.print(line, markup=False)


def compare(
    generated: Annotated[list[str], typer.Argument(help="Runs, or folders, zips or arrays of samples; two or more.")],
    against: Against = None,
    features: FeaturesOption = None,
    samples: SamplesOption = 10_000,
    size: SizeOption = None,
    channels: ChannelsOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Rank several sets of samples by their distance to the same reals, and say which differences exceed noise."""
    if len(generated) < 2:
        raise UserError("one set of samples compares with nothing", "name two or more, or use sparring evaluate")
    found = _evaluated(generated, against, features, samples, size, channels, seed)
    if as_json:
        typer.echo(json.dumps([each.to_dict() for each in found], indent=1))
        return
    console = _console()
    console.print(comparison_table(found))
    for line in differences(found):
        console.print(line, markup=False)


def _evaluated(
    generated: list[str],
    against: str | None,
    features: str | None,
    samples: int,
    size: str | None,
    channels: int | None,
    seed: int,
) -> "list[Evaluation]":
    from rich.console import Console
    from rich.progress import Progress

    from sparring import evaluation

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        return evaluation.compare(
            generated,
            against=against,
            features=features,
            samples=samples,
            size=parse_size(size),
            channels=channels,
            seed=seed,
            progress=lambda what, share: bar.update(task, completed=share, description=what),
        )


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, emoji=False, soft_wrap=True)


def number(value: float | None) -> str:
    """Three digits that tell something.

    Examples:
        >>> [number(v) for v in (0.12345, 1234.5, 1e-7, float("inf"), None)]
        ['0.123', '1,234', '1e-07', 'none alike', '-']
    """
    if value is None:
        return "-"
    if value == float("inf"):
        return "none alike"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def metrics_table(found: "Evaluation") -> "Table":
    """The rows, and how far beyond the floor each one is."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("metric", "samples", "±", "reals", "N", "better", "seen"):
        left = title in ("metric", "better", "seen")
        table.add_column(title, justify="left" if left else "right", no_wrap=True)
    for row in found.rows:
        seen = "" if row.spread is None else f"{row.beyond:.0f} ± worse" if row.beyond >= 2 else "as reals"
        values = (number(each) for each in (row.value, row.spread, row.floor))
        table.add_row(row.name, *values, f"{row.n:,}", MARKS[row.better], seen)
    return table


def copies_line(found: "Evaluation") -> str:
    """What the test of memorisation says."""
    if found.copies is None:
        return "memorisation: not tested"
    test = found.copies.test
    verdict = "COPIES of the training data" if found.copies.flagged else "no sign of copying"
    return (
        f"memorisation: {verdict}; {test.ratio:.2f} of the distance of held-out reals (p {test.p:.2g}), "
        f"{test.copies:.1%} nearer than 99% of them (p {test.copies_p:.2g}), {found.copies.exact} exact"
    )


def ranked(found: "list[Evaluation]") -> "list[tuple[Evaluation, Row]]":
    """Nearest first, by the Fréchet distance, or by the kernel distance where there is none."""
    names = [{row.name for row in each.rows} for each in found]
    name = next(n for n in ("FID", "Frechet", "KID", "kernel") if all(n in each for each in names))
    return sorted(((each, each[name]) for each in found), key=lambda pair: pair[1].value)


def comparison_table(found: "list[Evaluation]") -> "Table":
    """One line a set, nearest first; the floor last."""
    from rich.table import Table

    order = ranked(found)
    names = [row.name for row in order[0][0].rows]
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for each, _ in order:
        table.add_row(each.provenance["generated"], *(number(each[name].value) for name in names))
    table.add_row("reals", *(number(order[0][0][name].floor) for name in names))
    return table


def differences(found: "list[Evaluation]") -> list[str]:
    """For each neighbour in the ranking, whether the difference exceeds noise."""
    from sparring.evaluation import exceeds_noise

    order, lines = ranked(found), []
    for (better, a), (worse, b) in pairwise(order):
        names = f"{better.provenance['generated']} and {worse.provenance['generated']}"
        figures = f"{a.name} {number(a.value)} ± {number(a.spread)} and {number(b.value)} ± {number(b.spread)}"
        verdict = "differ beyond noise" if exceeds_noise(a, b) else "do not differ beyond noise"
        lines.append(f"{names} {verdict}: {figures}")
    return lines
