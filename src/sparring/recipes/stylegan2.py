"""A mapping makes styles of noise, and every layer of the generator is modulated by one; penalties are lazy.

    D:  E[softplus(-D(x))] + E[softplus(D(G(z)))]    + γ/2 E|∇D(x)|^2, in every k_D-th round, k_D times as heavy
    G:  E[softplus(-D(G(z)))]                        + γ_pl E(|J_w^T y| - a)^2, in every k_G-th round, likewise

w is the style of z, J_w the Jacobian of G by it, y a picture of normal noise, a the running mean of |J_w^T y|, and
γ_pl = ln 2 / (r^2 (ln r - ln 2)) for pictures of side r. Adam's rate and betas are λ c, β^c with c = k / (k + 1).

Deviations: docs/recipes/stylegan2.md.
"""

import math
from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from sparring.errors import UserError
from sparring.game import Batch, Game, Latent, OptimizerConfig, Player, Step, Styles
from sparring.kinds import Schema
from sparring.networks import StyleDiscriminator, StyleGenerator
from sparring.networks.style import Length, mixed
from sparring.objectives import Terms, non_saturating
from sparring.penalties import r1
from sparring.recipes._duel import shape_of
from sparring.recipes.recipe import Recipe, RecipeOptions


class Options(RecipeOptions):
    """The paper's appendix B, with networks for a processor."""

    batch: int = Field(32, gt=0, description="examples a step")
    width: int = Field(8, gt=0, description="of both networks, at the full size")
    latent_dim: int = Field(64, gt=0, description="of the noise, and of a style")
    depth: int = Field(4, gt=0, description="layers of the mapping")
    lr: float = Field(2e-3, gt=0, description="λ: learning rate of both")
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: float = Field(0.99, ge=0, lt=1, description="Adam's β2")
    gamma: float = Field(10.0, ge=0, description="γ: weight of R1")
    r1_every: int = Field(4, gt=0, description="k_D: R1 is computed once in so many rounds")
    path: float = Field(1.0, ge=0, description="weight of the path length penalty, in γ_pl")
    path_every: int = Field(8, gt=0, description="k_G: it is computed once in so many rounds")
    mixing: float = Field(0.9, ge=0, le=1, description="share of fakes whose later layers have another style")


class Networks(NamedTuple):
    """The generator with its mapping, the discriminator, and the running mean of path lengths."""

    G: StyleGenerator
    D: StyleDiscriminator
    A: Length


def fakes(noise: Latent, share: float, net: Networks, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures, and the styles that they begin with."""
    w, other = net.G.map(torch.cat([noise(n, rng), noise(n, rng)])).chunk(2)
    return net.G.synthesize(mixed(w, other, net.G.layers, share, rng), rng).float(), w


def discriminator(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """D alone."""
    real = step.batch["x"]
    with torch.no_grad():
        fake, _ = fakes(noise, options.mixing, net, len(real), step.rng)
    terms = non_saturating.discriminator(net.D(real), net.D(fake))
    if options.gamma and step.round % options.r1_every == 0:
        terms |= r1(options.r1_every * options.gamma)(net.D, real, fake, step.rng)
    return terms


def generator(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """G alone, which also keeps the mean of its styles; D is held constant."""
    n = len(step.batch["x"])
    fake, w = fakes(noise, options.mixing, net, n, step.rng)
    net.G.follow(w)
    scores = net.D(fake)
    terms = non_saturating.generator(scores, scores)
    if options.path and step.round % options.path_every == 0:
        terms["path"] = options.path_every * options.path * path_penalty(noise, net, (n + 1) // 2, step.rng)
    return terms


def path_penalty(noise: Latent, net: Networks, n: int, rng: torch.Generator) -> Tensor:
    """γ_pl E(|J_w^T y| - a)^2 over n pictures, float32."""
    with torch.autocast(rng.device.type, enabled=False):
        w = net.G.map(noise(n, rng))
        made = net.G.synthesize(w, rng)
        y = torch.randn(made.shape, generator=rng, device=made.device)
        (pulled,) = torch.autograd.grad((made * y).sum(), w, create_graph=True)
        lengths = (pulled.square().sum(1) + 1e-12).sqrt()
    r = max(4.0, math.prod(made.shape[2:]) ** 0.5)
    weight = math.log(2) / (r**2 * (math.log(r) - math.log(2)))
    return weight * (lengths - net.A.follow(lengths.detach())).square().mean()


def lazy(options: Options, every: int) -> OptimizerConfig:
    """Adam for a player whose penalty is computed once in so many rounds."""
    c = every / (every + 1)
    return OptimizerConfig(options.lr * c, betas=(options.beta1**c, options.beta2**c))


def sample(net: Networks, z: Tensor, given: Batch) -> Tensor:
    """`(B, C, H, W)`, of noise or of styles."""
    return net.G(z) if z.ndim == 2 else net.G.synthesize(z)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape = Latent(options.latent_dim), shape_of(schema)
    if len(shape) != 3:
        raise UserError("stylegan2 makes pictures", "a set of pictures, or --recipe default")
    G = StyleGenerator(options.latent_dim, shape, options.width, options.latent_dim, options.depth)
    return Game(
        networks=Networks(G, StyleDiscriminator(shape, options.width), Length()),
        players=(
            Player("discriminator", ("D",), partial(discriminator, noise, options), lazy(options, options.r1_every)),
            Player("generator", ("G", "A"), partial(generator, noise, options), lazy(options, options.path_every)),
        ),
        noise=noise,
        sample=sample,
        critic=lambda net, batch: net.D(batch["x"]),
        decay=options.ema,
        styles=Styles(lambda net, z: net.G.map(z)[:, None].expand(-1, net.G.layers, -1), lambda net: net.G.mean),
    )


RECIPE = Recipe(
    "stylegan2",
    "Analyzing and Improving the Image Quality of StyleGAN (Karras et al. 2020)",
    "1912.04958",
    "a style for every layer: mixing, and truncation that keeps pictures whole",
    Options,
    build,
)
