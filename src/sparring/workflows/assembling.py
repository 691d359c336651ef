"""From a config and its data to a game that is ready to be played."""

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from sparring import recipes
from sparring.config import Origin, RunConfig, validated
from sparring.data import Data, is_paired
from sparring.devices import choose_device, choose_precision, choose_threads, forked, seed_global
from sparring.errors import UserError
from sparring.game import Batch, Game, Player
from sparring.judges import Augmentation, augmented, frozen, judges, sees_pictures, shapes_of
from sparring.kinds import Schema, to_model
from sparring.loop import CPU, Play, State, seed_of, to_training
from sparring.processes import Processes
from sparring.workflows.configuring import CUSTOM
from sparring.workflows.inheriting import take_over

FEW = 2000
"""Examples below which D is shown pictures augmented, where nobody says otherwise: see docs/small-data.md."""

ENDLESS = 1_000_000
"""Images over which the schedules of a run go that ends by a verdict only."""


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


def assemble(
    config: RunConfig,
    data: Data,
    game: Game[Any] | None,
    processes: Processes,
    init: str | Path | Origin | None = None,
) -> Assembled:
    """Build the game, on its device, and decide how it is played.

    Args:
        config: with all of its options.
        data: what it is played on.
        game: instead of a recipe's.
        processes: that play it.
        init: the run to begin with, if any.

    Raises:
        UserError: a game that such data does not do for, a device that is not there, a run of which nothing fits.
    """
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
        horizon=config.horizon or planned_rounds(config, len(data), game.players[0]),
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
    """How D is shown pictures, None as they are.

    Where the choice is left to us, few are augmented, of recipes that take one kind of picture.

    Raises:
        UserError: there is nothing to augment, or a strength of what has none.
    """
    asked = config.augment
    if config.augment_p is not None and asked != "ada":
        raise UserError(f"augment_p = {config.augment_p} is of ada alone", "--augment ada")
    left = len(data) >= FEW or config.recipe == CUSTOM or "x" not in data.schema
    if asked == "none" or (asked == "auto" and left):
        return None
    if is_paired(data):
        raise UserError(f"--augment {asked} would change the two pictures of a pair apart", "leave it out")
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


def _resolved(config: RunConfig, how: Play) -> RunConfig:
    """The config with the device and the precision that are used where it leaves the choice."""
    precision = str(how.precision).removeprefix("torch.")
    device = str(how.device) if how.processes.size == 1 else how.device.type  # each process has its own
    return config.model_copy(update={"device": device, "precision": precision})


def planned_rounds(config: RunConfig, examples: int, first: Player[Any]) -> int | None:
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
