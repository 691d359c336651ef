"""Games by another hand: whoever wrote them had read neither the doctor's rules nor the other settings.

Most diseases are built into a player here, so that they are what they are called whatever else happens. The budgets are
what a minute allows for.
"""

import math
from functools import partial

import numpy as np
import torch
from torch import nn

import sparring
import sparring.data
from benchmarks.doctor.settings import Setting, Shifted, confined, linear, moons, opened
from sparring.data import Dataset
from sparring.game import Game, OptimizerConfig
from sparring.kinds import to_model
from sparring.networks import MLPDiscriminator, MLPGenerator, StridedDiscriminator


def adam(lr: float, beta1: float = 0.0, beta2: float = 0.99) -> OptimizerConfig:
    """The default's betas, or others."""
    return OptimizerConfig(lr, betas=(beta1, beta2))


class Elsewhere(MLPGenerator):
    """Begins eight standard deviations away from the data."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`(B, latent)` -> `(B, 2)`."""
        return super().forward(z) + 8


def far_away(seed: int) -> Game:
    """A D that is sure of samples far away, and plain steps on the minimax loss, which then lets nothing through."""
    torch.manual_seed(seed)
    G, D = Elsewhere(8, (2,), 128), MLPDiscriminator((2,), 128)
    rates = (OptimizerConfig(1e-2, "sgd"), adam(1e-3, 0.5, 0.999))
    return sparring.duel(G, D, "minimax", latent=8, optimizer=rates, turn=5)


class Wedge(MLPGenerator):
    """Two neighbouring modes of the ring are all that it can reach."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`(B, latent)` -> `(B, 2)`."""
        step, length = super().forward(z).unbind(1)
        angle = (math.pi / 4 + 0.5) * torch.sigmoid(step) - 0.25
        radius = math.sqrt(2) * nn.functional.softplus(length + 0.5)
        return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


class Deaf(MLPGenerator):
    """Does not listen to its noise: one picture for all."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`(B, latent)` -> `(B, 1, 28, 28)`."""
        return super().forward(torch.ones_like(z))


def deaf(seed: int) -> Game:
    """The default's loss, for a G of one picture."""
    torch.manual_seed(seed)
    return sparring.duel(
        Deaf(64, (1, 28, 28), 128), StridedDiscriminator((1, 28, 28), 8), "hinge", optimizer=adam(1e-3)
    )


def slow_orbit(seed: int) -> Game:
    """A linear critic and a mean, in plain steps of equal rates: 630 rounds an orbit, and no end."""
    torch.manual_seed(seed)
    critic = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(critic.weight)
    slow = OptimizerConfig(0.01, "sgd")
    return sparring.duel(Shifted(1.0, 3.0), critic, "wasserstein", latent=2, optimizer=slow, ema=0.0)


def normal(dimensions: int, count: int, limit: int | None = None) -> Dataset:
    """Points of the standard normal distribution."""
    points = np.random.default_rng(6).standard_normal((count, dimensions)).astype(np.float32)
    data = sparring.data.open(points, limit=limit)
    assert isinstance(data, Dataset)
    return data


def few_of_many_dimensions() -> Dataset:
    """80 points in 64 dimensions."""
    return normal(64, 4000, limit=80)


def many_points() -> Dataset:
    """The standard normal distribution in the plane."""
    return normal(2, 20_000)


class Truth(nn.Module):
    """The data's own distribution, of which only scale and place are learned."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.place = nn.Parameter(torch.ones(64)), nn.Parameter(torch.zeros(64))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`(B, 64)` -> `(B, 64)`."""
        return z * self.scale + self.place


def true_beginning(seed: int) -> Game:
    """What D tells apart here it knows by heart."""
    torch.manual_seed(seed)
    rates = (adam(1e-5), adam(1e-3, 0.5, 0.999))
    return sparring.duel(Truth(), MLPDiscriminator((64,), 256), latent=64, optimizer=rates)


class Archive(nn.Module):
    """Hands out training examples, as bright as it has learned to.

    Args:
        pictures: `(N, C, H, W)`, -1 to 1.
    """

    def __init__(self, pictures: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("pictures", pictures)
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`(B, latent)` -> `(B, C, H, W)`."""
        quantile = torch.special.ndtr(z[:, 0])
        which = (quantile * len(self.pictures)).long().clamp(max=len(self.pictures) - 1)
        return (self.pictures[which] * self.gain).clamp(-1, 1)


def archive(seed: int) -> Game:
    """A generator that is the training set."""
    torch.manual_seed(seed)
    data = opened("digits")
    stored = to_model(data.schema, data.batch(0, len(data), 0))["x"]
    D = StridedDiscriminator((1, 28, 28), 8)
    return sparring.duel(Archive(stored), D, "hinge", optimizer=(adam(1e-5), adam(2e-3)))


_SURE = {"saturating": True, "n_critic": 10, "lr_d": 1e-3, "dropout": 0.0}
_UNBOUND = {"lr": 1.0, "clip": 1e9, "optimizer": "adam"}
_ASLEEP = {"lr": 1e-12, "lr_d": 1e-3, "penalty": 0.1, "n_critic": 2}
_DRAGAN = {"batch": 128, "lr": 2e-3, "penalty": 0.1, "decay_from": 0}

OTHERS = (
    Setting("junk-feedback-digits", "junk-feedback", "digits", 500, options={"lr_d": 1e-9}),
    Setting("vanishing-gradients-digits", "vanishing-gradients", "digits", 400, "gan", _SURE),
    Setting("vanishing-gradients-far", "vanishing-gradients", "gaussian", 3000, game=far_away),
    Setting("mode-collapse-wedge", "mode-collapse", "ring", 3000, game=partial(confined, kind=Wedge)),
    Setting("mode-collapse-deaf", "mode-collapse", "digits", 1000, game=deaf),
    Setting("oscillating-orbit", "oscillating", many_points, 10_000, game=slow_orbit),
    Setting("discriminator-overfitting-normal", "discriminator-overfitting", few_of_many_dimensions, 4000,
            game=true_beginning),
    Setting("memorising-archive", "memorising", "digits", 1000, game=archive),
    Setting("diverged-ring", "diverged", "ring", 1500, "wgan", _UNBOUND),
    Setting("stalled-ring", "stalled", "ring", 3000, "wgan-gp", _ASLEEP),
    Setting("well-r3gan-ring", "", "ring", 6000, "r3gan", {"lr": 1e-3, "gamma": 0.1}),
    Setting("well-default-grid", "", "grid", 6000),
    Setting("well-dragan-ring", "", "ring", 5000, "dragan", _DRAGAN),
    Setting("well-gan-gaussian", "", "gaussian", 6000, game=linear),
    Setting("well-default-digits", "", "digits", 800),
    Setting("well-default-moons", "", moons, 6000),
)  # fmt: skip
"""What another hand called sick and well."""
