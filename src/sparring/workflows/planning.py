"""Deciding on a run: what is asked for, checked and resolved. Nothing is written."""

import copy
import json
import math
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict, Unpack

import torch

import sparring.data
from sparring import checkpoint as checkpoints
from sparring import recipes
from sparring.config import FOUND_OUT, Budget, DataOptions, Origin, RunConfig, validated
from sparring.data import Data, MapStyle
from sparring.devices import UnavailableError, choose_device, choose_precision, choose_threads, forked, seed_global
from sparring.doctor import AUTO, OFF
from sparring.errors import SharedError, UserError, did_you_mean
from sparring.game import Batch, Game, Player
from sparring.judges import Augmentation, augmented, frozen, judges, sees_pictures, shapes_of
from sparring.kinds import Schema, to_model, to_tables
from sparring.loop import CPU, Play, State, seed_of, to_training
from sparring.pacing import Cadence
from sparring.processes import Processes, join
from sparring.progress import Tell
from sparring.readable import encodable, printable
from sparring.recipes import BatchOptions
from sparring.runs import RunDir, next_free
from sparring.workflows.inheriting import existing, take_over

Source = sparring.data.Source | MapStyle | Data
"""A built-in name, a path, an array, (array, labels), or a data set of your own; see `sparring.data.open`."""

CUSTOM = "custom"
DEFAULT_BUDGET = Budget(minutes=5)  # pyright: ignore[reportCallIssue]

FEW = 2000
"""Examples below which D is shown pictures augmented, where nobody says otherwise: see docs/small-data.md."""

ENDLESS = 1_000_000
"""Images over which the schedules of a run go that ends by a verdict only."""


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
    size_a: tuple[int, int] | None


@dataclass(frozen=True)
class Plan:
    """A run that has been decided on: all but the playing.

    Args:
        config: what `config.toml` will say.
        data: opened.
        state: the game, built, on its device; at the checkpoint's round if the run is resumed.
        how: seed, batch, device, precision, horizon.
        out: the run directory; not written yet.
        seconds: of training already done.
        resumed: whether the run directory is there already, rightly.
        notes: what was decided that nobody asked for, and what was taken over from another run.
    """

    config: RunConfig
    data: Data
    state: State
    how: Play
    out: RunDir
    seconds: float = 0.0
    resumed: bool = False
    notes: tuple[str, ...] = ()

    def images(self) -> int:
        """How many examples the first player has been shown."""
        return self.state.steps[self.state.game.players[0].name] * self.how.batch * self.how.accumulate


@dataclass(frozen=True)
class Opening:
    """How data is opened; nothing here changes what is read.

    Args:
        cache: see `sparring.data.open`.
        progress: see `sparring.data.open`.
    """

    cache: bool = True
    progress: Tell | None = None


def open_data(source: Source, config: RunConfig, opening: Opening = Opening()) -> Data:
    """The data set of that source, prepared as the config says and as its recipe takes it.

    Args:
        source: see `Source`.
        config: of the run.
        opening: see `Opening`.

    Raises:
        UserError: see `sparring.data.open`; options of preparation for a data set that is open already; or a recipe
            that is not for such data.
    """
    data = _opened(source, config, opening)
    return data if config.recipe == CUSTOM else recipes.taken(recipes.get(config.recipe), config.options, data)


def _opened(source: Source, config: RunConfig, opening: Opening) -> Data:
    how = config.data.model_dump(exclude={"source", "b"})
    if isinstance(source, Data):
        asked = [name for name, value in how.items() if value != DataOptions.model_fields[name].default]
        if asked:
            raise UserError(f"{asked[0]} is for data yet to be opened", "sparring.data.open(source, ...)")
        return source
    if config.recipe != CUSTOM and recipes.get(config.recipe).takes == "pairs" and sparring.data.two_domains(source):
        how["pairs"] = "names"
    return sparring.data.open(source, **how, cache=opening.cache, progress=opening.progress)


def reopened(
    path: str | Path,
    config: RunConfig,
    source: Source | None = None,
    hint: str = "",
    opening: Opening = Opening(),
) -> Data:
    """The data that a run was trained on, from where it lies, or from `source`.

    Args:
        path: the run, for the errors.
        config: its config.
        source: where the data is now; by default where it was.
        hint: what to do where the data was handed over in memory.
        opening: see `Opening`.

    Raises:
        UserError: it was handed over in memory, is not there any more, or has changed.
    """
    if source is None and not config.data.source:
        raise UserError(f"the data of {path} was handed over in memory", hint)
    place = config.data.place if source is None else source
    if source is None and place not in sparring.data.BUILTIN:
        gone = next((each for each in (config.data.source, config.data.b) if each and not Path(each).exists()), None)
        if gone:
            now = "--a NEWPLACE --b NEWPLACE" if config.data.b else "NEWPLACE"
            raise UserError(
                f"the data of {path} is not at {gone} any more",
                f"if it has moved: sparring train {now} --resume {path}",
            )
    data = open_data(place, config, opening)
    if data.fingerprint != config.fingerprint:
        problem = f"the data of {path} has changed since the run began"
        if isinstance(source, str | Path):
            problem = f"{source} is not the data that {path} was trained on"
        raise UserError(problem, "put the data back, or start a new run")
    return data


def plan(
    source: Source | None = None,
    *,
    recipe: str | None = None,
    game: Game[Any] | None = None,
    config: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    init: str | Path | None = None,
    opening: Opening = Opening(),
    **settings: Unpack[Settings],
) -> Plan:
    """Decide on a run; nothing is written. Several processes decide together.

    Args:
        source: where the data comes from; see `sparring.data.open`. May stand in the config instead.
        recipe: a name of `sparring recipes`; the default one if there is no game either.
        game: a game of your own, instead of a recipe.
        config: tables as in `config.toml`; everything else here overrides it.
        out: the run directory; by default the next free one under `runs/`.
        init: another run, whose newest networks this one begins with, as far as they fit; of those that samples are
            drawn from, the averages. Data, options and rates may differ.
        opening: how the data is opened.
        settings: see `Settings`; whatever is None stays as it is.

    Raises:
        UserError: anything that the user can fix.
    """
    processes = join()
    asked = source, recipe, game, config or {}, out, init, settings
    return _agreed(processes, lambda: _planned(processes, opening, *asked))


def _planned(
    processes: Processes,
    opening: Opening,
    source: Source | None,
    recipe: str | None,
    game: Game[Any] | None,
    config: Mapping[str, Any],
    out: str | Path | None,
    init: str | Path | None,
    settings: Mapping[str, Any],
) -> Plan:
    if game is not None and recipe is not None:
        raise UserError("a recipe and a game were given", "give one of them")
    chosen = _configured(source, CUSTOM if game else recipe, config, settings)
    if chosen.freeze_d and init is None:
        raise UserError(f"freeze_d = {chosen.freeze_d} holds layers that no run has trained", "--init RUN")
    chosen = chosen.model_copy(update={"parts": chosen.accumulate * processes.size})
    run_dir = _fresh(out, chosen)
    data = open_data(source if source is not None else chosen.data.place, chosen, opening)
    chosen = chosen.model_copy(update={"options": _options(chosen, data.schema)})
    made = _assemble(chosen, data, game, processes, init)
    found = {"fingerprint": data.fingerprint, "horizon": made.how.horizon, "columns": to_tables(data.schema)}
    found |= {"makes": made.state.game.makes, "versions": _versions()}
    return Plan(made.config.model_copy(update=found), data, made.state, made.how, run_dir, notes=made.notes)


def plan_resumed(
    path: str | Path,
    *,
    source: Source | None = None,
    game: Game[Any] | None = None,
    opening: Opening = Opening(),
    **more: Unpack[Length],
) -> Plan:
    """Decide to take a run up where its newest checkpoint left it; nothing is written.

    Any number of processes may take it up, as long as each has a part of the accumulated batch to play.

    Args:
        path: the run.
        source: where the data is now, if it has moved or was handed over in memory; the run remembers the place.
        game: the game, where it was not one of a recipe.
        opening: how the data is opened.
        more: how long to go on for; without any, the run's own budget stands.

    Raises:
        UserError: no such run, its data changed, a damaged checkpoint, nothing left to do.
    """
    processes = join()
    return _agreed(processes, lambda: _planned_on(processes, opening, path, source, game, more))


def _planned_on(
    processes: Processes,
    opening: Opening,
    path: str | Path,
    source: Source | None,
    game: Game[Any] | None,
    more: Mapping[str, Any],
) -> Plan:
    run_dir, config = existing(path)
    wrong = [name for name in more if name not in Budget.model_fields]
    if wrong:
        raise UserError(f"there is no budget in {wrong[0]}", did_you_mean(wrong[0], Budget.model_fields))
    if (config.recipe == CUSTOM) != (game is not None):
        raise UserError(
            f"{path} was trained with {'a game of your own' if game is None else config.recipe}",
            "resume it from Python: sparring.resume(run, game=...)" if game is None else "leave the game out",
        )
    parts = config.parts or config.accumulate
    if processes.size > parts:
        problem = f"a step of {path} is of {parts} batches, for {processes.size} processes"
        raise UserError(problem, f"resume it with {parts} at most")
    data = reopened(path, config, source, "sparring.resume(run, source=...)", opening)
    if source is not None:
        config = config.model_copy(update={"data": config.data.model_copy(update=_addresses(source))})
    saved = run_dir.finished_checkpoints()
    try:
        made = _assemble(config, data, game, processes, None if saved or not config.init else config.init)
    except UnavailableError as error:
        hint = f'device = "auto" in {run_dir.config} goes on with what is here'
        raise UserError(f"{path} was trained on {config.device}; {error.problem}", hint) from None
    config, state, how, seconds = made.config, made.state, made.how, 0.0
    if saved:
        checkpoints.read(state, run_dir.latest(), config.recipe)
        seconds = max((r["seconds"] for r in run_dir.records() if r["round"] <= state.round), default=0.0)
    resumed = Plan(config, data, state, how, run_dir, seconds, resumed=True)
    asked: dict[str, Any] = {name: amount for name, amount in more.items() if amount is not None}
    if asked:
        done = {"minutes": seconds / 60, "rounds": state.round, "images": resumed.images()}
        done["epochs"] = done["images"] / len(data)
        further = {name: done[name] + amount if name in done else amount for name, amount in asked.items()}
        budget = validated(Budget, further, "budget")
        resumed = _longer(replace(resumed, config=config.model_copy(update={"budget": budget})))
        _check_doctor(resumed.config)
    if fraction_of(resumed, seconds) >= 1:
        raise UserError(f"{path} has used up its budget", "go on with --minutes 5")
    return resumed


def _agreed(processes: Processes, decide: Callable[[], Plan]) -> Plan:
    """The plan that all processes make; what one of them refuses, all refuse.

    Raises:
        UserError: one of them cannot play it, or they do not plan the same.
    """
    if processes.size == 1:
        return decide()
    made, refused = None, None
    try:
        made = decide()
    except UserError as error:
        refused = error
    found = {} if made is None else made.config.model_dump() | {"out": str(made.out.path), "round": made.state.round}
    said = processes.gather(json.dumps([refused and (refused.problem, refused.hint), found], default=str))
    for rank, (refusal, planned) in enumerate(map(json.loads, said)):
        if refusal and processes.leads:
            raise refused or UserError(f"process {rank}: {refusal[0]}", refusal[1])
        unlike = [name for name in planned if planned[name] != json.loads(said[0])[1].get(name)]
        if unlike and processes.leads:
            raise UserError(f"{unlike[0]} is not the same in processes 0 and {rank}", "the same data and files for all")
        if refusal or unlike:
            raise SharedError(f"process {rank} cannot play as process 0 would", "process 0 says why")
    assert made is not None
    return made


def _longer(plan: Plan) -> Plan:
    """The same run with schedules that end with its new budget: rates that have fallen to 0 would train nothing."""
    horizon = _planned_rounds(plan.config, len(plan.data), plan.state.game.players[0])
    decided = {"horizon": horizon, "begins": plan.state.round}
    return replace(plan, config=plan.config.model_copy(update=decided), how=replace(plan.how, **decided))


def _configured(
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
        groups["data"] |= _addresses(source)
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
    _check_doctor(chosen)
    return chosen


def _options(config: RunConfig, schema: Schema) -> dict[str, Any]:
    """All options, those included that follow from the data."""
    if config.recipe == CUSTOM:
        return validated(BatchOptions, config.options, "config").model_dump()
    return recipes.resolve(recipes.get(config.recipe), config.options, schema).model_dump()


def _resolved(config: RunConfig, how: Play) -> RunConfig:
    """The config with the device and the precision that are used where it leaves the choice."""
    precision = str(how.precision).removeprefix("torch.")
    device = str(how.device) if how.processes.size == 1 else how.device.type  # each process has its own
    return config.model_copy(update={"device": device, "precision": precision})


def _versions() -> dict[str, str]:
    return {"sparring": sparring.__version__, "torch": torch.__version__, "python": platform.python_version()}


def _addresses(source: Source) -> dict[str, str | None]:
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


def _check_doctor(config: RunConfig) -> None:
    """Refuse to wait for the verdict of a doctor who is not there.

    Raises:
        UserError: the doctor is off, and the end of the run is left to it.
    """
    waiting = f"until = {config.budget.until!r}" if config.budget.until else ""
    waiting = waiting or (f"on_trouble = {config.on_trouble!r}" if config.on_trouble != "warn" else "")
    if config.doctor == OFF and waiting:
        raise UserError(f"{waiting} waits for a doctor who is off", "leave --doctor off out")


def _fresh(out: str | Path | None, config: RunConfig) -> RunDir:
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


def build(config: RunConfig, schema: Schema) -> Game[Any]:
    """The game of a run's recipe and options; the same seed gives the same weights."""
    recipe = recipes.get(config.recipe)
    options = validated(recipe.options, config.options, f"recipe {recipe.name}")
    with forked(CPU):
        seed_global(seed_of(config.seed, "weights"), CPU)
        return recipe.build(options, schema)


class Assembled(NamedTuple):
    """A game ready to be played, the config with what was found on the way, and what to say of it."""

    config: RunConfig
    state: State
    how: Play
    notes: tuple[str, ...]


def _assemble(
    config: RunConfig,
    data: Data,
    game: Game[Any] | None,
    processes: Processes,
    init: str | Path | Origin | None = None,
) -> Assembled:
    device = processes.device(choose_device(config.device))
    # a game that was handed over may be played again: its own networks stay as they are
    game = replace(game, networks=copy.deepcopy(game.networks)) if game else build(config, data.schema)
    pictures = any(len(kind.shape) == 3 for kind in data.schema.values())
    notes: list[str] = []
    if init is not None:
        origin, said = take_over(game, init)
        config, notes = config.model_copy(update={"init": origin}), [said]
    for network in game.networks:
        network.to(device)
        if pictures:
            network.to(memory_format=torch.channels_last)
    to_training(game)
    batch = config.options["batch"]
    if batch == 1 and any(isinstance(m, torch.nn.BatchNorm1d) for n in game.networks for m in n.modules()):
        raise UserError("a batch of one cannot be batch-normalised", "--batch 2 or more")
    how = Play(
        seed=config.seed,
        batch=batch,
        horizon=config.horizon or _planned_rounds(config, len(data), game.players[0]),
        begins=config.begins,
        accumulate=config.parts or config.accumulate,
        device=device,
        precision=choose_precision(config.precision, device, pictures),
        threads=choose_threads(config.threads, device, batch * sum(math.prod(k.shape) for k in data.schema.values())),
        processes=processes,
    )
    if config.freeze_d:
        _freeze(config, data, game, how)
        notes.append(f"the first {config.freeze_d} layers of D stay as they are")
    shown = _augmentation(config, data, game, how)
    if shown:
        game = augmented(game, shown)
    if shown and config.augment == "auto":
        notes.append(f"D sees pictures augmented: {len(data):,} are few; --augment none shows them as they are")
    config = _resolved(config, how).model_copy(update={"augment": shown.how if shown else "none"})
    return Assembled(config, State.start(game), how, tuple(notes))


def _freeze(config: RunConfig, data: Data, game: Game[Any], how: Play) -> None:
    """Hold the first layers of D as the other run has left them.

    Raises:
        UserError: D was not taken over, or has no more layers.
    """
    anew = [name for name in judges(game) if not config.init or name not in config.init.networks]
    if anew:
        raise UserError(f"freeze_d = {config.freeze_d}, but {anew[0]} was not taken over", "--init a run whose D fits")
    with forked(how.device):
        frozen(game, config.freeze_d, _two(data, how))


def _augmentation(config: RunConfig, data: Data, game: Game[Any], how: Play) -> Augmentation | None:
    """How D is shown pictures, None as they are; where the choice is left to us, few are augmented, of recipes' games.

    Raises:
        UserError: there is nothing to augment, or a strength of what has none.
    """
    asked = config.augment
    if config.augment_p is not None and asked != "ada":
        raise UserError(f"augment_p = {config.augment_p} is of ada alone", "--augment ada")
    if asked == "none" or (asked == "auto" and (len(data) >= FEW or config.recipe == CUSTOM)):
        return None
    if not _pictures_are_judged(data, game, how):
        if asked == "auto":
            return None
        raise UserError(f"--augment {asked}: no network of this game judges pictures", "leave it out")
    first, examples = judges(game)[0], how.batch * how.accumulate
    turn = next(player.turn for player in game.players if first in player.trains)
    chosen = "diff" if asked == "auto" else asked
    return Augmentation(chosen, shapes_of(data.schema), turn.steps(len(data), examples) * examples, config.augment_p)


def _pictures_are_judged(data: Data, game: Game[Any], how: Play) -> bool:
    if not judges(game) or not shapes_of(data.schema):
        return False
    with forked(how.device):
        return sees_pictures(game, data.schema, _two(data, how))


def _two(data: Data, how: Play) -> Batch:
    """Two examples as the networks take them."""
    return to_model(data.schema, {name: column.to(how.device) for name, column in data.batch(0, 2, how.seed).items()})


def _planned_rounds(config: RunConfig, examples: int, first: Player[Any]) -> int | None:
    """The round at which schedules end: the first limit, as far as it does not depend on the clock."""
    budget, batch = config.budget, config.options["batch"] * (config.parts or config.accumulate)
    a_turn = first.turn.steps(examples, batch) * batch
    limits = [config.schedule] if config.schedule else [budget.images, budget.epochs and budget.epochs * examples]
    shown = [images for images in limits if images]
    counted = [budget.rounds] if budget.rounds and not config.schedule else []
    if not shown and not counted:
        if budget.minutes:
            return None  # measured as the run goes
        shown = [ENDLESS]
    return min([*counted, *(first.rounds(math.ceil(images / a_turn)) for images in shown)])


def fraction_of(plan: Plan, seconds: float) -> float:
    """How much of the budget is used up, 0 to 1."""
    budget, images = plan.config.budget, plan.images()
    shares = [
        seconds / 60 / budget.minutes if budget.minutes else 0,
        plan.state.round / budget.rounds if budget.rounds else 0,
        images / budget.images if budget.images else 0,
        images / len(plan.data) / budget.epochs if budget.epochs else 0,
    ]
    return min(1.0, max(shares))
