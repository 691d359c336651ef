"""One picture into many, learned from pairs: what the style changes can be read back, and is that of real pictures.

    G, E:  E[(D(a, G(a, E(b))) - 1)^2] + λ E|G(a, E(b)) - b| + λ_kl KL(E(b) | N(0, 1))
           + E[(D(a, G(a, z)) - 1)^2] + λ_z E|E(G(a, z)) - z|  (the last for G alone)
    D:  1/2 E[(D(a, b) - 1)^2] + 1/4 E[D(a, G(a, E(b)))^2] + 1/4 E[D(a, G(a, z))^2]

E(b) is a normal distribution of styles, drawn from where a style is needed; z is a style drawn from N(0, 1).

Deviations: docs/recipes/bicyclegan.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import l1_loss

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import PatchDiscriminator, StyleEncoder, UNet, depth_for
from sparring.objectives import Terms, least_squares
from sparring.recipes._translating import AdamOptions, beside, shapes
from sparring.recipes.recipe import Recipe


class Options(AdamOptions):
    """The paper's section 4, narrower."""

    batch: int = Field(4, gt=0, description="pairs a step")
    style: int = Field(8, gt=0, description="numbers of a style")
    pixels: float = Field(10.0, gt=0, description="λ: weight of the L1 distance from b")
    prior: float = Field(0.01, gt=0, description="λ_kl: weight of the styles' distance from the prior")
    style_code: float = Field(0.5, ge=0, description="λ_z: weight of reading the style back")


class Networks(NamedTuple):
    """G of a picture and a style; E of a picture b; D of two pictures."""

    G: nn.Module
    E: nn.Module
    D: nn.Module


class Styled(nn.Module):
    """A U-Net that is given the style as channels of the picture, each of one value.

    Args:
        network: of pictures with those channels.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, a: Tensor, style: Tensor) -> Tensor:
        """`(B, C, H, W)` and `(B, style)` -> `(B, C', H, W)`."""
        return self.network(beside(a, style[:, :, None, None].expand(-1, -1, *a.shape[2:])))


def generator(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """G and E; D is held constant, and is left both pictures."""
    a, b = step.batch["a"], step.batch["b"]
    mean, log_variance = net.E(b).float().chunk(2, dim=1)
    read = mean + (log_variance / 2).exp() * noise(len(a), step.rng)
    drawn = noise(len(a), step.rng)
    again, other = net.G(a, read).float(), net.G(a, drawn).float()
    step.left.update(again=again.detach(), other=other.detach())
    scores = net.D(beside(a, again)), net.D(beside(a, other))
    terms = {
        "encoded": 2 * least_squares.generator(scores[0], scores[0])["fake"],
        "drawn": 2 * least_squares.generator(scores[1], scores[1])["fake"],
        "pixels": options.pixels * l1_loss(again, b),
        "prior": options.prior * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2,
    }
    if options.style_code:
        # E must not learn to find what G hid: here it is as it is
        fixed = {name: p.detach() for name, p in net.E.named_parameters()}
        found = functional_call(net.E, fixed, (other,)).float()[:, : noise.dim]
        terms["style"] = options.style_code * l1_loss(found, drawn)
    return terms


def discriminator(net: Networks, step: Step) -> Terms:
    """D alone; the two kinds of fakes count half each."""
    a, left = step.batch["a"], step.left
    real, again, other = (net.D(beside(a, b)) for b in (step.batch["b"], left["again"], left["other"]))
    first, second = (least_squares.discriminator(real, fake) for fake in (again, other))
    return {"real": first["real"], "encoded": first["fake"] / 2, "drawn": second["fake"] / 2}


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much b looks like the partner of a, `(B,)`."""
    return net.D(beside(batch["a"], batch["b"])).flatten(1).mean(1)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = shapes("bicyclegan", schema)
    noise, width = Latent(options.style), options.width
    networks = Networks(
        Styled(UNet(a[0] + options.style, b[0], width, depth_for(*b[1:]))),
        StyleEncoder(b, 2 * options.style, width),
        PatchDiscriminator((a[0] + b[0], *b[1:]), width),
    )
    return Game(
        networks=networks,
        players=(
            Player("generator", ("G", "E"), partial(generator, noise, options), options.optimizer()),
            Player("discriminator", ("D",), discriminator, options.optimizer()),
        ),
        noise=noise,
        sample=lambda net, style, given: net.G(given["a"], style),
        critic=critic,
        makes="b",
        given=("a",),
        average=("G", "E"),
        decay=options.ema,
    )


RECIPE = Recipe(
    "bicyclegan",
    "Toward Multimodal Image-to-Image Translation (Zhu et al. 2017)",
    "1711.11586",
    "turns one picture into many others, learned from pairs",
    Options,
    build,
    takes="pairs",
)
