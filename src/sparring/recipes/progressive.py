"""Both players begin with small pictures and grow; what is new is faded in.

    D:  E[D(G(z))] - E[D(x)] + λ E[(|∇D(x̂)| - 1)^2] + ε E[D(x)^2], x̂ uniform between a real and a fake
    G:  -E[D(G(z))]

While a level is faded in, pictures are (1 - α) up(those of the level before) + α (its own), and so are the reals.

Deviations: docs/recipes/progressive.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from sparring.errors import UserError
from sparring.game import Batch, Game, Latent, OptimizerConfig, Player, Step
from sparring.kinds import Schema
from sparring.networks import GrowingDiscriminator, GrowingGenerator
from sparring.networks.growing import at_stage
from sparring.objectives import Terms, wasserstein
from sparring.penalties import Penalty, gradient_penalty
from sparring.recipes._duel import shape_of
from sparring.recipes.recipe import Recipe, RecipeOptions
from sparring.schedules import Varying


class Options(RecipeOptions):
    """The paper's appendix A, with networks for a processor."""

    batch: int = Field(16, gt=0, description="examples a step")
    width: int = Field(8, gt=0, description="of both networks, at the full size")
    latent_dim: int = Field(64, gt=0, description="of the noise")
    lr: Varying = Field(3e-3, gt=0, description="learning rate of both")
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: float = Field(0.99, ge=0, lt=1, description="Adam's β2")
    ema: Varying = Field(0.99, ge=0, lt=1, description="decay of the average of G that samples are drawn from")
    penalty: float = Field(10.0, ge=0, description="λ: weight of the gradient penalty")
    drift: float = Field(1e-3, ge=0, description="ε: weight of the squared scores of reals")
    growth: float = Field(
        0.6, ge=0, le=1, description="the part of the run in which the networks grow; with 0 they are whole at once"
    )


class Networks(NamedTuple):
    """The two that grow; each keeps the stage of its player's last turn."""

    G: GrowingGenerator
    D: GrowingDiscriminator


def stage_at(progress: float, levels: int, growth: float) -> float:
    """The stage at a part of the run: each level but the last is held and then the next is faded in, equally long.

    Examples:
        >>> [stage_at(k / 10, 3, 0.8) for k in (0, 2, 3, 4, 6, 7, 8, 10)]
        [0.0, 0.0, 0.5, 1.0, 1.0, 1.5, 2, 2]
    """
    last = levels - 1
    if progress >= growth:
        return last
    level, within = divmod(round(2 * last * progress / growth, 9), 2)
    return level + max(0.0, within - 1)


def grown(network: GrowingGenerator | GrowingDiscriminator, growth: float, step: Step) -> float:
    """Let a network grow to the stage of this part of the run, and say which; it never shrinks.

    The end of a run may move away from it, where it is given a larger budget.
    """
    stage = max(stage_at(step.progress, len(network.sizes), growth), float(network.stage))
    network.stage.fill_(stage)
    return stage


def discriminator(noise: Latent, options: Options, penalty: Penalty, net: Networks, step: Step) -> Terms:
    """D alone."""
    stage = grown(net.D, options.growth, step)
    D = partial(net.D, stage=stage)
    real = at_stage(step.batch["x"], net.D.sizes, stage)
    with torch.no_grad():
        fake = net.G(noise(len(real), step.rng), stage).float()
    on_real = D(real).float()
    drift = {"drift": options.drift * on_real.square().mean()}
    return wasserstein.discriminator(on_real, D(fake)) | penalty(D, real, fake, step.rng) | drift


def generator(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant."""
    stage = grown(net.G, options.growth, step)
    scores = net.D(net.G(noise(len(step.batch["x"]), step.rng), stage).float(), stage)
    return wasserstein.generator(scores, scores)


def critic(net: Networks, batch: Batch) -> Tensor:
    """`(B,)`: the scores of D as far as it has grown."""
    return net.D(at_stage(batch["x"], net.D.sizes, float(net.D.stage)))


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape = Latent(options.latent_dim), shape_of(schema)
    if len(shape) != 3:
        raise UserError("progressive grows pictures", "a set of pictures, or --recipe wgan-gp")
    optimizer = OptimizerConfig(options.lr, betas=(options.beta1, options.beta2))
    judge = partial(discriminator, noise, options, gradient_penalty(options.penalty))
    networks = Networks(
        GrowingGenerator(options.latent_dim, shape, options.width), GrowingDiscriminator(shape, options.width)
    )
    last = len(networks.G.sizes) - 1
    for network in networks:
        network.stage.fill_(stage_at(0.0, last + 1, options.growth))
    begun = (options.growth * (k - 0.5) / last for k in range(1, last + 1))  # the fades
    return Game(
        networks=networks,
        players=(
            Player("discriminator", ("D",), judge, optimizer),
            Player("generator", ("G",), partial(generator, noise, options), optimizer),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G.full(z),
        critic=critic,
        decay=options.ema,
        paces=(0.0, *begun) if options.growth else (0.0,),
    )


RECIPE = Recipe(
    "progressive",
    "Progressive Growing of GANs for Improved Quality, Stability, and Variation (Karras et al. 2017)",
    "1710.10196",
    "both networks grow from small pictures to large ones",
    Options,
    build,
)
