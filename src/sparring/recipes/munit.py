"""One picture into many of another kind, without pairs: content is shared by both kinds, style is each kind's own.

    E, G:  λ_x E|G_A(C_A(a), S_A(a)) - a| + λ_c E|C_B(G_B(C_A(a), s)) - C_A(a)| + λ_s E|S_B(G_B(C_A(a), s)) - s|
           + E[(D_B(G_B(C_A(a), s)) - 1)^2], and the same with a and b exchanged
    D_A, D_B:  1/2 E[(D(real) - 1)^2] + 1/2 E[D(fake)^2], for each kind

C encodes what a picture shows and S how, G makes a picture of both; the style s is normal noise.

Deviations: docs/recipes/munit.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import ContentEncoder, PatchDiscriminator, StyledDecoder, StyleEncoder
from sparring.objectives import Terms, least_squares
from sparring.recipes._translating import AdamOptions, marked, shapes
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(AdamOptions):
    """The paper's section 5.1, narrower."""

    depth: int = Field(2, gt=0, description="residual blocks of each encoder and decoder; the paper's is 4")
    style: int = Field(8, gt=0, description="numbers of a style")
    lr: Varying = Field(1e-4, gt=0, description="learning rate of all")
    image: float = Field(10.0, gt=0, description="λ_x: weight of making a picture again")
    content: float = Field(1.0, ge=0, description="λ_c: weight of finding the content again")
    style_code: float = Field(1.0, gt=0, description="λ_s: weight of finding the style again")


class Networks(NamedTuple):
    """For each kind: encoders of content and of style, a decoder, a discriminator."""

    C_A: nn.Module
    C_B: nn.Module
    S_A: nn.Module
    S_B: nn.Module
    G_A: nn.Module
    G_B: nn.Module
    D_A: nn.Module
    D_B: nn.Module


MAKERS = ("C_A", "C_B", "S_A", "S_B", "G_A", "G_B")


def translators(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """Encoders and decoders; both discriminators are held constant, and are left what was made."""
    content = {"a": net.C_A(step.batch["a"]), "b": net.C_B(step.batch["b"])}
    terms: Terms = {}
    for source, target, C, S, G, D, S_own, G_own in (
        ("a", "b", net.C_B, net.S_B, net.G_B, net.D_B, net.S_A, net.G_A),
        ("b", "a", net.C_A, net.S_A, net.G_A, net.D_A, net.S_B, net.G_B),
    ):
        real, style = step.batch[source], noise(len(step.batch[source]), step.rng)
        made = G(content[source], style)
        step.left[target] = made.float().detach()
        score, again = D(made), G_own(content[source], S_own(real)).float()
        terms |= {
            f"adversarial_{target}": 2 * least_squares.generator(score, score)["fake"],
            f"image_{source}": options.image * l1_loss(again, real),
            f"style_{target}": options.style_code * l1_loss(S(made).float(), style),
        }
        if options.content:
            found, known = C(made).float(), content[source].float()
            terms[f"content_{source}"] = options.content * l1_loss(found, known)
    return terms


def discriminators(net: Networks, step: Step) -> Terms:
    """D_A and D_B, on what the translators left."""
    terms: Terms = {}
    for domain, D in (("a", net.D_A), ("b", net.D_B)):
        terms |= marked(least_squares.discriminator(D(step.batch[domain]), D(step.left[domain])), domain)
    return terms


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much a picture of kind b looks like one, `(B,)`."""
    return net.D_B(batch["b"]).flatten(1).mean(1)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    both = shapes("munit", schema, multiple=4, least=8)
    width, noise = options.width, Latent(options.style)
    networks = Networks(
        *(ContentEncoder(shape[0], width, options.depth) for shape in both),
        *(StyleEncoder(shape, options.style, width) for shape in both),
        *(StyledDecoder(shape[0], options.style, width, options.depth) for shape in both),
        *(PatchDiscriminator(shape, width) for shape in both),
    )
    return Game(
        networks=networks,
        players=(
            Player("translators", MAKERS, partial(translators, noise, options), options.optimizer()),
            Player("discriminators", ("D_A", "D_B"), discriminators, options.optimizer()),
        ),
        noise=noise,
        sample=lambda net, style, given: net.G_B(net.C_A(given["a"]), style),
        reverse=lambda net, style, given: net.G_A(net.C_B(given["b"]), style),
        critic=critic,
        makes="b",
        given=("a",),
        makers=("translators",),
        average=MAKERS,
        decay=options.ema,
    )


RECIPE = Recipe(
    "munit",
    "Multimodal Unsupervised Image-to-Image Translation (Huang et al. 2018)",
    "1804.04732",
    "one picture into many of another kind, without pairs",
    Options,
    build,
    takes="domains",
)
