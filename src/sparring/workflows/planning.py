"""Deciding on a run: what is asked for, checked and resolved. Nothing is written."""

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import torch

import sparring.data
from sparring import checkpoint as checkpoints
from sparring import recipes
from sparring.config import Budget, DataOptions, RunConfig, validated
from sparring.data import Data
from sparring.devices import UnavailableError
from sparring.errors import SharedError, UserError, did_you_mean
from sparring.game import Game
from sparring.kinds import from_tables, to_tables
from sparring.loop import Play, State
from sparring.processes import Processes, join
from sparring.progress import Tell
from sparring.runs import RunDir
from sparring.workflows.assembling import assemble, planned_rounds
from sparring.workflows.configuring import (
    CUSTOM,
    Length,
    Settings,
    Source,
    addresses,
    all_options,
    check_doctor,
    configured,
    fresh,
)
from sparring.workflows.inheriting import existing


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
        said = {name: field.default for name, field in DataOptions.model_fields.items()}
        said["mirror"] = source.mirror if how["mirror"] else False  # a run remembers it of opened data
        asked = [name for name, value in how.items() if value != said[name]]
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
    """The data that a run was trained on, from where it lies, or from `source`; that of a stream, from the cache.

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
        kept = sparring.data.find(config.fingerprint, from_tables(config.columns)) if opening.cache else None
        if kept is None:
            raise UserError(f"the data of {path} was handed over in memory", hint)
        return replace(kept, mirror=config.data.mirror)
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
    chosen = configured(source, CUSTOM if game else recipe, config, settings)
    if chosen.freeze_d and init is None:
        raise UserError(f"freeze_d = {chosen.freeze_d} holds layers that no run has trained", "--init RUN")
    chosen = chosen.model_copy(update={"parts": chosen.accumulate * processes.size})
    run_dir = fresh(out, chosen)
    data = open_data(source if source is not None else chosen.data.place, chosen, opening)
    # of data that was opened before, too: it may be found in the cache again
    mirrored = {"data": chosen.data.model_copy(update={"mirror": bool(data.mirror)})}
    chosen = chosen.model_copy(update=mirrored | {"options": all_options(chosen, data.schema)})
    made = assemble(chosen, data, game, processes, init)
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
        config = config.model_copy(update={"data": config.data.model_copy(update=addresses(source))})
    saved = run_dir.finished_checkpoints()
    try:
        made = assemble(config, data, game, processes, None if saved or not config.init else config.init)
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
        check_doctor(resumed.config)
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
    horizon = planned_rounds(plan.config, len(plan.data), plan.state.game.players[0])
    decided = {"horizon": horizon, "begins": plan.state.round}
    return replace(plan, config=plan.config.model_copy(update=decided), how=replace(plan.how, **decided))


def _versions() -> dict[str, str]:
    return {"sparring": sparring.__version__, "torch": torch.__version__, "python": platform.python_version()}


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
