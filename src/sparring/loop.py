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
from torch.nn.modules.batchnorm import _NormBase

from sparring.data import Data
from sparring.devices import forked, seed_global, threads
from sparring.errors import UserError
from sparring.game import Game, Player, Step
from sparring.kinds import to_model
from sparring.objectives import Terms
from sparring.processes import ALONE, Processes
from sparring.schedules import at

CPU = torch.device("cpu")
STATISTICS = ("running_mean", "running_var")
"""The buffers of batch and instance norm that are means themselves, so that they may be averaged."""


class DivergedError(Exception):
    """A term of the loss, or a gradient, is NaN or infinite. It is raised before any weight is touched.

    Args:
        term: `player/term`, the first one that went, or `player/gradient`.
        value: what it was.
        round: in which round.
    """

    def __init__(self, term: str, value: float, round: int) -> None:
        super().__init__(f"{term} became {value} in round {round}")
        self.term, self.value, self.round = term, value, round


@dataclass(frozen=True)
class Held:
    """What a player's turn must leave as it is.

    Args:
        parameters: those of all networks that are not the player's own.
        modules: those of which it trains no network; their buffers are put back.
    """

    parameters: list[nn.Parameter]
    modules: list[nn.Module]

    @classmethod
    def of(cls, networks: dict[str, nn.Module], player: Player[Any], owned: list[nn.Parameter]) -> "Held":
        """What is not the player's, of networks that keep their modules from now on."""
        every_parameter = {p: None for network in networks.values() for p in network.parameters()}
        every_module = {module: None for network in networks.values() for module in network.modules()}
        own, own_modules = set(owned), {module for name in player.trains for module in networks[name].modules()}
        return cls([p for p in every_parameter if p not in own], [m for m in every_module if m not in own_modules])


@dataclass(frozen=True)
class Pairs:
    """A network's moving average beside the network.

    Args:
        moving: (average, latest) of the parameters that are averaged.
        copied: (average, latest) of the parameters that are no floating-point numbers.
        modules: (average, latest) of the modules: their buffers may change.
    """

    moving: tuple[list[nn.Parameter], list[nn.Parameter]]
    copied: list[tuple[nn.Parameter, nn.Parameter]]
    modules: list[tuple[nn.Module, nn.Module]]

    @classmethod
    def of(cls, averaged: nn.Module, network: nn.Module) -> "Pairs":
        """Of networks that keep their modules from now on."""
        parameters = list(zip(averaged.parameters(), network.parameters(), strict=True))
        moving = [pair for pair in parameters if pair[0].is_floating_point()]
        return cls(
            ([a for a, _ in moving], [b for _, b in moving]),
            [pair for pair in parameters if not pair[0].is_floating_point()],
            list(zip(averaged.modules(), network.modules(), strict=True)),
        )


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
        held: what each player's turn must leave as it is, by player.
        pairs: what moves each average, by network.
    """

    game: Game[Any]
    averaged: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    steps: dict[str, int]
    owned: dict[str, list[nn.Parameter]] = field(repr=False)
    round: int = 0
    held: dict[str, Held] = field(init=False, repr=False)
    pairs: dict[str, Pairs] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find once what every turn needs: going through all modules would be a tenth of a small network's round."""
        networks = self.game.modules()
        self.held = {player.name: Held.of(networks, player, self.owned[player.name]) for player in self.game.players}
        self.pairs = {name: Pairs.of(average, networks[name]) for name, average in self.averaged.items()}

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
        horizon: the round at which `Step.progress` reaches 1; None while the run's length is not known.
        accumulate: how many batches one optimizer step averages over, in all processes together.
        device: where the networks are.
        precision: `torch.bfloat16` runs the networks under autocast; objectives and penalties stay in float32.
        begins: the round in which the horizon was decided; `Step.progress` is 0 before.
        threads: of the processor, within a round; None leaves it to torch.
        processes: that play the game together.
    """

    seed: int
    batch: int
    horizon: int | None
    accumulate: int = 1
    device: torch.device = CPU
    precision: torch.dtype = torch.float32
    begins: int = 0
    threads: int | None = None
    processes: Processes = ALONE


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
        DivergedError: a term or a gradient is not finite; it has touched no weight.
    """
    networks = [*state.game.networks, *state.averaged.values()]
    how.processes.settle(networks)
    how.processes.spread(parameter for network in networks for parameter in network.parameters())
    while True:
        terms: dict[str, float] = {}
        left: dict[int, dict[str, Tensor]] = {}
        with forked(how.device), threads(how.threads):
            for player in state.game.players:
                if player.plays(state.round) and _progress(state, how) >= player.enters:
                    terms |= take_turn(state, player, data, how, left)
        how.processes.settle(networks, STATISTICS)
        state.round += 1
        yield Round(state.round, terms)


def seed_of(*what: int | str) -> int:
    """A seed that depends on all of these and on nothing else."""
    return int.from_bytes(hashlib.blake2b(repr(what).encode(), digest_size=8).digest()) >> 1


@contextmanager
def only(state: State, player: Player[Any]) -> Iterator[None]:
    """Hold constant all that the player does not train: parameters, gradients and buffers."""
    held = state.held[player.name]
    frozen = [parameter for parameter in held.parameters if parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        # a frozen batch norm still counts, and other buffers may move, when their network is called
        with preserving(held.modules):
            yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


@contextmanager
def preserving(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put the modules' own buffers back after, tensor and values, whatever was done to them within."""
    kept = [
        (module, name, buffer, None if buffer is None else buffer.clone())
        for module in modules
        for name, buffer in module._buffers.items()  # also those that are None so far
    ]
    try:
        yield
    finally:
        for module, name, buffer, value in kept:
            if buffer is not None and value is not None:
                buffer.data.copy_(value)  # behind autograd's back: a backward pass to come does not need the old value
            setattr(module, name, buffer)


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
        DivergedError: a term or a gradient is not finite; it has touched no weight.
    """
    length = player.turn.steps(len(data), how.batch * how.accumulate)
    totals: dict[str, float] = {}
    with only(state, player):
        for number in range(length):
            for name, value in _step(state, player, data, how, number, left).items():
                totals[name] = totals.get(name, 0.0) + value / length
    return totals


def _step(
    state: State, player: Player[Any], data: Data, how: Play, number: int, left: dict[int, dict[str, Tensor]]
) -> dict[str, float]:
    optimizer, networks = state.optimizers.get(player.name), state.game.networks
    parts: list[Terms] = []
    if optimizer:
        for group in optimizer.param_groups:
            group.update(player.optimizer.settings(_progress(state, how)))
        optimizer.zero_grad(set_to_none=True)
    for part in how.processes.share(how.accumulate):
        step = _draw(state, player, data, how, number, part, left)
        with torch.autocast(how.device.type, how.precision, enabled=how.precision != torch.float32):
            terms = player.loss(networks, step)
        parts.append({name: term.detach() for name, term in terms.items()})
        if optimizer:
            (torch.stack(list(terms.values())).sum() / how.accumulate).backward()
    parts = how.processes.total(state.owned[player.name] if optimizer else [], parts, how.accumulate)
    values = _finite(state, player, parts)
    if optimizer:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    if player.after is not None:
        player.after(networks)
    state.steps[player.name] += 1
    for name in set(player.trains) & set(state.averaged):
        _average(state.pairs[name], _decay(state, player, how))
    return values


def _draw(
    state: State, player: Player[Any], data: Data, how: Play, number: int, part: int, left: dict[int, dict[str, Tensor]]
) -> Step:
    seed = seed_of(how.seed, state.round, player.name, number, part)
    seed_global(seed, how.device)
    batch = data.batch(state.steps[player.name] * how.accumulate + part, how.batch, how.seed)
    stored = {name: column.to(how.device, non_blocking=True) for name, column in batch.items()}
    return Step(
        batch=to_model(data.schema, stored),
        round=state.round,
        progress=_progress(state, how),
        rng=torch.Generator(how.device).manual_seed(seed),
        left=left.setdefault(part, {}),
    )


def _progress(state: State, how: Play) -> float:
    if how.horizon is None or state.round < how.begins:
        return 0.0
    return min(1.0, state.round / how.horizon)


def _finite(state: State, player: Player[Any], parts: list[Terms]) -> dict[str, float]:
    """The terms as numbers, after the backward pass and before the step: all are read off the device in one go.

    A finite loss may have a gradient of NaN, as sqrt(0) has: it would spoil the weights.

    Returns:
        The mean over the parts of the batch.

    Raises:
        DivergedError: a term, or an entry of the gradient, is not finite.
        UserError: there is no gradient at all.
    """
    means = [torch.stack([terms[name].float() for terms in parts]).mean() for name in parts[0]]
    steps = player.name in state.optimizers
    values = torch.stack([*means, *([_gradient(state, player)] if steps else [])]).tolist()
    names = [f"{player.name}/{name}" for name in (*parts[0], *(["gradient"] if steps else []))]
    for name, value in zip(names, values, strict=True):
        if not math.isfinite(value):
            raise DivergedError(name, value, state.round)
    return dict(zip(names[: len(means)], values, strict=False))


def _gradient(state: State, player: Player[Any]) -> Tensor:
    largest = largest_gradient(state.owned[player.name])
    if largest is None:
        raise UserError(
            f"the loss of {player.name} does not depend on {', '.join(player.trains)}",
            "a run trains copies: call the networks that the loss is given, such as net.G",
        )
    return largest


def largest_gradient(parameters: Iterable[nn.Parameter]) -> Tensor | None:
    """The largest absolute entry of these parameters' gradients, or what is not finite; None where there are none."""
    gradients = [g.coalesce().values() if g.is_sparse else g for p in parameters if (g := p.grad) is not None]
    if not gradients:
        return None
    # the largest entry: unlike the length, it does not overflow before the gradient does
    return torch.linalg.vector_norm(torch.cat([each.reshape(-1) for each in gradients]), math.inf).float()


def _decay(state: State, player: Player[Any], how: Play) -> float:
    # a long average of the first steps would remember the start for ever
    taken = state.steps[player.name]
    return min(at(state.game.decay, _progress(state, how)), taken / (taken + 9))


@torch.no_grad()
def _average(pairs: Pairs, decay: float) -> None:
    """Move an exponential moving average towards its network: parameters and batch statistics.

    All other buffers are copied. A counter, a level or the vectors of spectral norm have no meaningful mean.
    """
    moving, latest = list[Tensor](pairs.moving[0]), list[Tensor](pairs.moving[1])
    for into, module in pairs.modules:
        statistics = STATISTICS if isinstance(module, _NormBase) else ()
        for name, buffer in module._buffers.items():
            mean = into._buffers[name]
            if name in statistics and buffer is not None and mean is not None:
                moving.append(mean)
                latest.append(buffer)
            else:
                put_buffer(into, name, buffer)
    for a, b in pairs.copied:
        a.copy_(b)
    if moving:
        torch._foreach_lerp_(moving, latest, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]


@torch.no_grad()
def put_buffer(module: nn.Module, name: str, value: Tensor | None) -> None:
    """Give a buffer that value: in place where it fits; a buffer may also be none, or change its shape."""
    live = module._buffers[name]
    if live is not None and value is not None and live.shape == value.shape:
        live.copy_(value)
    else:
        module._buffers[name] = None if value is None else value.detach().clone()


def to_training(game: Game[Any]) -> None:
    """Put the networks that players train into train mode.

    A frozen helper keeps its mode: a network that no player trains, and a part in eval mode whose parameters are all
    frozen (`helper.eval().requires_grad_(False)`).
    """
    for name in {name for player in game.players for name in player.trains}:
        network = game.modules()[name]
        kept = {inner: inner.training for part in network.modules() if _at_rest(part) for inner in part.modules()}
        network.train()
        for module, mode in kept.items():
            module.training = mode


def _at_rest(module: nn.Module) -> bool:
    parameters = list(module.parameters())
    # dropout has no parameters: by itself it says nothing about what its network is for
    return not module.training and bool(parameters) and not any(p.requires_grad for p in parameters)


@contextmanager
def evaluating(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Eval mode and no gradient within; every module's mode is put back after."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    for module, _ in modes:
        module.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
