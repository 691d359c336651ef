"""D names the class of an example, or says that it is a fake; few labels are used, and the other reals without theirs.

    D:  -E[log p(y | x)] over the labelled, - E[log D(x)] - E[log(1 - D(G(z)))] over all reals and fakes
    G:  -E[log D(G(z))]

D gives a logit l_k for each class, that of "fake" is 0: D(x) = Z / (Z + 1) with Z = Σ exp l_k, whose logit is log Z,
and p(k | x) = exp l_k / Z.

Deviations: docs/recipes/sgan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.errors import UserError
from sparring.game import Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.objectives import Terms, non_saturating
from sparring.recipes._duel import Featured, PairOptions, pair, shape_of
from sparring.recipes._labels import classes_for
from sparring.recipes.recipe import Recipe


class Options(PairOptions):
    """The paper's game with a hundred labels, on the default's fast networks."""

    labelled: int = Field(100, gt=0, description="examples whose labels are used, as many of each class")


class Labelled(nn.Module):
    """The first examples of each class that D was shown: the only ones whose labels it learns from.

    It has no parameters, only buffers; D's player names it in `trains`.
    """

    x: Tensor
    y: Tensor

    def __init__(self, size: int, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.register_buffer("x", torch.zeros(size, *shape))
        self.register_buffer("y", torch.full((size,), -1))

    @torch.no_grad()
    def remember(self, x: Tensor, y: Tensor) -> None:
        """Keep what there is still a place for; place i is for class i modulo the number of classes."""
        places = torch.arange(len(self.y), device=y.device) % self.classes
        for label in y.unique() if (self.y < 0).any() else ():
            free = ((places == label) & (self.y < 0)).nonzero().flatten()
            new = x[y == label][: len(free)].float()
            self.x[free[: len(new)]], self.y[free[: len(new)]] = new, label

    def draw(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`(n, ...)` examples and their `(n,)` labels, with replacement."""
        known = (self.y >= 0).nonzero().flatten()
        chosen = known[torch.randint(len(known), (n,), generator=rng, device=rng.device)]
        return self.x[chosen], self.y[chosen]


class Networks(NamedTuple):
    """The generator, the classifier that also judges, and the labelled examples."""

    G: nn.Module
    D: Featured
    L: Labelled


def named(net: Networks, x: Tensor) -> Tensor:
    """`(B, classes)` logits, float32."""
    return net.D.head(net.D.features(x)).float()


def realness(net: Networks, x: Tensor) -> Tensor:
    """`(B,)`: log Z, the logit of being real."""
    return named(net, x).logsumexp(1)


def discriminator(noise: Latent, net: Networks, step: Step) -> Terms:
    """D alone. Of the batch's labels only those are read for which there is still a place."""
    real = step.batch["x"]
    net.L.remember(real, step.batch["y"])
    with torch.no_grad():
        fake = net.G(noise(len(real), step.rng)).float()
    x, y = net.L.draw(len(real), step.rng)
    terms = {"class": cross_entropy(named(net, x), y)}
    return terms | non_saturating.discriminator(realness(net, real), realness(net, fake))


def generator(noise: Latent, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant."""
    scores = realness(net, net.G(noise(len(step.batch["x"]), step.rng)).float())
    return non_saturating.generator(scores, scores)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape, classes = options.prior(schema), shape_of(schema), classes_for("sgan", schema)
    if options.labelled < classes:
        raise UserError(f"labelled = {options.labelled} is less than the {classes} classes", "one of each at least")
    # what D names is read in eval mode, where batch norm would mix the statistics of reals and fakes
    G, D = pair(options, shape, noise.dim, batch_norm=False)
    D.head = nn.Linear(D.head.in_features, classes)
    for_G, for_D = options.optimizers()
    return Game(
        networks=Networks(G, D, Labelled(options.labelled, shape, classes)),
        players=(
            Player("discriminator", ("D", "L"), partial(discriminator, noise), for_D),
            Player("generator", ("G",), partial(generator, noise), for_G),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=lambda net, batch: realness(net, batch["x"]),
        decay=options.ema,
    )


RECIPE = Recipe(
    "sgan",
    "Semi-Supervised Learning with Generative Adversarial Networks (Odena 2016)",
    "1606.01583",
    "a classifier from few labels and many examples without",
    Options,
    build,
)
