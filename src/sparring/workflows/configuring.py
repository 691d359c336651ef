"""What is asked of a run, checked: its config."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

import sparring.data
from sparring import recipes
from sparring.config import FOUND_OUT, Budget, DataOptions, RunConfig, validated
from sparring.data import Data, MapStyle, Stream
from sparring.doctor import AUTO, OFF
from sparring.errors import UserError, did_you_mean
from sparring.kinds import Schema
from sparring.pacing import Cadence
from sparring.readable import encodable, printable
from sparring.recipes import BatchOptions
from sparring.runs import RunDir, next_free

Source = sparring.data.Source | MapStyle | Stream | Iterable[Any] | Data
"""A built-in name, a path, an array, (array, labels), a stream, or a data set of your own; see `sparring.data.open`."""

CUSTOM = "custom"

DEFAULT_BUDGET = Budget(minutes=5)  # pyright: ignore[reportCallIssue]


class Length(TypedDict, total=False):
    """How long to train: a run ends at whichever comes first.

    Keys:
        minutes: of training, resumed parts included.
        images: examples shown to the first player.
        rounds: of the game.
        epochs: passes of the first player over the data.
        until: "converged": the doctor's verdict that ends the run.
    """

    minutes: float | None
    images: int | None
    rounds: int | None
    epochs: float | None
    until: Literal["converged"] | None


class Settings(Length, total=False):
    """The options of a run; `sparring.config` has their defaults and ranges.

    Keys:
        options: the recipe's own, such as {"lr": 1e-4}.
        batch: examples a step; by default the recipe's.
        seed: of weights, noise and order.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        precision: "auto", "float32" or "bfloat16".
        accumulate: batches averaged in one optimizer step, in each process.
        threads: of the processor, within a round; by default one for points, all for pictures.
        augment: how pictures are changed before D sees them: "auto", "none", "diff" or "ada".
        augment_p: the strength of "ada": a number, or a schedule such as "0:0.3"; by default found as the run goes.
        freeze_d: so many first layers of D stay as the run of `init` has left them.
        schedule: images over which schedules run; by default, the whole run.
        log_every: how often a log line is written: seconds ("5s") or rounds ("100").
        sample_every: how often samples are drawn.
        checkpoint_every: how often a checkpoint is written.
        evaluate_every: how often samples are scored; "" is never.
        evaluate_samples: how many of them, at most.
        evaluate_features: in which features; "" is what suits the data.
        doctor: how often the game is examined: "auto", "off", seconds or rounds.
        on_trouble: what happens when the doctor names a disease.
        keep: how many of the newest checkpoints stay.
        size: (height, width) that pictures are brought to.
        channels: 1 grey, 3 RGB, 4 RGBA; "raw" keeps any number as they are stored.
        mirror: show each picture mirrored half the time.
        limit: so many training examples only, chosen at random.
        frames: of a file with several frames, such as a GIF or TIFF, "first" or "all" are examples.
        scale: columns of points are scaled "each" by itself, or by "one" number; "auto" goes by their spreads.
        range: (low, high) of arrays and of files of more than 8 bits, which become black and white.
        pairs: "names" takes files of one name in two folders as pairs, "side-by-side" the two halves of each picture.
        swap: of two domains or pairs, a becomes b and b becomes a.
        size_a: (height, width) of the first of two domains, where it is not that of the second.
    """

    options: Mapping[str, Any]
    batch: int | None
    seed: int | None
    device: str | None
    precision: Literal["auto", "float32", "bfloat16"] | None
    accumulate: int | None
    threads: int | None
    augment: Literal["auto", "none", "diff", "ada"] | None
    augment_p: float | str | None
    freeze_d: int | None
    schedule: int | None
    log_every: str | int | None
    sample_every: str | int | None
    checkpoint_every: str | int | None
    evaluate_every: str | int | None
    evaluate_samples: int | None
    evaluate_features: str | None
    doctor: str | int | None
    on_trouble: Literal["warn", "stop", "restore"] | None
    keep: int | None
    size: tuple[int, int] | None
    channels: int | Literal["raw"] | None
    mirror: bool | None
    limit: int | None
    frames: Literal["first", "all"] | None
    scale: Literal["auto", "each", "one"] | None
    range: tuple[float, float] | None
    pairs: Literal["names", "side-by-side"] | None
    swap: bool | None
    size_a: tuple[int, int] | None


def configured(
    source: Source | None, recipe: str | None, config: Mapping[str, Any], settings: Mapping[str, Any]
) -> RunConfig:
    """The config that these make, in rising order of weight: tables, settings, source and recipe."""
    given = {name: value for name, value in settings.items() if value is not None}
    # what a run found out about itself is no wish for the next one
    tables = {name: value for name, value in config.items() if name not in FOUND_OUT}
    groups = {name: _table(tables, name) for name in ("data", "budget", "options")}
    groups["data"] |= {name: given.pop(name) for name in set(DataOptions.model_fields) & given.keys()}
    # one budget replaces another: the old run's minutes are no limit to the new one's rounds
    groups["budget"] = {name: given.pop(name) for name in set(Budget.model_fields) & given.keys()} or groups["budget"]
    groups["options"] |= given.pop("options", {})
    if "batch" in given:
        groups["options"]["batch"] = given.pop("batch")
    if source is not None:
        groups["data"] |= addresses(source)
    if (source is None and not groups["data"].get("source")) or (isinstance(source, str) and not source):
        raise UserError("no data was given", f"a built-in name ({', '.join(sparring.data.BUILTIN)}) or a path")
    if recipe is not None:
        tables["recipe"] = recipe
    _check_names(given, groups["options"], str(tables.get("recipe", RunConfig.model_fields["recipe"].default)))
    chosen = validated(RunConfig, {**tables, **given, **groups}, "config")
    if not chosen.budget:
        chosen = chosen.model_copy(update={"budget": DEFAULT_BUDGET})
    model = BatchOptions if chosen.recipe == CUSTOM else recipes.get(chosen.recipe).options
    validated(model, chosen.options, f"recipe {chosen.recipe}")  # refused before the data is read
    cadences(chosen)
    check_doctor(chosen)
    return chosen


def all_options(config: RunConfig, schema: Schema) -> dict[str, Any]:
    """All options, those included that follow from the data."""
    if config.recipe == CUSTOM:
        return validated(BatchOptions, config.options, "config").model_dump()
    return recipes.resolve(recipes.get(config.recipe), config.options, schema).model_dump()


def addresses(source: Source) -> dict[str, str | None]:
    """What finds the source again: of the data's options, `source` and `b`."""
    if sparring.data.is_two_paths(source):
        return {"source": _address(source[0]), "b": _address(source[1])}
    return {"source": _address(source), "b": None}


def _address(source: Source) -> str:
    """What finds the source again from any working directory; empty for data in memory.

    Raises:
        UserError: a path that a config.toml cannot hold.
    """
    if not isinstance(source, str | Path):
        return ""
    if isinstance(source, str) and source in sparring.data.BUILTIN:
        return source
    address = str(Path(source).resolve())
    if not encodable(address):
        raise UserError(f"the path {printable(address)} is not UTF-8", "rename it")
    return address


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, Mapping):
        raise UserError(f"config: {name} = {table!r} is not a table", f"[{name}] on a line of its own")
    return dict(table)


def _check_names(given: Mapping[str, Any], options: Mapping[str, Any], recipe: str) -> None:
    """Refuse names that are nowhere, with a hint from everywhere.

    Raises:
        UserError: an option of neither the run nor the recipe.
    """
    options_of = BatchOptions if recipe == CUSTOM else recipes.get(recipe).options
    of_recipe = set(options_of.model_fields)
    everywhere = of_recipe.union(RunConfig.model_fields, DataOptions.model_fields, Budget.model_fields) - set(FOUND_OUT)
    for name in [n for n in given if n not in RunConfig.model_fields] + [n for n in options if n not in of_recipe]:
        where = "config" if name in given else f"recipe {recipe}"
        place = "the recipe's: give it in options" if name in given else "the run's: give it beside options"
        hint = f"it is {place}" if name in everywhere else did_you_mean(name, sorted(everywhere))
        raise UserError(f"{where}: there is no option {name!r}", hint)


class Cadences(NamedTuple):
    """When to log, to draw samples, to write a checkpoint, and to evaluate, if at all."""

    log: Cadence
    sample: Cadence
    checkpoint: Cadence
    evaluate: Cadence | None


def cadences(config: RunConfig, seconds: float = 0.0) -> Cadences:
    """When what is due, on a clock that stands at `seconds`.

    Raises:
        UserError: one of them is no period.
    """
    if config.doctor not in (AUTO, OFF):
        Cadence(config.doctor, "doctor", seconds)
    log, sample, save = (
        Cadence(getattr(config, f"{what}_every"), f"{what}_every", seconds) for what in ("log", "sample", "checkpoint")
    )
    often = config.evaluate_every
    return Cadences(log, sample, save, Cadence(often, "evaluate_every", seconds) if often else None)


def check_doctor(config: RunConfig) -> None:
    """Refuse to wait for the verdict of a doctor who is not there.

    Raises:
        UserError: the doctor is off, and the end of the run is left to it.
    """
    waiting = f"until = {config.budget.until!r}" if config.budget.until else ""
    waiting = waiting or (f"on_trouble = {config.on_trouble!r}" if config.on_trouble != "warn" else "")
    if config.doctor == OFF and waiting:
        raise UserError(f"{waiting} waits for a doctor who is off", "leave --doctor off out")


def fresh(out: str | Path | None, config: RunConfig) -> RunDir:
    """The run directory that was asked for, or the next free one.

    Raises:
        UserError: it holds something.
    """
    if out is None:
        places = [Path(each).resolve().stem for each in (config.data.source, config.data.b) if each]
        name = "-".join(places) or "data"
        stem = "".join(letter if letter.isprintable() else "_" for letter in name)
        return RunDir(next_free(Path("runs"), f"{stem}-{config.recipe}"))
    path = Path(out)
    if not encodable(str(path)):
        raise UserError(f"--out {printable(str(path))} is not UTF-8", "choose another")
    if path.is_file():
        raise UserError(f"--out {path} is a file", "name a folder")
    if (path / "config.toml").exists():
        raise UserError(f"{path} holds a run already", f"go on with --resume {path}, or choose another --out")
    if path.is_dir() and any(path.iterdir()):
        raise UserError(f"--out {path} is not empty", "choose another")
    return RunDir(path)
