"""Games that are well and games that are sick, each with the disease that it was given.

Thresholds were chosen while looking at `TUNING`. `FINAL` has other options, recipes and data; it was written before
any of its games was played.
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
from sparring.kinds import to_model
from sparring.loop import play
from sparring.networks import MLPDiscriminator, MLPGenerator
from sparring.objectives import Objective, non_saturating

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
        augment: of what D is shown; with none, few pictures are a part of what makes some games sick.
    """

    name: str
    disease: str
    source: Source
    rounds: int
    recipe: str = "default"
    options: dict[str, Any] = field(default_factory=dict)
    game: Callable[[int], Game] | None = None
    augment: str = "none"

    def plan(self, seed: int, out: str) -> workflows.Plan:
        """Decide on it."""
        source = self.source if isinstance(self.source, str) else self.source()
        arguments: dict[str, Any] = {"rounds": self.rounds, "seed": seed, "out": out, "checkpoint_every": "1000s"}
        # twenty examinations a game, however fast it is
        arguments |= {"sample_every": "1000s", "doctor": str(max(5, self.rounds // 20))}
        arguments["augment"] = self.augment
        if self.game:
            return workflows.plan(source, game=self.game(seed), **arguments)
        return workflows.plan(source, recipe=self.recipe, options=self.options, **arguments)


def opened(source: Source, **arguments: Any) -> Dataset:
    """A data set by its name, or made."""
    data = sparring.data.open(source, **arguments) if isinstance(source, str) else source()
    assert isinstance(data, Dataset)
    return data


def few_digits(count: int) -> Dataset:
    """So many digits to learn from."""
    return opened("digits", limit=count)


def few_points() -> Dataset:
    """No more of the grid than the doctor knows: it looks for copies of 4,000 training examples."""
    return opened("grid", limit=4000)


def mixture(modes: int, sigma: float, seed: int = 0) -> Dataset:
    """Gaussians at random places, of unequal weight: nothing that is built in."""
    rng = np.random.default_rng(seed)
    centers, weights = rng.uniform(-3, 3, (modes, 2)), rng.uniform(0.5, 1.5, modes)
    which = rng.choice(modes, 20_000, p=weights / weights.sum())
    return sparring.data.open((centers[which] + sigma * rng.standard_normal((20_000, 2))).astype(np.float32))


def moons() -> Dataset:
    """Two half circles that reach into each other."""
    rng = np.random.default_rng(0)
    angle, lower = rng.uniform(0, np.pi, 20_000), rng.integers(0, 2, 20_000)
    x, y = np.cos(angle) + lower - 0.5, np.sin(angle) * (1 - 2 * lower) + 0.5 * lower - 0.25
    points = np.stack([x, y], 1) + 0.08 * rng.standard_normal((20_000, 2))
    return sparring.data.open(points.astype(np.float32))


def shapes(limit: int | None = None) -> Dataset:
    """Discs, squares and crosses of any colour on any other, 16x16."""
    rng, n = np.random.default_rng(0), 6000
    at = np.arange(16) - rng.uniform(6, 9, (2, n, 1)) + 0.5
    dy, dx, reach = np.abs(at[0][:, :, None]), np.abs(at[1][:, None, :]), rng.uniform(3, 5.5, (n, 1, 1))
    kinds = [dy**2 + dx**2 < reach**2, np.maximum(dy, dx) < 0.8 * reach, (np.minimum(dy, dx) < 1) & (dy + dx < reach)]
    inside = np.choose(rng.integers(0, 3, (n, 1, 1)), kinds)[..., None]
    paper, ink = rng.integers(0, 256, (2, n, 1, 1, 3))
    data = sparring.data.open(np.where(inside, ink, paper).astype(np.uint8), limit=limit)
    assert isinstance(data, Dataset)
    return data


def spiral() -> Dataset:
    """Two turns of a spiral, thinner within."""
    rng = np.random.default_rng(0)
    way = np.sqrt(rng.uniform(0.05, 1, (20_000, 1)))
    points = 2 * way * np.concatenate([np.cos(4 * np.pi * way), np.sin(4 * np.pi * way)], 1)
    return sparring.data.open((points + 0.05 * rng.standard_normal(points.shape)).astype(np.float32))


def waves(limit: int | None = None) -> Dataset:
    """Grey gratings of any direction, length and contrast, 16x16."""
    rng, n = np.random.default_rng(0), 6000
    y, x = np.mgrid[:16, :16]
    angle, length, phase, contrast = (
        rng.uniform(*ends, (n, 1, 1)) for ends in ((0, np.pi), (4, 12), (0, 2 * np.pi), (0.3, 1))
    )
    along = (x * np.cos(angle) + y * np.sin(angle)) / length
    pictures = 127.5 * (1 + contrast * np.sin(2 * np.pi * along + phase))
    data = sparring.data.open(pictures.astype(np.uint8)[..., None], limit=limit)
    assert isinstance(data, Dataset)
    return data


def half_trained(source: str, rounds: int, seed: int) -> Game:
    """G stopped half way, and a D that gives everything the same answer."""
    plan = workflows.plan(source, rounds=rounds, seed=seed, out="never-written")
    for played in play(plan.state, plan.data, plan.how):
        if played.number == rounds:
            break
    torch.manual_seed(seed)
    D = MLPDiscriminator(plan.data.schema["x"].shape, 64)
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


def replay(seed: int, source: Source = "digits") -> Game:
    """A generator of which nothing is its own."""
    torch.manual_seed(seed)
    data = opened(source)
    D = MLPDiscriminator(data.schema["x"].shape, 64)
    return sparring.duel(
        Replay(to_model(data.schema, data.batch(0, 2000, seed))["x"]), D, optimizer=OptimizerConfig(1e-4)
    )


def linear(seed: int) -> Game:
    """A linear G, which is all that a Gaussian needs."""
    torch.manual_seed(seed)
    G, D = MLPGenerator(2, (2,), depth=0), MLPDiscriminator((2,), width=32, depth=2)
    return sparring.duel(G, D, latent=2, optimizer=OptimizerConfig(2e-3))


class Shifted(nn.Module):
    """A cloud of noise; all that it can learn is where it is.

    Args:
        spread: its standard deviation, in the range of the networks.
        beginning: how far from the middle it begins.
    """

    def __init__(self, spread: float, beginning: float) -> None:
        super().__init__()
        self.spread, self.place = spread, nn.Parameter(torch.tensor([beginning, 0.0]))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`(B, 2)` -> `(B, 2)`."""
        return self.place + self.spread * z


def orbit(seed: int, rate: float, spread: float) -> Game:
    """The Dirac-GAN of Mescheder et al. 2018, arXiv 1801.04406: with Wasserstein's loss it goes round for ever."""
    torch.manual_seed(seed)
    slow = OptimizerConfig(rate, "sgd")
    return sparring.duel(Shifted(spread, 3.0), nn.Linear(2, 1), "wasserstein", latent=2, ema=0.0, optimizer=slow)


class Half(MLPGenerator):
    """Half of the plane is all that it can reach."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`(B, latent)` -> `(B, 2)`."""
        x, y = super().forward(z).unbind(1)
        return torch.stack([x.abs(), y], 1)


def confined(seed: int, kind: type[MLPGenerator] = Half) -> Game:
    """R3GAN's game, for a G that cannot play it."""
    torch.manual_seed(seed)
    G, D = kind(8, (2,), 128), MLPDiscriminator((2,), 128)
    penalty = sparring.together(sparring.r1(0.1), sparring.r2(0.1))
    optimizer = OptimizerConfig(1e-3, betas=(0.0, 0.99))
    return sparring.duel(G, D, "relativistic-pairing", penalty, latent=8, optimizer=optimizer)


def tossed(real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
    """Labels that are tossed anew for each example."""
    both = torch.cat([real, fake])
    some, others = both[torch.randperm(len(both))].chunk(2)
    return non_saturating.discriminator(some, others)


def fakes_only(real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
    """Fakes in the place of reals, too."""
    return non_saturating.discriminator(fake, fake)


def mistaught(seed: int, how: Callable[..., dict[str, torch.Tensor]], shape: tuple[int, ...] = (2,)) -> Game:
    """D learns something else than what is real."""
    torch.manual_seed(seed)
    latent = 8 if shape == (2,) else 64
    G, D = MLPGenerator(latent, shape, 128), MLPDiscriminator(shape, 128)
    objective = Objective(how.__name__, how, non_saturating.generator)
    return sparring.duel(G, D, objective, latent=latent, optimizer=OptimizerConfig(5e-4, betas=(0.5, 0.99)))


_DCGAN = {"network": "dcgan", "lr": 2e-4}
MEASURED_WITH: dict[str, dict[str, Any]] = {
    "lsgan": {"network": "dcgan"},
    "wgan-gp": {"network": "dcgan"},
    "sngan": _DCGAN,
    "ragan": _DCGAN,
    "r3gan": {"network": "resnet", "penalty_every": 1},
}
"""What these recipes had by default for pictures when the recorded games were played."""


def _options(source: Source, recipe: str, given: dict[str, Any]) -> dict[str, Any]:
    made = getattr(source, "func", source)  # of a partial, what it calls
    return MEASURED_WITH.get(recipe, {}) | given if made in ("digits", few_digits, shapes, waves) else given


def _well(name: str, source: Source, rounds: int, recipe: str = "default", **options: Any) -> Setting:
    return Setting(f"well-{name}", "", source, rounds, recipe, _options(source, recipe, options))


def _sick(disease: str, name: str, source: Source, rounds: int, recipe: str = "default", **options: Any) -> Setting:
    return Setting(f"{disease}-{name}", disease, source, rounds, recipe, _options(source, recipe, options))


def _junk(source: str, rounds: int) -> Setting:
    game = partial(half_trained, source, rounds)
    return Setting(f"junk-feedback-frozen-{source}", "junk-feedback", source, 600, game=game)


def _mistaught(name: str, source: str, rounds: int, **given: Any) -> Setting:
    game = partial(mistaught, **given)
    return Setting(f"junk-feedback-{name}-{source}", "junk-feedback", source, rounds, game=game)


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
        saturating=True, lr=1e-5, lr_d=5e-3, n_critic=5,
    ),
    _sick("vanishing-gradients", "grid", "grid", 1000, "gan", saturating=True, lr=1e-5, lr_d=5e-3, n_critic=5),
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
    _well("default-moons", moons, 3000),
    _well("default-shapes", shapes, 600),
    _well("default-digits-large-batch", "digits", 400, batch=64, lr=3e-3),
    _well("r3gan-grid", "grid", 4000, "r3gan", lr=1e-3, gamma=0.1),
    _well("r3gan-gaussian", "gaussian", 2500, "r3gan", lr=5e-4, gamma=0.3),
    _well("wgan-gp-moons", moons, 2500, "wgan-gp", n_critic=3, **POINTS),
    _well("dragan-grid", "grid", 3000, "dragan", **POINTS),
    _well("wgan-gp-digits", "digits", 300, "wgan-gp", lr=1e-3, n_critic=2),
    _well("sngan-shapes", shapes, 600, "sngan", lr=1e-3),
    _well("lsgan-digits-half", partial(few_digits, 5000), 700, "lsgan", lr=5e-4),
    _sick("vanishing-gradients", "ring-slow", "ring", 1000, "gan", saturating=True, lr=2e-5, lr_d=2e-3, n_critic=8),
    _sick("vanishing-gradients", "moons", moons, 800, "gan", saturating=True, lr=3e-6, lr_d=1e-2, n_critic=3),
    _sick(
        "vanishing-gradients", "shapes", shapes, 200, "gan",
        network="dcgan", saturating=True, n_critic=3, lr=5e-5, lr_d=2e-3, dropout=0.0,
    ),
    _sick("mode-collapse", "ring-fast", "ring", 2000, "gan", lr=1e-2, lr_d=1e-3),
    _sick("mode-collapse", "grid-lsgan", "grid", 2000, "lsgan", lr=5e-3, lr_d=2e-4),
    _sick("mode-collapse", "digits-narrow", "digits", 1200, "gan", lr=3e-3, lr_d=3e-5, width=64),
    _sick("junk-feedback", "ring-lsgan", "ring", 1000, "lsgan", lr_d=1e-11),
    _sick("junk-feedback", "digits-gan", "digits", 400, "gan", lr_d=1e-10),
    _sick("junk-feedback", "shapes", shapes, 200, "sngan", lr_d=1e-12),
    _sick("mode-collapse", "ring-momentum", "ring", 2000, "gan", lr=5e-3, beta1=0.9),
    _sick("mode-collapse", "moons-momentum", moons, 2000, "gan", lr=4e-3, beta1=0.9),
    _sick("discriminator-overfitting", "digits-small-batch", partial(few_digits, 150), 900, batch=16),
    _sick("discriminator-overfitting", "digits-sngan", partial(few_digits, 200), 1200, "sngan", lr=1e-3),
    _sick("memorising", "digits-fast", partial(few_digits, 30), 1500, lr=3e-3),
    Setting("memorising-replay-moons", "memorising", moons, 600, game=partial(replay, source=moons)),
    _sick("diverged", "digits-lsgan", "digits", 200, "lsgan", lr=0.3),
    _sick("diverged", "grid-fast", "grid", 1200, "wgan", clip=1e4, lr=3e-2),
    _sick("stalled", "moons", moons, 800, "sngan", lr=1e-8),
    _sick("stalled", "digits-dcgan", "digits", 200, "dcgan", lr=1e-9),
    _well("default-spiral", spiral, 4000),
    _well("default-waves", waves, 600),
    _well("default-digits-small-batch", "digits", 800, batch=24, lr=1.5e-3),
    _well("default-gaussian-slow", "gaussian", 3000, lr=5e-4, batch=128),
    _well("r3gan-moons", moons, 3000, "r3gan", lr=2e-3, gamma=0.2),
    _well("wgan-gp-ring-large-batch", "ring", 2000, "wgan-gp", n_critic=4, **POINTS | {"batch": 256}),
    _well("dragan-moons", moons, 2500, "dragan", **POINTS),
    _well("sngan-digits-half", partial(few_digits, 4500), 600, "sngan", lr=1e-3, batch=32),
    _well("ragan-shapes", shapes, 500, "ragan", lr=1e-3),
    _well("gan-digits-fast", "digits", 2000, "gan", lr=4e-4),
    _sick("vanishing-gradients", "spiral", spiral, 1000, "gan", saturating=True, lr=5e-6, lr_d=3e-3, n_critic=6),
    _sick("vanishing-gradients", "ring-fast-d", "ring", 900, "gan", saturating=True, lr=1e-5, lr_d=1e-2, n_critic=2),
    _sick(
        "vanishing-gradients", "digits-wide", "digits", 300, "gan",
        saturating=True, n_critic=3, lr=1e-4, lr_d=2e-3, width=96, dropout=0.0,
    ),
    _sick("mode-collapse", "ring-lsgan", "ring", 2000, "lsgan", lr=8e-3, lr_d=3e-4),
    _sick("mode-collapse", "grid-ragan", "grid", 2000, "ragan", lr=6e-3, lr_d=2e-4),
    _sick("mode-collapse", "digits-fast", "digits", 1200, "gan", lr=4e-3, lr_d=4e-5, batch=48),
    _sick("junk-feedback", "grid-sngan", "grid", 1000, "sngan", lr_d=1e-11),
    _sick("junk-feedback", "waves", waves, 250, "gan", lr_d=1e-10),
    _sick("junk-feedback", "digits-ragan", "digits", 200, "ragan", lr_d=1e-12),
    _junk("digits", 120),
    _sick("oscillating", "spiral", spiral, 2000, "gan", lr=3e-3, beta1=0.9, saturating=True),
    _sick("oscillating", "ring-small-batch", "ring", 2000, "gan", lr=3e-3, beta1=0.85, batch=48, saturating=True),
    _well("default-waves-few", partial(waves, 150), 900),
    _sick("discriminator-overfitting", "digits-fast", partial(few_digits, 250), 1000, lr=3e-3),
    _sick("memorising", "digits-small-batch", partial(few_digits, 25), 1500, batch=16),
    Setting("memorising-replay-shapes", "memorising", shapes, 400, game=partial(replay, source=shapes)),
    _sick("diverged", "ring-adam", "ring", 1200, "wgan", clip=1e5, lr=1e-2, optimizer="adam"),
    _sick("diverged", "digits-ragan", "digits", 150, "ragan", lr=0.7),
    _sick("stalled", "spiral", spiral, 800, "wgan", lr=1e-9),
    _sick("stalled", "digits-r3gan", "digits", 150, "r3gan", lr=1e-9),
    _well("default-ring-large-batch", "ring", 3500, batch=64),
    _well("default-shapes-wide", shapes, 500, width=12),
    _well("default-digits-narrow", "digits", 800, width=6, lr=1.2e-3),
    _well("r3gan-spiral", spiral, 3000, "r3gan", lr=1e-3, gamma=0.1),
    _well("wgan-gp-gaussian", "gaussian", 1500, "wgan-gp", n_critic=3, **POINTS),
    _well("dragan-spiral", spiral, 2500, "dragan", **POINTS),
    _well("lsgan-digits-slow", "digits", 700, "lsgan", lr=7e-4, batch=48),
    _well("sngan-digits-slow", "digits", 600, "sngan", lr=7e-4),
    _well("r3gan-digits", "digits", 300, "r3gan", lr=1e-3, gamma=0.5),
    _sick("vanishing-gradients", "moons-slow", moons, 900, "gan", saturating=True, lr=8e-6, lr_d=5e-3, n_critic=4),
    _sick(
        "vanishing-gradients", "digits-small-batch", "digits", 400, "gan",
        saturating=True, n_critic=4, lr=1.5e-4, lr_d=1.5e-3, batch=32, dropout=0.0,
    ),
    _sick("mode-collapse", "grid-gan", "grid", 2000, "gan", lr=8e-3, lr_d=3e-4),
    _sick("mode-collapse", "digits-small-batch", "digits", 1200, "gan", lr=2.5e-3, lr_d=2.5e-5, batch=32),
    _sick("junk-feedback", "moons", moons, 800, "lsgan", lr_d=1e-11),
    _sick("junk-feedback", "digits-default", "digits", 250, lr=1e-3, lr_d=1e-11),
    Setting("junk-feedback-frozen-early", "junk-feedback", "ring", 600, game=partial(half_trained, "ring", 250)),
    _sick("oscillating", "ring-narrow", "ring", 2000, "gan", lr=3e-3, beta1=0.9, saturating=True, width=32),
    _sick("oscillating", "gaussian", "gaussian", 2000, "gan", lr=4e-3, beta1=0.9, saturating=True),
    _sick("discriminator-overfitting", "digits-slow", partial(few_digits, 180), 1000, lr=1e-3),
    _sick("memorising", "digits-few", partial(few_digits, 20), 1200),
    _sick("diverged", "moons", moons, 1200, "wgan", clip=1e5, lr=2e-2),
    _sick("diverged", "digits-lsgan-fast", "digits", 200, "lsgan", lr=0.5),
    _sick("stalled", "gaussian", "gaussian", 800, "ragan", lr=1e-9),
    _sick("stalled", "shapes", shapes, 200, lr=1e-8),
    _well("default-mixture", partial(mixture, 9, 0.15, 3), 3500),
    _well("default-digits-half", partial(few_digits, 5000), 600),
    _well("default-shapes-slow", shapes, 700, lr=1e-3),
    _well("r3gan-ring-weak", "ring", 4000, "r3gan", lr=1e-3, gamma=0.05),
    _well("wgan-gp-spiral", spiral, 2500, "wgan-gp", n_critic=3, **POINTS),
    _well("dragan-gaussian", "gaussian", 2000, "dragan", **POINTS),
    _well("lsgan-digits-large-batch", "digits", 500, "lsgan", batch=64),
    _well("sngan-digits-small-batch", "digits", 700, "sngan", lr=5e-4, batch=24),
    _well("gan-digits-half", partial(few_digits, 6000), 2000, "gan", lr=3e-4),
    _sick(
        "vanishing-gradients", "mixture-slow", partial(mixture, 9, 0.15, 3), 900, "gan",
        saturating=True, lr=5e-6, lr_d=4e-3, n_critic=5,
    ),
    _sick(
        "vanishing-gradients", "grid-large-batch", "grid", 900, "gan",
        saturating=True, lr=1e-5, lr_d=3e-3, n_critic=4, batch=256,
    ),
    _sick(
        "vanishing-gradients", "digits-slow", "digits", 400, "gan",
        saturating=True, n_critic=5, lr=5e-5, lr_d=1e-3, dropout=0.0,
    ),
    _sick("mode-collapse", "mixture", partial(mixture, 9, 0.15, 3), 2000, "gan", lr=8e-3, lr_d=2e-4),
    _sick("mode-collapse", "grid-fast", "grid", 2000, "gan", lr=1.2e-2, lr_d=3e-4),
    _sick("mode-collapse", "digits-large-batch", "digits", 1000, "gan", lr=3e-3, lr_d=3e-5, batch=96),
    _sick("junk-feedback", "spiral", spiral, 800, "sngan", lr_d=1e-11),
    _sick("junk-feedback", "digits-lsgan", "digits", 250, "lsgan", lr_d=1e-11),
    Setting("junk-feedback-frozen-grid-early", "junk-feedback", "grid", 600, game=partial(half_trained, "grid", 350)),
    _sick("oscillating", "grid", "grid", 2000, "gan", lr=3e-3, beta1=0.9, saturating=True),
    _sick("oscillating", "ring-large-batch", "ring", 2000, "gan", lr=3e-3, beta1=0.9, batch=256, saturating=True),
    _sick("discriminator-overfitting", "digits-narrow", partial(few_digits, 150), 1000, width=6),
    _sick("memorising", "digits-gan-few", partial(few_digits, 30), 2500, "gan", lr=5e-4, dropout=0.0),
    Setting("memorising-replay-spiral", "memorising", spiral, 600, game=partial(replay, source=spiral)),
    _sick("diverged", "spiral", spiral, 1200, "wgan", clip=1e4, lr=2e-2),
    _sick("diverged", "digits-default", "digits", 250, lr=0.7),
    _sick("stalled", "mixture", partial(mixture, 9, 0.15, 3), 800, lr=1e-8),
    _sick("stalled", "digits-lsgan", "digits", 200, "lsgan", lr=1e-9),
    _well("default-mixture-wide", partial(mixture, 15, 0.2, 5), 3500),
    _well("default-digits-most", partial(few_digits, 8000), 600, batch=40),
    _well("default-shapes-small-batch", shapes, 700, batch=24),
    _well("r3gan-mixture-wide", partial(mixture, 15, 0.2, 5), 3000, "r3gan", lr=1e-3, gamma=0.1),
    _well("wgan-gp-mixture", partial(mixture, 15, 0.2, 5), 2500, "wgan-gp", n_critic=2, **POINTS),
    _well("dragan-mixture", partial(mixture, 15, 0.2, 5), 2500, "dragan", **POINTS),
    _well("lsgan-digits-most", partial(few_digits, 7000), 600, "lsgan", batch=40),
    _well("sngan-digits-most", partial(few_digits, 8000), 500, "sngan", lr=6e-4),
    _well("gan-digits-large-batch", "digits", 1500, "gan", lr=4e-4, batch=96),
    _well("ragan-digits-slow", "digits", 600, "ragan", lr=4e-4),
    _sick(
        "vanishing-gradients", "ring-wide", "ring", 900, "gan",
        saturating=True, lr=1e-5, lr_d=6e-3, n_critic=3, width=96,
    ),
    _sick(
        "vanishing-gradients", "moons-large-batch", moons, 900, "gan",
        saturating=True, lr=5e-6, lr_d=5e-3, n_critic=5, batch=256,
    ),
    _sick(
        "vanishing-gradients", "digits-fast", "digits", 300, "gan",
        saturating=True, n_critic=4, lr=1e-4, lr_d=3e-3, dropout=0.0,
    ),
    _sick("mode-collapse", "spiral", spiral, 2000, "gan", lr=1e-2, lr_d=2e-4),
    _sick("mode-collapse", "ring-large-batch", "ring", 2000, "gan", lr=6e-3, lr_d=1e-4, batch=256),
    _sick("mode-collapse", "digits-slow", "digits", 1200, "gan", lr=2e-3, lr_d=2e-5, width=96),
    _sick("junk-feedback", "ring-ragan", "ring", 900, "ragan", lr_d=1e-11),
    _sick("junk-feedback", "shapes-lsgan", shapes, 200, "lsgan", lr_d=1e-11),
    Setting("junk-feedback-frozen-soon", "junk-feedback", "digits", 250, game=partial(half_trained, "digits", 80)),
    _sick("oscillating", "moons", moons, 2000, "gan", lr=3e-3, beta1=0.9, saturating=True),
    _sick("oscillating", "spiral-wide", spiral, 2000, "gan", lr=2.5e-3, beta1=0.9, saturating=True, width=96),
    _sick("discriminator-overfitting", "digits-large-batch", partial(few_digits, 200), 800, batch=64),
    _sick("memorising", "digits-slow", partial(few_digits, 25), 1500, lr=1e-3),
    Setting("memorising-replay-ring", "memorising", "ring", 600, game=partial(replay, source="ring")),
    _sick("diverged", "mixture", partial(mixture, 15, 0.2, 5), 1200, "wgan", clip=1e5, lr=1.5e-2),
    _sick("diverged", "shapes", shapes, 200, lr=1.0),
    _sick("stalled", "spiral-default", spiral, 800, lr=1e-8),
    _sick("stalled", "shapes-gan", shapes, 300, "gan", lr=1e-8),
    _mistaught("tossed", "gaussian", 2500, how=tossed),
    _mistaught("tossed", "ring", 2500, how=tossed),
    _mistaught("tossed", "digits", 1000, how=tossed, shape=(1, 28, 28)),
    _mistaught("fakes", "grid", 2500, how=fakes_only),
    _mistaught("fakes", "digits", 1000, how=fakes_only, shape=(1, 28, 28)),
    Setting("mode-collapse-half-gaussian", "mode-collapse", "gaussian", 2500, game=confined),
    Setting("mode-collapse-half-moons", "mode-collapse", moons, 2500, game=confined),
    Setting("mode-collapse-half-mixture", "mode-collapse", partial(mixture, 12, 0.1), 2500, game=confined),
)  # fmt: skip
"""What the thresholds were chosen on: all that was ever looked at, but a frozen G on the Gaussian, which was as good as
the data. Two games with momentum, which collapse, and the default on few gratings, which is well, were called otherwise
before they were played."""

FINAL = (
    _well("default-mixture-few", partial(mixture, 10, 0.15, 9), 3500),
    _well("default-digits-large-part", partial(few_digits, 6500), 600, lr=1.5e-3, batch=40),
    _well("default-shapes-large-batch", shapes, 450, batch=64),
    _well("r3gan-mixture-few", partial(mixture, 10, 0.15, 9), 3000, "r3gan", lr=1e-3, gamma=0.1),
    _well("wgan-gp-mixture-few", partial(mixture, 10, 0.15, 9), 2500, "wgan-gp", n_critic=3, **POINTS),
    _well("dragan-mixture-few", partial(mixture, 10, 0.15, 9), 2500, "dragan", **POINTS),
    _well("lsgan-digits-part", partial(few_digits, 5500), 600, "lsgan"),
    _well("sngan-digits-large-batch", "digits", 450, "sngan", lr=6e-4, batch=48),
    _well("gan-digits-small-batch", "digits", 2000, "gan", lr=3e-4, batch=48),
    _well("ragan-digits-half", partial(few_digits, 5000), 550, "ragan", lr=5e-4),
    _sick(
        "vanishing-gradients", "ring-small-batch", "ring", 900, "gan",
        saturating=True, lr=1e-5, lr_d=5e-3, n_critic=4, batch=64,
    ),
    _sick(
        "vanishing-gradients", "spiral-large-batch", spiral, 900, "gan",
        saturating=True, lr=5e-6, lr_d=4e-3, n_critic=4, batch=256,
    ),
    _sick(
        "vanishing-gradients", "digits-large-batch", "digits", 300, "gan",
        saturating=True, n_critic=4, lr=1e-4, lr_d=2e-3, batch=96, dropout=0.0,
    ),
    _sick("mode-collapse", "moons", moons, 2000, "gan", lr=8e-3, lr_d=2e-4),
    _sick("mode-collapse", "grid-small-batch", "grid", 2000, "gan", lr=8e-3, lr_d=2e-4, batch=64),
    _sick("mode-collapse", "digits-faster", "digits", 1200, "gan", lr=3.5e-3, lr_d=3.5e-5, batch=40),
    _sick("junk-feedback", "mixture", partial(mixture, 10, 0.15, 9), 900, "gan", lr_d=1e-11),
    _sick("junk-feedback", "waves-sngan", waves, 200, "sngan", lr_d=1e-11),
    Setting("junk-feedback-frozen-ring-later", "junk-feedback", "ring", 600, game=partial(half_trained, "ring", 320)),
    Setting("oscillating-orbit-gaussian", "oscillating", "gaussian", 1500, game=partial(orbit, rate=0.07, spread=1.0)),
    Setting("oscillating-orbit-ring", "oscillating", "ring", 1500, game=partial(orbit, rate=0.05, spread=0.7)),
    _sick("discriminator-overfitting", "digits-smaller-batch", partial(few_digits, 200), 900, batch=24),
    _sick("memorising", "digits-faster", partial(few_digits, 30), 1500, lr=2.5e-3),
    Setting("memorising-replay-grid", "memorising", few_points, 600, game=partial(replay, source=few_points)),
    _sick("diverged", "ring-wide", "ring", 1200, "wgan", clip=1e5, lr=2e-2, width=96),
    _sick("diverged", "shapes-lsgan", shapes, 200, "lsgan", lr=0.5),
    _sick("stalled", "moons-default", moons, 800, lr=1e-8),
    _sick("stalled", "digits-ragan", "digits", 200, "ragan", lr=1e-9),
)  # fmt: skip
"""What counts: written before any of them was played."""


def _augmented(
    augment: str, name: str, source: Source, rounds: int, recipe: str = "default", **options: Any
) -> Setting:
    return Setting(
        f"well-{name}-{augment}", "", source, rounds, recipe, _options(source, recipe, options), augment=augment
    )


SMALL = (
    _sick("discriminator-overfitting", "shapes", partial(shapes, 200), 900),
    _sick("discriminator-overfitting", "digits", partial(few_digits, 250), 900, width=10),
    _sick("discriminator-overfitting", "digits-sngan", partial(few_digits, 150), 800, "sngan"),
    _sick("memorising", "shapes", partial(shapes, 30), 1500),
    _sick("memorising", "digits", partial(few_digits, 35), 1500, lr=3e-3),
    _augmented("diff", "shapes", partial(shapes, 200), 900),
    _augmented("ada", "shapes", partial(shapes, 200), 900),
    _augmented("diff", "digits", partial(few_digits, 250), 900, width=10),
    _augmented("ada", "digits", partial(few_digits, 250), 900, width=10),
    _augmented("diff", "digits-sngan", partial(few_digits, 150), 800, "sngan"),
)
"""Few pictures, with augmentation and without; written before any of them was played. What is well is the same game as
one that is sick, but for what D is shown. No threshold was chosen on them."""
