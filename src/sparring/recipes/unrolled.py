"""G looks ahead: it is judged by the D that D would be after K more steps, and its gradient goes through them.

D:  -E[log D(x)] - E[log(1 - D(G(z)))] =: -V
G:  E[log D_K(x)] + E[log(1 - D_K(G(z)))]
D_0 = D, and D_k+1 is D_k after one step of size η up V

D_K depends on G, so log D_K(x) carries gradient too. D itself is not moved in G's turn.

Deviations: docs/recipes/unrolled.md.
"""

from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from sparring.game import Game, Latent, Player, Step, steps
from sparring.kinds import Schema
from sparring.objectives import Terms, minimax, non_saturating
from sparring.recipes._duel import Duel, PairOptions, pair, shape_of
from sparring.recipes.recipe import Recipe
from sparring.schedules import at

Weights = dict[str, Tensor]
EPS = 1e-8


class Options(PairOptions):
    """The paper's five steps."""

    n_critic: int = Field(1, gt=0, description="steps of D before each step of G")
    unroll: int = Field(5, ge=0, description="K: steps of D that G looks ahead; 0 is the game without")
    inner: Literal["sgd", "adam"] = Field("adam", description="the steps that G looks ahead")
    inner_lr: float = Field(1e-3, gt=0, description="η: their rate; plain steps must be small")
    saturating: bool = Field(True, description="the minimax form for G; otherwise it maximises log D_K(G(z))")


def discriminator(noise: Latent, net: Duel, step: Step) -> Terms:
    """D alone."""
    real = step.batch["x"]
    with torch.no_grad():
        fake = net.G(noise(len(real), step.rng)).float()
    return minimax.discriminator(net.D(real), net.D(fake))


def judged(D: nn.Module, theta: Weights, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """The scores of reals and of fakes by a D of these weights, in one pass: no layer looks across the batch."""
    on_real, on_fake = functional_call(D, theta, torch.cat([real, fake])).chunk(2)
    return on_real, on_fake


def ahead(options: Options, D: nn.Module, real: Tensor, fake: Tensor, progress: float = 0.0) -> Weights:
    """D's weights after K steps on these reals and fakes, with the graph of all of them; D's own stay as they are."""
    theta = {name: p.detach().requires_grad_() for name, p in D.named_parameters()}
    moments = {name: (torch.zeros_like(p), torch.zeros_like(p)) for name, p in theta.items()}
    for k in range(1, options.unroll + 1):
        terms = minimax.discriminator(*judged(D, theta, real, fake))
        slopes = torch.autograd.grad(terms["real"] + terms["fake"], list(theta.values()), create_graph=True)
        for (name, p), slope in zip(theta.items(), slopes, strict=True):
            if options.inner == "adam":
                slope, moments[name] = adam(slope, moments[name], k, options.beta1, at(options.beta2, progress))
            theta[name] = p - options.inner_lr * slope
    return theta


def adam(
    slope: Tensor, moments: tuple[Tensor, Tensor], k: int, beta1: float, beta2: float
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """The k-th step of Adam (Kingma & Ba 2014, arXiv 1412.6980, algorithm 1) over its rate, and the moments after it.

    ε² is under the square root, whose own gradient would be infinite at 0.
    """
    m, v = moments
    m, v = beta1 * m + (1 - beta1) * slope, beta2 * v + (1 - beta2) * slope.square()
    return m / (1 - beta1**k) / (v / (1 - beta2**k) + EPS**2).sqrt(), (m, v)


def generator(noise: Latent, options: Options, net: Duel, step: Step) -> Terms:
    """G alone, against the D that is to come; fakes and reals are the same throughout."""
    real = step.batch["x"]
    fake = net.G(noise(len(real), step.rng)).float()
    with torch.autocast(real.device.type, enabled=False):
        on_real, on_fake = judged(net.D, ahead(options, net.D, real, fake, step.progress), real, fake)
    objective = minimax if options.saturating else non_saturating
    terms = objective.generator(on_fake, on_fake)
    # without a look ahead it is a constant to G
    return terms | ({"real": -minimax.discriminator(on_real, on_fake)["real"]} if options.unroll else {})


POINTS = {"lr_d": 1e-4, "inner_lr": 1e-4, "batch": 128}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    noise = options.prior(schema)
    G, D = pair(options, shape_of(schema), noise.dim, batch_norm=False)
    for_G, for_D = options.optimizers()
    return Game(
        networks=Duel(G, D),
        players=(
            Player("discriminator", ("D",), partial(discriminator, noise), for_D, steps(options.n_critic)),
            Player("generator", ("G",), partial(generator, noise, options), for_G),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=lambda net, batch: net.D(batch["x"]),
        decay=options.ema,
    )


RECIPE = Recipe(
    "unrolled",
    "Unrolled Generative Adversarial Networks (Metz et al. 2016)",
    "1611.02163",
    "G's gradient goes through D's next steps",
    Options,
    build,
    POINTS,
)
