"""The losses of pacgan, unrolled and improved on linear networks, by their papers' equations, in numpy."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring import checkpoint, workflows
from sparring.game import Game, Step
from sparring.kinds import Pictures, Points
from sparring.loop import play, take_turn
from sparring.networks import History, MinibatchDiscrimination, WithReference
from sparring.recipes import RECIPES, improved, pacgan, unrolled
from sparring.recipes._duel import Duel

Array = np.ndarray

X = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))


class Generator(nn.Module):
    """A linear generator that remembers its noise."""

    def __init__(self) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.tensor([[0.9, -0.3, 0.5], [0.2, 0.7, -1.1]]))

    def forward(self, z: Tensor) -> Tensor:
        self.z = z.detach()
        return z @ self.A.T


class Critic(nn.Module):
    """A discriminator of linear features, which remembers what it was asked."""

    def __init__(self, inputs: int = 2) -> None:
        super().__init__()
        self.F = nn.Parameter(torch.randn(3, inputs, generator=torch.Generator().manual_seed(1)))
        self.head = nn.Linear(3, 1, bias=False)
        nn.init.constant_(self.head.weight, 0.4)
        self.heard: list[Tensor] = []

    def features(self, x: Tensor) -> Tensor:
        self.heard.append(x.detach())
        return x @ self.F.T

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)).squeeze(1)


class Linear(nn.Module):
    """D(x) = w·x."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5, -0.4]))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.w


def built(recipe: str, kind: Any = None, **options: Any) -> Game[Any]:
    kind = kind or Points((2,), (0.0, 0.0), (1.0, 1.0))
    return RECIPES[recipe].build(RECIPES[recipe].options(width=4, latent_dim=3, **options), {"x": kind})


def terms_of(game: Game[Any], player: str, net: Any) -> dict[str, Tensor]:
    loss = next(each.loss for each in game.players if each.name == player)
    return loss(net, Step({"x": X}, 0, 0.0, torch.Generator().manual_seed(1), {}))


def values(terms: dict[str, Tensor]) -> dict[str, float]:
    return {name: term.item() for name, term in terms.items()}


def numbers(x: Tensor) -> Array:
    return x.detach().double().numpy()


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def differences(f: Callable[[Array], float], at: Array) -> Array:
    """The gradient by central differences."""
    ways = 1e-5 * np.eye(at.size).reshape(at.size, *at.shape)
    return np.array([(f(at + way) - f(at - way)) / 2e-5 for way in ways]).reshape(at.shape)


def weights_of(D: Critic) -> Array:
    return (numbers(D.head.weight) @ numbers(D.F))[0]


# pacgan


@pytest.mark.parametrize("pack", [1, 2, 3])
def test_pacgan_judges_packs_of_reals_and_packs_of_fakes_and_mixes_them_in_none(pack):
    # 1712.04086, section 3 (fig. 3): the loss of the first GAN on packs
    body = Critic(2 * pack)
    game, net = built("pacgan", pack=pack), Duel(Generator(), pacgan.Packed(body, pack))
    found = values(terms_of(game, "discriminator", net))
    x, fake, w = numbers(X), numbers(net.G(net.G.z)), weights_of(body)
    packs = [
        np.stack([np.concatenate([each[(i + k) % 6] for k in range(pack)]) for i in range(6)]) for each in (x, fake)
    ]
    assert [numbers(heard) for heard in body.heard] == [pytest.approx(each, rel=1e-5) for each in packs]
    real_scores, fake_scores = (each @ w for each in packs)
    expected = {"real": -np.log(sigmoid(real_scores)).mean(), "fake": -np.log(1 - sigmoid(fake_scores)).mean()}
    assert found == pytest.approx(expected, rel=1e-5)

    terms = terms_of(game, "generator", net)
    z = numbers(net.G.z)

    def paper(A: Array) -> float:
        rows = z @ A.T
        return -np.log(sigmoid(np.hstack([np.roll(rows, -k, 0) for k in range(pack)]) @ w)).mean()

    assert values(terms) == pytest.approx({"fake": paper(numbers(net.G.A))}, rel=1e-5)
    terms["fake"].backward()
    assert numbers(net.G.A.grad) == pytest.approx(differences(paper, numbers(net.G.A)), rel=1e-4, abs=1e-5)


def test_pacgans_option_makes_d_as_wide_as_the_pack():
    D = built("pacgan", Pictures((3, 8, 8)), pack=4, network="dcgan").networks.D
    assert next(m for m in D.modules() if isinstance(m, nn.Conv2d)).in_channels == 12
    assert D(torch.randn(5, 3, 8, 8)).shape == (5,)


def test_pacgans_d_sees_a_lack_of_variety_that_no_example_shows():
    # every example lies at 1 or at -1: only a pack tells halves of each from copies of one
    torch.manual_seed(0)
    signs = torch.tensor([1.0, -1.0])

    def accuracy(pack: int) -> float:
        D = pacgan.Packed(nn.Sequential(nn.Linear(pack, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0)), pack)
        optimizer = torch.optim.Adam(D.parameters(), 1e-2)
        right = 0.0
        for step in range(200):
            varied = signs[torch.randint(2, (64,))][:, None]
            same = signs[torch.randint(2, (1,))].expand(64)[:, None]
            scores = torch.cat([D(varied), -D(same)])
            loss = nn.functional.softplus(-scores).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += (scores > 0).float().mean().item() / 50 if step >= 150 else 0.0
        return right

    assert accuracy(3) > 0.8
    assert accuracy(1) < 0.6


# unrolled


def climbed(w: Array, x: Array, fake: Array, inner: str, steps: int, lr: float) -> Array:
    """D's weights after so many steps down -E[log σ(w·x)] - E[log(1 - σ(w·G(z)))]."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    for k in range(1, steps + 1):
        slope = -((1 - sigmoid(x @ w))[:, None] * x).mean(0) + (sigmoid(fake @ w)[:, None] * fake).mean(0)
        if inner == "adam":
            m, v = 0.5 * m + 0.5 * slope, 0.9 * v + 0.1 * slope**2
            slope = m / (1 - 0.5**k) / np.sqrt(v / (1 - 0.9**k) + 1e-16)
        w = w - lr * slope
    return w


@pytest.mark.parametrize("saturating", [True, False])
@pytest.mark.parametrize(("inner", "steps"), [("sgd", 0), ("sgd", 1), ("sgd", 3), ("adam", 1), ("adam", 4)])
def test_unrolleds_g_is_judged_by_the_d_to_come_and_its_gradient_goes_through_ds_steps(inner, steps, saturating):
    # 1611.02163, eq. 5 to 8
    how = {"inner": inner, "unroll": steps, "inner_lr": 0.3, "saturating": saturating, "beta2": 0.9}
    game, net = built("unrolled", **how), Duel(Generator(), Linear())
    terms = terms_of(game, "generator", net)
    w, x, z = numbers(net.D.w), numbers(X), numbers(net.G.z)

    def parts(A: Array) -> dict[str, float]:
        fake = z @ A.T
        then = climbed(w, x, fake, inner, steps, 0.3)
        judged = np.log(1 - sigmoid(fake @ then)) if saturating else -np.log(sigmoid(fake @ then))
        return {"fake": judged.mean()} | ({"real": np.log(sigmoid(x @ then)).mean()} if steps else {})

    A = numbers(net.G.A)
    assert values(terms) == pytest.approx(parts(A), rel=1e-4)
    torch.stack(list(terms.values())).sum().backward()
    expected = differences(lambda A: sum(parts(A).values()), A)
    assert numbers(net.G.A.grad) == pytest.approx(expected, rel=2e-3, abs=1e-4)
    assert net.D.w.grad is None
    assert numbers(net.D.w) == pytest.approx(w)


def test_unrolleds_d_plays_the_first_game():
    game, net = built("unrolled"), Duel(Generator(), Linear())
    found = values(terms_of(game, "discriminator", net))
    w, x, fake = numbers(net.D.w), numbers(X), numbers(net.G(net.G.z))
    expected = {"real": -np.log(sigmoid(x @ w)).mean(), "fake": -np.log(1 - sigmoid(fake @ w)).mean()}
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("inner", ["sgd", "adam"])
def test_unrolled_leaves_d_and_its_optimizer_as_they_are_after_gs_turn(inner):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (24, 8, 8), dtype=np.uint8)
    options = {"batch": 4, "width": 4, "inner": inner, "inner_lr": 0.1}
    plan = workflows.plan(pictures, recipe="unrolled", rounds=2, options=options, out="never-written")
    state = plan.state
    critic, generator = state.game.players
    take_turn(state, critic, plan.data, plan.how, {})

    def kept() -> list[Tensor]:
        optimizer = state.optimizers["discriminator"].state_dict()["state"]
        moments = [value for of in optimizer.values() for value in of.values()]
        return [each.clone() for each in (*state.game.networks.D.state_dict().values(), *moments)]

    before = kept()
    assert len(before) > len(state.game.networks.D.state_dict())
    take_turn(state, generator, plan.data, plan.how, {})
    assert all(torch.equal(a, b) for a, b in zip(before, kept(), strict=True))


def test_unrolleds_look_ahead_has_a_finite_gradient_where_d_has_none():
    # Adam's square root at 0: a layer that nothing reaches
    D = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1), nn.Flatten(0))
    nn.init.constant_(D[0].bias, -100.0)
    G = Generator()
    options = unrolled.Options(unroll=3, inner="adam")
    theta = unrolled.ahead(options, D, X, G(torch.randn(6, 3)))
    (gradient,) = torch.autograd.grad(sum(p.sum() for p in theta.values()), G.A, allow_unused=True)
    assert gradient is None or bool(gradient.isfinite().all())


# improved


NOTHING = {"kernels": 0, "label_smoothing": 0.0, "virtual_batch_norm": False}


def networks() -> improved.Networks:
    G, D = Generator(), Critic()
    return improved.Networks(G, D, History(G), History(D))  # pyright: ignore[reportArgumentType]


def test_improved_with_nothing_on_is_the_first_game():
    game, net = built("improved", **NOTHING), networks()
    found = values(terms_of(game, "discriminator", net))
    x, fake, w = numbers(X), numbers(net.G(net.G.z)), weights_of(net.D)
    assert [len(heard) for heard in net.D.heard] == [6, 6]  # reals and fakes in a pass each
    expected = {"real": -np.log(sigmoid(x @ w)).mean(), "fake": -np.log(1 - sigmoid(fake @ w)).mean()}
    assert found == pytest.approx(expected, rel=1e-5)
    fake = numbers(net.G(net.G.z))
    found = values(terms_of(game, "generator", net))
    assert found == pytest.approx({"fake": -np.log(sigmoid(fake @ w)).mean()}, rel=1e-5)


def test_improved_smooths_the_labels_of_reals_alone():
    # section 3.4
    plain, net = built("improved", **NOTHING), networks()
    smooth = built("improved", **NOTHING | {"label_smoothing": 0.2})
    r = numbers(X) @ weights_of(net.D)
    found, before = (values(terms_of(game, "discriminator", net)) for game in (smooth, plain))
    expected = -(0.8 * np.log(sigmoid(r)) + 0.2 * np.log(1 - sigmoid(r))).mean()
    assert found["real"] == pytest.approx(expected, rel=1e-5)
    assert found["fake"] == before["fake"]
    assert values(terms_of(smooth, "generator", net)) == values(terms_of(plain, "generator", net))


def test_improved_matches_the_mean_features_of_reals():
    # section 3.1: |E f(x) - E f(G(z))|^2
    game, net = built("improved", **NOTHING | {"feature_matching": True}), networks()
    found = terms_of(game, "generator", net)
    F, x, z = numbers(net.D.F), numbers(X), numbers(net.G.z)

    def paper(A: Array) -> float:
        return float((((x @ F.T).mean(0) - (z @ A.T @ F.T).mean(0)) ** 2).sum())

    A = numbers(net.G.A)
    assert values(found) == pytest.approx({"features": paper(A)}, rel=1e-4)
    found["features"].backward()
    assert numbers(net.G.A.grad) == pytest.approx(differences(paper, A), rel=1e-3, abs=1e-5)
    assert terms_of(game, "discriminator", net).keys() == {"real", "fake"}


def test_improved_holds_both_players_near_the_mean_of_their_past():
    # section 3.3: |θ - 1/t Σ θ[i]|^2, weighed by 0.3
    game, net = built("improved", **NOTHING | {"history": 0.3}), networks()
    starts = {name: [p.detach().clone() for p in getattr(net, name).parameters()] for name in "GD"}
    with torch.no_grad():
        for p in (*net.G.parameters(), *net.D.parameters()):
            p += 0.5
    for player, name in (("generator", "G"), ("discriminator", "D")):
        found = terms_of(game, player, net)["history"].item()
        squares = [0.25 * p.numel() for p in starts[name]]
        assert found == pytest.approx(0.3 * sum(squares), rel=1e-4)
        chosen = next(each for each in game.players if each.name == player)
        assert chosen.after is not None
        chosen.after(net)  # the mean is now half way
        found = terms_of(game, player, net)["history"].item()
        assert found == pytest.approx(0.3 * sum(squares) / 4, rel=1e-4)
    kept = built("improved", **NOTHING | {"history": 0.3}).networks
    assert len(list(kept.past_G.buffers())) == len(list(kept.G.parameters())) + 1
    assert len(list(built("improved", **NOTHING).networks.past_G.buffers())) == 1


def test_improveds_d_sees_how_close_the_examples_of_its_batch_are():
    # section 3.2; features alone cannot tell copies from variety
    D = improved.Aware(Critic(), 5)  # pyright: ignore[reportArgumentType]
    assert D(X).shape == (6,)
    f = D.features(X)
    assert torch.equal(D.body.head(torch.cat([f, D.closeness(f)], 1)).squeeze(1), D(X))
    copies = X[:1].expand(6, 2)
    assert not torch.isclose(D(copies)[0], D(X)[0])
    assert torch.equal(D.features(copies)[0], D.features(X)[0])


def test_improveds_options_reach_its_networks():
    pictures = Pictures((1, 8, 8))

    def kinds(**options: Any) -> tuple[bool, bool]:
        net = built("improved", pictures, **NOTHING | options).networks
        norms = isinstance(net.G, WithReference)
        return norms, any(isinstance(m, MinibatchDiscrimination) for m in net.D.modules())

    assert kinds() == (False, False)
    assert kinds(virtual_batch_norm=True) == (True, False)
    assert kinds(kernels=7) == (False, True)
    net = built("improved", pictures, kernels=7, batch=5).networks
    assert net.D.closeness.T.shape[1] == 7
    assert net.G.reference.shape == (5, 3)
    assert not isinstance(built("improved").networks.G, WithReference)  # points have no batch norm


def planned(recipe: str, **options: Any) -> workflows.Plan:
    pictures = np.random.default_rng(0).integers(0, 256, (24, 8, 12, 3), dtype=np.uint8)
    options = {"batch": 3, "width": 4} | options
    return workflows.plan(pictures, recipe=recipe, rounds=4, options=options, out="never-written")


def advance(plan: workflows.Plan, rounds: int) -> dict[str, float]:
    return [played.terms for played in itertools.islice(play(plan.state, plan.data, plan.how), rounds)][-1]


@pytest.mark.parametrize("network", ["mlp", "dcgan", "shuffle", "resnet"])
@pytest.mark.parametrize("recipe", ["pacgan", "unrolled", "improved"])
def test_every_network_is_played(recipe, network):
    assert np.isfinite(list(advance(planned(recipe, network=network), 2).values())).all()


@pytest.mark.parametrize(
    "options", [{"history": 0.1}, {"feature_matching": True}, {"feature_matching": True, "history": 0.1, "kernels": 0}]
)
def test_improved_with_other_options_is_resumed_exactly(options, tmp_path):
    whole, first, second = (planned("improved", **options) for _ in range(3))
    advance(whole, 4)
    advance(first, 2)
    checkpoint.write(first.state, tmp_path / "half", "improved")
    checkpoint.read(second.state, tmp_path / "half", "improved")
    advance(second, 2)
    there, here = (checkpoint.network_tensors(plan.state) for plan in (whole, second))
    assert there.keys() == here.keys()
    assert all(torch.equal(value, here[name]) for name, value in there.items())
    past = [value for name, value in there.items() if name.endswith("past_G.count")]
    assert [value.item() for value in past] == [5.0 if "history" in options else 1.0]
