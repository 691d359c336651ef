"""Translation between two kinds of pictures, without pairs.

    G, F:  E[(D_B(G(a)) - 1)^2] + E[(D_A(F(b)) - 1)^2]
           + λ E|F(G(a)) - a| + λ E|G(F(b)) - b| + λ ι (E|G(b) - b| + E|F(a) - a|)
    D_A, D_B:  1/2 E[(D(real) - 1)^2] + 1/2 E[D(pooled fake)^2], for each domain

G turns a into b, F turns b into a. ι, the identity loss, is left out where the
channels of the two kinds differ.

Deviations: docs/recipes/cyclegan.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import Tensor, cat, nn
from torch.nn.functional import l1_loss

from sparring.game import Batch, Game, OptimizerConfig, Player, Step
from sparring.kinds import Schema
from sparring.networks import PatchDiscriminator, Pool, Translator
from sparring.objectives import Terms, least_squares
from sparring.recipes._translating import TranslationOptions, marked, nothing, shapes
from sparring.recipes.recipe import Recipe


class Options(TranslationOptions):
    """The paper's section 4, narrower."""

    depth: int = Field(4, gt=0, description="residual blocks of the translators; the paper's is 6 or 9")
    cycle: float = Field(10.0, ge=0, description="λ: weight of the cycle loss")
    identity: float = Field(0.5, ge=0, description="weight of the identity loss, as a share of λ")
    pool: int = Field(50, gt=0, description="past fakes that each D is shown")


class Networks(NamedTuple):
    """Two translators, two discriminators, two pools of past fakes."""

    G: nn.Module
    F: nn.Module
    D_A: nn.Module
    D_B: nn.Module
    P_A: nn.Module
    P_B: nn.Module


def translators(options: Options, net: Networks, step: Step) -> Terms:
    """G and F; both discriminators are held constant, and are left what was made."""
    terms: Terms = {}
    for source, target, there, back, D in (("a", "b", net.G, net.F, net.D_B), ("b", "a", net.F, net.G, net.D_A)):
        real, other = step.batch[source], step.batch[target]
        if options.identity and real.shape == other.shape:
            made, same = there(cat([real, other])).chunk(2)
            terms[f"identity_{target}"] = options.cycle * options.identity * l1_loss(same.float(), other)
        else:
            made = there(real)
        step.left[target] = made.detach()
        judged = D(made)
        terms[f"adversarial_{target}"] = 2 * least_squares.generator(judged, judged)["fake"]
        terms[f"cycle_{source}"] = options.cycle * l1_loss(back(made).float(), real)
    return terms


def discriminators(net: Networks, step: Step) -> Terms:
    """D_A and D_B, on what the translators left and on what the pools remember."""
    terms: Terms = {}
    for domain, D, pool in (("a", net.D_A, net.P_A), ("b", net.D_B, net.P_B)):
        real, made = D(cat([step.batch[domain], pool(step.left[domain], step.rng)])).chunk(2)
        terms |= marked(least_squares.discriminator(real, made), domain)
    return terms


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much a picture of domain b looks like one, `(B,)`."""
    return net.D_B(batch["b"]).flatten(1).mean(1)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = shapes("cyclegan", schema, multiple=4, least=8)
    networks = Networks(
        *(Translator(ours[0], theirs[0], options.width, options.depth) for ours, theirs in ((a, b), (b, a))),
        *(PatchDiscriminator(shape, options.width) for shape in (a, b)),
        *(Pool(options.pool, shape) for shape in (a, b)),
    )
    optimizer = OptimizerConfig(options.lr, decay_from=options.decay_from)
    return Game(
        networks=networks,
        players=(
            Player("translators", ("G", "F"), partial(translators, options), optimizer),
            Player("discriminators", ("D_A", "D_B", "P_A", "P_B"), discriminators, optimizer),
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
    "cyclegan",
    "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks (Zhu et al. 2017)",
    "1703.10593",
    "turns one kind of picture into another, without pairs",
    Options,
    build,
    takes="domains",
)
