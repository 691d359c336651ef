"""One translator between all classes of one set of pictures: it is told the class that is wanted.

    D, C:  E[D(G(x, y'))] - E[D(x)] + λ_gp E[(|∇D(x̂)| - 1)^2] - λ_c E[log C(y | x)]
    G:  -E[D(G(x, y'))] - λ_c E[log C(y' | G(x, y'))] + λ_r E|G(G(x, y'), y) - x|

y is the class of x, y' another example's, x̂ lies between x and G(x, y'). D and C share their layers but the last.

Deviations: docs/recipes/stargan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, l1_loss

from sparring.errors import UserError
from sparring.game import Game, Player, Step, steps
from sparring.kinds import Schema
from sparring.networks import StridedDiscriminator, Translator
from sparring.objectives import Terms, wasserstein
from sparring.penalties import gradient_penalty
from sparring.recipes._labels import classes_for, told
from sparring.recipes._translating import AdamOptions, nothing
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(AdamOptions):
    """The paper's section 3.3 and 5, narrower."""

    batch: int = Field(16, gt=0, description="examples a step")
    depth: int = Field(3, gt=0, description="residual blocks of G; the paper's are 6")
    lr: Varying = Field(5e-4, gt=0, description="learning rate of both; the paper's is 1e-4")
    n_critic: int = Field(5, gt=0, description="steps of D before each step of G")
    classify: float = Field(1.0, gt=0, description="λ_c: weight of the class's likelihood")
    reconstruct: float = Field(10.0, ge=0, description="λ_r: weight of coming back")
    penalty: float = Field(10.0, ge=0, description="λ_gp: weight of the gradient penalty")


class Networks(NamedTuple):
    """G of picture and class; D; C, the classes' head on D's features."""

    G: nn.Module
    D: StridedDiscriminator
    C: nn.Linear


def judged(net: Networks, x: Tensor) -> tuple[Tensor, Tensor]:
    """The scores, `(B,)`, and the logits of the classes, `(B, classes)`, float32."""
    features = net.D.features(x)
    return net.D.head(features).squeeze(1), net.C(features).float()


def wanted(y: Tensor, rng: torch.Generator) -> Tensor:
    """Classes to translate to: those of the batch, in another order."""
    return y[torch.randperm(len(y), generator=rng, device=rng.device)]


def discriminator(options: Options, classes: int, net: Networks, step: Step) -> Terms:
    """D and C."""
    x, y = step.batch["x"], step.batch["y"]
    with torch.no_grad():
        made = net.G(told(x, wanted(y, step.rng), classes)).float()
    score, named = judged(net, x)
    terms = wasserstein.discriminator(score, net.D(made))
    terms["class"] = options.classify * cross_entropy(named, y)
    return terms | (gradient_penalty(options.penalty)(net.D, x, made, step.rng) if options.penalty else {})


def generator(options: Options, classes: int, net: Networks, step: Step) -> Terms:
    """G alone; D and C are held constant."""
    x, y = step.batch["x"], step.batch["y"]
    target = wanted(y, step.rng)
    made = net.G(told(x, target, classes)).float()
    score, named = judged(net, made)
    terms = wasserstein.generator(score, score) | {"class": options.classify * cross_entropy(named, target)}
    if options.reconstruct:
        terms["reconstruction"] = options.reconstruct * l1_loss(net.G(told(made, y, classes)).float(), x)
    return terms


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    classes, shape = classes_for("stargan", schema), schema["x"].shape
    if len(shape) != 3 or any(side % 4 or side < 8 for side in shape[1:]):
        raise UserError("stargan needs pictures with sides divisible by 4, 8 at least", "--size 32x32")
    D = StridedDiscriminator(shape, options.width, spectral=False)
    return Game(
        networks=Networks(
            Translator(shape[0] + classes, shape[0], options.width, options.depth),
            D,
            nn.Linear(D.head.in_features, classes),
        ),
        players=(
            Player(
                "discriminator", ("D", "C"), partial(discriminator, options, classes), options.optimizer(),
                steps(options.n_critic),
            ),
            Player("generator", ("G",), partial(generator, options, classes), options.optimizer()),
        ),
        noise=nothing,
        sample=lambda net, noise, given: net.G(told(given["x"], given["y"], classes)),
        critic=lambda net, batch: net.D(batch["x"]),
        given=("x", "y"),
        decay=options.ema,
    )  # fmt: skip


RECIPE = Recipe(
    "stargan",
    "StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image Translation (Choi et al. 2017)",
    "1711.09020",
    "one translator between all classes of pictures; needs labels",
    Options,
    build,
)
