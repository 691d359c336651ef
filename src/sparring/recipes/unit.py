"""Translation without pairs, through one latent space that both kinds of pictures are encoded into.

    E, G:  λ0 GAN_B(G_B(z_a)) + λ1 KL(z_a) + λ2 E|G_A(z_a) - a| + λ3 KL(z_ab) + λ4 E|G_A(z_ab) - a|,
           and the same with a and b exchanged
    D_A, D_B:  λ0 (-E[log D(real)] - E[log(1 - D(fake))]), for each kind

z_a is E_A(a) with normal noise of variance 1, z_ab is E_B(G_B(z_a)) with such noise, KL(z) is half the mean square of
z's mean. E_A and E_B share their last block, G_A and G_B their first. GAN(x) is -E[log D(x)].

Deviations: docs/recipes/unit.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring.game import Batch, Game, Player, Step
from sparring.kinds import Schema
from sparring.networks import PatchDiscriminator, SharedLatent
from sparring.objectives import Terms, non_saturating
from sparring.recipes._translating import AdamOptions, marked, nothing, shapes
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(AdamOptions):
    """The weights of the paper's section 4, and narrower networks."""

    depth: int = Field(3, gt=0, description="residual blocks of each encoder and decoder, a shared one included")
    lr: Varying = Field(1e-4, gt=0, description="learning rate of all")
    adversarial: float = Field(10.0, gt=0, description="λ0: weight of D's judgement")
    prior: float = Field(0.1, ge=0, description="λ1 and λ3: weight of the latents' distance from the prior")
    image: float = Field(100.0, gt=0, description="λ2: weight of making a picture again")
    cycle: float = Field(100.0, ge=0, description="λ4: weight of making it again from its translation")


class Networks(NamedTuple):
    """G, both encoders and both decoders; a discriminator for each kind."""

    G: SharedLatent
    D_A: nn.Module
    D_B: nn.Module


def noisy(mean: Tensor, rng: torch.Generator) -> Tensor:
    """A draw of the latent whose mean that is."""
    return mean + torch.randn(mean.shape, generator=rng, device=mean.device)


def divergence(mean: Tensor) -> Tensor:
    """KL(N(mean, 1) | N(0, 1)), averaged over the latent's numbers."""
    return mean.float().square().mean() / 2


def translators(options: Options, net: Networks, step: Step) -> Terms:
    """G; both discriminators are held constant, and are left what was made."""
    terms: Terms = {}
    for kind, source, target, D in ((0, "a", "b", net.D_B), (1, "b", "a", net.D_A)):
        real = step.batch[source]
        mean = net.G.encode(kind, real)
        z = noisy(mean, step.rng)
        made = net.G.decode(1 - kind, z)
        step.left[target] = made.float().detach()
        score = D(made)
        terms[f"adversarial_{target}"] = options.adversarial * non_saturating.generator(score, score)["fake"]
        terms[f"image_{source}"] = options.image * l1_loss(net.G.decode(kind, z).float(), real)
        again = net.G.encode(1 - kind, made)
        if options.prior:
            terms[f"prior_{source}"] = options.prior * (divergence(mean) + divergence(again))
        if options.cycle:
            back = net.G.decode(kind, noisy(again, step.rng)).float()
            terms[f"cycle_{source}"] = options.cycle * l1_loss(back, real)
    return terms


def discriminators(options: Options, net: Networks, step: Step) -> Terms:
    """D_A and D_B, on what the translators left."""
    terms: Terms = {}
    for domain, D in (("a", net.D_A), ("b", net.D_B)):
        terms |= marked(non_saturating.discriminator(D(step.batch[domain]), D(step.left[domain])), domain)
    return {name: options.adversarial * term for name, term in terms.items()}


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much a picture of kind b looks like one, `(B,)`."""
    return net.D_B(batch["b"]).flatten(1).mean(1)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = shapes("unit", schema, multiple=4, least=8)
    G = SharedLatent((a[0], b[0]), options.width, options.depth)
    return Game(
        networks=Networks(G, *(PatchDiscriminator(shape, options.width) for shape in (a, b))),
        players=(
            Player("translators", ("G",), partial(translators, options), options.optimizer()),
            Player("discriminators", ("D_A", "D_B"), partial(discriminators, options), options.optimizer()),
        ),
        noise=nothing,
        sample=lambda net, noise, given: net.G(0, given["a"]),
        reverse=lambda net, noise, given: net.G(1, given["b"]),
        critic=critic,
        makes="b",
        given=("a",),
        makers=("translators",),
        decay=options.ema,
    )


RECIPE = Recipe(
    "unit",
    "Unsupervised Image-to-Image Translation Networks (Liu et al. 2017)",
    "1703.00848",
    "translates without pairs, through one latent space for both kinds",
    Options,
    build,
    takes="domains",
)
