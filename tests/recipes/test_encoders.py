"""The losses of bigan, aae and clustergan on linear networks, by their papers' equations, in numpy."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring import workflows
from sparring.game import Game, Step
from sparring.kinds import Points
from sparring.loop import play
from sparring.networks import MLPDiscriminator
from sparring.recipes import RECIPES, aae, bigan, clustergan
from sparring.recipes._encoders import Encoder, JointDiscriminator

Array = np.ndarray

X = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))


class Linear(nn.Module):
    """A linear map that remembers what it was given."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        weight = torch.randn(outputs, inputs, generator=torch.Generator().manual_seed(inputs + outputs))
        self.W = nn.Parameter(weight)
        self.heard: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.heard.append(x.detach())
        return x @ self.W.T


class Critic(nn.Module):
    """A linear discriminator of one or two arguments, which remembers what it was asked."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(inputs, generator=torch.Generator().manual_seed(inputs)))
        self.heard: list[tuple[Tensor, ...]] = []

    def forward(self, *parts: Tensor) -> Tensor:
        self.heard.append(tuple(part.detach() for part in parts))
        return torch.cat(parts, 1) @ self.w


def built(recipe: str, **options: Any) -> Game[Any]:
    points = Points((2,), (0.0, 0.0), (1.0, 1.0))
    return RECIPES[recipe].build(RECIPES[recipe].options(width=4, **options), {"x": points})


def terms_of(game: Game[Any], player: str, net: Any, left: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    loss = next(each.loss for each in game.players if each.name == player)
    return loss(net, Step({"x": X}, 0, 0.0, torch.Generator().manual_seed(1), left or {}))


def values(terms: dict[str, Tensor]) -> dict[str, float]:
    return {name: term.item() for name, term in terms.items()}


def numbers(x: Tensor) -> Array:
    return x.detach().double().numpy()


def log_sigmoid(x: Array) -> Array:
    return -np.log(1 + np.exp(-x))


def gradients(term: Tensor, net: Any) -> set[str]:
    """The networks that a term reaches."""
    parameters = {name: next(network.parameters()) for name, network in net._asdict().items()}
    found = torch.autograd.grad(term, list(parameters.values()), retain_graph=True, allow_unused=True)
    return {name for name, gradient in zip(parameters, found, strict=True) if gradient is not None}


def test_bigan_judges_reals_with_their_codes_and_fakes_with_the_noise_they_were_made_of():
    # 1605.09782, eq. 3
    game, net = built("bigan", latent_dim=3), bigan.Networks(Linear(3, 2), Linear(2, 3), Critic(5))
    found = values(terms_of(game, "discriminator", net))
    z, G, E, w = numbers(net.G.heard[0]), numbers(net.G.W), numbers(net.E.W), numbers(net.D.w)
    assert torch.equal(net.E.heard[0], X)
    x = numbers(X)
    real, fake = np.hstack([x, x @ E.T]) @ w, np.hstack([z @ G.T, z]) @ w
    assert found == pytest.approx({"real": -log_sigmoid(real).mean(), "fake": -log_sigmoid(-fake).mean()}, rel=1e-5)
    # each pair in its place, and each made of the other's part: a swap of the two would train D the wrong way
    (x_heard, code), (made, noise) = net.D.heard
    assert torch.equal(x_heard, X)
    assert numbers(code) == pytest.approx(x @ E.T, rel=1e-5)
    assert numbers(made) == pytest.approx(numbers(noise) @ G.T, rel=1e-4, abs=1e-6)


def test_bigans_g_and_e_each_fool_d_with_the_labels_turned_round():
    # 1605.09782 (the non-saturating form of Goodfellow et al., for both)
    game, net = built("bigan", latent_dim=3), bigan.Networks(Linear(3, 2), Linear(2, 3), Critic(5))
    terms = terms_of(game, "generator", net)
    z, G, E, w = numbers(net.G.heard[0]), numbers(net.G.W), numbers(net.E.W), numbers(net.D.w)
    x = numbers(X)
    real, fake = np.hstack([x, x @ E.T]) @ w, np.hstack([z @ G.T, z]) @ w
    expected = {"real": -log_sigmoid(-real).mean(), "fake": -log_sigmoid(fake).mean()}
    assert values(terms) == pytest.approx(expected, rel=1e-5)
    assert gradients(terms["fake"], net) - {"D"} == {"G"}
    assert gradients(terms["real"], net) - {"D"} == {"E"}


def test_the_joint_discriminator_sees_which_code_belongs_to_which_example():
    torch.manual_seed(0)
    D = JointDiscriminator(MLPDiscriminator((2,), 8), 3)
    code = torch.randn(6, 3)
    scores, moved = D(X, code), D(X, code.roll(1, 0))
    assert scores.shape == (6,)
    assert not torch.isclose(scores, moved, atol=1e-6).any()
    assert torch.allclose(D(X.roll(1, 0), code.roll(1, 0)), scores.roll(1, 0), atol=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
def test_an_encoder_has_as_many_outputs_as_it_is_asked_for(outputs):
    assert Encoder(MLPDiscriminator((2,), 8), outputs)(X).shape == (6, outputs)


def adversarial_autoencoder() -> tuple[Game[Any], aae.Networks]:
    game = built("aae", latent_dim=3, adversarial=0.7)
    return game, aae.Networks(Linear(3, 2), Linear(2, 3), Critic(3))


def test_aaes_autoencoder_minimises_the_reconstruction_and_fools_d_with_codes():
    # 1511.05644, section 2: the reconstruction phase, and the encoder's part of the regularization phase
    game, net = adversarial_autoencoder()
    terms = terms_of(game, "autoencoder", net)
    x, w = numbers(X), numbers(net.D.w)
    code = x @ numbers(net.E.W).T
    again = code @ numbers(net.G.W).T
    expected = {"reconstruction": ((again - x) ** 2).mean(), "fake": -0.7 * log_sigmoid(code @ w).mean()}
    assert values(terms) == pytest.approx(expected, rel=1e-5)
    assert gradients(terms["reconstruction"], net) == {"G", "E"}
    assert gradients(terms["fake"], net) - {"D"} == {"E"}


def test_aae_without_an_adversary_is_a_plain_autoencoder():
    game = built("aae", latent_dim=3, adversarial=0.0)
    net = aae.Networks(Linear(3, 2), Linear(2, 3), Critic(3))
    assert set(terms_of(game, "autoencoder", net)) == {"reconstruction"}
    assert not net.D.heard


def test_aaes_adversary_takes_the_prior_for_real_and_the_codes_that_were_left_for_fake():
    # 1511.05644, section 2: the regularization phase
    game, net = adversarial_autoencoder()
    x, w = numbers(X), numbers(net.D.w)
    code = X @ net.E.W.detach().T
    found = terms_of(game, "discriminator", net, {"code": code})
    (prior,), (fake,) = net.D.heard
    assert torch.equal(prior, game.noise(6, torch.Generator().manual_seed(1), None))
    assert torch.equal(fake, code)
    expected = {
        "real": -log_sigmoid(numbers(prior) @ w).mean(),
        "fake": -log_sigmoid(-x @ numbers(net.E.W).T @ w).mean(),
    }
    assert values(found) == pytest.approx(expected, rel=1e-5)
    assert gradients(sum(found.values(), torch.zeros(())), net) == {"D"}


def test_aae_samples_are_decoded_draws_of_the_prior_and_codes_are_the_encoders():
    game, net = adversarial_autoencoder()
    z = game.noise(4, torch.Generator(), None)
    assert torch.equal(game.sample(net, z, {}), net.G(z))
    assert game.encode is not None
    assert torch.equal(game.encode(net, X), net.E(X))


def clusters(**options: Any) -> tuple[Game[Any], clustergan.Networks]:
    weights = {"penalty": 3.0, "recover_normal": 0.7, "recover_category": 0.4, "spread": 0.2, "encoder_noise": 0.0}
    game = built("clustergan", latent_dim=2, categories=3, **weights | options)
    return game, clustergan.Networks(Linear(5, 2), Linear(2, 5), Critic(2))


def test_clustergans_critic_estimates_the_distance_under_a_gradient_penalty():
    # 1809.03627, eq. 1 with the Wasserstein distance, and the penalty of 1704.00028, eq. 3
    game, net = clusters()
    found = values(terms_of(game, "discriminator", net))
    w, fake = numbers(net.D.w), numbers(net.G.heard[0]) @ numbers(net.G.W).T
    length = np.sqrt((w**2).sum())  # D is linear: its gradient is w everywhere
    expected = {"real": -(numbers(X) @ w).mean(), "fake": (fake @ w).mean(), "gradient_penalty": 3 * (length - 1) ** 2}
    assert found == pytest.approx(expected, rel=1e-4)


def test_clustergans_g_and_e_pay_for_what_cannot_be_read_back():
    # 1809.03627, eq. 1, with β_n = 0.7 and β_c = 0.4
    game, net = clusters()
    terms = terms_of(game, "generator", net)
    z, w = numbers(net.G.heard[0]), numbers(net.D.w)
    fake = z @ numbers(net.G.W).T
    read = fake @ numbers(net.E.W).T
    assert numbers(net.E.heard[0]) == pytest.approx(fake, rel=1e-4, abs=1e-6)  # E reads fakes, never reals
    guess = np.exp(read[:, 2:]) / np.exp(read[:, 2:]).sum(1, keepdims=True)
    expected = {
        "fake": -(fake @ w).mean(),
        "normal": 0.7 * ((read[:, :2] - z[:, :2]) ** 2).mean(),
        "category": -0.4 * np.log((guess * z[:, 2:]).sum(1)).mean(),
    }
    assert values(terms) == pytest.approx(expected, rel=1e-4)
    assert gradients(terms["fake"], net) - {"D"} == {"G"}
    assert gradients(terms["normal"], net) == gradients(terms["category"], net) == {"G", "E"}


def test_clustergans_e_reads_fakes_under_noise_and_d_sees_them_without():
    game, net = clusters(encoder_noise=0.5)
    terms_of(game, "generator", net)
    fake = net.G.heard[0] @ net.G.W.T
    (scored,) = net.D.heard[0]
    assert torch.equal(scored, fake.detach())
    noise = net.E.heard[0] - fake.detach()
    assert 0.2 < noise.std().item() < 0.9
    game.encode(net, X)
    assert torch.equal(net.E.heard[1], X)


def test_clustergans_noise_is_a_little_variation_and_one_category():
    game, _ = clusters()
    z = game.noise(3000, torch.Generator().manual_seed(0), None)
    assert z[:, :2].std().item() == pytest.approx(1, abs=0.05)
    net = clusters()[1]
    game.sample(net, z, {})
    assert net.G.heard[-1] == pytest.approx(torch.cat([0.2 * z[:, :2], z[:, 2:]], dim=1))
    assert torch.equal(z[:, 2:].sum(1), torch.ones(3000))
    assert z[:, 2:].mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.04)
    assert game.noise(3000, torch.Generator(), 0.5)[:, :2].abs().max() <= 0.5


def test_clustergans_codes_are_noise_with_a_probability_for_each_category():
    game, net = clusters()
    assert game.encode is not None
    code, read = numbers(game.encode(net, X)), numbers(net.E(X))
    assert code[:, :2] == pytest.approx(read[:, :2] / 0.2, rel=1e-5)
    assert code[:, 2:].sum(1) == pytest.approx(np.ones(6))
    assert (code[:, 2:].argmax(1) == read[:, 2:].argmax(1)).all()


def test_clustergans_critic_takes_as_many_steps_as_it_is_told():
    game = built("clustergan", n_critic=3)
    assert [player.turn.length for player in game.players] == [3, 1]


@pytest.mark.parametrize("recipe", ["bigan", "aae", "clustergan"])
def test_an_encoder_learns_to_undo_the_generator_on_points(recipe):
    # a tiny run: what is encoded and made again comes closer to itself than it was at the start
    plan = workflows.plan("ring", recipe=recipe, rounds=150, options={"ema": 0.0}, out="never-written")
    x = plan.data.schema["x"].to_model(plan.data.held_out(500)["x"])

    def error() -> float:
        game = plan.state.game
        assert game.encode is not None
        with torch.no_grad():
            return (game.sample(plan.state.sampled, game.encode(plan.state.sampled, x), {}) - x).square().mean().item()

    before = error()
    for _ in itertools.islice(play(plan.state, plan.data, plan.how), 150):
        pass
    assert error() < {"bigan": 0.95, "aae": 0.1, "clustergan": 0.95}[recipe] * before


@pytest.mark.parametrize("network", ["mlp", "dcgan", "shuffle", "resnet"])
@pytest.mark.parametrize("recipe", ["bigan", "aae", "clustergan"])
def test_every_network_is_played(recipe, network):
    pictures = np.random.default_rng(0).integers(0, 256, (24, 8, 12, 3), dtype=np.uint8)
    options = {"batch": 3, "width": 4, "network": network}
    plan = workflows.plan(pictures, recipe=recipe, rounds=4, options=options, out="never-written")
    for played in itertools.islice(play(plan.state, plan.data, plan.how), 2):
        assert np.isfinite(list(played.terms.values())).all()
