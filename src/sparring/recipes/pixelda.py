"""A classifier for pictures without labels: labelled pictures of another kind are made to look like them.

    D:  α (-E[log D(b)] - E[log(1 - D(G(a, z)))])
    T, in D's turn:  β (-E[log T(y | G(a, z))] - E[log T(y | a)])
    G:  -α E[log D(G(a, z))] - β (E[log T(y | G(a, z))])

a has the label y, in the column "y_a"; b has none. The labels of what G makes of a are those of a.

Deviations: docs/recipes/pixelda.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.errors import UserError
from sparring.game import Game, Latent, Player, Step
from sparring.kinds import Schema, classes_of
from sparring.networks import StridedDiscriminator, Translator
from sparring.objectives import Terms, non_saturating
from sparring.recipes._translating import AdamOptions, beside, shapes
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying

LABEL = "y_a"
"""The column of the labels of a."""


class Options(AdamOptions):
    """The paper's game, narrower."""

    batch: int = Field(32, gt=0, description="examples of each kind a step")
    width: int = Field(12, gt=0, description="of all networks")
    depth: int = Field(3, gt=0, description="residual blocks of G; the paper's are 6")
    latent_dim: int = Field(10, gt=0, description="of the noise")
    lr: Varying = Field(1e-3, gt=0, description="learning rate of all")
    domain: float = Field(0.1, gt=0, description="α: weight of D's judgement")
    task: float = Field(1.0, gt=0, description="β: weight of T's likelihood of the label")


class Adapter(nn.Module):
    """A picture and noise -> a picture of the other kind: the noise becomes one more channel.

    Args:
        translator: of pictures with that channel.
        latent_dim: the noise's dimension.
        size: (H, W).
    """

    def __init__(self, translator: nn.Module, latent_dim: int, size: tuple[int, ...]) -> None:
        super().__init__()
        self.plane = nn.Sequential(nn.Linear(latent_dim, size[0] * size[1]), nn.Unflatten(1, (1, *size)))
        self.translator = translator

    def forward(self, a: Tensor, z: Tensor) -> Tensor:
        """`(B, C, H, W)` and `(B, latent_dim)` -> `(B, C', H, W)`."""
        return self.translator(beside(a, self.plane(z)))


class Networks(NamedTuple):
    """G of a picture and noise; D of pictures b; T, the classifier."""

    G: nn.Module
    D: nn.Module
    T: nn.Module


def discriminator(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """D and T; G is held constant."""
    a, b, y = (step.batch[name] for name in ("a", "b", LABEL))
    with torch.no_grad():
        made = net.G(a, noise(len(a), step.rng)).float()
    judged = non_saturating.discriminator(net.D(b), net.D(made))
    return {name: options.domain * term for name, term in judged.items()} | {
        "task_made": options.task * cross_entropy(net.T(made).float(), y),
        "task_given": options.task * cross_entropy(net.T(a).float(), y),
    }


def generator(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """G alone; D and T are held constant."""
    a, y = step.batch["a"], step.batch[LABEL]
    made = net.G(a, noise(len(a), step.rng)).float()
    score = net.D(made)
    return {
        "fake": options.domain * non_saturating.generator(score, score)["fake"],
        "task_made": options.task * cross_entropy(net.T(made).float(), y),
    }


def classifier(shape: tuple[int, ...], classes: int, width: int) -> nn.Module:
    """T: strided convolutions, `(B, C, H, W)` -> `(B, classes)`."""
    body = StridedDiscriminator(shape, width, spectral=False)
    return nn.Sequential(body.trunk, nn.Flatten(), nn.Linear(body.head.in_features, classes))


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    (a, b), classes = shapes("pixelda", schema, multiple=4, least=8), len(classes_of(schema, LABEL))
    if not classes:
        raise UserError("pixelda needs labels of a", "pictures a in sub-folders by class, or an array with labels")
    if a != b:
        problem = f"pixelda's classifier sees both kinds, and they have {a[0]} and {b[0]} channels"
        raise UserError(problem, "--channels 3")
    noise = Latent(options.latent_dim, "uniform")
    G = Adapter(Translator(a[0] + 1, b[0], options.width, options.depth), noise.dim, b[1:])
    D, T = StridedDiscriminator(b, options.width), classifier(b, classes, options.width)
    return Game(
        networks=Networks(G, D, T),
        players=(
            Player("discriminator", ("D", "T"), partial(discriminator, noise, options), options.optimizer()),
            Player("generator", ("G",), partial(generator, noise, options), options.optimizer()),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(given["a"], z),
        critic=lambda net, batch: net.D(batch["b"]),
        makes="b",
        given=("a",),
        decay=options.ema,
    )


RECIPE = Recipe(
    "pixelda",
    "Unsupervised Pixel-Level Domain Adaptation with Generative Adversarial Networks (Bousmalis et al. 2016)",
    "1612.05424",
    "a classifier for pictures without labels, by labelled ones of another kind",
    Options,
    build,
    takes="domains",
)
