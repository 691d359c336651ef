"""Five ways to make a GAN train better, each an option: the first three are on by default.

    minibatch discrimination: D's last layer also sees how close an example is to the others of its batch
    one-sided smoothing: D's target for reals is 1 - s
    virtual batch norm: G's examples are normalised by a fixed reference batch
    feature matching: G minimises |E f(x) - E f(G(z))|^2 instead, f being D's features
    historical averaging: each player also pays w |θ - mean of its θ so far|^2

D:  -E[(1 - s) log D(x) + s log(1 - D(x))] - E[log(1 - D(G(z)))]
G:  -E[log D(G(z))]

Deviations: docs/recipes/improved.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparring.game import Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import History, MinibatchDiscrimination, WithReference
from sparring.objectives import Objective, Terms, non_saturating, smooth_labels
from sparring.recipes._duel import Featured, PairOptions, pair, shape_of
from sparring.recipes.recipe import Recipe


class Options(PairOptions):
    """The paper's techniques."""

    kernels: int = Field(50, ge=0, description="of minibatch discrimination; 0 is without")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="one-sided: D's target for reals is 1 minus this")
    virtual_batch_norm: bool = Field(True, description="in a G with batch norm, by a fixed batch of references")
    feature_matching: bool = Field(False, description="G matches the mean of D's features instead of fooling D")
    history: float = Field(0.0, ge=0, description="weight of historical averaging")


class Aware(nn.Module):
    """`(B, *shape)` -> `(B,)` logits: a discriminator that also sees how close the examples of its batch are.

    Args:
        body: a discriminator; its head is replaced.
        kernels: of minibatch discrimination.
    """

    def __init__(self, body: Featured, kernels: int) -> None:
        super().__init__()
        features = body.head.in_features
        body.head = nn.Linear(features + kernels, 1, bias=False)
        self.body, self.closeness = body, MinibatchDiscrimination(features, kernels)

    def features(self, x: Tensor) -> Tensor:
        """`(B, *shape)` -> `(B, F)`: of each example by itself."""
        return self.body.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, *shape)` -> `(B,)`."""
        f = self.features(x)
        return self.body.head(torch.cat([f, self.closeness(f)], dim=1)).squeeze(1)


class Networks(NamedTuple):
    """G; D with `features`; the mean of each one's past."""

    G: nn.Module
    D: Aware | Featured
    past_G: History
    past_D: History


def discriminator(rules: Objective, noise: Latent, weight: float, net: Networks, step: Step) -> Terms:
    """D alone. Reals and fakes go apart: D looks across the batch."""
    real = step.batch["x"]
    with torch.no_grad():
        fake = net.G(noise(len(real), step.rng)).float()
    terms = rules.discriminator(net.D(real), net.D(fake))
    return terms | ({"history": weight * net.past_D.distance(net.D)} if weight else {})


def generator(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant."""
    real = step.batch["x"]
    fake = net.G(noise(len(real), step.rng)).float()
    if options.feature_matching:
        terms = {"features": mismatch(net.D, real, fake)}
    else:
        scores = net.D(fake)
        terms = non_saturating.generator(scores, scores)
    return terms | ({"history": options.history * net.past_G.distance(net.G)} if options.history else {})


def mismatch(D: Aware | Featured, real: Tensor, fake: Tensor) -> Tensor:
    """The squared distance between the mean features of reals and of fakes."""
    with torch.no_grad():
        wanted = D.features(real).float().mean(0)
    return (wanted - D.features(fake).float().mean(0)).square().sum()


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise = options.prior(schema)
    G, D = pair(options, shape_of(schema), noise.dim)
    D = Aware(D, options.kernels) if options.kernels else D
    if options.virtual_batch_norm and any(isinstance(module, _BatchNorm) for module in G.modules()):
        G = WithReference(G, noise(options.batch, torch.default_generator))
    kept = options.history > 0
    for_G, for_D = options.optimizers()
    rules = smooth_labels(non_saturating, options.label_smoothing)
    of_D, of_G = partial(discriminator, rules, noise, options.history), partial(generator, noise, options)
    return Game(
        networks=Networks(G, D, History(G if kept else None), History(D if kept else None)),
        players=(
            Player("discriminator", ("D", "past_D"), of_D, for_D, after=lambda net: net.past_D.remember(net.D)),
            Player("generator", ("G", "past_G"), of_G, for_G, after=lambda net: net.past_G.remember(net.G)),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=lambda net, batch: net.D(batch["x"]),
        decay=options.ema,
    )


RECIPE = Recipe(
    "improved",
    "Improved Techniques for Training GANs (Salimans et al. 2016)",
    "1606.03498",
    "minibatch discrimination, smoothing, virtual batch norm, feature matching, historical averaging",
    Options,
    build,
)
