"""`sparring train`: train a generator on a source."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparring.cli._processes import launch, leads, mind_the_launcher, started
from sparring.cli._sources import DomainA, DomainB, place_of
from sparring.cli._values import parse_channels, parse_count, parse_pairs, parse_size
from sparring.errors import ProcessesError, UserError
from sparring.severity import is_trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.text import Text

    from sparring.workflows import Plan, Status


def train(
    source: Annotated[
        str | None,
        typer.Argument(
            help="digits, ring, grid, gaussian; a folder or zip of pictures; .npy, .npz, .parquet. "
            "With --resume: where the data is now, if it has moved."
        ),
    ] = None,
    a: DomainA = None,
    b: DomainB = None,
    pairs: Annotated[
        str | None,
        typer.Option(help="names: files of one name in a and b are pairs; side-by-side: the halves of each picture."),
    ] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", "-r", help="See `sparring recipes`.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory. By default the next free one in runs/.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run, exactly where it was.")] = None,
    init: Annotated[
        Path | None, typer.Option(help="Begin with the networks of this run, as far as they fit; data may differ.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Budget: minutes of training. [default: 5]")] = None,
    images: Annotated[str | None, typer.Option(help="Budget: examples shown, such as 200k.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Budget: rounds of the game.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Budget: passes over the data.")] = None,
    size: Annotated[str | None, typer.Option(help="HEIGHTxWIDTH that pictures are brought to.")] = None,
    channels: Annotated[
        str | None, typer.Option(help="1 grey, 3 RGB, 4 RGBA; raw as they are stored. By default as the data is.")
    ] = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="Show each picture mirrored half the time.")] = False,
    augment: Annotated[
        str | None,
        typer.Option(help="Change what D is shown at random: none, diff, ada; auto where data is few. [default: auto]"),
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Examples a step. By default the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, noise and order. [default: 0]")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps. [default: auto]")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="So many processes of this machine share each step. [default: 1]")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: an option of the recipe or of the run. Repeatable.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A config.toml to start from; options here override it.")] = None,
    evaluate_every: Annotated[
        str | None, typer.Option(help="Score samples as training goes: 60s, or 500 rounds. [default: never]")
    ] = None,
    doctor: Annotated[
        str | None, typer.Option(help="Examine the game every 10s, or 500 rounds; off never. [default: auto]")
    ] = None,
    on_trouble: Annotated[
        str | None,
        typer.Option(help="When the doctor names a disease: warn, stop, or restore the best. [default: warn]"),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Budget: a verdict of the doctor's, converged.")] = None,
    watch_field: Annotated[
        Path | None, typer.Option(help="A .gif to draw of points: reals, fakes, and what D thinks of every place.")
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Prepare the data anew, and keep nothing in the user's cache folder.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the whole plan and stop.")] = False,
) -> None:
    """Train a generator on SOURCE; write samples, checkpoints and a log to a run directory.

    The run's path is the only line on standard output. Ctrl-C saves a checkpoint and ends the run; --resume goes on.
    """
    if watch_field and watch_field.suffix.lower() != ".gif":
        raise UserError(f"--watch-field {watch_field}: cannot draw {watch_field.suffix or 'that'}", "a name in .gif")
    if not started(processes):
        raise typer.Exit(launch(processes or 1, sys.argv[1:]))
    mind_the_launcher()
    place = place_of(source, a, b)
    from sparring import workflows
    from sparring.cli._display import Preparing
    from sparring.config import FOUND_OUT, Budget, DataOptions, RunConfig, parse_settings, read_toml

    budget = {"minutes": minutes, "images": parse_count(images), "rounds": rounds, "epochs": epochs, "until": until}
    given: dict[str, Any] = {"size": parse_size(size), "channels": parse_channels(channels), "mirror": mirror or None}
    given |= {"pairs": parse_pairs(pairs)}
    given |= {"batch": batch, "seed": seed, "device": device, "evaluate_every": evaluate_every}
    given |= {"doctor": doctor, "on_trouble": on_trouble, "augment": augment}
    with Preparing() as progress:
        opening = workflows.Opening(not no_cache, progress if leads() else None)
        if resume is not None:
            fixed: dict[str, Any] = {"--recipe": recipe, "--out": out, "--init": init, "--set": set_}
            fixed["--config"] = config
            _check_fixed(resume, fixed | {f"--{name.replace('_', '-')}": value for name, value in given.items()})
            plan = workflows.plan_resumed(resume, source=place, opening=opening, **budget)
        else:
            settings = {name.removeprefix("data."): value for name, value in parse_settings(set_ or []).items()}
            tables = read_toml(config) if config else {}
            of_run = set(RunConfig.model_fields) - set(FOUND_OUT)
            tables |= {name: settings.pop(name) for name in set(settings) & of_run}
            of_groups = set(DataOptions.model_fields) - {"source", "b"} | set(Budget.model_fields)
            asked = {name: settings.pop(name) for name in set(settings) & of_groups}
            asked |= {name: value for name, value in (budget | given).items() if value is not None}
            plan = workflows.plan(
                place, recipe=recipe, config=tables, out=out, init=init, opening=opening, options=settings, **asked
            )
    if not plan.how.processes.leads:
        _play_along(plan, dry_run)
    elif dry_run:
        typer.echo(describe(plan))
    else:
        _play(plan, watch_field)


def _check_fixed(run: Path, options: dict[str, Any]) -> None:
    """Refuse to change on the way what makes a run what it is.

    Raises:
        UserError: one of these options was given.
    """
    clash = next((name for name, value in options.items() if value is not None), None)
    if clash:
        hint = f"leave it out, or start a new run: --config {run / 'config.toml'}"
        raise UserError(f"{clash} cannot change when a run is resumed", hint)


def describe(plan: "Plan") -> str:
    """The whole plan, as text: data, networks, players, budget."""
    config, data, how = plan.config, plan.data, plan.how
    game = plan.state.game
    columns = "; ".join(f"{name} {kind.name}, {kind.describe()}" for name, kind in data.schema.items())
    lines = [
        f"recipe     {config.recipe}",
        *(line for name, value in config.options.items() for line in _option(name, value)),
        f"data       {config.data.named or 'in memory'}: {len(data):,} examples: {columns}",
        *(f"           {note}" for note in data.notes),
    ]
    lines += [f"augment    {config.augment}", *(f"           {note}" for note in plan.notes)]
    if config.augment_p is not None:
        lines += _option("augment_p", config.augment_p)
    for name, network in game.modules().items():
        count = sum(p.numel() for p in network.parameters())
        averaged = ", averaged" if name in game.average else ""
        lines.append(f"network    {name}: {type(network).__name__}, {count:,} parameters{averaged}")
    for player in game.players:
        turn = f"{player.turn.length} {player.turn.unit}"
        lines.append(
            f"player     {player.name}: trains {', '.join(player.trains)} for {turn} by {player.optimizer.kind}"
        )
        lines += _course("rate", player.optimizer.rate)
    limits = {name: limit for name, limit in config.budget.model_dump().items() if limit}
    budget = ", ".join(f"until {limit}" if name == "until" else f"{limit:g} {name}" for name, limit in limits.items())
    lines += [
        f"budget     {budget}; schedules end "
        + (f"at round {how.horizon:,}" if how.horizon else "with it: its length is measured in the first minute"),
        f"batch      {how.batch}{_shared(plan)}",
        f"device     {how.device}, {str(how.precision).removeprefix('torch.')}, {how.threads} threads",
        f"seed       {how.seed}",
        f"doctor     {config.doctor}; {config.on_trouble} on trouble",
        f"out        {plan.out.path}",
    ]
    return "\n".join(lines)


PLOTTED = 32
"""Points of a run at which a schedule is plotted."""


def _option(name: str, value: Any) -> list[str]:
    """An option, and its course over the run where it is a schedule."""
    from sparring.schedules import Schedule

    line = f"           {name} = {value}"
    try:
        return [line, *_course(name, Schedule.parse(str(value)))]
    except ValueError:
        return [line]


def _course(name: str, value: "Callable[[float], float]") -> list[str]:
    """A number over the run, plotted, where it changes."""
    from sparring.schedules import plotted

    values = [value(k / (PLOTTED - 1)) for k in range(PLOTTED)]
    if len(set(values)) == 1:
        return []
    return [f"           {name} {values[0]:.4g} {plotted(values)} {values[-1]:.4g}"]


def _shared(plan: "Plan") -> str:
    """How many batches make a step, and who plays them."""
    parts, size = plan.how.accumulate, plan.how.processes.size
    by = f" by {size} processes" if size > 1 else ""
    return f", {parts} a step{by}: {parts * plan.how.batch:,} examples" if parts > 1 else ""


def _play_along(plan: "Plan", dry_run: bool) -> None:
    """What any process but the first does, in silence."""
    from sparring import workflows

    for _ in () if dry_run else workflows.run(plan):
        pass


def _play(plan: "Plan", watch_field: Path | None) -> None:
    from rich.console import Console

    from sparring import workflows
    from sparring.cli._display import Display
    from sparring.field import Field
    from sparring.loop import DivergedError
    from sparring.readable import printable

    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    console.print(printable(f"{plan.config.recipe} on {plan.config.data.named}: {plan.out.path}"), markup=False)
    for note in (*plan.data.notes, *plan.notes):
        console.print(note, markup=False, style="yellow")
    status, field = None, Field(plan.state, plan.data) if watch_field else None
    if field and watch_field:
        # the first frame is written at once: a name that cannot be written costs no training
        field.draw(f"round {plan.state.round:,}")
        field.save(watch_field)
    try:
        with Display() as display:
            for status in workflows.run(plan):
                display.show(status)
                if field:
                    said = status.health.verdict.verdict if status.health else ""
                    field.draw(f"round {status.round:,}  {said}")
    except DivergedError as error:
        console.print(f"diverged: {error}; {_kept(plan)}; try a lower learning rate", markup=False)
        console.print(_anew(plan), markup=False)
        raise typer.Exit(1) from None
    except ProcessesError as error:
        again = f"go on with: sparring train --resume {plan.out.path}"
        raise ProcessesError(f"{error}; {_kept(plan)}; {again}") from error
    finally:
        if field and watch_field:
            field.save(watch_field)
    if status is not None:
        console.print(f"{status.finished} after {status.images:,} images; samples in {status.sample}", markup=False)
        for line in _next_steps(plan, status):
            console.print(line)
    typer.echo(plan.out.path)


def _kept(plan: "Plan") -> str:
    saved = plan.out.finished_checkpoints()
    return f"the newest checkpoint is {saved[-1]}" if saved else "no checkpoint was written yet"


def _anew(plan: "Plan") -> str:
    """How to play the game again with other options: a resumed run keeps its own."""
    return f"start again with other options: sparring train --config {plan.out.config} --set lr=..."


def _next_steps(plan: "Plan", status: "Status") -> "Iterator[Text | str]":
    """What the doctor says in the end, and how to go on."""
    from rich.text import Text

    from sparring.cli._display import verdict_text

    troubled, stays = False, False
    if status.health:
        verdict = status.health.verdict.verdict
        troubled = is_trouble(verdict)
        stays = troubled and (verdict == "diverged" or plan.config.on_trouble != "warn")
        yield Text("doctor: ") + verdict_text(status.health.to_dict())
    elif plan.config.doctor != "off":
        yield "doctor: 5% of so short a run pay for no examination; --doctor 50 makes one every 50 rounds"
    if troubled:
        yield Text(_anew(plan))
    if status.fraction < 1 and not stays:
        yield Text(f"go on with: sparring train --resume {plan.out.path}")
