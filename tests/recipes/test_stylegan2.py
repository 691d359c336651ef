import math
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from sparring import workflows
from sparring.drawing import draw, latents_of, made_from, noise_of, styles_of
from sparring.errors import UserError
from sparring.game import Latent, Step
from sparring.loop import play
from sparring.networks.style import Length, mixed
from sparring.penalties import squared_gradient_norms
from sparring.recipes.stylegan2 import path_penalty

RAW = np.random.default_rng(0).integers(0, 256, (24, 9, 14, 1), dtype=np.uint8)


def planned(**options) -> workflows.Plan:
    chosen = {"batch": 3, "width": 8, "latent_dim": 8} | options
    return workflows.plan(RAW, recipe="stylegan2", rounds=40, options=chosen, augment="none", out="never-written")


def test_rates_and_betas_are_rescaled_for_lazy_penalties():
    game = planned(beta1=0.5, r1_every=16).state.game
    D, G = (player.optimizer for player in game.players)
    assert (D.lr, *D.betas) == pytest.approx((0.002 * 16 / 17, 0.5 ** (16 / 17), 0.99 ** (16 / 17)))
    assert (G.lr, *G.betas) == pytest.approx((0.002 * 8 / 9, 0.5 ** (8 / 9), 0.99 ** (8 / 9)))


def test_penalties_are_lazy():
    plan = planned(r1_every=3, path_every=2)
    rounds = [played.terms for played in islice(play(plan.state, plan.data, plan.how), 7)]
    assert [k for k, terms in enumerate(rounds) if "discriminator/r1" in terms] == [0, 3, 6]
    assert [k for k, terms in enumerate(rounds) if "generator/path" in terms] == [0, 2, 4, 6]


def test_r1_is_as_many_times_as_heavy_as_it_is_rare():
    plan = planned(r1_every=5, gamma=3.0)
    game, net = plan.state.game, plan.state.game.networks
    x = plan.data.schema["x"].to_model(plan.data.batch(0, 3, 0)["x"])
    terms = game.players[0].loss(net, Step({"x": x}, 10, 0.0, torch.Generator().manual_seed(0), {}))
    torch.testing.assert_close(terms["r1"], 5 * 3 / 2 * squared_gradient_norms(net.D, x).mean())


def test_the_path_length_of_a_linear_generator_is_known():
    """J_w is A itself: |A^T y| for each y, and γ = ln 2 / (r² (ln r - ln 2)) with r² the number of pixels."""
    A = torch.randn(2 * 8 * 8, 5)
    noise = Latent(5)
    G = SimpleNamespace(
        map=lambda z: (2 * z).requires_grad_(), synthesize=lambda w, rng: (w @ A.T).reshape(-1, 2, 8, 8)
    )
    net: Any = SimpleNamespace(G=G, A=Length())
    twin = torch.Generator().manual_seed(3)
    noise(4, twin)
    y = torch.randn(4, 2, 8, 8, generator=twin)
    lengths = np.linalg.norm(y.reshape(4, -1).double().numpy() @ A.double().numpy(), axis=1)
    gamma = math.log(2) / (64 * (math.log(8) - math.log(2)))
    found = path_penalty(noise, net, 4, torch.Generator().manual_seed(3))
    # the first lengths are the mean that is kept
    assert found.item() == pytest.approx(gamma * ((lengths - lengths.mean()) ** 2).mean(), rel=1e-4)
    kept = net.A.a.item()
    net.A.a.fill_(1.0)
    found = path_penalty(noise, net, 4, torch.Generator().manual_seed(3))
    assert kept == pytest.approx(lengths.mean(), rel=1e-5)
    assert net.A.a.item() == pytest.approx(0.99 + 0.01 * lengths.mean(), rel=1e-5)
    assert found.item() == pytest.approx(gamma * ((lengths - net.A.a.item()) ** 2).mean(), rel=1e-4)


def test_styles_are_mixed_from_a_random_layer_on(rng):
    w, other = torch.zeros(20_000, 2), torch.ones(20_000, 2)
    rows = mixed(w, other, 5, 0.9, rng)[:, :, 0]
    assert torch.equal(rows, rows.sort(1).values)  # the first style before the second
    counts = rows.sum(1).int().bincount(minlength=6) / len(rows)
    assert counts.tolist() == pytest.approx([0.1, 0.225, 0.225, 0.225, 0.225, 0], abs=0.01)
    assert mixed(w, other, 5, 0.0, rng).sum() == 0


def test_g_keeps_the_mean_of_its_styles_and_the_average_has_it_too():
    plan = planned()
    for _ in islice(play(plan.state, plan.data, plan.how), 2):
        pass
    G, average = plan.state.game.networks.G, plan.state.averaged["G"]
    assert G.mean.abs().max() > 0
    assert torch.equal(average.mean, G.mean)


def trained() -> tuple[Any, Any, Any]:
    plan = planned()
    for _ in islice(play(plan.state, plan.data, plan.how), 3):
        pass
    return plan.state.game, plan.state.sampled, plan.data.schema


def test_a_sample_depends_on_its_seed_alone():
    game, net, schema = trained()
    several = draw(game, net, schema, [5, 3, 8], {})
    assert torch.equal(draw(game, net, schema, [3], {})[0], several[1])
    assert torch.equal(draw(game, net, schema, range(40), {})[3], several[1])


def test_truncation_brings_styles_towards_their_mean():
    game, net, schema = trained()
    whole = styles_of(game, net, noise_of(game, [0, 1]))
    assert whole.shape == (2, net.G.layers, 8)
    half = latents_of(game, net, [0, 1], 0.5)
    torch.testing.assert_close(half, (whole + net.G.mean) / 2)
    assert torch.equal(draw(game, net, schema, [0, 1], {}, 0.5), made_from(game, net, schema, half, {}))
    none = draw(game, net, schema, [0, 1], {}, 0.0)
    assert torch.equal(none[0], none[1])
    torch.testing.assert_close(draw(game, net, schema, [0, 1], {}, 1.0), draw(game, net, schema, [0, 1], {}))


def test_points_have_no_styles():
    with pytest.raises(UserError, match="makes pictures"):
        workflows.plan("ring", recipe="stylegan2", rounds=1, out="never-written")
