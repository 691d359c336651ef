"""The loss of every two-network recipe on linear networks: values and gradients by the paper's equation, in numpy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring.game import Step
from sparring.kinds import Pictures, Points
from sparring.recipes import RECIPES
from sparring.recipes._duel import Duel, DuelOptions

Array = np.ndarray
Slope = Callable[[Array], Array]

BEND = 0.6
"""D(x) = w·x + BEND/2 |x|², so that its gradient w + BEND x says where it was taken."""

X = 1.2 * torch.randn(6, 2, generator=torch.Generator().manual_seed(0))


class Bent(nn.Module):
    """A discriminator with a gradient that is known everywhere; it remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5, -0.4]))
        self.heard: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.heard.append(x.detach())
        return x @ self.w + BEND / 2 * x.square().sum(1)


class Linear(nn.Module):
    """A linear generator that remembers its noise."""

    def __init__(self) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.tensor([[0.9, -0.3, 0.5], [0.2, 0.7, -1.1]]))

    def forward(self, z: Tensor) -> Tensor:
        self.z = z.detach()
        return z @ self.A.T


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def length(gradient: Array) -> Array:
    return np.sqrt((gradient**2).sum(1))


def goodfellow(r: Array, f: Array) -> float:  # 1406.2661, eq. 1
    return -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean()


def smoothed(r: Array, f: Array) -> float:  # 1606.03498, section 3.4: the target of reals is 0.8
    return -(0.8 * np.log(sigmoid(r)) + 0.2 * np.log(1 - sigmoid(r))).mean() - np.log(1 - sigmoid(f)).mean()


def saturating(r: Array, f: Array) -> float:  # 1406.2661, eq. 1
    return np.log(1 - sigmoid(f)).mean()


def non_saturating(r: Array, f: Array) -> float:  # 1406.2661, section 3
    return -np.log(sigmoid(f)).mean()


def earth_mover(r: Array, f: Array) -> float:  # 1701.07875, eq. 3
    return f.mean() - r.mean()


def score(r: Array, f: Array) -> float:  # 1701.07875, algorithm 1; 1802.05957, eq. 17
    return -f.mean()


def hinge(r: Array, f: Array) -> float:  # 1802.05957, eq. 16
    return np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean()


def least_squares(r: Array, f: Array) -> float:  # 1611.04076, eq. 9
    return ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2


def least_squares_generator(r: Array, f: Array) -> float:  # 1611.04076, eq. 9
    return ((f - 1) ** 2).mean() / 2


def boundary(r: Array, f: Array) -> float:  # 1702.08431, the loss for continuous data
    return ((np.log(sigmoid(f)) - np.log(1 - sigmoid(f))) ** 2).mean() / 2


def average(r: Array, f: Array) -> float:  # 1807.00734, algorithm 2
    return -np.log(sigmoid(r - f.mean())).mean() - np.log(1 - sigmoid(f - r.mean())).mean()


def average_generator(r: Array, f: Array) -> float:  # 1807.00734, algorithm 2
    return -np.log(sigmoid(f - r.mean())).mean() - np.log(1 - sigmoid(r - f.mean())).mean()


def pairing(r: Array, f: Array) -> float:  # 2501.05441, eq. 2, with f(t) = -log(1 + exp(-t))
    return np.log(1 + np.exp(-(r - f))).mean()


def pairing_generator(r: Array, f: Array) -> float:
    return pairing(f, r)


def free(slope: Slope, x: Array, fake: Array, third: Array) -> float:
    return 0.0


def gradient_penalty(slope: Slope, x: Array, fake: Array, third: Array) -> float:  # 1704.00028, eq. 3, with λ = 3
    return 3 * ((length(slope(third)) - 1) ** 2).mean()


def to_the_fourth(slope: Slope, x: Array, fake: Array, third: Array) -> float:  # 1712.01026, with k = 3 and p = 4
    return 3 * (length(slope(third)) ** 4).mean()


def one_sided(slope: Slope, x: Array, fake: Array, third: Array) -> float:  # 1709.08894, eq. 7, with λ = 3
    assert (length(slope(third)) < 1).any()
    return 3 * (np.maximum(0, length(slope(third)) - 1) ** 2).mean()


def r1_r2(slope: Slope, x: Array, fake: Array, third: Array) -> float:  # 1801.04406, eq. 9 and 10, with γ = 0.3
    return 0.3 / 2 * (length(slope(x)) ** 2).mean() + 0.3 / 2 * (length(slope(fake)) ** 2).mean()


def fourfold(slope: Slope, x: Array, fake: Array, third: Array) -> float:  # 1912.04958, section 3.1
    return 4 * r1_r2(slope, x, fake, third)


@dataclass(frozen=True)
class Case:
    """What a recipe's paper says of one choice of options."""

    recipe: str
    D: Callable[[Array, Array], float]
    G: Callable[[Array, Array], float]
    penalty: Callable[[Slope, Array, Array, Array], float] = free
    options: dict[str, Any] = field(default_factory=dict)
    pictures: bool = False
    round: int = 0


CASES = {
    "gan": Case("gan", goodfellow, non_saturating),
    "gan, saturating": Case("gan", goodfellow, saturating, options={"saturating": True}),
    "gan, smoothed": Case("gan", smoothed, non_saturating, options={"label_smoothing": 0.2}),
    "dcgan": Case("dcgan", goodfellow, non_saturating),
    "dcgan, smoothed": Case("dcgan", smoothed, non_saturating, options={"label_smoothing": 0.2}),
    "default, pictures": Case("default", hinge, score, pictures=True),
    "default, points": Case("default", pairing, pairing_generator, r1_r2, {"gamma": 0.3}),
    "wgan": Case("wgan", earth_mover, score),
    "wgan-gp": Case("wgan-gp", earth_mover, score, gradient_penalty, {"penalty": 3.0}),
    "wgan-gp, one-sided": Case("wgan-gp", earth_mover, score, one_sided, {"penalty": 3.0, "one_sided": True}),
    "wgan-div": Case("wgan-div", earth_mover, score, to_the_fourth, {"penalty": 3.0, "power": 4.0}),
    "bgan": Case("bgan", goodfellow, boundary),
    "bgan, smoothed": Case("bgan", smoothed, boundary, options={"label_smoothing": 0.2}),
    "lsgan": Case("lsgan", least_squares, least_squares_generator),
    "sngan": Case("sngan", hinge, score),
    "ragan": Case("ragan", average, average_generator),
    # 1705.07215, eq. 6: as eq. 3 of 1704.00028, but around the reals
    "dragan": Case("dragan", goodfellow, non_saturating, gradient_penalty, {"penalty": 3.0}),
    "pacgan": Case("pacgan", goodfellow, non_saturating),  # its packs: test_batchwise.py
    "r3gan": Case("r3gan", pairing, pairing_generator, r1_r2, {"gamma": 0.3, "penalty_every": 1}),
    "r3gan, lazy": Case("r3gan", pairing, pairing_generator, fourfold, {"gamma": 0.3, "penalty_every": 4}, round=8),
    "r3gan, between": Case("r3gan", pairing, pairing_generator, free, {"gamma": 0.3, "penalty_every": 4}, round=7),
}


def played(
    recipe: str, player: str, options: dict[str, Any], *, pictures: bool = False, round: int = 0, x: Tensor = X
) -> tuple[Tensor, Duel]:
    """The sum of a player's terms with linear networks in the place of the recipe's, and those networks."""
    kind = Pictures((1, 8, 8)) if pictures else Points((2,), (0.0, 0.0), (1.0, 1.0))
    game = RECIPES[recipe].build(RECIPES[recipe].options(width=4, latent_dim=3, **options), {"x": kind})
    net = Duel(Linear(), Bent())
    loss = next(each.loss for each in game.players if each.name == player)
    terms = loss(net, Step({"x": x}, round, 0.0, torch.Generator().manual_seed(1), {}))
    return torch.stack(list(terms.values())).sum(), net


def numbers(x: Tensor) -> Array:
    return x.detach().double().numpy()


def differences(f: Callable[[Array], float], at: Array) -> Array:
    """The gradient by central differences."""
    steps = 1e-5 * np.eye(at.size).reshape(at.size, *at.shape)
    return np.array([(f(at + step) - f(at - step)) / 2e-5 for step in steps]).reshape(at.shape)


def scores(w: Array, x: Array) -> Array:
    return x @ w + BEND / 2 * (x**2).sum(1)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_discriminator_minimises_what_the_paper_says(case):
    found, net = played(case.recipe, "discriminator", case.options, pictures=case.pictures, round=case.round)
    x, fake = numbers(X), numbers(net.G(net.G.z))
    third = numbers(net.D.heard[-1])  # of a penalty: where the gradient was taken

    def paper(w: Array) -> float:
        return case.D(scores(w, x), scores(w, fake)) + case.penalty(lambda x: w + BEND * x, x, fake, third)

    w = numbers(net.D.w)
    assert found.item() == pytest.approx(paper(w), rel=1e-5)
    found.backward()
    assert numbers(net.D.w.grad) == pytest.approx(differences(paper, w), rel=1e-4, abs=1e-5)
    assert net.G.A.grad is None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_generator_minimises_what_the_paper_says(case):
    found, net = played(case.recipe, "generator", case.options, pictures=case.pictures, round=case.round)
    w, x, z = numbers(net.D.w), numbers(X), numbers(net.G.z)

    def paper(A: Array) -> float:
        return case.G(scores(w, x), scores(w, z @ A.T))

    A = numbers(net.G.A)
    assert found.item() == pytest.approx(paper(A), rel=1e-5)
    found.backward()
    assert numbers(net.G.A.grad) == pytest.approx(differences(paper, A), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("recipe", ["wgan-gp", "wgan-div"])
def test_the_penalty_looks_between_a_real_and_a_fake_by_a_share_of_each_examples_own(recipe):
    _, net = played(recipe, "discriminator", {})
    x, fake, between = X, net.G(net.G.z).detach(), net.D.heard[-1]
    shares = (between - fake) / (x - fake)
    assert torch.allclose(shares[:, 0], shares[:, 1], atol=1e-4)
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert shares[:, 0].std() > 0.1


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_dragan_looks_around_the_reals_as_far_as_it_is_told(spread):
    many = 3 * torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    _, net = played("dragan", "discriminator", {"spread": spread}, x=many)
    assert (net.D.heard[-1] - many).std().item() == pytest.approx(spread * 3, rel=0.05)


def test_every_two_network_recipe_stands_here():
    two = {name for name, recipe in RECIPES.items() if issubclass(recipe.options, DuelOptions)}
    assert {case.recipe for case in CASES.values()} == two
