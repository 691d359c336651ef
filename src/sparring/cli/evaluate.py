"""`sparring evaluate` and `sparring compare`: do samples follow the data?"""

import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparring.cli._values import parse_channels, parse_size
from sparring.errors import UserError
from sparring.readable import duration, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sparring.metrics import ClassAgreement, Partner
    from sparring.progress import Tell
    from sparring.scoring import Evaluation

MAX_CLASSES = 20
"""Classes in a table, the worst ones where there are more."""

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
ChannelsOption = Annotated[str | None, typer.Option("--channels", help="1, 3, 4 or raw, of samples and reals.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the split of the reals.")]
CheckpointOption = Annotated[str, typer.Option("--checkpoint", help="Of runs: latest, best or a round.")]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device", help="Of sampling and features: auto, cpu, cuda or mps. [default: the run's own, else cpu]"
    ),
]
CacheOption = Annotated[
    bool, typer.Option("--cache/--no-cache", help="Keep features of the reals for the next evaluation.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]


def evaluate(
    generated: Annotated[str, typer.Argument(help="A run, or a folder, zip or array of samples.")],
    against: Against = None,
    features: FeaturesOption = None,
    samples: SamplesOption = 10_000,
    size: SizeOption = None,
    channels: ChannelsOption = None,
    seed: SeedOption = 0,
    checkpoint: CheckpointOption = "latest",
    pairs: Annotated[
        Path | None,
        typer.Option(help="A .png to write: the samples closest to the training data, each beside its example."),
    ] = None,
    device: DeviceOption = None,
    cache: CacheOption = True,
    as_json: JsonOption = False,
) -> None:
    """Score samples: every metric beside what reals would get, and a test for copies of the training data."""
    if pairs and pairs.suffix.lower() != ".png":
        raise UserError(f"--pairs {pairs}: cannot write a picture as {pairs.suffix or 'that'}", "a name in .png")
    found = _evaluated([generated], against, features, samples, size, channels, seed, checkpoint, device, cache)[0]
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=1))
    else:
        report(found)
    if pairs:
        write_pairs(found, pairs)


def report(found: "Evaluation") -> None:
    """Print the table, what the test for copies says, and the notes."""
    console = _console()
    console.print(f"{found.provenance['generated']} against {found.provenance['reals']}", markup=False)
    console.print(protocol_line(found), markup=False)
    console.print(metrics_table(found))
    if found.agreement:
        console.print(agreement_table(found.agreement))
    if found.partners:
        console.print(partners_table(found.partners))
    told = (f"{row.name} {row.note}" for row in found.rows if row.note)
    for line in (*told, copies_line(found), *(f"note: {note}" for note in found.notes)):
        console.print(line, markup=False)


def compare(
    generated: Annotated[list[str], typer.Argument(help="Runs, or folders, zips or arrays of samples; two or more.")],
    against: Against = None,
    features: FeaturesOption = None,
    samples: SamplesOption = 10_000,
    size: SizeOption = None,
    channels: ChannelsOption = None,
    seed: SeedOption = 0,
    checkpoint: CheckpointOption = "latest",
    device: DeviceOption = None,
    cache: CacheOption = True,
    as_json: JsonOption = False,
) -> None:
    """Rank several sets of samples by their distance to the same reals, and say which differences exceed noise."""
    if len(generated) < 2:
        raise UserError("one set of samples compares with nothing", "name two or more, or use sparring evaluate")
    found = _evaluated(generated, against, features, samples, size, channels, seed, checkpoint, device, cache)
    if as_json:
        typer.echo(json.dumps([each.to_dict() for each in found], indent=1))
        return
    found = ranked(found)
    console = _console()
    console.print(protocol_line(found[0]), markup=False)
    console.print(comparison_table(found))
    for line in (*differences(found), *(f"note: {note}" for note in found[0].notes)):
        console.print(line, markup=False)


def _evaluated(
    generated: list[str],
    against: str | None,
    features: str | None,
    samples: int,
    size: str | None,
    channels: str | None,
    seed: int,
    checkpoint: str,
    device: str | None,
    cache: bool,
) -> "list[Evaluation]":
    from sparring import evaluation

    with _bar() as tell:
        return evaluation.compare(
            generated,
            against=against,
            features=features,
            samples=samples,
            size=parse_size(size),
            channels=parse_channels(channels),
            seed=seed,
            checkpoint=checkpoint,
            device=device,
            cache=cache,
            progress=tell,
        )


@contextmanager
def _bar() -> "Iterator[Tell]":
    """How much is done, how long the rest takes at the pace so far, and what is being done; on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    # an extractor that is new to the machine takes a while over its first step: what moves then is the clock
    columns = (SpinnerColumn(), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    text = TextColumn("{task.description}", markup=False)
    with Progress(*columns, text, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, began = bar.add_task("", total=1.0), time.monotonic()

        def tell(what: str, share: float) -> None:
            left = time_left(share, time.monotonic() - began)
            bar.update(task, completed=share, description=f"left {left}, {what}" if left else what)

        yield tell


MIN_SHARE = 0.02
"""Of the work, before it is said how long the rest takes."""


def time_left(share: float, seconds: float) -> str:
    """How long the rest takes at the pace so far, in words; empty where that is not known yet.

    Examples:
        >>> time_left(0.25, 30), time_left(0.001, 1)
        ('1m 30s', '')
    """
    return duration(seconds / share * (1 - share)) if MIN_SHARE <= share < 1 else ""


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, emoji=False, soft_wrap=True)


def metrics_table(found: "Evaluation") -> "Table":
    """The rows, and how far beyond the floor each one is."""
    from rich.table import Table

    from sparring.metrics.table import BETTER

    table = Table(box=None, pad_edge=False)
    for title in ("metric", "samples", "±", "reals", "N", "better", "seen"):
        left = title in ("metric", "better", "seen")
        table.add_column(title, justify="left" if left else "right", no_wrap=True)
    for row in found.rows:
        values = (number(each) for each in (row.value, row.spread, row.floor))
        table.add_row(row.name, *values, f"{row.n:,}", BETTER[row.better], row.seen)
    return table


def agreement_table(found: "Sequence[ClassAgreement]") -> "Table":
    """How often a classifier reads samples as the class that was asked for; the worst classes where there are many."""
    from rich.table import Table

    from sparring.metrics import overall

    table = Table(box=None, pad_edge=False)
    for title in ("class asked for", "read as such", "reals", "N"):
        table.add_column(title, justify="left" if title == "class asked for" else "right")
    worst = sorted(range(len(found)), key=lambda k: found[k].samples)[:MAX_CLASSES]
    for each in (found[k] for k in sorted(worst)):
        table.add_row(each.name, _percent(each.samples), _percent(each.reals), f"{each.asked:,}")
    samples, reals = overall(found)
    table.add_row("all", _percent(samples), _percent(reals), f"{sum(each.asked for each in found):,}")
    return table


def partners_table(found: "Sequence[Partner]") -> "Table":
    """Translations of held-out pictures beside what they ought to be, and beside what was given."""
    from rich.table import Table

    from sparring.metrics.table import BETTER

    table = Table(box=None, pad_edge=False)
    for title in ("beside its partner", "translated", "as given", "N", "better"):
        table.add_column(title, justify="left" if title in ("beside its partner", "better") else "right", no_wrap=True)
    for each in found:
        given = "-" if each.identity is None else number(each.identity)
        table.add_row(each.name, number(each.value), given, f"{each.n:,}", BETTER[each.better])
    return table


def _percent(share: float) -> str:
    """A dash where no real of the class was there to be read."""
    return "-" if math.isnan(share) else f"{share:.1%}"


def copies_line(found: "Evaluation") -> str:
    """What the test of memorisation says."""
    if found.copies is None:
        return "memorisation: not tested"
    test = found.copies.test
    verdict = "COPIES of the training data" if found.copies.flagged else "no sign of copying"
    return (
        f"memorisation: {verdict}; {test.ratio:.2f} of the distance of {found.copies.beside} (p {test.p:.2g}), "
        f"{test.copies:.1%} nearer than 99% of them (p {test.copies_p:.2g}), {found.copies.exact} exact"
    )


def protocol_line(found: "Evaluation") -> str:
    """What all numbers hang on."""
    return f"{found.provenance['samples']:,} samples on either side, {found.extractor} features {found.digest}"


def write_pairs(found: "Evaluation", out: Path) -> None:
    """The closest samples as one picture, each to the left of its training example.

    Raises:
        UserError: points.
    """
    import numpy as np

    from sparring.errors import writing
    from sparring.grids import picture_grid

    if found.copies is None:
        raise UserError("--pairs shows the closest pairs of the test for copies, and none was made", "leave it out")
    if found.copies.pairs.ndim == 3:
        raise UserError("--pairs needs pictures", "--json names the closest points")
    beside = np.moveaxis(found.copies.pairs, 2, 4)  # (K, 2, H, W, C)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        picture_grid(np.concatenate([beside[:, 0], beside[:, 1]], axis=2)).save(out)


def ranked(found: "list[Evaluation]") -> "list[Evaluation]":
    """Nearest first."""
    return sorted(found, key=lambda each: each.distance().value)


def titles(found: "list[Evaluation]") -> list[str]:
    """What to call each set: the end of its path, or all of it where ends are alike."""
    paths = [each.provenance["generated"] for each in found]
    ends = [Path(path).name for path in paths]
    return ends if len(set(ends)) == len(ends) else paths


def comparison_table(found: "list[Evaluation]") -> "Table":
    """One line a metric, one column a set, nearest first; the floor last."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for title in (*titles(found), "reals"):
        table.add_column(title, justify="right", overflow="fold")
    for row in found[0].rows:
        table.add_row(row.name, *(number(each[row.name].value) for each in found), number(row.floor))
    if all(each.copies for each in found):
        flags = ("COPIES" if each.copies and each.copies.flagged else "no" for each in found)
        table.add_row("memorisation", *flags, "")
    return table


def differences(found: "list[Evaluation]") -> list[str]:
    """For each neighbour in the ranking, whether the difference exceeds noise."""
    from sparring.evaluation import exceeds_noise

    lines = []
    for (name, better), (other, worse) in pairwise(zip(titles(found), found, strict=True)):
        a, b = better.distance(), worse.distance()
        figures = f"{a.name} {number(a.value)} ± {number(a.spread)} and {number(b.value)} ± {number(b.spread)}"
        verdict = "differ beyond noise" if exceeds_noise(better, worse, a.name) else "do not differ beyond noise"
        lines.append(f"{name} and {other} {verdict}: {figures}")
    return lines
