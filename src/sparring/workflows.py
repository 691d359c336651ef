"""The only glue: from a source and a recipe to a run, and from a run to samples. Also the Python API.

`plan` decides everything and writes nothing; `run` plays the plan and writes the run directory; `train` and `resume`
are the two in one call; `sample` draws from a run.
"""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sparring.data
from sparring import checkpoint as checkpoints
from sparring import grids, recipes
from sparring.config import FOUND_OUT, Budget, DataOptions, RunConfig, read_toml, to_toml, validated
from sparring.data import Dataset, DataSpec, Unpaired
from sparring.devices import choose_device, choose_precision
from sparring.doctor import AUTO, OFF, TROUBLE, Doctor, Health, readings
from sparring.errors import UserError, did_you_mean, writing
from sparring.game import Batch, Game
from sparring.loop import DivergedError, Play, State, evaluating, play, seed_of
from sparring.metrics.table import KNOWN_MODES
from sparring.pacing import Cadence, Meter, interruptions
from sparring.recipes import BatchOptions
from sparring.runs import RunDir, next_free
from sparring.scoring import Evaluation, Scorer, stored

Source = str | Path | np.ndarray | tuple[np.ndarray, np.ndarray] | Dataset | Unpaired

CUSTOM = "custom"
DEFAULT_BUDGET = Budget(minutes=5)  # pyright: ignore[reportCallIssue]
CHUNK = 32
PREVIEW_PICTURES, PREVIEW_POINTS = 64, 2000


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
    """

    config: RunConfig
    data: Dataset | Unpaired
    state: State
    how: Play
    out: RunDir
    seconds: float = 0.0
    resumed: bool = False

    def images(self) -> int:
        """How many examples the first player has been shown."""
        return self.state.steps[self.state.game.players[0].name] * self.how.batch * self.how.accumulate


@dataclass(frozen=True)
class Status:
    """Where a run stands; `run` yields one at every line of the log and one at the end.

    Args:
        round: rounds completed.
        images: examples the first player has been shown.
        seconds: of training, resumed parts included.
        fraction: of the budget that is used up, 0 to 1.
        terms: `{"player/term": mean since the last status}`.
        rate: images a second since the last status.
        sample: the newest grid of samples.
        evaluation: the newest, where the run is evaluated as it goes.
        health: the newest, where a doctor attends.
        finished: why the run ended; empty while it goes on.
    """

    round: int
    images: int
    seconds: float
    fraction: float
    terms: dict[str, float]
    rate: float
    sample: Path | None
    evaluation: Evaluation | None = None
    health: Health | None = None
    finished: str = ""


class Run:
    """A run that can be sampled from.

    Args:
        path: its directory.
        game: the game, if it is not one of a recipe.

    Raises:
        UserError: there is no run at that path.
    """

    def __init__(self, path: str | Path, game: Game | None = None) -> None:
        self.directory = RunDir.existing(path)
        self._game = game

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.directory.path

    def sample(self, n: int = 64, **arguments: Any) -> np.ndarray:
        """Draw samples from the averaged generator of the newest checkpoint, or of another; see `sparring.sample`."""
        return sample(self.path, n, game=self._game, **arguments)

    def terms(self) -> list[dict[str, Any]]:
        """The log's records of terms, oldest first."""
        return [record for record in self.directory.records() if record["kind"] == "terms"]

    def health(self) -> list[dict[str, Any]]:
        """The log's records of the doctor's examinations, oldest first."""
        return [record for record in self.directory.records() if record["kind"] == "health"]


def open_data(source: Source, config: RunConfig) -> Dataset | Unpaired:
    """The data set of that source, prepared as the config says."""
    data = config.data
    if isinstance(source, Dataset | Unpaired):
        if data.size or data.channels or data.mirror or data.limit:
            raise UserError(
                "size, channels, mirror and limit are for data yet to be opened", "sparring.data.open(source, ...)"
            )
        return source
    return sparring.data.open(source, **data.model_dump(exclude={"source"}))


def plan(
    source: Source | None = None,
    *,
    recipe: str | None = None,
    game: Game | None = None,
    config: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    **settings: Any,
) -> Plan:
    """Decide on a run; nothing is written.

    Args:
        source: where the data comes from; see `sparring.data.open`. May stand in the config instead.
        recipe: a name of `sparring recipes`; the default one if there is no game either.
        game: a game of your own, instead of a recipe.
        config: tables as in `config.toml`; everything else here overrides it.
        out: the run directory; by default the next free one under `runs/`.
        settings: any of `seed`, `device`, `precision`, `accumulate`, `keep`, `log_every`, ...; of the budget
            (`minutes`, `images`, `rounds`, `epochs`); of the data (`size`, `channels`, `mirror`); `batch`; and
            `options={...}`, the recipe's own.

    Raises:
        UserError: anything that the user can mend.
    """
    if game is not None and recipe is not None:
        raise UserError("a recipe and a game were given", "give one of them")
    chosen = _configured(source, CUSTOM if game else recipe, config or {}, settings)
    run_dir = _fresh(out, chosen)
    data = open_data(source if source is not None else chosen.data.source, chosen)
    state, how = _assemble(chosen, data, game)
    found = {"fingerprint": data.fingerprint, "horizon": how.horizon, "spec": data.spec.to_dict()}
    return Plan(chosen.model_copy(update=found), data, state, how, run_dir)


def plan_resumed(path: str | Path, *, source: Source | None = None, game: Game | None = None, **more: Any) -> Plan:
    """Decide to take a run up where its newest checkpoint left it; nothing is written.

    Args:
        path: the run.
        source: the data, where the run had it from memory.
        game: the game, where it was not one of a recipe.
        more: `minutes`, `images`, `rounds` or `epochs` to go on for, or `until`; without any, the run's own budget
            stands.

    Raises:
        UserError: no such run, its data changed, a damaged checkpoint, nothing left to do.
    """
    run_dir, config = existing(path)
    wrong = [name for name in more if name not in Budget.model_fields]
    if wrong:
        raise UserError(f"there is no budget in {wrong[0]}", did_you_mean(wrong[0], Budget.model_fields))
    if (config.recipe == CUSTOM) != (game is not None):
        raise UserError(
            f"{path} was trained with {'a game of your own' if game is None else config.recipe}",
            "resume it from Python: sparring.resume(run, game=...)" if game is None else "leave the game out",
        )
    if source is None and not config.data.source:
        raise UserError(f"the data of {path} was handed over in memory", "sparring.resume(run, source=...)")
    data = open_data(config.data.source if source is None else source, config)
    if data.fingerprint != config.fingerprint:
        raise UserError(f"the data of {path} has changed since the run began", "start a new run, or put the data back")
    state, how = _assemble(config, data, game)
    seconds = 0.0
    if run_dir.finished_checkpoints():
        checkpoints.read(state, run_dir.latest(), config.recipe)
        seconds = max((r["seconds"] for r in run_dir.records() if r["round"] <= state.round), default=0.0)
    resumed = Plan(config, data, state, how, run_dir, seconds, resumed=True)
    more = {name: amount for name, amount in more.items() if amount is not None}
    if more:
        done = {"minutes": seconds / 60, "rounds": state.round, "images": resumed.images()}
        done["epochs"] = done["images"] / len(data)
        further = {name: done[name] + amount if name in done else amount for name, amount in more.items()}
        budget = validated(Budget, further, "budget")
        resumed = replace(resumed, config=config.model_copy(update={"budget": budget}))
        _check_doctor(resumed.config)
    if _fraction(resumed, seconds) >= 1:
        raise UserError(f"{path} has used up its budget", "go on with --minutes 5")
    return resumed


def run(plan: Plan) -> Iterator[Status]:
    """Play a plan and write its run directory.

    SIGINT and SIGTERM end it after the round under way, with a checkpoint.

    Yields:
        A `Status` at every line of the log, and a last one with `finished` set.

    Raises:
        DivergedError: a term of the loss was NaN or infinite. The checkpoint before stays.
        UserError: the disk is full, or the run is to be evaluated and its data does not do for that.
    """
    scorer = _scorer(plan)
    with writing(plan.out.path):
        _begin(plan)
        first = _preview(plan)
    doctor = _doctor(plan)
    began = time.monotonic() - plan.seconds
    try:
        yield from _rounds(plan, scorer, doctor, first, began)
    except DivergedError as error:
        if doctor is None:
            raise
        seconds = time.monotonic() - began
        health = doctor.mourn(error, plan.images(), seconds)
        with writing(plan.out.path):
            plan.out.append(health.to_dict())
        if not _to_restore(plan, health):
            raise
        finished = _ended_by(health, plan.config)
        with writing(plan.out.path):
            newest = _restore(plan, seconds)
            _checkpoint(plan)
        fraction = _fraction(plan, seconds)
        yield Status(plan.state.round, plan.images(), seconds, fraction, {}, 0.0, newest, None, health, finished)


def _rounds(plan: Plan, scorer: Scorer | None, doctor: Doctor | None, newest: Path, began: float) -> Iterator[Status]:
    out, state = plan.out, plan.state
    log, grid, save, score = _cadences(plan.config, plan.seconds)
    meter = Meter(plan.images(), plan.seconds)
    evaluation: Evaluation | None = None
    health: Health | None = None
    with interruptions() as interrupted:
        for played in play(state, plan.data, plan.how):
            meter.add(played.terms)
            seconds = time.monotonic() - began
            fraction = _fraction(plan, seconds)
            finished = "stopped by a signal" if interrupted.is_set() else "budget used up" if fraction >= 1 else ""
            status = None
            if doctor and (found := doctor.attend(played, plan.images(), seconds, fraction, last=bool(finished))):
                health = found
                finished = finished or _ended_by(health, plan.config)
                with writing(out.path), doctor.charged():
                    _note(plan, health)
            if scorer and score and (score.due(state.round, seconds) or (finished and not interrupted.is_set())):
                evaluation = _evaluated(plan, scorer)
            with writing(out.path):
                if grid.due(state.round, seconds) or finished:
                    newest = _preview(plan)
                if log.due(state.round, seconds) or finished:
                    terms, rate = meter.read(plan.images(), seconds)
                    status = Status(
                        state.round, plan.images(), seconds, fraction, terms, rate, newest, evaluation, health, finished
                    )
                    out.append(_log_record(status))
                if status and finished and _to_restore(plan, health):
                    status = replace(status, sample=_restore(plan, seconds))
                # after its lines: a resumed run forgets the lines behind its checkpoint, and none before it
                if save.due(state.round, seconds) or finished:
                    _checkpoint(plan)
            if status is not None:
                yield status
            if finished:
                return


def _evaluated(plan: Plan, scorer: Scorer) -> Evaluation:
    made = stored(_drawn(plan, scorer.n))
    if not np.isfinite(made).all():
        raise DivergedError("a sample", float("nan"), plan.state.round)
    evaluation = scorer(made, str(plan.out.path))
    with writing(plan.out.path):
        plan.out.append({"round": plan.state.round} | evaluation.to_dict(), plan.out.metrics)
    return evaluation


def _doctor(plan: Plan) -> Doctor | None:
    every = plan.config.doctor
    if every == OFF:
        return None
    modes = KNOWN_MODES.get(plan.config.data.source)
    records = plan.out.records()
    return Doctor(
        plan.state,
        plan.data,
        plan.how,
        every,
        modes,
        history=readings(records),
        seconds=plan.seconds,
        nearest=plan.out.noted_best()[1],
        spent=max((record.get("spent", 0.0) for record in records), default=0.0),
    )


def _note(plan: Plan, health: Health) -> None:
    """Write an examination down, and keep the best checkpoint."""
    plan.out.append(health.to_dict())
    distance = health.reading.signals.distance
    if health.best and distance is not None:
        checkpoints.write(plan.state, plan.out.best, plan.config.recipe)
        plan.out.note_best(plan.state.round, distance)


def _ended_by(health: Health, config: RunConfig) -> str:
    """Why the run ends with this examination; empty when it does not."""
    verdict = health.verdict.verdict
    if verdict in TROUBLE and config.on_trouble != "warn":
        return f"ended for {verdict}"
    if verdict == config.budget.until:
        return verdict
    return ""


def _to_restore(plan: Plan, health: Health | None) -> bool:
    wanted = plan.config.on_trouble == "restore" and plan.out.best.is_dir()
    return wanted and health is not None and health.verdict.verdict in TROUBLE


def _restore(plan: Plan, seconds: float) -> Path:
    """Go back to the best checkpoint, and forget those after it; the log keeps what happened."""
    checkpoints.read(plan.state, plan.out.best, plan.config.recipe)
    plan.out.forget(plan.state.round)
    where = {"kind": "restored", "round": plan.state.round, "images": plan.images(), "seconds": round(seconds, 3)}
    plan.out.append(where)
    return _preview(plan)


def _log_record(status: Status) -> dict[str, Any]:
    where = {"kind": "terms", "round": status.round, "images": status.images, "seconds": round(status.seconds, 3)}
    return where | {"terms": status.terms}


def train(source: Source | None = None, **arguments: Any) -> Run:
    """Train a generator on a source: `plan` and `run` in one call.

    Args:
        source: a built-in name (`digits`), a folder or zip of pictures, an array, ...; see `sparring.data.open`.
        arguments: of `plan`, such as `recipe="wgan-gp"`, `minutes=5`, `seed=1`, `options={"lr": 1e-4}`, `game=...`.

    Returns:
        The finished run.

    Raises:
        UserError: anything that the user can mend.
        DivergedError: a term of the loss was NaN or infinite.
    """
    return _finish(plan(source, **arguments), arguments.get("game"))


def resume(path: str | Path, *, game: Game | None = None, **arguments: Any) -> Run:
    """Go on with a run, exactly where its newest checkpoint left it; see `plan_resumed`."""
    return _finish(plan_resumed(path, game=game, **arguments), game)


def sample(
    path: str | Path,
    n: int = 64,
    *,
    seeds: Sequence[int] | None = None,
    truncation: float | None = None,
    checkpoint: str = "latest",
    device: str = "cpu",
    game: Game | None = None,
) -> np.ndarray:
    """Draw samples from a checkpoint of a run, through the averaged weights.

    Args:
        path: the run.
        n: how many; their seeds are 0 to n - 1.
        seeds: one sample each, instead of n. The same seed is the same sample, whatever the others are.
        truncation: less variety, more typical samples; see `sparring.game.Latent`.
        checkpoint: "latest", "best" (the one whose samples the doctor found nearest to the data), or a round.
        device: auto, cpu, cuda or mps.
        game: the game, where it was not one of a recipe.

    Returns:
        uint8 `(n, H, W, C)`, or float32 `(n, D)` in the data's own units.

    Raises:
        UserError: no such run, no checkpoint, a damaged one.
    """
    run_dir, config = existing(path)
    spec = DataSpec.from_dict(config.spec)
    if game is None and config.recipe == CUSTOM:
        raise UserError(f"{path} was trained with a game of your own", "sparring.sample(run, game=...)")
    wanted = list(range(n)) if seeds is None else list(seeds)
    if not wanted:
        raise UserError("no sample was asked for", "n of 1 or more, or at least one seed")
    # a game of the user's own may be in training: its networks are not to be touched
    game = replace(game, networks=copy.deepcopy(game.networks)) if game else _build(config, spec)
    state = State.start(game)
    checkpoints.read_networks(state, run_dir.which(checkpoint), config.recipe)
    for network in (*state.game.networks, *state.averaged.values()):
        network.to(choose_device(device))
    conditions = {}
    if state.game.conditions:
        if not config.data.source:
            raise UserError(
                f"{path} translates pictures, and its data was handed over in memory", "train it from a folder"
            )
        data = open_data(config.data.source, config)
        if data.fingerprint != config.fingerprint:
            raise UserError(f"the data of {path} has changed since the run began", "put it back")
        held_out = data.held_out_batch(max(wanted) + 1)
        conditions = {key: held_out[key] for key in state.game.conditions}
        available = len(conditions[state.game.conditions[0]])
        if available <= max(wanted):
            raise UserError(f"{path} has {available} held-out pictures to translate", f"ask for {available} at most")
    return spec.to_data(draw(state, wanted, conditions, truncation, choose_device(device)))


def draw(
    state: State,
    seeds: Sequence[int],
    conditions: Batch,
    truncation: float | None = None,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """One sample a seed, `(len(seeds), ...)` in the networks' range, on the processor.

    Args:
        state: where the averaged networks are.
        seeds: of the noise; it is drawn on the processor, so that every device starts from the same.
        conditions: a batch that the seeds pick from in turn, for games that need one.
        truncation: passed on to the game's noise.
        device: where the networks are.
    """
    game, networks = state.game, state.sampled
    noise = torch.cat(
        [game.noise(1, torch.Generator().manual_seed(seed_of("sample", seed)), truncation) for seed in seeds]
    )
    parts = []
    with evaluating(networks):
        for first in range(0, len(seeds), CHUNK):
            # always the same number at once: other sizes take other kernels, which round differently
            rows = [min(first + k, len(seeds) - 1) for k in range(CHUNK)]
            given = {key: v[[seeds[row] % len(v) for row in rows]].to(device) for key, v in conditions.items()}
            made = game.sample(networks, noise[rows].to(device), given)
            parts.append(made[: len(seeds) - first].float().cpu())
    return torch.cat(parts)


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
        groups["data"]["source"] = _address(source)
    if (source is None and not groups["data"].get("source")) or (isinstance(source, str) and not source):
        raise UserError("no data was given", f"a built-in name ({', '.join(sparring.data.BUILTIN)}) or a path")
    if recipe is not None:
        tables["recipe"] = recipe
    _check_names(given, groups["options"], str(tables.get("recipe", RunConfig.model_fields["recipe"].default)))
    chosen = validated(RunConfig, {**tables, **given, **groups}, "config")
    if not chosen.budget:
        chosen = chosen.model_copy(update={"budget": DEFAULT_BUDGET})
    model = BatchOptions if chosen.recipe == CUSTOM else recipes.get(chosen.recipe).options
    full = validated(model, chosen.options, f"recipe {chosen.recipe}")
    chosen = chosen.model_copy(update={"options": full.model_dump()})
    _cadences(chosen)
    _check_doctor(chosen)
    return chosen


def _address(source: Source) -> str:
    """What finds the source again from any working directory; empty for data in memory."""
    if not isinstance(source, str | Path):
        return ""
    return source if isinstance(source, str) and source in sparring.data.BUILTIN else str(Path(source).resolve())


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


def existing(path: str | Path) -> tuple[RunDir, RunConfig]:
    """The run at that path, and its config.

    Args:
        path: a run directory.

    Raises:
        UserError: there is none, or its config is not one that a run wrote.
    """
    run_dir = RunDir.existing(path)
    tables = read_toml(run_dir.config)
    missing = {"data", "spec", "fingerprint"} - tables.keys()
    if missing:
        raise UserError(
            f"{run_dir.config} was not written by a run: {min(missing)} is missing", "name a folder that a run wrote"
        )
    return run_dir, validated(RunConfig, tables, str(run_dir.config))


def _cadences(config: RunConfig, seconds: float = 0.0) -> tuple[Cadence, Cadence, Cadence, Cadence | None]:
    """When to log, to draw a grid, to write a checkpoint, and to evaluate, if at all."""
    log, grid, save = (
        Cadence(getattr(config, f"{what}_every"), f"{what}_every", seconds) for what in ("log", "sample", "checkpoint")
    )
    if config.doctor not in (AUTO, OFF):
        Cadence(config.doctor, "doctor", seconds)
    often = config.evaluate_every
    return log, grid, save, Cadence(often, "evaluate_every", seconds) if often else None


def _check_doctor(config: RunConfig) -> None:
    """Refuse to wait for the verdict of a doctor who is not there.

    Raises:
        UserError: the doctor is off, and the end of the run is left to it.
    """
    waiting = f"until = {config.budget.until!r}" if config.budget.until else ""
    waiting = waiting or (f"on_trouble = {config.on_trouble!r}" if config.on_trouble != "warn" else "")
    if config.doctor == OFF and waiting:
        raise UserError(f"{waiting} waits for a doctor who is off", "leave --doctor off out")


def _scorer(plan: Plan) -> Scorer | None:
    config = plan.config
    if not config.evaluate_every:
        return None
    source = config.data.source or "data in memory"
    return Scorer(plan.data, source, config.evaluate_features or None, config.evaluate_samples)


def _fresh(out: str | Path | None, config: RunConfig) -> RunDir:
    if out is None:
        stem = Path(config.data.source).resolve().stem if config.data.source else "data"
        return RunDir(next_free(Path("runs"), f"{stem}-{config.recipe}"))
    path = Path(out)
    if path.is_file():
        raise UserError(f"--out {path} is a file", "name a folder")
    if (path / "config.toml").exists():
        raise UserError(f"{path} holds a run already", f"go on with --resume {path}, or choose another --out")
    if path.is_dir() and any(path.iterdir()):
        raise UserError(f"--out {path} is not empty", "choose another")
    return RunDir(path)


def _build(config: RunConfig, spec: DataSpec) -> Game:
    recipe = recipes.get(config.recipe)
    options = validated(recipe.options, config.options, f"recipe {recipe.name}")
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(config.seed, "weights"))
        return recipe.build(options, spec)


def _assemble(config: RunConfig, data: Dataset | Unpaired, game: Game | None) -> tuple[State, Play]:
    device = choose_device(config.device)
    game = game or _build(config, data.spec)
    pictures = data.spec.kind == "image"
    for network in game.networks:
        network.to(device).train()
        if pictures:
            network.to(memory_format=torch.channels_last)
    batch = config.options["batch"]
    if batch == 1 and any(isinstance(m, torch.nn.BatchNorm1d) for n in game.networks for m in n.modules()):
        raise UserError("a batch of one cannot be batch-normalised", "--batch 2 or more")
    first = game.players[0].turns.steps(len(data), batch * config.accumulate) * batch * config.accumulate
    how = Play(
        seed=config.seed,
        batch=batch,
        horizon=config.horizon or max(1, round(_planned_images(config, len(data), first) / first)),
        accumulate=config.accumulate,
        device=device,
        precision=choose_precision(config.precision, device, pictures),
    )
    return State.start(game), how


def _planned_images(config: RunConfig, examples: int, a_round: int) -> float:
    budget = config.budget
    limits = [
        budget.images,
        budget.rounds and budget.rounds * a_round,
        budget.epochs and budget.epochs * examples,
    ]
    return min((limit for limit in limits if limit), default=config.schedule)


def _fraction(plan: Plan, seconds: float) -> float:
    budget, images = plan.config.budget, plan.images()
    shares = [
        seconds / 60 / budget.minutes if budget.minutes else 0,
        plan.state.round / budget.rounds if budget.rounds else 0,
        images / budget.images if budget.images else 0,
        images / len(plan.data) / budget.epochs if budget.epochs else 0,
    ]
    return min(1.0, max(shares))


def _begin(plan: Plan) -> None:
    """Write the config, and put a resumed run's log back to its checkpoint."""
    out = plan.out
    out.path.mkdir(parents=True, exist_ok=True)
    out.samples.mkdir(exist_ok=True)
    if not plan.resumed:
        try:
            out.config.touch(exist_ok=False)
        except FileExistsError:
            raise UserError(
                f"{out.path} was begun by another run meanwhile", "start again, or choose an --out"
            ) from None
    temporary = out.config.with_suffix(".part")
    temporary.write_text(to_toml(plan.config.model_dump()), encoding="utf-8")
    temporary.replace(out.config)
    out.tidy()
    out.rewind(plan.state.round)


def _checkpoint(plan: Plan) -> None:
    state = plan.state
    for name, tensor in checkpoints.network_tensors(state).items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise DivergedError(f"the weight {name}", float("nan"), state.round)
    checkpoints.write(state, plan.out.checkpoint(state.round), plan.config.recipe)
    plan.out.prune(plan.config.keep)


def _preview(plan: Plan) -> Path:
    spec = plan.data.spec
    path = plan.out.sample(plan.state.round, ".png")
    if spec.kind == "image":
        grids.picture_grid(_drawn(plan, PREVIEW_PICTURES)).save(path)
    else:
        real = spec.to_data(plan.data.held_out_batch(PREVIEW_POINTS)["x"])
        grids.scatter(_drawn(plan, PREVIEW_POINTS), real).save(path)
    return path


def _drawn(plan: Plan, n: int) -> np.ndarray:
    """The samples of seeds 0 to n - 1, as `sample` gives them."""
    real = plan.data.held_out_batch(n)
    conditions = {key: real[key] for key in plan.state.game.conditions}
    return plan.data.spec.to_data(draw(plan.state, range(n), conditions, device=plan.how.device))


def _finish(plan: Plan, game: Game | None) -> Run:
    for _ in run(plan):
        pass
    return Run(plan.out.path, game)
