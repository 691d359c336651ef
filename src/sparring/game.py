"""The rules of play: whose turn it is, what that player may change, and what it minimises.

A `Game` is data. It holds the networks, the players in the order of their turns, and how to draw samples; `loop.play`
plays any game without knowing which.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from sparring.objectives import Terms

Batch = dict[str, Tensor]
Networks = Any
"""A NamedTuple whose fields are `nn.Module`s: `net.G`, `net.D`; every recipe defines its own."""


@dataclass(frozen=True)
class Turn:
    """All that a player may look at in one step of its turn.

    Args:
        batch: `{"x": (B, ...) reals, "y": (B,) labels where there are any}`, in the networks' own range.
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
class Turns:
    """How long a player's turn is before the next player's begins."""

    length: int
    unit: Literal["steps", "epochs"]

    def steps(self, examples: int, batch: int) -> int:
        """How many optimizer steps that is for a data set of `examples`, `batch` of them a step."""
        return self.length if self.unit == "steps" else self.length * math.ceil(examples / batch)


def steps(length: int) -> Turns:
    """A turn of so many optimizer steps."""
    return Turns(length, "steps")


def epochs(length: int) -> Turns:
    """A turn of so many passes over the data."""
    return Turns(length, "epochs")


ONE_STEP = steps(1)

Plays = Callable[[int], bool]


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
        lr: learning rate.
        kind: "adam", "rmsprop" or "sgd".
        betas: Adam's (β1, β2); for RMSProp the second is its smoothing constant α; SGD uses neither.
        eps: the denominator's floor, for Adam and RMSProp.
        decay_from: the part of the run (0 to 1) after which the rate falls linearly, to 0 at the end; 1 is never.
    """

    lr: float
    kind: Literal["adam", "rmsprop", "sgd"] = "adam"
    betas: tuple[float, float] = (0.5, 0.999)
    eps: float = 1e-8
    decay_from: float = 1.0

    def build(self, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """The torch optimizer over these parameters."""
        if self.kind == "rmsprop":
            return torch.optim.RMSprop(parameters, lr=self.lr, alpha=self.betas[1], eps=self.eps, foreach=True)
        if self.kind == "sgd":
            return torch.optim.SGD(parameters, lr=self.lr)
        fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
        return torch.optim.Adam(parameters, lr=self.lr, betas=self.betas, eps=self.eps, fused=fused or None)

    def rate(self, progress: float) -> float:
        """The learning rate at this part of the run.

        Examples:
            >>> falling = OptimizerConfig(1.0, decay_from=0.5)
            >>> [falling.rate(progress) for progress in (0.0, 0.5, 0.75, 1.0)]
            [1.0, 1.0, 0.5, 0.0]
        """
        if progress <= self.decay_from:
            return self.lr
        return self.lr * (1 - progress) / (1 - self.decay_from)


@dataclass(frozen=True)
class Player:
    """One side of the game.

    Args:
        name: "discriminator", "generator", "critic", ...; the log's terms are `name/term`.
        trains: the fields of the networks whose parameters and buffers this player's turn changes. Everything else
            is held constant: no other parameter, gradient or buffer moves.
        loss: (networks, turn) -> named scalars; their sum is minimised, each one is logged.
        optimizer: how.
        turns: `steps(n)` or `epochs(n)` in a row before the next player's turn.
        plays: in which rounds; `every(16)`, `from_round(1000)`.
        after: called with the networks after each optimizer step, for constraints on weights.
    """

    name: str
    trains: tuple[str, ...]
    loss: Callable[[Networks, Turn], Terms]
    optimizer: OptimizerConfig
    turns: Turns = ONE_STEP
    plays: Plays = always
    after: Callable[[Networks], None] | None = None


@dataclass(frozen=True)
class Latent:
    """The noise that a generator turns into data.

    Args:
        dim: its dimension.
        kind: "normal" (mean 0, variance 1) or "uniform" (from -1 to 1).
    """

    dim: int
    kind: Literal["normal", "uniform"] = "normal"

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


Noise = Callable[[int, torch.Generator, float | None], Tensor]


@dataclass(frozen=True)
class Game:
    """Everything about a GAN that is its own.

    Args:
        networks: a NamedTuple of modules; all of it is saved.
        players: in the order of their turns; a round is one turn of each.
        noise: (n, rng, truncation) -> the latent codes of n samples, `(n, ...)`.
        sample: (networks, noise, conditions) -> `(n, ...)` data in the networks' range. It is given the averaged
            networks in eval mode; `conditions` are the entries of a real batch that `conditions` names.
        critic: (networks, batch) -> `(B,)`, a score of realness an example, for those who watch the game.
        average: the networks of which an exponential moving average of weights and buffers is kept for sampling.
        decay: of that average, per optimizer step; it is shorter in the first steps.
        conditions: the keys of a real batch that `sample` needs, as in image-to-image translation.
    """

    networks: Networks
    players: tuple[Player, ...]
    noise: Noise
    sample: Callable[[Networks, Tensor, Batch], Tensor]
    critic: Callable[[Networks, Batch], Tensor]
    average: tuple[str, ...] = ("G",)
    decay: float = 0.999
    conditions: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse a game that cannot be played.

        Raises:
            ValueError: a player trains, or the average names, a network that is not there; two players share a name.
        """
        fields = self.networks._asdict()
        for owner, names in [(p.name, p.trains) for p in self.players] + [("average", self.average)]:
            missing = [name for name in names if name not in fields]
            if missing:
                raise ValueError(f"{owner} names {missing[0]!r}, but the networks are {', '.join(fields)}")
        if len({player.name for player in self.players}) < len(self.players):
            raise ValueError("two players have the same name")
