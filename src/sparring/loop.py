"""Playing a game: each player in turn, everything else held constant.

The loop knows no variant. It alternates, freezes, accumulates, steps, averages; what is minimised is the players'
business. A round's noise, data and dropout are functions of (seed, round, player, step) and of nothing else, so a run
is a function of its config, and a resumed run repeats the uninterrupted one bit for bit.
"""

import copy
import hashlib
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sparring.data import Data
from sparring.game import Game, Player, Turn
from sparring.objectives import Terms

CPU = torch.device("cpu")


class DivergedError(Exception):
    """A term of the loss is NaN or infinite. It is raised before any weight is touched.

    Args:
        term: `player/term`, the first one that went.
        value: what it was.
        round: in which round.
    """

    def __init__(self, term: str, value: float, round: int) -> None:
        super().__init__(f"{term} became {value} in round {round}")
        self.term, self.value, self.round = term, value, round


@dataclass
class State:
    """A game under way: what a checkpoint holds.

    Args:
        game: the rules; its networks are trained in place.
        averaged: the moving averages of the networks that `game.average` names.
        optimizers: one a player; none for a player all of whose parameters are frozen.
        steps: optimizer steps taken so far, by player.
        owned: the parameters that each player moves, by player.
        round: rounds completed.
    """

    game: Game[Any]
    averaged: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    steps: dict[str, int]
    owned: dict[str, list[nn.Parameter]] = field(repr=False)
    round: int = 0

    @classmethod
    def start(cls, game: Game[Any]) -> "State":
        """A game before its first round. Parameters that already refuse gradient stay frozen for all players."""
        networks = game.modules()
        owned = {
            player.name: list(
                {p: None for name in player.trains for p in networks[name].parameters() if p.requires_grad}
            )
            for player in game.players
        }
        averaged = {name: copy.deepcopy(networks[name]).eval().requires_grad_(False) for name in game.average}
        optimizers = {p.name: p.optimizer.build(owned[p.name]) for p in game.players if owned[p.name]}
        return cls(game, averaged, optimizers, {player.name: 0 for player in game.players}, owned)

    @property
    def sampled(self) -> Any:
        """The networks to sample from: the averages where they are kept."""
        return self.game.with_networks(self.averaged)


@dataclass(frozen=True)
class Play:
    """How a game is played, whatever the game.

    Args:
        seed: of all noise, order and dropout.
        batch: examples in one forward pass.
        horizon: the round at which `Turn.progress` reaches 1.
        accumulate: how many batches one optimizer step averages over.
        device: where the networks are.
        precision: `torch.bfloat16` runs the networks under autocast; objectives and penalties stay in float32.
    """

    seed: int
    batch: int
    horizon: int
    accumulate: int = 1
    device: torch.device = CPU
    precision: torch.dtype = torch.float32


@dataclass(frozen=True)
class Round:
    """What one round was like.

    Args:
        number: rounds completed, this one included.
        terms: `{"player/term": mean over the turn's steps}`, of the players that played.
    """

    number: int
    terms: dict[str, float]


def play(state: State, data: Data, how: Play) -> Iterator[Round]:
    """Play rounds for as long as the caller asks for the next one.

    Args:
        state: changed in place, round by round; between two rounds it may be saved, sampled from, or left.
        data: where the reals come from.
        how: seed, batch, device and the like.

    Yields:
        One `Round` after each round. The state is then consistent.

    Raises:
        DivergedError: a term is not finite; it has touched no weight.
    """
    while True:
        terms: dict[str, float] = {}
        left: dict[int, dict[str, Tensor]] = {}
        with torch.random.fork_rng(devices=[how.device] if how.device.type == "cuda" else []):
            for player in state.game.players:
                if player.plays(state.round):
                    terms |= take_turn(state, player, data, how, left)
        state.round += 1
        yield Round(state.round, terms)


def seed_of(*what: int | str) -> int:
    """A seed that depends on all of these and on nothing else."""
    return int.from_bytes(hashlib.blake2b(repr(what).encode(), digest_size=8).digest()) >> 1


@contextmanager
def only(state: State, player: Player[Any]) -> Iterator[None]:
    """Hold constant all that the player does not train: parameters, gradients and buffers."""
    networks = state.game.modules()
    own = set(state.owned[player.name])
    trainable = {p for network in networks.values() for p in network.parameters() if p.requires_grad}
    own_modules = {module for name in player.trains for module in networks[name].modules()}
    others = {module for network in networks.values() for module in network.modules()} - own_modules
    for parameter in trainable - own:
        parameter.requires_grad_(False)
    try:
        # a frozen batch norm still counts, and spectral norm still iterates, when its network is called
        with preserving(others):
            yield
    finally:
        for parameter in trainable - own:
            parameter.requires_grad_(True)


@contextmanager
def preserving(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put the modules' own buffers back after, tensor and values, whatever was done to them within."""
    kept = [
        (module, name, buffer, buffer.clone())
        for module in modules
        for name, buffer in module.named_buffers(recurse=False)
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, name, buffer, value in kept:
                setattr(module, name, buffer.copy_(value))


def take_turn(
    state: State, player: Player[Any], data: Data, how: Play, left: dict[int, dict[str, Tensor]]
) -> dict[str, float]:
    """One player's whole turn, all else held constant.

    Args:
        state: changed in place, as far as the player owns it.
        player: whose turn it is.
        data: where the reals come from.
        how: seed, batch, device and the like.
        left: what earlier players left this round, by part of the accumulated batch; the player may leave its own.

    Returns:
        `{"player/term": mean over the turn's steps}`.

    Raises:
        DivergedError: a term is not finite; it has touched no weight.
    """
    length = player.turns.steps(len(data), how.batch * how.accumulate)
    totals: dict[str, float] = {}
    with only(state, player):
        for step in range(length):
            for name, value in _step(state, player, data, how, step, left).items():
                totals[name] = totals.get(name, 0.0) + value / length
    return totals


def _step(
    state: State, player: Player[Any], data: Data, how: Play, step: int, left: dict[int, dict[str, Tensor]]
) -> dict[str, float]:
    optimizer, networks = state.optimizers.get(player.name), state.game.networks
    values: dict[str, float] = {}
    if optimizer:
        for group in optimizer.param_groups:
            group["lr"] = player.optimizer.rate(_progress(state, how))
        optimizer.zero_grad(set_to_none=True)
    for part in range(how.accumulate):
        turn = _draw(state, player, data, how, step, part, left)
        with torch.autocast(how.device.type, how.precision, enabled=how.precision != torch.float32):
            terms = player.loss(networks, turn)
        for name, value in _finite(player, terms, state.round).items():
            values[name] = values.get(name, 0.0) + value / how.accumulate
        if optimizer:
            (torch.stack(list(terms.values())).sum() / how.accumulate).backward()
    if optimizer:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    if player.after is not None:
        player.after(networks)
    state.steps[player.name] += 1
    for name in set(player.trains) & set(state.averaged):
        _average(state.averaged[name], getattr(networks, name), _decay(state, player))
    return values


def _draw(
    state: State, player: Player[Any], data: Data, how: Play, step: int, part: int, left: dict[int, dict[str, Tensor]]
) -> Turn:
    seed = seed_of(how.seed, state.round, player.name, step, part)
    _seed_dropout(seed, how.device)
    batch = data.batch(state.steps[player.name] * how.accumulate + part, how.batch, how.seed)
    stored = {name: column.to(how.device, non_blocking=True) for name, column in batch.items()}
    return Turn(
        batch={name: data.schema[name].to_model(column) for name, column in stored.items()},
        round=state.round,
        progress=_progress(state, how),
        rng=torch.Generator(how.device).manual_seed(seed),
        left=left.setdefault(part, {}),
    )


def _progress(state: State, how: Play) -> float:
    return min(1.0, state.round / how.horizon)


def _seed_dropout(seed: int, device: torch.device) -> None:
    # torch.manual_seed would do, but without a CUDA device it keeps a traceback of every call
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _finite(player: Player[Any], terms: Terms, round: int) -> dict[str, float]:
    """The terms as numbers, read off the device in one go.

    Raises:
        DivergedError: one of them is not finite.
    """
    values = torch.stack([term.detach().float() for term in terms.values()]).tolist()
    named = {f"{player.name}/{term}": value for term, value in zip(terms, values, strict=True)}
    for name, value in named.items():
        if not math.isfinite(value):
            raise DivergedError(name, value, round)
    return named


def _decay(state: State, player: Player[Any]) -> float:
    # a long average of the first steps would remember the start for ever
    taken = state.steps[player.name]
    return min(state.game.decay, taken / (taken + 9))


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an exponential moving average towards the network: weights and floating buffers; counters are copied."""
    moving = [*averaged.parameters(), *averaged.buffers()]
    latest = [*network.parameters(), *network.buffers()]
    floating = [(a, b) for a, b in zip(moving, latest, strict=True) if a.is_floating_point()]
    torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
        [a for a, _ in floating], [b for _, b in floating], 1 - decay
    )
    for a, b in zip(moving, latest, strict=True):
        if not a.is_floating_point():
            a.copy_(b)


@contextmanager
def evaluating(networks: Iterable[nn.Module], training: bool = False) -> Iterator[None]:
    """Eval mode, or training mode, and no gradient within; every module's mode is put back after."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    for module, _ in modes:
        module.training = training
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
