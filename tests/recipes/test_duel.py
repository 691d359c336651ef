import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.conftest import GIVEN_PICTURES, OF_PICTURES
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils.parametrize import is_parametrized

import sparring.data
from sparring.errors import UserError
from sparring.game import Latent, OptimizerConfig, Step, epochs
from sparring.kinds import Points, Schema
from sparring.loop import Play, State, play
from sparring.networks import (
    DCGANGenerator,
    MLPDiscriminator,
    MLPGenerator,
    ResNetGenerator,
    ShuffleGenerator,
)
from sparring.objectives import OBJECTIVES
from sparring.penalties import r1, r2, together
from sparring.recipes import RECIPES
from sparring.recipes._duel import DuelOptions, duel, pair

REAL = torch.randn(6, 2, generator=torch.Generator().manual_seed(4))


class Listening(nn.Module):
    """A discriminator that remembers all that it was asked."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers, nn.Linear(2, 1))
        self.heard: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.heard.append(x)
        return self.layers(x)


def step(progress: float = 0.0, round: int = 0) -> Step:
    return Step({"x": REAL}, round, progress, torch.Generator().manual_seed(1), {})


def play_once(game, player: str, **of_turn) -> dict[str, Tensor]:
    chosen = next(each for each in game.players if each.name == player)
    return chosen.loss(game.networks, step(**of_turn))


def fakes(G: nn.Module, latent: int = 3) -> Tensor:
    """What G makes of the noise that comes first in that turn."""
    return G(Latent(latent)(len(REAL), torch.Generator().manual_seed(1)))


def test_each_side_minimises_what_the_objective_says():
    G, D = nn.Linear(3, 2), Listening()
    for name, objective in OBJECTIVES.items():
        game = duel(G, D, name, latent=3)
        real, fake = D(REAL), D(fakes(G))
        for player, terms in (
            ("discriminator", objective.discriminator(real, fake)),
            ("generator", objective.generator(real, fake)),
        ):
            torch.testing.assert_close(play_once(game, player), terms, rtol=0, atol=1e-6)


def test_no_gradient_reaches_the_generator_in_ds_turn():
    G, D = nn.Linear(3, 2), Listening()
    game = duel(G, D, latent=3)
    sum(play_once(game, "discriminator").values()).backward()
    assert all(p.grad is None for p in G.parameters())
    assert all(p.grad is not None for p in D.parameters())
    sum(play_once(game, "generator").values()).backward()
    assert all(p.grad.abs().sum() > 0 for p in G.parameters())


class Spread(nn.Module):
    """A layer of statistics of the batch that is no batch norm: minibatch standard deviation."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x.std(0)


def test_reals_and_fakes_are_mixed_in_no_batch_unless_it_is_asked_for():
    G = nn.Linear(3, 2)
    for one_pass, batches in ((False, [6, 6]), (True, [12])):
        D = Listening(Spread())
        terms = play_once(duel(G, D, latent=3, one_pass=one_pass), "discriminator")
        assert [len(x) for x in D.heard] == batches
        assert torch.equal(torch.cat(D.heard), torch.cat([REAL, fakes(G).detach()]))
        alone = OBJECTIVES["non-saturating"].discriminator(D(REAL), D(fakes(G)))
        assert (terms["real"].item() == pytest.approx(alone["real"].item())) is not one_pass


LOOKS_ACROSS = ("pacgan",)
"""The recipes whose D looks across the batch by design."""


@pytest.mark.parametrize("recipe", [name for name, each in RECIPES.items() if issubclass(each.options, DuelOptions)])
@pytest.mark.parametrize("source", ["digits", "ring"])
def test_the_recipes_show_d_both_in_one_pass_where_no_layer_looks_at_more_than_one_example(recipe, source):
    data = sparring.data.open(source)
    chosen = RECIPES[recipe]
    game = chosen.build(chosen.options(), data.schema)
    passes: list[int] = []
    game.networks.D.register_forward_pre_hook(lambda _, given: passes.append(len(given[0])))
    batch = {name: data.schema[name].to_model(column) for name, column in data.batch(0, 4, 0).items()}
    critic = next(player for player in game.players if player.name == "discriminator")
    terms = critic.loss(game.networks, Step(batch, 1, 0.0, torch.Generator().manual_seed(1), {}))
    # the objective's passes come first, a penalty's behind them
    normed = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in game.networks.D.modules())
    assert terms
    apart = normed or recipe in LOOKS_ACROSS
    assert passes[: 2 if apart else 1] == ([4, 4] if apart else [8])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_d_looks_at_reals_in_gs_turn_only_where_the_objective_does(objective):
    D = Listening()
    play_once(duel(nn.Linear(3, 2), D, objective, latent=3), "generator")
    assert len(D.heard) == (2 if OBJECTIVES[objective].relativistic else 1)


def test_a_penalty_is_a_term_of_d_and_not_of_g():
    D = nn.Linear(2, 1)
    game = duel(nn.Linear(3, 2), D, penalty=r1(2.0), latent=3)
    assert play_once(game, "discriminator")["r1"].item() == pytest.approx(D.weight.square().sum().item())
    assert play_once(game, "generator").keys() == {"fake"}


def test_a_lazy_penalty_is_rare_and_as_much_heavier():
    D = nn.Linear(2, 1)
    game = duel(nn.Linear(3, 2), D, penalty=r1(2.0), latent=3, penalty_every=4)
    terms = [play_once(game, "discriminator", round=round) for round in range(9)]
    assert [round for round in range(9) if "r1" in terms[round]] == [0, 4, 8]
    assert terms[4]["r1"].item() == pytest.approx(4 * D.weight.square().sum().item())


def test_instance_noise_is_on_all_that_d_sees_and_falls_to_0():
    def distances(progress: float, player: str) -> list[float]:
        G, D = nn.Linear(3, 2), Listening()
        play_once(duel(G, D, "relativistic-average", latent=3, instance_noise=0.5), player, progress=progress)
        clean = torch.cat([REAL, fakes(G).detach()])
        heard = torch.cat(sorted(D.heard, key=lambda x: x.requires_grad)).detach()
        return [(heard - clean)[part].square().mean().sqrt().item() for part in (slice(6), slice(6, None))]

    for player in ("discriminator", "generator"):
        first, half = distances(0.0, player), distances(0.5, player)
        assert all(0.2 < noise < 1.0 for noise in first)
        assert half == pytest.approx([noise / 2 for noise in first], rel=1e-3)
        assert distances(1.0, player) == [0.0, 0.0]


def test_smoothed_labels_reach_d_alone():
    G, D = nn.Linear(3, 2), nn.Linear(2, 1)
    plain, smooth = duel(G, D, latent=3), duel(G, D, latent=3, label_smoothing=0.2)
    scores = D(REAL)
    smoothed = (0.8 * softplus(-scores) + 0.2 * softplus(scores)).mean()
    assert play_once(smooth, "discriminator")["real"].item() == pytest.approx(smoothed.item(), abs=1e-6)
    assert play_once(smooth, "discriminator")["fake"] == play_once(plain, "discriminator")["fake"]
    assert play_once(smooth, "generator") == play_once(plain, "generator")


@pytest.mark.parametrize("objective", ["relativistic-pairing", "hinge", "non-saturating"])
def test_scores_and_both_penalties_from_one_pass_are_those_of_passes_of_their_own(objective):
    torch.manual_seed(0)
    G = nn.Linear(3, 2)
    D = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 1))  # curved: a penalty reaches every weight
    heard: list[int] = []
    D.register_forward_hook(lambda module, inputs, output: heard.append(len(inputs[0])))

    def gradients(penalty, **how) -> tuple[dict[str, float], list[Tensor]]:
        heard.clear()
        D.zero_grad()
        terms = play_once(duel(G, D, objective, penalty, latent=3, **how), "discriminator")
        sum(terms.values(), torch.zeros(())).backward()
        return {name: term.item() for name, term in terms.items()}, [p.grad.clone() for p in D.parameters()]

    both = together(r1(3.0), r2(0.5))
    together_terms, in_one = gradients(both, one_pass=True)
    assert heard == [12]
    terms, apart = gradients(lambda *given: both(*given), one_pass=True)
    assert heard == [12, 6, 6]
    assert together_terms == pytest.approx(terms, rel=1e-5)
    assert terms["r1"] / terms["r2"] > 1
    for a, b in zip(in_one, apart, strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-6)


def test_in_bfloat16_penalties_keep_a_pass_of_their_own_in_float32():
    G, D = nn.Linear(3, 2), Listening()
    kinds: list[torch.dtype] = []
    D.layers.register_forward_hook(lambda module, inputs, output: kinds.append(output.dtype))
    game = duel(G, D, "hinge", together(r1(), r2()), latent=3, one_pass=True)
    with torch.autocast("cpu", torch.bfloat16):
        play_once(game, "discriminator")
    assert kinds == [torch.bfloat16, torch.float32, torch.float32]


def test_fakes_that_are_used_again_are_those_that_g_was_judged_by():
    G, D = nn.Linear(3, 2), Listening()
    game = duel(G, D, "hinge", latent=3, reuse_fakes=True)
    assert [player.name for player in game.players] == ["generator", "discriminator"]
    made: list[Tensor] = []
    G.register_forward_hook(lambda module, inputs, output: made.append(output))
    left: dict[str, Tensor] = {}
    for player in game.players:
        player.loss(game.networks, replace(step(), left=left))
    assert len(made) == 1
    assert [torch.equal(seen, made[0]) for seen in D.heard] == [True, False, True]
    assert not D.heard[-1].requires_grad
    game.players[1].loss(game.networks, replace(step(), left=left))  # the second step of a longer turn
    assert len(made) == 2


def test_the_optimizers_are_the_generators_and_the_discriminators_in_that_order():
    of_G, of_D = OptimizerConfig(1e-3), OptimizerConfig(1e-4)
    networks = nn.Linear(3, 2), nn.Linear(2, 1)
    by_name = {p.name: p for p in duel(*networks, optimizer=(of_G, of_D)).players}
    assert by_name["generator"].optimizer is of_G
    assert by_name["discriminator"].optimizer is of_D
    assert {p.optimizer for p in duel(*networks, optimizer=of_G).players} == {of_G}


def test_turns_are_ds_and_g_takes_one_step():
    class Rows:
        schema = {"x": Points((2,), (0.0, 0.0), (1.0, 1.0))}  # noqa: RUF012

        def __len__(self) -> int:
            return 6

        def batch(self, draw: int, size: int, seed: int) -> dict[str, Tensor]:
            return {"x": REAL[:size]}

    for turn, expected in ((5, 5), (epochs(2), 6)):
        clipped = []
        after = clipped.append
        state = State.start(duel(nn.Linear(3, 2), nn.Linear(2, 1), latent=3, turn=turn, after=after))
        list(itertools.islice(play(state, Rows(), Play(seed=0, batch=2, horizon=1)), 2))
        assert state.steps == {"discriminator": 2 * expected, "generator": 2}
        assert clipped == [state.game.networks] * (2 * expected)


def test_the_rest_of_the_game_is_as_asked():
    game = duel(nn.Linear(3, 2), nn.Linear(2, 1), latent=Latent(3, "uniform"), ema=0.5)
    assert game.noise == Latent(3, "uniform")
    assert game.decay == 0.5
    assert game.average == ("G",)
    z = torch.ones(2, 3)
    assert torch.equal(game.sample(game.networks, z, {}), game.networks.G(z))
    assert duel(nn.Linear(3, 2), nn.Linear(2, 1), latent=7).noise == Latent(7)


@pytest.mark.parametrize("made", [(6,), (6, 1), (6, 1, 3, 3)])
def test_the_critic_is_one_number_an_example(made):
    class Scores(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.arange(6.0).reshape(6, *[1] * (len(made) - 1)).expand(made)

    game = duel(nn.Linear(3, 2), Scores())
    assert game.critic(game.networks, {"x": REAL}).tolist() == [0, 1, 2, 3, 4, 5]


def test_an_unknown_objective_is_refused():
    with pytest.raises(UserError, match="did you mean hinge"):
        duel(nn.Linear(3, 2), nn.Linear(2, 1), "hnge")
    with pytest.raises(UserError, match="no labels to smooth"):
        duel(nn.Linear(3, 2), nn.Linear(2, 1), "hinge", label_smoothing=0.1)


def spec(*shape: int) -> Schema:
    size = (6, shape[1], shape[2], shape[0]) if len(shape) == 3 else (6, *shape)
    raw = np.random.default_rng(0).random(size, dtype=np.float32)
    return sparring.data.open(raw).schema


@pytest.mark.parametrize("network", ["mlp", "dcgan", "shuffle", "resnet"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 20)])
def test_the_pair_that_is_asked_for_fits_the_data(network, shape):
    G, D = pair(DuelOptions(network=network, width=4), shape, 5)
    made = G(torch.randn(2, 5))
    assert made.shape == (2, *shape)
    assert D(made).reshape(2, -1).shape == (2, 1)
    kinds = {"mlp": MLPGenerator, "dcgan": DCGANGenerator, "shuffle": ShuffleGenerator, "resnet": ResNetGenerator}
    assert type(G) is kinds[network]


@pytest.mark.parametrize("network", ["mlp", "dcgan", "shuffle", "resnet"])
def test_points_always_take_an_mlp(network):
    G, D = pair(DuelOptions(network=network, width=4), (2,), 5)
    assert (type(G), type(D)) == (MLPGenerator, MLPDiscriminator)
    assert G(torch.randn(2, 5)).shape == (2, 2)


LABELLED = ("projection", "cgan", "acgan", "sgan")


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
def test_a_recipe_with_labels_refuses_data_without_in_one_line(name, shape):
    with pytest.raises(UserError, match=f"^{name} needs data with labels") as refused:
        RECIPES[name].build(RECIPES[name].options(), spec(*shape))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in (*LABELLED, *GIVEN_PICTURES, *OF_PICTURES)])
def test_every_recipe_of_two_networks_takes_points(name):
    recipe = RECIPES[name]
    game = recipe.build(recipe.options(width=4), spec(2))
    assert game.sample(game.networks, game.noise(3, torch.Generator(), None), {}).shape == (3, 2)


def test_pictures_too_small_for_convolutions_are_refused():
    small = (1, 3, 9)
    for network in ("dcgan", "shuffle", "resnet"):
        with pytest.raises(UserError, match=r"3x9 are too small .*network=mlp"):
            pair(DuelOptions(network=network), small, 5)
    G, _ = pair(DuelOptions(network="mlp"), small, 64)
    assert G(torch.randn(2, 64)).shape == (2, 1, 3, 9)


@pytest.mark.parametrize("network", ["dcgan", "mlp", "shuffle"])
@pytest.mark.parametrize("spectral", [True, False])
def test_spectral_norm_where_it_is_asked_for(network, spectral):
    options = DuelOptions(network=network, width=4)
    _, D = pair(options, (1, 8, 8), 5, batch_norm=False, spectral=spectral)
    layers = [m for m in D.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert {is_parametrized(layer, "weight") for layer in layers} == {spectral}
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in D.modules())


def test_batch_norm_in_dcgans_discriminator_where_it_is_asked_for():
    for batch_norm in (True, False):
        _, D = pair(DuelOptions(network="dcgan", width=4), (1, 16, 16), 5, batch_norm=batch_norm)
        assert any(isinstance(m, nn.BatchNorm2d) for m in D.modules()) == batch_norm


def test_the_options_make_the_optimizers_and_the_noise():
    options = DuelOptions(lr=1e-3, lr_d=1e-4, beta1=0.1, beta2=0.2, latent="uniform", latent_dim=9)
    assert options.optimizers("rmsprop") == (
        OptimizerConfig(1e-3, "rmsprop", (0.1, 0.2)),
        OptimizerConfig(1e-4, "rmsprop", (0.1, 0.2)),
    )
    assert options.prior(spec(2)) == Latent(9, "uniform")
    of_G, of_D = DuelOptions(lr=1e-3).optimizers()
    assert of_G == of_D


def test_the_noise_has_fewer_dimensions_than_the_data_by_default_but_for_points():
    assert DuelOptions().prior(spec(1, 28, 28)).dim < 28 * 28
    assert DuelOptions().prior(spec(2)).dim < DuelOptions().prior(spec(1, 28, 28)).dim
