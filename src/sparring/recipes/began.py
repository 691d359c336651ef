"""D is an autoencoder, and a control k keeps its errors on fakes and on reals in a fixed ratio.

D:  L(x) - k L(G(z))
G:  L(G(z))
k:  k + λ (γ L(x) - L(G(z))), within [0, 1], after both

L(v) is the mean of |D(v) - v|. Where the game is in balance, E[L(G(z))] = γ E[L(x)].

Deviations: docs/recipes/began.md.
"""

from functools import partial
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import Autoencoder
from sparring.objectives import Terms
from sparring.recipes._autoencoding import CodeOptions, generator_and_autoencoder
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(CodeOptions):
    """The paper's section 4, with networks for a processor."""

    latent: Literal["normal", "uniform"] = Field("uniform", description="its distribution")
    lr: Varying = Field(1e-4, gt=0, description="learning rate of both")
    gamma: float = Field(0.5, gt=0, le=1, description="γ: the error on fakes over that on reals; lower is less varied")
    rate_k: float = Field(1e-3, gt=0, description="λ: how fast k moves")


FIRST_K = 0.01
"""A little above the paper's 0, where D's second term would be flat."""


class Balance(nn.Module):
    """k, from 0 to 1: how much D attends to fakes. It has no parameters; D's player names it in `trains`."""

    k: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", torch.tensor(FIRST_K))

    @torch.no_grad()
    def move(self, by: Tensor) -> None:
        """Add to k, and keep it within [0, 1]."""
        self.k = (self.k + by).clamp(0, 1)  # a new tensor: the backward pass needs the old one


class Networks(NamedTuple):
    """The generator, the autoencoder that judges, and the control of their balance."""

    G: nn.Module
    D: Autoencoder
    K: Balance


def error(D: Autoencoder, x: Tensor) -> Tensor:
    """`(B,)`: L, the mean absolute error of each example's reconstruction."""
    return D.errors(x)[0].abs().flatten(1).mean(1)


def generator(noise: Latent, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant. Its error is left for the control."""
    fake = net.G(noise(len(step.batch["x"]), step.rng)).float()
    on_fake = error(net.D, fake).mean()
    step.left["error"] = on_fake.detach()
    return {"fake": on_fake}


def discriminator(noise: Latent, gamma: float, rate: float, net: Networks, step: Step) -> Terms:
    """D, and then k."""
    real = step.batch["x"]
    with torch.no_grad():
        fake = net.G(noise(len(real), step.rng)).float()
    on_real, on_fake = error(net.D, real).mean(), error(net.D, fake).mean()
    terms = {"real": on_real, "fake": -net.K.k * on_fake}
    net.K.move(rate * (gamma * on_real.detach() - step.left["error"]))
    return terms


def critic(net: Networks, batch: Batch) -> Tensor:
    """`(B,)`: minus the error."""
    return -error(net.D, batch["x"])


POINTS = {"lr": 1e-3, "code": 1}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise = options.prior(schema)
    G, D = generator_and_autoencoder(options, schema, batch_norm=False)
    for_G, for_D = options.optimizers()
    judge = partial(discriminator, noise, options.gamma, options.rate_k)
    return Game(
        networks=Networks(G, D, Balance()),
        players=(
            Player("generator", ("G",), partial(generator, noise), for_G),
            Player("discriminator", ("D", "K"), judge, for_D),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=critic,
        decay=options.ema,
    )


RECIPE = Recipe(
    "began",
    "BEGAN: Boundary Equilibrium Generative Adversarial Networks (Berthelot et al. 2017)",
    "1703.10717",
    "an autoencoder as D, its errors on fakes and reals held in balance",
    Options,
    build,
    POINTS,
)
