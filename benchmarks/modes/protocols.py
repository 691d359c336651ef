"""The protocols: data whose modes are known, how many samples, how they are counted, and each recipe's settings.

Ring and grid are those of PacGAN (Lin et al. 2018, arXiv 1712.04086, section 4.1, and the authors' code); stacked
digits go back to Metz et al. 2017, arXiv 1611.02163, section 3.3.1. docs/modes.md says where ours differ.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import torch

import sparring.data
from benchmarks.recipes.play import samples, trained
from benchmarks.referee import read, referee
from sparring import metrics
from sparring.data import Dataset
from sparring.game import Game
from sparring.metrics.modes import Modes
from sparring.metrics.table import KNOWN_MODES
from sparring.penalties import r1, r2, together
from sparring.recipes import duel, r3gan
from sparring.recipes._duel import pair

STACKED = 30_000


@dataclass(frozen=True)
class Protocol:
    """A benchmark of modes.

    Args:
        source: opens the data.
        n: how many samples are counted.
        count: samples in the data's own units -> modes.
    """

    source: Callable[[], Any]
    n: int
    count: Callable[[np.ndarray], Modes]


@dataclass(frozen=True)
class Setting:
    """How a recipe plays on a protocol.

    Args:
        rounds: of the game.
        options: of the recipe, where they are not its defaults.
    """

    rounds: int
    options: dict[str, Any] = field(default_factory=dict)


def point_modes(name: str, points: np.ndarray) -> Modes:
    return metrics.count_modes(torch.from_numpy(points), *KNOWN_MODES[name])


@cache
def stacked_digits() -> Dataset:
    """Three random digits as the channels of one picture: a thousand modes."""
    digits = sparring.data.open("digits")
    rows = np.random.default_rng(0).integers(0, len(digits), (STACKED, 3))
    found = sparring.data.open(np.asarray(digits.train["x"])[rows, 0])
    assert isinstance(found, Dataset)
    return found


def stacked_modes(pictures: np.ndarray) -> Modes:
    network, _ = referee()
    hundreds, tens, ones = (read(network, pictures[..., [channel]])[1].argmax(1) for channel in range(3))
    return metrics.count_classes(100 * hundreds + 10 * tens + ones, 1000)


PROTOCOLS = {
    "ring": Protocol(lambda: "ring", 2_500, partial(point_modes, "ring")),
    "grid": Protocol(lambda: "grid", 2_500, partial(point_modes, "grid")),
    "stacked": Protocol(stacked_digits, 26_000, stacked_modes),
}

_WGAN_GP = {"lr": 2e-3, "penalty": 0.1, "batch": 128, "n_critic": 2, "decay_from": 0.0}
_DRAGAN = {"lr": 2e-3, "penalty": 0.1, "batch": 128, "decay_from": 0.0}
_R3GAN = {"lr": 1e-3, "gamma": 0.1}
_CONVOLUTIONS = {"network": "dcgan", "width": 16, "lr": 5e-4, "penalty_every": 1}

SETTINGS = {
    "ring": {
        "gan": Setting(12_000, {"lr": 1e-3}),
        "wgan-gp": Setting(8_000, _WGAN_GP),
        "wgan-div": Setting(8_000),
        "dragan": Setting(8_000, _DRAGAN),
        "r3gan": Setting(12_000, _R3GAN),
    },
    "grid": {
        "gan": Setting(24_000, {"lr": 1e-3}),
        "wgan-gp": Setting(12_000, _WGAN_GP),
        "wgan-div": Setting(12_000),
        "dragan": Setting(16_000, _DRAGAN),
        "r3gan": Setting(24_000, _R3GAN),
    },
    "stacked": {"gan + R1 + R2": Setting(3_000, _CONVOLUTIONS), "r3gan": Setting(3_000, _CONVOLUTIONS)},
}
"""Of the gradient penalty on points: a weight of 0.1 is what WGAN-GP's authors have for toys in their code."""


def played(protocol: str, recipe: str, seed: int) -> Modes:
    """Train with that recipe's setting, and count."""
    setting, rule = SETTINGS[protocol][recipe], PROTOCOLS[protocol]
    source = rule.source()
    if recipe == "gan + R1 + R2":
        how: dict[str, Any] = {"game": _regularised(source, setting.options, seed), "batch": r3gan.Options().batch}
    else:
        how = {"recipe": recipe, "options": setting.options}
    plan = trained(source, rounds=setting.rounds, seed=seed, **how)
    return rule.count(samples(plan, rule.n))


def _regularised(data: Dataset, options: dict[str, Any], seed: int) -> Game:
    """r3gan's game, networks and penalties, with the cross-entropy in the place of relativistic pairing."""
    chosen = r3gan.Options(**options)
    torch.manual_seed(seed)
    noise = chosen.prior(data.schema)
    return duel(
        *pair(chosen, data.schema["x"].shape, noise.dim, batch_norm=False),
        "non-saturating",
        together(r1(chosen.gamma), r2(chosen.gamma)),
        latent=noise,
        optimizer=chosen.optimizers(),
        ema=chosen.ema,
    )
