"""The rules of play: whose turn it is, what that player may change, and what it minimises.

A `Game` is data. It holds the networks, the players in the order of their turns, and how to draw samples; `loop.play`
plays any game without knowing which.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast

import torch
from torch import Tensor, nn

from sparring.objectives import Terms
from sparring.schedules import Schedule, at

Batch = dict[str, Tensor]
N = TypeVar("N", bound=tuple[nn.Module, ...])
"""A NamedTuple of modules: `net.G`, `net.D`; every recipe defines its own."""


@dataclass(frozen=True)
class Step:
    """All that a player may look at in one step of its turn.

    Args:
        batch: reals by column, `{"x": (B, ...), "y": (B,) labels}`, in the networks' own range.
        round: how many rounds were completed before this one.
        progress: 0 to 1 over the planned run, for fades and annealing.
        rng: all noise comes from here; it is seeded by (seed, round, player, step), which makes a resumed run exact.
        left: tensors that earlier players left this round, detached; a player may leave its own. Of a turn of several
            steps, the last step's stay.
    """

    batch: Batch
    round: int
    progress: float
    rng: torch.Generator
    left: dict[str, Tensor]


@dataclass(frozen=True)
class Turn:
    """How long a player's turn is before the next player's begins."""

    length: int
    unit: Literal["steps", "epochs"]

    def steps(self, examples: int, batch: int) -> int:
        """How many optimizer steps that is for a data set of `examples`, `batch` of them a step."""
        return self.length if self.unit == "steps" else self.length * math.ceil(examples / batch)


def steps(length: int) -> Turn:
    """A turn of so many optimizer steps."""
    return Turn(length, "steps")


def epochs(length: int) -> Turn:
    """A turn of so many passes over the data."""
    return Turn(length, "epochs")


ONE_STEP = steps(1)

Plays = Callable[[int], bool]
FORESEEN = 1_000_000
"""Rounds that are looked through for a player's turns; beyond them it is taken to play as often as within."""


def always(round: int) -> bool:
    """The player plays in every round."""
    return True


def every(period: int) -> Plays:
    """The player plays in rounds 0, period, 2·period, ...

    Examples:
        >>> [round for round in range(9) if every(4)(round)]
        [0, 4, 8]
    """
    return lambda round: round % period == 0


def from_round(first: int) -> Plays:
    """The player sits out the rounds before `first`.

    Examples:
        >>> [round for round in range(4) if from_round(2)(round)]
        [2, 3]
    """
    return lambda round: round >= first


@dataclass(frozen=True)
class OptimizerConfig:
    """How a player's parameters are moved.

    Args:
        lr: learning rate, constant or a schedule.
        kind: "adam", "rmsprop" or "sgd".
        betas: Adam's (β1, β2); for RMSProp the second is its smoothing constant α; SGD uses neither. The second may be
            a schedule.
        eps: the denominator's floor, for Adam and RMSProp.
        decay_from: the part of the run (0 to 1) after which the rate falls linearly, to 0 at the end; 1 is never.
    """

    lr: float | Schedule
    kind: Literal["adam", "rmsprop", "sgd"] = "adam"
    betas: tuple[float, float | Schedule] = (0.5, 0.999)
    eps: float = 1e-8
    decay_from: float = 1.0

    def build(self, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """The torch optimizer over these parameters."""
        first = self.settings(0.0)
        if self.kind == "rmsprop":
            return torch.optim.RMSprop(parameters, eps=self.eps, foreach=True, **first)
        if self.kind == "sgd":
            return torch.optim.SGD(parameters, **first)
        fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
        return torch.optim.Adam(parameters, eps=self.eps, fused=fused or None, **first)

    def settings(self, progress: float) -> dict[str, Any]:
        """What the torch optimizer is told at this part of the run, by its own names."""
        beta2 = at(self.betas[1], progress)
        own = {"adam": {"betas": (self.betas[0], beta2)}, "rmsprop": {"alpha": beta2}, "sgd": {}}
        return {"lr": self.rate(progress)} | own[self.kind]

    def rate(self, progress: float) -> float:
        """The learning rate at this part of the run.

        Examples:
            >>> falling = OptimizerConfig(1.0, decay_from=0.5)
            >>> [falling.rate(progress) for progress in (0.0, 0.5, 0.75, 1.0)]
            [1.0, 1.0, 0.5, 0.0]
        """
        lr = at(self.lr, progress)
        if progress <= self.decay_from:
            return lr
        return lr * (1 - progress) / (1 - self.decay_from)

    @property
    def highest(self) -> float:
        """The learning rate where it is highest."""
        return max(at(self.lr, 0.0), at(self.lr, 1.0))


@dataclass(frozen=True)
class Player(Generic[N]):
    """One side of the game.

    Args:
        name: "discriminator", "generator", "critic", ...; the log's terms are `name/term`.
        trains: the fields of the networks whose parameters and buffers this player's turn changes. Everything else
            is held constant: no other parameter, gradient or buffer moves.
        loss: (networks, step) -> named scalars; their sum is minimised, each one is logged.
        optimizer: how.
        turns: `steps(n)` or `epochs(n)` in a row before the next player's turn.
        plays: in which rounds; `every(16)`, `from_round(1000)`.
        enters: the part of the run, 0 to 1, from which on it plays; until then its turns cost nothing. It is no maker.
        after: called with the networks after each optimizer step, for constraints on weights.
    """

    name: str
    trains: tuple[str, ...]
    loss: Callable[[N, Step], Terms]
    optimizer: OptimizerConfig
    turn: Turn = ONE_STEP
    plays: Plays = always
    enters: float = 0.0
    after: Callable[[N], None] | None = None

    def rounds(self, turns: int) -> int:
        """How many rounds are played until this player has had so many turns.

        Examples:
            >>> lazy = Player("critic", ("D",), lambda net, step: {}, OptimizerConfig(1e-3), plays=every(4))
            >>> [lazy.rounds(turns) for turns in (1, 2, 3)]
            [1, 5, 9]
        """
        if self.plays is always:
            return turns
        taken = 0
        for round in range(FORESEEN):
            taken += self.plays(round)
            if taken == turns:
                return round + 1
        return math.ceil(FORESEEN * turns / max(1, taken))


@dataclass(frozen=True)
class Part:
    """Some of the numbers that a generator is given, next to one another and of one distribution.

    Args:
        name: "z" for noise without a meaning; a code has its own name.
        dim: how many numbers.
        kind: "normal" (mean 0, variance 1), "uniform" (from -1 to 1), or "category": one is 1, the others are 0.
    """

    name: str
    dim: int
    kind: Literal["normal", "uniform", "category"]


@dataclass(frozen=True)
class Latent:
    """The noise that a generator turns into data.

    Args:
        dim: its dimension.
        kind: "normal" (mean 0, variance 1) or "uniform" (from -1 to 1).
    """

    dim: int
    kind: Literal["normal", "uniform"] = "normal"

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of it is one part, "z"."""
        return (Part("z", self.dim, self.kind),)

    def __call__(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """Draw noise.

        Args:
            n: how many.
            rng: where from; its device is the noise's.
            truncation: for normal noise, values further out than this are drawn anew (the truncation trick, Brock et
                al. 2018, arXiv 1809.11096, section 3.1); uniform noise is drawn from ± this. Less variety, more
                typical samples.

        Returns:
            `(n, dim)`, float32.

        Examples:
            >>> z = Latent(16)(8, torch.Generator().manual_seed(0), truncation=0.5)
            >>> z.shape, bool(z.abs().max() <= 0.5)
            (torch.Size([8, 16]), True)
        """
        shape, device = (n, self.dim), rng.device
        if self.kind == "uniform":
            return (torch.rand(shape, generator=rng, device=device) * 2 - 1) * (1 if truncation is None else truncation)
        if truncation is None:
            return torch.randn(shape, generator=rng, device=device)
        # the inverse of the normal distribution function on the share of it that is kept
        normal = torch.distributions.Normal(torch.zeros((), device=device), torch.ones((), device=device))
        low, high = normal.cdf(torch.tensor([-truncation, truncation], device=device))
        share = torch.rand(shape, generator=rng, device=device)
        return normal.icdf(low + share * (high - low)).clamp(-truncation, truncation)


@dataclass(frozen=True)
class Styles(Generic[N]):
    """A second form of a game's noise: what a mapping network makes of it, one style for each layer of the generator.

    Args:
        of: (networks, noise `(n, ...)`) -> styles, `(n, layers, dim)`.
        mean: networks -> `(dim,)`, the mean style.
    """

    of: Callable[[N, Tensor], Tensor]
    mean: Callable[[N], Tensor]


GENERATOR = ("generator",)
"""The players that make samples, unless a game says otherwise."""

Noise = Callable[[int, torch.Generator, float | None], Tensor]
"""It may say what its numbers are, by an attribute `parts`, a tuple of `Part`."""


def parts_of(noise: Noise) -> tuple[Part, ...]:
    """What the numbers of a noise are; one uniform part where it does not say.

    Examples:
        >>> parts_of(Latent(64))
        (Part(name='z', dim=64, kind='normal'),)
    """
    said = getattr(noise, "parts", None)
    return said or (Part("z", math.prod(noise(1, torch.Generator(), None).shape[1:]), "uniform"),)


@dataclass(frozen=True)
class Game(Generic[N]):
    """Everything about a GAN that is its own.

    Args:
        networks: a NamedTuple of modules; all of it is saved. Modules keep their tensors in parameters and buffers.
            `sparring.train` trains a copy of them, so that a game can be played again: losses and all other functions
            reach the networks by their argument only.
        players: in the order of their turns; a round is one turn of each.
        noise: (n, rng, truncation) -> the latent codes of n samples, `(n, ...)`.
        sample: (networks, noise, given) -> `(n, ...)` data in the networks' range. It is given the averaged networks
            in eval mode; `given` has the columns that `given` names. It calls no network but those that the makers
            train.
        critic: (networks, batch) -> `(B,)`, a score of realness an example, for those who watch the game.
        makes: the column that samples are of.
        given: the columns of an example that sampling needs: ("y",) for labels, ("a",) for a translation.
        makers: the players that train what makes samples; where none of them plays, nothing that is trained does.
        average: the networks of which an exponential moving average of weights is kept for sampling.
        decay: of that average, per optimizer step, constant or a schedule; it is shorter in the first steps.
        encode: where the game has an encoder: (networks, examples in the networks' range) -> their codes, in the form
            that `sample` takes as noise, so that `sample(net, encode(net, x), given)` makes the examples again. Like
            `sample`, it calls no network but those that the makers train.
        styles: where the game has them, `sample` takes styles `(n, layers, dim)` in place of noise too, and truncation
            brings styles towards their mean and leaves the noise as it is.
        paces: the parts of the run, 0 to 1, from which on a round takes longer or shorter than before; the first is 0.
            The length of a run in minutes is foreseen by them.
        reverse: where a translation has a way back: (networks, noise, given) -> examples of the column that the game is
            given, in the networks' range; here `given` has the column that the game makes, and whatever else it is
            given: cyclegan's F(b), where it makes b by G(a). Like `sample`, it calls no network but those that the
            makers train.
    """

    networks: N
    players: tuple[Player[N], ...]
    noise: Noise
    sample: Callable[[N, Tensor, Batch], Tensor]
    critic: Callable[[N, Batch], Tensor]
    makes: str = "x"
    given: tuple[str, ...] = ()
    makers: tuple[str, ...] = GENERATOR
    average: tuple[str, ...] = ("G",)
    decay: float | Schedule = 0.999
    encode: Callable[[N, Tensor], Tensor] | None = None
    styles: Styles[N] | None = None
    paces: tuple[float, ...] = (0.0,)
    reverse: Callable[[N, Tensor, Batch], Tensor] | None = None

    def __post_init__(self) -> None:
        """Refuse a game that cannot be played.

        Raises:
            ValueError: a player trains, or the average names, a network that is not there; a maker is no player; two
                players share a name.
        """
        fields = self.modules()
        for owner, names in [(p.name, p.trains) for p in self.players] + [("average", self.average)]:
            missing = [name for name in names if name not in fields]
            if missing:
                raise ValueError(f"{owner} names {missing[0]!r}, but the networks are {', '.join(fields)}")
        named = [player.name for player in self.players]
        if len(set(named)) < len(named):
            raise ValueError("two players have the same name")
        strangers = [name for name in self.makers if name not in named]
        if strangers and self.makers != GENERATOR:
            raise ValueError(f"makers names {strangers[0]!r}, but the players are {', '.join(named)}")

    def modules(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return cast(Any, self.networks)._asdict()

    def with_networks(self, networks: dict[str, nn.Module]) -> N:
        """The networks, with some of them replaced."""
        return cast(Any, self.networks)._replace(**networks)

    def sampling(self) -> tuple[str, ...]:
        """The networks that make samples: those that the makers train, or all of them where no maker plays."""
        trained = [name for player in self.players if player.name in self.makers for name in player.trains]
        return tuple(dict.fromkeys(trained)) or tuple(self.modules())
