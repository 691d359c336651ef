"""The losses from picture to picture on networks of a few numbers, by their papers' equations in numpy; the options."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import GIVEN_PICTURES, data_for
from torch import Tensor, nn

from sparring import workflows
from sparring.errors import UserError
from sparring.game import Game, Step
from sparring.kinds import Categories, Pictures, Points
from sparring.loop import take_turn
from sparring.networks import Pool
from sparring.recipes import (
    RECIPES,
    bicyclegan,
    ccgan,
    cogan,
    context_encoder,
    cyclegan,
    discogan,
    dualgan,
    esrgan,
    munit,
    pix2pix,
    pixelda,
    srgan,
    stargan,
    unit,
)
from sparring.recipes._perceptual import Perceptual
from sparring.recipes._translating import Completed

Array = np.ndarray
GREY = Pictures((1, 8, 8))
DOMAINS = {"a": GREY, "b": GREY}
A, B = torch.randn(2, 4, 1, 8, 8, generator=torch.Generator().manual_seed(2))
Y = torch.tensor([0, 2, 1, 2])


class Times(nn.Module):
    """x -> w x, and what is given besides, by its sum."""

    def __init__(self, w: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w))
        self.heard: list[Tensor] = []

    def forward(self, x: Tensor, *noise: Tensor) -> Tensor:
        self.heard.extend(each.detach() for each in noise)
        return self.w * x + sum(0.1 * each.flatten(1).sum(1)[:, None, None, None] for each in noise)


class Judge(nn.Module):
    """`(B, C, H, W)` -> `(B, H, W)`: a weight for each channel."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights))

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights[:, None, None] * x).sum(1)


class Featured(nn.Module):
    """A judge of whole pictures that shows its features: the mean, and the mean square."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.head = nn.Linear(2, 1, bias=False)
        self.head.weight.data = torch.tensor([weights])

    def features(self, x: Tensor) -> Tensor:
        return torch.stack([x.mean((1, 2, 3)), x.square().mean((1, 2, 3))], 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)).squeeze(1)


def built(recipe: str, schema: Any = DOMAINS, **options: Any) -> Game[Any]:
    return RECIPES[recipe].build(RECIPES[recipe].options(**{"width": 4} | options), schema)


def asked(
    game: Game[Any], player: str, net: Any, batch: dict[str, Tensor], left: dict[str, Tensor], progress: float = 0.0
) -> dict[str, float]:
    """The terms of a player, as numbers; they must be differentiable."""
    loss = next(each.loss for each in game.players if each.name == player)
    terms = loss(net, Step(batch, 0, progress, torch.Generator().manual_seed(1), left))
    sum(terms.values()).backward()
    return {name: term.item() for name, term in terms.items()}


def n(x: Tensor) -> Array:
    return x.detach().double().numpy()


def log_sigmoid(x: Array) -> Array:
    return -np.log1p(np.exp(-x))


def real_and_fake(real: Array, fake: Array) -> tuple[float, float]:
    """1406.2661, eq. 1: -E[log D(x)], -E[log(1 - D(G(z)))]."""
    return -log_sigmoid(real).mean(), -log_sigmoid(-fake).mean()


def close(found: dict[str, float], expected: dict[str, float]) -> None:
    assert found == pytest.approx(expected, rel=2e-4, abs=1e-6)


def test_pix2pix_minimises_the_papers_loss_and_its_d_sees_what_was_given():
    # 1611.07004, eq. 1 to 4, D's halved (section 3.3)
    options = {"pixels": 3.0, "adversarial": 0.5, "mismatched": 0.3}
    game, net, left = built("pix2pix", **options), pix2pix.Networks(Times(2.0), Judge(0.7, -0.4)), {}
    found = asked(game, "generator", net, {"a": A, "b": B}, left)
    z = n(net.G.heard[0])
    assert z.shape == (4, game.networks.G.noise)
    a, b = n(A), n(B)
    made = 2 * a + 0.1 * z.sum(1)[:, None, None, None]
    scores = 0.7 * a - 0.4 * made
    close(found, {"fake": -0.5 * log_sigmoid(scores).mean(), "pixels": 3 * abs(made - b).mean()})
    assert torch.equal(left["made"], net.G(A, net.G.heard[0]).detach())
    real, fake = real_and_fake(0.7 * a - 0.4 * b, scores)
    # 1605.05396, algorithm 1, for pictures: a partner beside another's picture is no pair
    _, mismatched = real_and_fake(0.0, 0.7 * np.roll(a, 1, 0) - 0.4 * b)
    expected = {"real": real / 2, "fake": fake / 2, "mismatched": 0.15 * mismatched}
    close(asked(game, "discriminator", net, {"a": A, "b": B}, left), expected)
    # a pair alone has no other's picture
    left["made"] = left["made"][:1]
    assert set(asked(game, "discriminator", net, {"a": A[:1], "b": B[:1]}, left)) == {"real", "fake"}


HOLED = torch.cat(
    [torch.where(torch.arange(8) < 3, 0.0, B), torch.where(torch.arange(8) < 3, -1.0, 1.0).expand_as(B)], 1
)
HOLES = {"a": Pictures((2, 8, 8)), "b": GREY}


class Filling(nn.Module):
    """Fills with w times the mean of what is known, and 0.2."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(1.5))

    def forward(self, holed: Tensor) -> Tensor:
        return (self.w * holed[:, :1].mean((2, 3), keepdim=True) + 0.2).expand_as(holed[:, :1])


def filled() -> tuple[Array, Array]:
    """What is filled in, and the completed pictures."""
    fill = 1.5 * n(HOLED[:, :1]).mean((2, 3), keepdims=True) + 0.2
    return fill, np.where(np.arange(8) < 3, fill, n(B))


def test_context_encoder_counts_errors_in_the_hole_alone_and_its_d_sees_completed_pictures():
    # 1604.07379, eq. 1 to 3
    game = built("context-encoder", HOLES, pixels=0.9, adversarial=0.3)
    net, left, batch = context_encoder.Networks(Completed(Filling()), Judge(0.8)), {}, {"a": HOLED, "b": B}
    fill, completed = filled()
    error = ((fill - n(B))[..., :3] ** 2).mean()
    found = asked(game, "generator", net, batch, left)
    close(found, {"fake": -0.3 * log_sigmoid(0.8 * completed).mean(), "pixels": 0.9 * error})
    real, fake = real_and_fake(0.8 * n(B), 0.8 * completed)
    close(asked(game, "discriminator", net, batch, left), {"real": real, "fake": fake})
    made = game.sample(net, torch.zeros(4, 0), {"a": HOLED})
    assert torch.equal(made[..., 3:], B[..., 3:])
    assert not torch.isclose(made[..., :3], B[..., :3]).any()


@pytest.mark.parametrize("labels", [True, False])
def test_ccgan_judges_completed_pictures_and_names_the_class_of_whole_ones(labels):
    # 1611.06430, eq. 2 and section 3.2
    schema = HOLES | ({"y": Categories(("p", "q", "r"))} if labels else {})
    game, left = built("ccgan", schema, classify=0.6), {}
    C = nn.Linear(2, 3, bias=False)
    net = ccgan.Networks(Completed(Filling()), Featured(0.9, -0.5), C)  # pyright: ignore[reportArgumentType]
    batch = {"a": HOLED, "b": B} | ({"y": Y} if labels else {})
    _, completed = filled()

    def features(x: Array) -> Array:
        return np.stack([x.mean((1, 2, 3)), (x**2).mean((1, 2, 3))], 1)

    scores = features(completed) @ [0.9, -0.5]
    close(asked(game, "generator", net, batch, left), {"fake": -log_sigmoid(scores).mean()})
    real, fake = real_and_fake(features(n(B)) @ [0.9, -0.5], scores)
    logits = features(n(B)) @ n(C.weight).T
    likelihood = logits[range(4), Y] - np.log(np.exp(logits).sum(1))
    expected = {"real": real, "fake": fake} | ({"class": -0.6 * likelihood.mean()} if labels else {})
    close(asked(game, "discriminator", net, batch, left), expected)


def two_ways() -> list[Any]:
    return [Times(2.0), Times(0.3), Judge(0.7), Judge(-1.1)]


def test_discogan_minimises_the_papers_loss_both_ways():
    # 1703.05192, eq. 2 to 7
    game, net, left = built("discogan", reconstruction=0.5), discogan.Networks(*two_ways()), {}
    a, b = n(A), n(B)
    expected = {
        "fake_b": -log_sigmoid(-1.1 * 2 * a).mean(),
        "fake_a": -log_sigmoid(0.7 * 0.3 * b).mean(),
        "reconstruction_a": 0.5 * ((0.6 * a - a) ** 2).mean(),
        "reconstruction_b": 0.5 * ((0.6 * b - b) ** 2).mean(),
    }
    close(asked(game, "translators", net, {"a": A, "b": B}, left), expected)
    real_a, fake_a = real_and_fake(0.7 * a, 0.7 * 0.3 * b)
    real_b, fake_b = real_and_fake(-1.1 * b, -1.1 * 2 * a)
    expected = {"real_a": real_a, "fake_a": fake_a, "real_b": real_b, "fake_b": fake_b}
    close(asked(game, "discriminators", net, {"a": A, "b": B}, left), expected)
    assert torch.equal(game.reverse(net, torch.zeros(4, 0), {"b": B}), net.F(B))


def test_cyclegan_minimises_the_papers_loss_both_ways():
    # 1703.10593, section 3, section 4 (least squares) and section 5.2 (identity)
    game, left = built("cyclegan", cycle=4.0, identity=0.25), {}
    net = cyclegan.Networks(*two_ways(), Pool(50, (1, 8, 8)), Pool(50, (1, 8, 8)))
    a, b = n(A), n(B)
    expected = {
        "adversarial_b": ((-1.1 * 2 * a - 1) ** 2).mean(),
        "adversarial_a": ((0.7 * 0.3 * b - 1) ** 2).mean(),
        "cycle_a": 4 * abs(0.6 * a - a).mean(),
        "cycle_b": 4 * abs(0.6 * b - b).mean(),
        "identity_b": 4 * 0.25 * abs(2 * b - b).mean(),
        "identity_a": 4 * 0.25 * abs(0.3 * a - a).mean(),
    }
    close(asked(game, "translators", net, {"a": A, "b": B}, left), expected)
    expected = {
        "real_a": ((0.7 * a - 1) ** 2).mean() / 2,
        "fake_a": ((0.7 * 0.3 * b) ** 2).mean() / 2,
        "real_b": ((-1.1 * b - 1) ** 2).mean() / 2,
        "fake_b": ((-1.1 * 2 * a) ** 2).mean() / 2,
    }
    close(asked(game, "discriminators", net, {"a": A, "b": B}, left), expected)
    assert torch.equal(game.reverse(net, torch.zeros(4, 0), {"b": B}), net.F(B))
    alone = built("cyclegan", identity=0.0)
    assert not any(name.startswith("identity") for name in asked(alone, "translators", net, {"a": A, "b": B}, {}))


def test_dualgan_minimises_the_papers_loss_and_clips_both_critics():
    # 1704.02510, eq. 1 to 3
    game, net = built("dualgan", reconstruction=5.0, clip=0.5), dualgan.Networks(*two_ways())
    a, b = n(A), n(B)

    def shift(z: Tensor) -> Array:
        return 0.1 * n(z).sum(1)[:, None, None, None]

    found = asked(game, "translators", net, {"a": A, "b": B}, {})
    (z, z_back), (v_back, v) = net.G.heard, net.F.heard
    made_b, made_a = 2 * a + shift(z), 0.3 * b + shift(v)
    expected = {
        "fake_b": 1.1 * made_b.mean(),
        "fake_a": -0.7 * made_a.mean(),
        "reconstruction_a": 5 * abs(0.3 * made_b + shift(v_back) - a).mean(),
        "reconstruction_b": 5 * abs(2 * made_a + shift(z_back) - b).mean(),
    }
    close(found, expected)
    found = asked(game, "critics", net, {"a": A, "b": B}, {})
    made_b, made_a = 2 * a + shift(net.G.heard[-1]), 0.3 * b + shift(net.F.heard[-1])
    expected = {"real_a": -0.7 * a.mean(), "fake_a": 0.7 * made_a.mean()}
    expected |= {"real_b": 1.1 * b.mean(), "fake_b": -1.1 * made_b.mean()}
    close(found, expected)
    game.players[0].after(net)
    assert (net.D_A.weights.item(), net.D_B.weights.item()) == (0.5, -0.5)
    assert net.G.w.item() == 2.0


class Twins(nn.Module):
    """z -> two pictures of it."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.8, -0.5]))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        self.z = z.detach()
        return self.w[0] * z[:, :1, None, None], self.w[1] * z[:, :1, None, None]


class TwinJudges(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.9, 1.3]))

    def of(self, kind: int, x: Tensor) -> Tensor:
        return self.w[kind] * x.mean((1, 2, 3))

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return self.of(0, a), self.of(1, b)


def test_cogan_makes_both_kinds_from_one_noise():
    # 1606.07536, eq. 4
    game, net = built("cogan", latent_dim=3), cogan.Networks(Twins(), TwinJudges())  # pyright: ignore
    found = asked(game, "generator", net, {"a": A, "b": B}, {})
    z = n(net.G.z)[:, 0]
    expected = {"fake_a": -log_sigmoid(0.9 * 0.8 * z).mean(), "fake_b": -log_sigmoid(1.3 * -0.5 * z).mean()}
    close(found, expected)
    found = asked(game, "discriminator", net, {"a": A, "b": B}, {})
    z = n(net.G.z)[:, 0]
    real_a, fake_a = real_and_fake(0.9 * n(A).mean((1, 2, 3)), 0.9 * 0.8 * z)
    real_b, fake_b = real_and_fake(1.3 * n(B).mean((1, 2, 3)), 1.3 * -0.5 * z)
    close(found, {"real_a": real_a, "fake_a": fake_a, "real_b": real_b, "fake_b": fake_b})
    z = torch.randn(4, 3)
    assert torch.equal(game.sample(net, z, {}), net.G(z)[1])
    own = game.networks.G.eval()
    one = own(z)
    assert torch.equal(one[0], own(z)[0])
    assert not torch.equal(*one)


class Naming(nn.Module):
    """`(B, 1, 8, 8)` -> `(B, 3)` logits: the mean, times three numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5, -1.0, 2.0]))

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3))[:, None] * self.w


def unlikely(x: Array) -> float:
    """-E[log T(y | x)]"""
    logits = x.mean((1, 2, 3))[:, None] * [0.5, -1.0, 2.0]
    return -(logits[range(4), Y] - np.log(np.exp(logits).sum(1))).mean()


def test_pixelda_learns_labels_from_what_is_given_and_from_what_is_made_of_it():
    # 1612.05424, eq. 1 to 4
    schema = DOMAINS | {"y_a": Categories(("p", "q", "r"))}
    game, batch = built("pixelda", schema, domain=0.3, task=0.7), {"a": A, "b": B, "y_a": Y}
    net = pixelda.Networks(Times(2.0), Featured(0.9, -0.5), Naming())

    def scores(x: Array) -> Array:
        return 0.9 * x.mean((1, 2, 3)) - 0.5 * (x**2).mean((1, 2, 3))

    def made() -> Array:
        return 2 * n(A) + 0.1 * n(net.G.heard[-1]).sum(1)[:, None, None, None]

    found = asked(game, "discriminator", net, batch, {})
    real, fake = real_and_fake(scores(n(B)), scores(made()))
    expected = {"real": 0.3 * real, "fake": 0.3 * fake}
    close(found, expected | {"task_made": 0.7 * unlikely(made()), "task_given": 0.7 * unlikely(n(A))})
    assert net.G.w.grad is None
    found = asked(game, "generator", net, batch, {})
    close(found, {"fake": -0.3 * log_sigmoid(scores(made())).mean(), "task_made": 0.7 * unlikely(made())})
    assert game.noise(3, torch.Generator(), None).shape == (3, 10)


class Code(nn.Module):
    """A picture -> two numbers: w times its mean and its mean square."""

    def __init__(self, w: float, outputs: int = 2) -> None:
        super().__init__()
        self.w, self.outputs = nn.Parameter(torch.tensor(w)), outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.w * torch.stack([x.mean((1, 2, 3)), x.square().mean((1, 2, 3))], 1).repeat(1, self.outputs // 2)


def coded(w: float, x: Array) -> Array:
    return w * np.stack([x.mean((1, 2, 3)), (x**2).mean((1, 2, 3))], 1)


def test_munit_minimises_the_papers_loss_both_ways():
    # 1804.04732, eq. 2 to 5, by least squares
    game = built("munit", style=2, image=3.0, content=0.7, style_code=0.4)
    net = munit.Networks(
        *(Times(1.5), Times(0.6)), *(Code(0.9), Code(-0.8)), *(Times(2.0), Times(0.3)), *(Judge(0.7), Judge(-1.1))
    )
    left: dict[str, Tensor] = {}
    found = asked(game, "translators", net, {"a": A, "b": B}, left)
    a, b = n(A), n(B)

    def shift(style: Array) -> Array:
        return 0.1 * style.sum(1)[:, None, None, None]

    s_b, s_a = n(net.G_B.heard[0]), n(net.G_A.heard[1])  # in between, each makes its own picture again
    assert np.allclose(n(net.G_A.heard[0]), coded(0.9, a), rtol=1e-4)
    made_b, made_a = 0.3 * 1.5 * a + shift(s_b), 2 * 0.6 * b + shift(s_a)
    expected = {
        "adversarial_b": ((-1.1 * made_b - 1) ** 2).mean(),
        "adversarial_a": ((0.7 * made_a - 1) ** 2).mean(),
        "image_a": 3 * abs(2 * 1.5 * a + shift(coded(0.9, a)) - a).mean(),
        "image_b": 3 * abs(0.3 * 0.6 * b + shift(coded(-0.8, b)) - b).mean(),
        "style_b": 0.4 * abs(coded(-0.8, made_b) - s_b).mean(),
        "style_a": 0.4 * abs(coded(0.9, made_a) - s_a).mean(),
        "content_a": 0.7 * abs(0.6 * made_b - 1.5 * a).mean(),
        "content_b": 0.7 * abs(1.5 * made_a - 0.6 * b).mean(),
    }
    close(found, expected)
    expected = {
        "real_a": ((0.7 * a - 1) ** 2).mean() / 2,
        "fake_a": ((0.7 * made_a) ** 2).mean() / 2,
        "real_b": ((-1.1 * b - 1) ** 2).mean() / 2,
        "fake_b": ((-1.1 * made_b) ** 2).mean() / 2,
    }
    close(asked(game, "discriminators", net, {"a": A, "b": B}, left), expected)


class Latents(nn.Module):
    """Encoders 1.5 and 0.6 of the two kinds, decoders 2 and 0.3."""

    def __init__(self) -> None:
        super().__init__()
        self.E, self.G = nn.Parameter(torch.tensor([1.5, 0.6])), nn.Parameter(torch.tensor([2.0, 0.3]))

    def encode(self, kind: int, x: Tensor) -> Tensor:
        return self.E[kind] * x

    def decode(self, kind: int, code: Tensor) -> Tensor:
        return self.G[kind] * code

    def forward(self, kind: int, x: Tensor) -> Tensor:
        return self.decode(1 - kind, self.encode(kind, x))


def test_unit_minimises_the_papers_loss_both_ways(monkeypatch):
    # 1703.00848, eq. 3 to 7, with L1 for the Laplacian's likelihood; the noise by its rule, then turned off
    z = unit.noisy(torch.full((1000, 10), 3.0), torch.Generator().manual_seed(0))
    assert (z.mean().item(), z.std().item()) == pytest.approx((3, 1), abs=0.05)
    monkeypatch.setattr(unit, "noisy", lambda mean, rng: mean + 0.25)
    game = built("unit", adversarial=2.0, prior=0.5, image=3.0, cycle=4.0)
    net, left = unit.Networks(Latents(), Judge(0.7), Judge(-1.1)), {}  # pyright: ignore[reportArgumentType]
    found = asked(game, "translators", net, {"a": A, "b": B}, left)
    a, b = n(A), n(B)
    z_a, z_b = 1.5 * a + 0.25, 0.6 * b + 0.25
    made_b, made_a = 0.3 * z_a, 2 * z_b
    expected = {
        "adversarial_b": -2 * log_sigmoid(-1.1 * made_b).mean(),
        "adversarial_a": -2 * log_sigmoid(0.7 * made_a).mean(),
        "image_a": 3 * abs(2 * z_a - a).mean(),
        "image_b": 3 * abs(0.3 * z_b - b).mean(),
        "prior_a": 0.5 * ((1.5 * a) ** 2 / 2).mean() + 0.5 * ((0.6 * made_b) ** 2 / 2).mean(),
        "prior_b": 0.5 * ((0.6 * b) ** 2 / 2).mean() + 0.5 * ((1.5 * made_a) ** 2 / 2).mean(),
        "cycle_a": 4 * abs(2 * (0.6 * made_b + 0.25) - a).mean(),
        "cycle_b": 4 * abs(0.3 * (1.5 * made_a + 0.25) - b).mean(),
    }
    close(found, expected)
    real_a, fake_a = real_and_fake(0.7 * a, 0.7 * made_a)
    real_b, fake_b = real_and_fake(-1.1 * b, -1.1 * made_b)
    expected = {"real_a": 2 * real_a, "fake_a": 2 * fake_a, "real_b": 2 * real_b, "fake_b": 2 * fake_b}
    close(asked(game, "discriminators", net, {"a": A, "b": B}, left), expected)
    assert torch.equal(game.sample(net, torch.zeros(4, 0), {"a": A}), net.G.decode(1, net.G.encode(0, A)))
    assert torch.equal(game.reverse(net, torch.zeros(4, 0), {"b": B}), net.G.decode(0, net.G.encode(1, B)))


class Told(nn.Module):
    """A picture with its class behind it -> w times the picture, and a tenth of the class's index."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(2.0))
        self.classes: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.classes.append(x[:, 1:, 0, 0].argmax(1))
        return self.w * x[:, :1] + 0.1 * self.classes[-1][:, None, None, None]


def test_stargan_minimises_the_papers_loss():
    # 1711.09020, eq. 2 to 6 and 7
    game = built("stargan", {"x": GREY, "y": Categories(("p", "q", "r"))}, classify=0.6, reconstruct=3.0, penalty=0.0)
    C = nn.Linear(2, 3, bias=False)
    net = stargan.Networks(Told(), Featured(0.9, -0.5), C)  # pyright: ignore[reportArgumentType]
    batch = {"x": A, "y": Y}
    a, y = n(A), n(Y)

    def features(x: Array) -> Array:
        return np.stack([x.mean((1, 2, 3)), (x**2).mean((1, 2, 3))], 1)

    def unlikely(x: Array, classes: Array) -> float:
        logits = features(x) @ n(C.weight).T
        return -(logits[range(4), classes.astype(int)] - np.log(np.exp(logits).sum(1))).mean()

    found = asked(game, "generator", net, batch, {})
    target, back = (n(each) for each in net.G.classes)
    assert sorted(target) == sorted(y)  # the batch's own classes, in another order
    assert list(back) == list(y)
    made = 2 * a + 0.1 * target[:, None, None, None]
    again = 2 * made + 0.1 * y[:, None, None, None]
    expected = {"fake": -(features(made) @ [0.9, -0.5]).mean(), "class": 0.6 * unlikely(made, target)}
    close(found, expected | {"reconstruction": 3 * abs(again - a).mean()})
    found = asked(game, "discriminator", net, batch, {})
    made = 2 * a + 0.1 * n(net.G.classes[-1])[:, None, None, None]
    expected = {"real": -(features(a) @ [0.9, -0.5]).mean(), "fake": (features(made) @ [0.9, -0.5]).mean()}
    close(found, expected | {"class": 0.6 * unlikely(a, y)})
    penalised = built("stargan", {"x": GREY, "y": Categories(("p", "q", "r"))}, penalty=2.0)
    linear = net._replace(D=Featured(8.0, 0.0))  # its gradient is 8 / 64 at every pixel: its length is 1
    assert asked(penalised, "discriminator", linear, batch, {})["gradient_penalty"] == pytest.approx(0, abs=1e-6)
    linear = net._replace(D=Featured(24.0, 0.0))
    assert asked(penalised, "discriminator", linear, batch, {})["gradient_penalty"] == pytest.approx(2 * 4)
    made = game.sample(net, torch.zeros(4, 0), {"x": A, "y": torch.tensor([2, 2, 0, 1])})
    assert torch.allclose(made, 2 * A + torch.tensor([0.2, 0.2, 0.0, 0.1])[:, None, None, None])


def test_bicyclegan_minimises_the_papers_loss_and_does_not_teach_e_to_find_what_g_hid():
    # 1711.11586, eq. 1 to 9 with one D; the encoder is left out of eq. 7 (section 3.4)
    game = built("bicyclegan", style=2, pixels=3.0, prior=0.2, style_code=0.7)
    net, left = bicyclegan.Networks(Times(2.0), Code(0.5, 4), Judge(0.7, -0.4)), {}
    found = asked(game, "generator", net, {"a": A, "b": B}, left)
    a, b = n(A), n(B)
    read, drawn = (n(style) for style in net.G.heard)
    code = coded(0.5, b)  # the mean, and the logarithm of the variance too
    eps = (read - code) / np.exp(code / 2)
    assert abs(eps).max() < 4
    again, other = (2 * a + 0.1 * style.sum(1)[:, None, None, None] for style in (read, drawn))
    scores = [0.7 * a - 0.4 * made for made in (again, other)]
    expected = {
        "encoded": ((scores[0] - 1) ** 2).mean(),
        "drawn": ((scores[1] - 1) ** 2).mean(),
        "pixels": 3 * abs(again - b).mean(),
        "prior": 0.2 * ((code**2 + np.exp(code) - 1 - code) / 2).sum(1).mean(),
        "style": 0.7 * abs(coded(0.5, other) - drawn).mean(),
    }
    close(found, expected)
    real = ((0.7 * a - 0.4 * b - 1) ** 2).mean() / 2
    expected = {"real": real, "encoded": (scores[0] ** 2).mean() / 4, "drawn": (scores[1] ** 2).mean() / 4}
    close(asked(game, "discriminator", net, {"a": A, "b": B}, left), expected)

    def slopes(style_code: float) -> tuple[float, float]:
        net = bicyclegan.Networks(Times(2.0), Code(0.5, 4), Judge(0.7, -0.4))
        asked(built("bicyclegan", style=2, style_code=style_code), "generator", net, {"a": A, "b": B}, {})
        return net.G.w.grad.item(), net.E.w.grad.item()

    (G, E), (G_without, E_without) = slopes(1.0), slopes(0.0)
    assert pytest.approx(E_without) == E
    assert pytest.approx(G_without, rel=1e-3) != G


class Larger(nn.Module):
    """Repeats pixels, times w."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.8))

    def forward(self, x: Tensor) -> Tensor:
        return self.w * x.repeat_interleave(2, 2).repeat_interleave(2, 3)


SMALL = {"a": Pictures((1, 4, 4)), "b": GREY}
LOW = B[:, :, ::2, ::2]


def half_off(made: Tensor, real: Tensor) -> Tensor:
    """A distance for the tests: of twice the pictures, squared."""
    return (2 * made - 2 * real).square().mean()


class Features(nn.Module):
    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        return half_off(made, real)


def test_srgan_begins_with_the_squared_error_and_goes_on_with_the_papers_loss():
    # 1609.04802, eq. 3 to 6
    game = built("srgan", SMALL, pretrain=0.4, pixels=0.5, perceptual=0.3, adversarial=0.1)
    net, batch, left = srgan.Networks(Larger(), Judge(0.7), Features()), {"a": LOW, "b": B}, {}
    made = 0.8 * n(LOW).repeat(2, 2).repeat(2, 3)
    error = ((made - n(B)) ** 2).mean()
    close(asked(game, "generator", net, batch, left, progress=0.39), {"pixels": error})
    expected = {"fake": -0.1 * log_sigmoid(0.7 * made).mean(), "pixels": 0.5 * error, "features": 0.3 * 4 * error}
    close(asked(game, "generator", net, batch, left, progress=0.4), expected)
    real, fake = real_and_fake(0.7 * n(B), 0.7 * made)
    close(asked(game, "discriminator", net, batch, left), {"real": real, "fake": fake})


def test_esrgan_begins_with_l1_and_goes_on_with_the_papers_relativistic_loss():
    # 1809.00219, eq. 1 to 3
    game = built("esrgan", SMALL, pretrain=0.4, pixels=0.5, perceptual=0.3, adversarial=0.1)
    net, batch, left = esrgan.Networks(Larger(), Judge(0.7), Features()), {"a": LOW, "b": B}, {}
    made, real = 0.8 * n(LOW).repeat(2, 2).repeat(2, 3), n(B)
    close(asked(game, "generator", net, batch, left, progress=0.2), {"pixels": abs(made - real).mean()})
    r, f = 0.7 * real, 0.7 * made
    expected = {
        "real": -0.1 * log_sigmoid(-(r - f.mean())).mean(),
        "fake": -0.1 * log_sigmoid(f - r.mean()).mean(),
        "pixels": 0.5 * abs(made - real).mean(),
        "features": 0.3 * 4 * ((made - real) ** 2).mean(),
    }
    close(asked(game, "generator", net, batch, left, progress=0.9), expected)
    expected = {"real": -log_sigmoid(r - f.mean()).mean(), "fake": -log_sigmoid(-(f - r.mean())).mean()}
    close(asked(game, "discriminator", net, batch, left), expected)


@pytest.mark.parametrize(("network", "channels"), [("random", 4), ("efficientnet", 1), ("efficientnet", 3)])
def test_a_perceptual_loss_is_a_distance_in_layers_that_nothing_moves(network, channels):
    phi = Perceptual(network, channels)
    assert not any(p.requires_grad for p in phi.parameters())
    assert not any(module.training for module in phi.modules())
    made, real = torch.randn(2, 3, channels, 32, 32).clamp(-1, 1)
    made.requires_grad_()
    layers = [
        ((n(f) - n(w)) ** 2).mean() / (n(w) ** 2).mean()
        for f, w in zip(phi.features(made), phi.features(real), strict=True)
    ]
    assert phi(made, real).item() == pytest.approx(np.mean(layers), rel=1e-4)
    assert len(layers) == 3
    assert phi(real, real).item() == 0
    phi(made, real).backward()
    assert made.grad.abs().sum() > 0


@pytest.mark.parametrize("recipe", ["srgan", "esrgan"])
def test_no_turn_moves_the_features_and_no_one_puts_them_into_train_mode(recipe):
    options = {"batch": 2, "width": 4, "features": "efficientnet", "pretrain": 0.0}
    plan = workflows.plan(data_for(recipe, (3, 24, 40)), recipe=recipe, rounds=4, options=options, out="never-written")
    phi = plan.state.game.networks.phi
    before = {name: value.clone() for name, value in phi.state_dict().items()}
    for player in plan.state.game.players:
        take_turn(plan.state, player, plan.data, plan.how, {0: {"made": torch.zeros(2, 3, 24, 40)}})
    assert not any(module.training for module in phi.modules())
    assert all(torch.equal(value, before[name]) for name, value in phi.state_dict().items())


def test_efficientnet_refuses_pictures_of_other_channels():
    with pytest.raises(UserError, match="efficientnet sees no pictures of 4 channels"):
        Perceptual("efficientnet", 4)


LARGE, ODD, RGB, POINTS = (
    Pictures((1, 16, 16)),
    Pictures((1, 10, 16)),
    Pictures((3, 8, 8)),
    Points((2,), (0, 0), (1, 1)),
)
LABELS = Categories(("p", "q"))


@pytest.mark.parametrize(
    ("recipe", "schema", "said"),
    [
        ("pix2pix", {"a": GREY, "b": LARGE}, "pix2pix needs pictures of one size, and these are of 8x8 and 16x16"),
        ("pix2pix", {"a": POINTS, "b": POINTS}, "pix2pix turns pictures into pictures"),
        ("discogan", {"a": Pictures((1, 3, 9)), "b": Pictures((1, 3, 9))}, "discogan needs sides of 4 at least"),
        ("cyclegan", {"a": ODD, "b": ODD}, "cyclegan needs sides divisible by 4, 8 at least"),
        ("munit", {"a": ODD, "b": ODD}, "munit needs sides divisible by 4"),
        ("srgan", {"a": LARGE, "b": GREY}, "srgan needs pictures b that are a whole number of times larger than a"),
        ("esrgan", {"a": GREY, "b": Pictures((1, 16, 24))}, "esrgan needs pictures b that are a whole number of times"),
        ("context-encoder", {"a": GREY, "b": GREY}, "context-encoder needs pictures with a hole"),
        ("stargan", {"x": POINTS, "y": LABELS}, "stargan needs pictures with sides divisible by 4"),
        ("stargan", {"x": GREY}, "stargan needs data with labels"),
        ("pixelda", {"a": GREY, "b": GREY, "y": LABELS}, "pixelda needs labels of a"),
        ("pixelda", {"a": RGB, "b": GREY, "y_a": LABELS}, "they have 3 and 1 channels"),
    ],
)
def test_pictures_that_a_recipe_cannot_take_are_refused_in_one_line_with_a_way_out(recipe, schema, said):
    with pytest.raises(UserError) as refused:
        built(recipe, schema)
    assert said in refused.value.problem
    assert refused.value.hint
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "recipe", [name for name in GIVEN_PICTURES if {"a", "b"} <= data_for(name, (1, 8, 8)).schema.keys()]
)
def test_the_two_kinds_may_have_different_channels(recipe):
    schema = {"a": Pictures((3, 8, 12)), "b": Pictures((1, 8, 12))}
    if recipe == "pixelda":
        return  # its classifier sees both
    game = built(recipe, schema)
    given, noise = {"a": torch.zeros(2, 3, 8, 12)}, game.noise(2, torch.Generator(), None)
    assert game.sample(game.networks, noise, given).shape == (2, 1, 8, 12)
    if game.reverse is not None:
        back = game.reverse(game.networks, noise, {"b": torch.zeros(2, 1, 8, 12)})
        assert back.shape == (2, 3, 8, 12)
