"""Translation between two kinds of pictures without pairs, by two Wasserstein critics and two ways back.

    G, F:  -E[D_B(G(a, z))] - E[D_A(F(b, z'))] + λ E|F(G(a, z), z') - a| + λ E|G(F(b, z'), z) - b|
    D_A, D_B:  E[D(fake)] - E[D(real)], every weight within [-c, c], for each kind

G turns a into b, F turns b into a. The noises say which channels of their decoders are dropped.

Deviations: docs/recipes/dualgan.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring.game import Batch, Game, Latent, OptimizerConfig, Player, Step, steps
from sparring.kinds import Schema
from sparring.networks import PatchDiscriminator, UNet, depth_for
from sparring.objectives import Terms, wasserstein
from sparring.penalties import clip_weights
from sparring.recipes._translating import TranslationOptions, marked, shapes
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(TranslationOptions):
    """The paper's section 3.3 and its code, narrower."""

    batch: int = Field(4, gt=0, description="examples of each kind a step")
    lr: Varying = Field(5e-5, gt=0, description="learning rate of all")
    beta2: float = Field(0.9, ge=0, lt=1, description="RMSProp's smoothing constant")
    n_critic: int = Field(3, gt=0, description="steps of the critics before each step of the translators")
    clip: float = Field(0.01, gt=0, description="c: the critics' weights stay within ± this")
    reconstruction: float = Field(20.0, ge=0, description="λ: weight of coming back; the paper's is 100 to 1000")
    dropout: float = Field(
        0.5, ge=0, lt=1, description="share of channels that the noise drops, in the first layers up"
    )


class Networks(NamedTuple):
    """Two translators, two critics."""

    G: nn.Module
    F: nn.Module
    D_A: nn.Module
    D_B: nn.Module


def translators(noise: Latent, weight: float, net: Networks, step: Step) -> Terms:
    """G and F; both critics are held constant."""
    terms: Terms = {}
    for source, target, there, back, D in (("a", "b", net.G, net.F, net.D_B), ("b", "a", net.F, net.G, net.D_A)):
        real = step.batch[source]
        made = there(real, noise(len(real), step.rng)).float()
        score = D(made)
        terms |= marked(wasserstein.generator(score, score), target)
        if weight:
            again = back(made, noise(len(real), step.rng)).float()
            terms[f"reconstruction_{source}"] = weight * l1_loss(again, real)
    return terms


def critics(noise: Latent, net: Networks, step: Step) -> Terms:
    """D_A and D_B."""
    terms: Terms = {}
    for source, target, there, D in (("a", "b", net.G, net.D_B), ("b", "a", net.F, net.D_A)):
        given = step.batch[source]
        made = there(given, noise(len(given), step.rng)).detach()
        terms |= marked(wasserstein.discriminator(D(step.batch[target]), D(made)), target)
    return terms


def clip(limit: float, net: Networks) -> None:
    """Both critics' weights, into ± limit."""
    clip_weights(net.D_A, limit)
    clip_weights(net.D_B, limit)


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much a picture of kind b looks like one, `(B,)`."""
    return net.D_B(batch["b"]).flatten(1).mean(1)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = shapes("dualgan", schema)
    width, depth = options.width, depth_for(*b[1:])
    G, F = (UNet(ours[0], theirs[0], width, depth, options.dropout) for ours, theirs in ((a, b), (b, a)))
    D_A, D_B = (PatchDiscriminator(shape, width, bias=False) for shape in (a, b))
    noise = Latent(G.noise, "uniform")
    optimizer = OptimizerConfig(options.lr, "rmsprop", (0.0, options.beta2), decay_from=options.decay_from)
    return Game(
        networks=Networks(G, F, D_A, D_B),
        players=(
            Player(
                "critics", ("D_A", "D_B"), partial(critics, noise), optimizer,
                steps(options.n_critic), after=partial(clip, options.clip),
            ),
            Player("translators", ("G", "F"), partial(translators, noise, options.reconstruction), optimizer),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(given["a"], z),
        reverse=lambda net, z, given: net.F(given["b"], z),
        critic=critic,
        makes="b",
        given=("a",),
        makers=("translators",),
        average=("G", "F"),
        decay=options.ema,
    )  # fmt: skip


RECIPE = Recipe(
    "dualgan",
    "DualGAN: Unsupervised Dual Learning for Image-to-Image Translation (Yi et al. 2017)",
    "1704.02510",
    "one kind of picture into another, without pairs, by two critics",
    Options,
    build,
    takes="domains",
)
