"""Relations between two kinds of pictures, without pairs: what is turned into the other kind must come back.

    G, F:  -E[log D_B(G(a))] - E[log D_A(F(b))] + λ E|F(G(a)) - a|^2 + λ E|G(F(b)) - b|^2
    D_A, D_B:  -E[log D(real)] - E[log(1 - D(fake))], for each kind

G turns a into b, F turns b into a, each through a narrow map in its middle: nothing of the picture goes around it.

Deviations: docs/recipes/discogan.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from sparring.game import Batch, Game, Player, Step
from sparring.kinds import Schema
from sparring.networks import DCGANDiscriminator, UNet, depth_for
from sparring.objectives import Terms, non_saturating
from sparring.recipes._translating import AdamOptions, marked, nothing, shapes
from sparring.recipes.recipe import Recipe


class Options(AdamOptions):
    """The paper's section 3, narrower."""

    batch: int = Field(32, gt=0, description="examples of each kind a step")
    reconstruction: float = Field(1.0, ge=0, description="λ: weight of coming back")


class Networks(NamedTuple):
    """Two translators, two discriminators."""

    G: nn.Module
    F: nn.Module
    D_A: nn.Module
    D_B: nn.Module


def translators(weight: float, net: Networks, step: Step) -> Terms:
    """G and F; both discriminators are held constant, and are left what was made."""
    terms: Terms = {}
    for source, target, there, back, D in (("a", "b", net.G, net.F, net.D_B), ("b", "a", net.F, net.G, net.D_A)):
        real = step.batch[source]
        made = there(real).float()
        step.left[target] = made.detach()
        score = D(made)
        terms |= marked(non_saturating.generator(score, score), target)
        if weight:
            terms[f"reconstruction_{source}"] = weight * mse_loss(back(made).float(), real)
    return terms


def discriminators(net: Networks, step: Step) -> Terms:
    """D_A and D_B, on what the translators left."""
    terms: Terms = {}
    for domain, D in (("a", net.D_A), ("b", net.D_B)):
        terms |= marked(non_saturating.discriminator(D(step.batch[domain]), D(step.left[domain])), domain)
    return terms


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much a picture of kind b looks like one, `(B,)`."""
    return net.D_B(batch["b"])


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = shapes("discogan", schema)
    width, depth = options.width, depth_for(*b[1:])
    G, F = (UNet(ours[0], theirs[0], width, depth, skips=False) for ours, theirs in ((a, b), (b, a)))
    D_A, D_B = (DCGANDiscriminator(shape, width) for shape in (a, b))
    both = partial(translators, options.reconstruction)
    return Game(
        networks=Networks(G, F, D_A, D_B),
        players=(
            Player("translators", ("G", "F"), both, options.optimizer()),
            Player("discriminators", ("D_A", "D_B"), discriminators, options.optimizer()),
        ),
        noise=nothing,
        sample=lambda net, noise, given: net.G(given["a"]),
        reverse=lambda net, noise, given: net.F(given["b"]),
        critic=critic,
        makes="b",
        given=("a",),
        makers=("translators",),
        average=("G", "F"),
        decay=options.ema,
    )


RECIPE = Recipe(
    "discogan",
    "Learning to Discover Cross-Domain Relations with Generative Adversarial Networks (Kim et al. 2017)",
    "1703.05192",
    "finds what two kinds of pictures have in common, without pairs",
    Options,
    build,
    takes="domains",
)
