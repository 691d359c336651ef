"""The same networks and losses in the shortest loop that a person would write: no averages, no checks, no freezing.

What is missing is what the library's loop does besides: it must be cheap. And the loop of the DCGAN tutorial.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu, softplus

from benchmarks.peers import dcgan_tutorial
from benchmarks.speed.cases import CASES, OPTIONS, Playing, source
from sparring import workflows

Losses = tuple[Callable[[nn.Module, Tensor, Tensor], Tensor], Callable[[nn.Module, Tensor, Tensor], Tensor]]


def penalty(D: nn.Module, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def hinge(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return relu(1 - D(real)).mean() + relu(1 + D(fake)).mean()


def minimax(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return softplus(-D(real)).mean() + softplus(D(fake)).mean()


def wasserstein(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    mixed = torch.lerp(fake, real, torch.rand(len(real), *[1] * (real.ndim - 1)))
    return D(fake).mean() - D(real).mean() + 10 * ((penalty(D, mixed) + 1e-12).sqrt() - 1).square().mean()


def pairing(gamma: float) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    def loss(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        both = penalty(D, real).mean() + penalty(D, fake).mean()
        return softplus(D(fake) - D(real)).mean() + gamma / 2 * both

    return loss


def down(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return -D(fake).mean()


LOSSES: dict[str, Losses] = {
    "digits": (hinge, down),
    "rgb64": (hinge, down),
    "digits-dcgan": (minimax, lambda D, real, fake: softplus(-D(fake)).mean()),
    "digits-wgan-gp": (wasserstein, down),
    "digits-r3gan": (pairing(1.0), lambda D, real, fake: softplus(D(real) - D(fake)).mean()),
    "ring": (pairing(0.1), lambda D, real, fake: softplus(D(real) - D(fake)).mean()),
}


def begin(case: str, precision: str) -> Playing:
    """The case's networks, optimizers and loss in a bare loop, in float32 unless bfloat16 is asked for."""
    data, recipe = CASES[case]
    how = {"recipe": recipe, "options": OPTIONS.get(case, {}), "precision": precision}
    plan = workflows.plan(source(data), seed=0, rounds=1, **how)
    net, (critic, maker) = plan.state.game.networks, plan.state.game.players
    x = next(iter(plan.data.schema.values())).to_model(torch.from_numpy(np.asarray(plan.data.train["x"])))
    n_critic, batch = critic.turn.length, plan.how.batch
    for_D, for_G = critic.optimizer.build(list(net.D.parameters())), maker.optimizer.build(list(net.G.parameters()))
    for_critic, for_maker = LOSSES[case]

    def rounds() -> Iterator[None]:
        while True:
            for _ in range(n_critic):
                real = x[torch.randint(len(x), (batch,))]
                with torch.no_grad(), torch.autocast("cpu", plan.how.precision, plan.how.precision != torch.float32):
                    fake = net.G(torch.randn(batch, plan.state.game.noise.dim)).float()
                for_D.zero_grad()
                with torch.autocast("cpu", plan.how.precision, plan.how.precision != torch.float32):
                    loss = for_critic(net.D, real, fake)
                loss.backward()
                for_D.step()
            for_G.zero_grad()
            with torch.autocast("cpu", plan.how.precision, plan.how.precision != torch.float32):
                loss = for_maker(net.D, real, net.G(torch.randn(batch, plan.state.game.noise.dim)).float())
            loss.backward()
            for_G.step()
            yield

    return Playing(rounds(), n_critic * batch)


def tutorial() -> Playing:
    """The tutorial's network and loop on digits, enlarged to its 64x64."""
    G, D = dcgan_tutorial.generator(), dcgan_tutorial.discriminator()
    for_G, for_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (G, D))
    plan = workflows.plan("digits", seed=0, rounds=1)
    x = plan.data.schema["x"].to_model(torch.from_numpy(np.asarray(plan.data.train["x"])))
    x = interpolate(x, size=64, mode="bilinear", antialias=True)

    def rounds() -> Iterator[None]:
        while True:
            dcgan_tutorial.step(G, D, for_G, for_D, x[torch.randint(len(x), (dcgan_tutorial.BATCH,))])
            yield

    return Playing(rounds(), dcgan_tutorial.BATCH)
