"""Games that are well and games that are sick, each with the disease that it was given.

Thresholds were chosen while looking at `TUNING`; `FINAL` has other options, other recipes and other data.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

import sparring
import sparring.data
from sparring import workflows
from sparring.data import Dataset
from sparring.game import Game, OptimizerConfig
from sparring.loop import play
from sparring.networks import MLPDiscriminator


@dataclass(frozen=True)
class Setting:
    """One game.

    Args:
        name: `disease-data`, or `well-recipe-data`.
        disease: what it was given; empty when it is well.
        source: a built-in data set, or what makes one.
        rounds: its budget.
        recipe: of the game.
        options: of the recipe.
        game: a seed -> a game of its own, instead of a recipe.
    """

    name: str
    disease: str
    source: str | Callable[[], Dataset]
    rounds: int
    recipe: str = "default"
    options: dict[str, Any] = field(default_factory=dict)
    game: Callable[[int], Game] | None = None

    def plan(self, seed: int, out: str) -> workflows.Plan:
        """Decide on it."""
        source = self.source if isinstance(self.source, str) else self.source()
        arguments: dict[str, Any] = {"rounds": self.rounds, "seed": seed, "out": out, "checkpoint_every": "1000s"}
        arguments["sample_every"] = "1000s"
        if self.game:
            return workflows.plan(source, game=self.game(seed), **arguments)
        return workflows.plan(source, recipe=self.recipe, options=self.options, **arguments)


def few_digits(count: int, seed: int = 0) -> Dataset:
    """So many digits, without labels."""
    digits = sparring.data.open("digits")
    chosen = np.random.default_rng(seed).permutation(len(digits.train))[:count]
    return sparring.data.open(np.moveaxis(np.asarray(digits.train[chosen]), 1, 3))


def mixture(modes: int, sigma: float, seed: int = 0) -> Dataset:
    """Gaussians at random places, of unequal weight: nothing that is built in."""
    rng = np.random.default_rng(seed)
    centers, weights = rng.uniform(-3, 3, (modes, 2)), rng.uniform(0.5, 1.5, modes)
    which = rng.choice(modes, 20_000, p=weights / weights.sum())
    return sparring.data.open((centers[which] + sigma * rng.standard_normal((20_000, 2))).astype(np.float32))


def half_trained(source: str, rounds: int, seed: int, *, constant: bool = False) -> Game:
    """G stopped half way, and a D that says nothing: new weights that never learn, or the same answer to everything."""
    plan = workflows.plan(source, rounds=rounds, seed=seed, out="never-written")
    for played in play(plan.state, plan.data, plan.how):
        if played.number == rounds:
            break
    torch.manual_seed(seed)
    D = MLPDiscriminator(plan.data.spec.shape, 64)
    if constant:
        nn.init.zeros_(D.head.weight)
    return sparring.duel(plan.state.sampled.G, D, latent=plan.state.game.noise, optimizer=OptimizerConfig(0.0))


class Replay(nn.Module):
    """Hands training examples back, with a little noise that is learned away.

    Args:
        examples: `(N, ...)`, in the range of the networks.
    """

    def __init__(self, examples: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("examples", examples)
        self.brightness = nn.Parameter(torch.zeros(1))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`(B, latent)` -> `(B, ...)`."""
        which = (z[:, 0] * 1e4).long().abs() % len(self.examples)
        return self.examples[which] + 0.01 * self.brightness


def replay(seed: int) -> Game:
    """A generator of which nothing is its own."""
    torch.manual_seed(seed)
    examples = sparring.data.open("digits").batch(0, 2000, seed)["x"]
    return sparring.duel(Replay(examples), MLPDiscriminator((1, 28, 28), 64), optimizer=OptimizerConfig(1e-4))


TUNING = (
    Setting("well-default-ring", "", "ring", 4000),
    Setting("well-default-grid", "", "grid", 4000),
    Setting("well-default-gaussian", "", "gaussian", 2500),
    Setting("well-wgan-gp-ring", "", "ring", 2500, "wgan-gp", {"batch": 128, "lr": 2e-3, "penalty": 0.1, "n_critic": 2, "decay_from": 0.0}),
    Setting("well-gan-ring", "", "ring", 2500, "gan", {"lr": 1e-3}),
    Setting("well-default-digits", "", "digits", 700),
    Setting("well-gan-digits", "", "digits", 2000, "gan"),
    Setting("well-dcgan-digits", "", "digits", 500, "dcgan", {"lr": 1e-3, "batch": 32}),
    Setting("vanishing-ring", "vanishing-gradients", "ring", 1200, "gan", {"saturating": True, "lr": 2e-4, "lr_d": 5e-3, "n_critic": 5}),
    Setting("vanishing-digits", "vanishing-gradients", "digits", 400, "gan", {"saturating": True, "lr_d": 1e-3, "n_critic": 5, "dropout": 0.0}),
    Setting("collapse-ring", "mode-collapse", "ring", 2000, "gan", {"lr": 5e-3, "lr_d": 2e-4}),
    Setting("collapse-digits", "mode-collapse", "digits", 1200, "gan", {"lr": 2e-3, "lr_d": 2e-5}),
    Setting("junk-ring", "junk-feedback", "ring", 1000, "gan", {"lr_d": 1e-12}),
    Setting("junk-digits", "junk-feedback", "digits", 250, "default", {"lr_d": 1e-12}),
    Setting("junk-frozen-ring", "junk-feedback", "ring", 600, game=partial(half_trained, "ring", 400, constant=True)),
    Setting("oscillating-ring", "oscillating", "ring", 2000, "gan", {"lr": 3e-3, "beta1": 0.9, "saturating": True}),
    Setting("overfitting-digits", "discriminator-overfitting", partial(few_digits, 200), 900),
    Setting("memorising-digits", "memorising", partial(few_digits, 40), 1500),
    Setting("diverged-ring", "diverged", "ring", 1200, "wgan", {"clip": 1e6, "lr": 1e-2}),
    Setting("diverged-digits", "diverged", "digits", 250, "default", {"lr": 1.0}),
    Setting("stalled-ring", "stalled", "ring", 1000, "default", {"lr": 1e-8}),
    Setting("stalled-digits", "stalled", "digits", 200, "default", {"lr": 1e-8}),
)  # fmt: skip
"""What the thresholds were chosen on."""

FINAL = (
    Setting("well-r3gan-ring", "", "ring", 4000, "r3gan", {"lr": 1e-3, "gamma": 0.1, "width": 64}),
    Setting("well-r3gan-mixture", "", partial(mixture, 12, 0.1), 3000, "r3gan", {"lr": 1e-3, "gamma": 0.05}),
    Setting("well-wgan-gp-grid", "", "grid", 2500, "wgan-gp", {"batch": 128, "lr": 2e-3, "penalty": 0.1, "n_critic": 2, "decay_from": 0.0}),
    Setting("well-dragan-ring", "", "ring", 2500, "dragan", {"batch": 128, "lr": 2e-3, "penalty": 0.1, "decay_from": 0.0}),
    Setting("well-gan-gaussian", "", "gaussian", 2500, "gan", {"lr": 5e-4}),
    Setting("well-sngan-digits", "", "digits", 500, "sngan", {"lr": 5e-4}),
    Setting("well-lsgan-digits", "", "digits", 600, "lsgan", {"batch": 32}),
    Setting("well-default-digits-wide", "", "digits", 500, "default", {"width": 12, "lr": 1e-3, "batch": 48}),
    Setting("well-ragan-digits", "", "digits", 500, "ragan", {"lr": 5e-4}),
    Setting("vanishing-grid", "vanishing-gradients", "grid", 1200, "gan", {"saturating": True, "lr": 1e-4, "lr_d": 2e-3, "n_critic": 4}),
    Setting("vanishing-digits-conv", "vanishing-gradients", "digits", 150, "gan", {"network": "dcgan", "saturating": True, "n_critic": 4, "lr": 1e-4, "lr_d": 1e-3}),
    Setting("collapse-grid", "mode-collapse", "grid", 2000, "gan", {"lr": 1e-2, "lr_d": 5e-4}),
    Setting("collapse-digits-lsgan", "mode-collapse", "digits", 1200, "lsgan", {"network": "mlp", "lr": 5e-3, "lr_d": 5e-5}),
    Setting("junk-grid", "junk-feedback", "grid", 1000, "lsgan", {"lr_d": 1e-10}),
    Setting("junk-digits-dcgan", "junk-feedback", "digits", 200, "dcgan", {"lr_d": 1e-9}),
    Setting("junk-frozen-grid", "junk-feedback", "grid", 600, game=partial(half_trained, "grid", 600, constant=True)),
    Setting("oscillating-grid", "oscillating", "grid", 2000, "gan", {"lr": 5e-3, "beta1": 0.9, "saturating": True}),
    Setting("overfitting-digits-sngan", "discriminator-overfitting", partial(few_digits, 150, 1), 600, "sngan", {"lr": 5e-4}),
    Setting("memorising-digits-gan", "memorising", partial(few_digits, 50, 1), 2500, "gan", {"lr": 5e-4, "dropout": 0.0}),
    Setting("memorising-replay", "memorising", "digits", 400, game=replay),
    Setting("diverged-grid", "diverged", "grid", 1200, "wgan", {"clip": 1e3, "lr": 2e-2}),
    Setting("diverged-digits-dcgan", "diverged", "digits", 150, "dcgan", {"lr": 0.5}),
    Setting("stalled-grid", "stalled", "grid", 1000, "lsgan", {"lr": 1e-7}),
    Setting("stalled-digits-gan", "stalled", "digits", 500, "gan", {"lr": 1e-8}),
)  # fmt: skip
"""What counts."""

SETS = {"tuning": TUNING, "final": FINAL}
