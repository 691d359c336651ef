"""An autoencoder whose codes an adversary makes look like a prior, so that decoded prior draws are samples.

    autoencoder, E and G:  E|G(E(x)) - x|^2 - λ E[log D(E(x))]
    D:  -E[log D(z)] - E[log(1 - D(E(x)))], z from the prior

Deviations: docs/recipes/aae.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import MLPDiscriminator
from sparring.objectives import Terms, non_saturating
from sparring.recipes._duel import PairOptions, pair, shape_of
from sparring.recipes._encoders import encoder
from sparring.recipes.recipe import DECAY_FROM, Recipe
from sparring.schedules import Varying


class Options(PairOptions):
    """Narrower codes than the paper's for digits, and Adam."""

    latent_dim: int | None = Field(6, gt=0, description="of the code")
    lr: Varying = Field(1e-3, gt=0, description="learning rate of all but D")
    decay_from: float = Field(0.5, ge=0, le=1, description=DECAY_FROM)
    adversarial: float = Field(0.06, ge=0, description="λ: weight of D's judgement; 0 is a plain autoencoder")


class Networks(NamedTuple):
    """E of an example; G, the decoder, of a code; D of a code."""

    G: nn.Module
    E: nn.Module
    D: nn.Module


def autoencoder(weight: float, net: Networks, step: Step) -> Terms:
    """E and G: the reconstruction, and E as the generator of codes; D is held constant, and is left the codes."""
    x = step.batch["x"]
    code = net.E(x).float()
    step.left["code"] = code.detach()
    terms = {"reconstruction": mse_loss(net.G(code).float(), x)}
    if weight:
        score = net.D(code)
        terms["fake"] = weight * non_saturating.generator(score, score)["fake"]
    return terms


def discriminator(noise: Latent, net: Networks, step: Step) -> Terms:
    """D alone: draws of the prior are the reals, the codes that the autoencoder left are the fakes."""
    code = step.left["code"]
    return non_saturating.discriminator(net.D(noise(len(code), step.rng)), net.D(code))


def critic(net: Networks, batch: Batch) -> Tensor:
    """`(B,)`: how much the code of an example looks like a draw of the prior."""
    return net.D(net.E(batch["x"]))


POINTS = {"latent_dim": 2}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape = options.prior(schema), shape_of(schema)
    G, _ = pair(options, shape, noise.dim)
    D = MLPDiscriminator((noise.dim,), options.width_d or options.width or 256, depth=2)
    for_E, for_D = options.optimizers()
    return Game(
        networks=Networks(G, encoder(options, shape, noise.dim), D),
        players=(
            Player("autoencoder", ("E", "G"), partial(autoencoder, options.adversarial), for_E),
            Player("discriminator", ("D",), partial(discriminator, noise), for_D),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=critic,
        makers=("autoencoder",),
        average=("G", "E"),
        decay=options.ema,
        encode=lambda net, x: net.E(x),
    )


RECIPE = Recipe(
    "aae",
    "Adversarial Autoencoders (Makhzani et al. 2015)",
    "1511.05644",
    "an autoencoder whose codes follow a prior",
    Options,
    build,
    POINTS,
)
