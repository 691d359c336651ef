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
from sparring.networks import MLPDiscriminator, MLPGenerator

Source = str | Callable[[], Dataset]


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
    source: Source
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


def few_digits(count: int) -> Dataset:
    """So many digits to learn from."""
    digits = sparring.data.open("digits", limit=count)
    assert isinstance(digits, Dataset)
    return digits


def mixture(modes: int, sigma: float, seed: int = 0) -> Dataset:
    """Gaussians at random places, of unequal weight: nothing that is built in."""
    rng = np.random.default_rng(seed)
    centers, weights = rng.uniform(-3, 3, (modes, 2)), rng.uniform(0.5, 1.5, modes)
    which = rng.choice(modes, 20_000, p=weights / weights.sum())
    return sparring.data.open((centers[which] + sigma * rng.standard_normal((20_000, 2))).astype(np.float32))


def half_trained(source: str, rounds: int, seed: int) -> Game:
    """G stopped half way, and a D that gives everything the same answer."""
    plan = workflows.plan(source, rounds=rounds, seed=seed, out="never-written")
    for played in play(plan.state, plan.data, plan.how):
        if played.number == rounds:
            break
    torch.manual_seed(seed)
    D = MLPDiscriminator(plan.data.spec.shape, 64)
    nn.init.zeros_(D.head.weight)
    return sparring.duel(plan.state.sampled.G, D, latent=plan.state.game.noise, optimizer=OptimizerConfig(0.0))


class Replay(nn.Module):
    """Hands training examples back; all that it can learn is how bright they are.

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


def linear(seed: int) -> Game:
    """A linear G, which is all that a Gaussian needs."""
    torch.manual_seed(seed)
    G, D = MLPGenerator(2, (2,), depth=0), MLPDiscriminator((2,), width=32, depth=2)
    return sparring.duel(G, D, latent=2, optimizer=OptimizerConfig(2e-3))


def _well(name: str, source: Source, rounds: int, recipe: str = "default", **options: Any) -> Setting:
    return Setting(f"well-{name}", "", source, rounds, recipe, options)


def _sick(disease: str, name: str, source: Source, rounds: int, recipe: str = "default", **options: Any) -> Setting:
    return Setting(f"{disease}-{name}", disease, source, rounds, recipe, options)


def _junk(source: str, rounds: int) -> Setting:
    game = partial(half_trained, source, rounds)
    return Setting(f"junk-feedback-frozen-{source}", "junk-feedback", source, 600, game=game)


# the settings of the bars of wgan-gp and dragan on points
POINTS = {"batch": 128, "lr": 2e-3, "penalty": 0.1, "decay_from": 0.0}

TUNING = (
    _well("default-ring", "ring", 4000),
    _well("default-grid", "grid", 4000),
    _well("default-gaussian", "gaussian", 2500),
    _well("wgan-gp-ring", "ring", 2500, "wgan-gp", n_critic=2, **POINTS),
    _well("gan-ring", "ring", 2500, "gan", lr=1e-3),
    _well("default-digits", "digits", 700),
    _well("gan-digits", "digits", 2000, "gan"),
    _well("dcgan-digits", "digits", 500, "dcgan", lr=1e-3, batch=32),
    _sick("vanishing-gradients", "ring", "ring", 1200, "gan", saturating=True, lr=2e-4, lr_d=5e-3, n_critic=5),
    _sick("vanishing-gradients", "digits", "digits", 400, "gan", saturating=True, lr_d=1e-3, n_critic=5, dropout=0.0),
    _sick("mode-collapse", "ring", "ring", 2000, "gan", lr=5e-3, lr_d=2e-4),
    _sick("mode-collapse", "digits", "digits", 1200, "gan", lr=2e-3, lr_d=2e-5),
    _sick("junk-feedback", "ring", "ring", 1000, "gan", lr_d=1e-12),
    _sick("junk-feedback", "digits", "digits", 250, lr_d=1e-12),
    _junk("ring", 400),
    _sick("oscillating", "ring", "ring", 2000, "gan", lr=3e-3, beta1=0.9, saturating=True),
    _sick("discriminator-overfitting", "digits", partial(few_digits, 200), 900),
    _sick("memorising", "digits", partial(few_digits, 40), 1500),
    _sick("diverged", "ring", "ring", 1200, "wgan", clip=1e6, lr=1e-2),
    _sick("diverged", "digits", "digits", 250, lr=1.0),
    _sick("stalled", "ring", "ring", 1000, lr=1e-8),
    _sick("stalled", "digits", "digits", 200, lr=1e-8),
)
"""What the thresholds were chosen on."""

FINAL = (
    _well("r3gan-ring", "ring", 4000, "r3gan", lr=1e-3, gamma=0.1, width=64),
    _well("r3gan-mixture", partial(mixture, 12, 0.1), 3000, "r3gan", lr=1e-3, gamma=0.05),
    _well("wgan-gp-grid", "grid", 2500, "wgan-gp", n_critic=2, **POINTS),
    _well("dragan-ring", "ring", 2500, "dragan", **POINTS),
    Setting("well-linear-gaussian", "", "gaussian", 4000, game=linear),
    _well("sngan-digits", "digits", 500, "sngan", lr=5e-4),
    _well("lsgan-digits", "digits", 600, "lsgan", batch=32),
    _well("default-digits-wide", "digits", 500, width=12, lr=1e-3, batch=48),
    _well("ragan-digits", "digits", 500, "ragan", lr=5e-4),
    _sick(
        "vanishing-gradients", "mixture", partial(mixture, 12, 0.1), 1000, "gan",
        saturating=True, lr=1e-4, lr_d=5e-3, n_critic=10,
    ),
    _sick(
        "vanishing-gradients", "digits-convolutions", "digits", 150, "gan",
        network="dcgan", saturating=True, n_critic=4, lr=1e-4, lr_d=1e-3,
    ),
    _sick("mode-collapse", "grid", "grid", 2000, "gan", lr=1e-2, lr_d=5e-4),
    _sick("mode-collapse", "digits-lsgan", "digits", 1200, "lsgan", network="mlp", lr=5e-3, lr_d=5e-5),
    _sick("junk-feedback", "grid", "grid", 1000, "lsgan", lr_d=1e-10),
    _sick("junk-feedback", "digits-dcgan", "digits", 200, "dcgan", lr_d=1e-9),
    _junk("grid", 600),
    _sick("oscillating", "mixture", partial(mixture, 12, 0.1), 2000, "gan", lr=4e-3, beta1=0.9, saturating=True),
    _sick("discriminator-overfitting", "digits-wide", partial(few_digits, 300), 1000, width=12),
    _sick("memorising", "digits-gan", partial(few_digits, 50), 2500, "gan", lr=5e-4, dropout=0.0),
    Setting("memorising-replay", "memorising", "digits", 400, game=replay),
    _sick("diverged", "grid", "grid", 1200, "wgan", clip=1e3, lr=2e-2),
    _sick("diverged", "digits-dcgan", "digits", 150, "dcgan", lr=0.5),
    _sick("stalled", "grid", "grid", 1000, "lsgan", lr=1e-7),
    _sick("stalled", "digits-gan", "digits", 500, "gan", lr=1e-8),
)  # fmt: skip
"""What counts."""

SETS = {"tuning": TUNING, "final": FINAL}
