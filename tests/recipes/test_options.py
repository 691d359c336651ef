"""Every option of every recipe is shown to reach the networks, the optimizers, the noise, the turns or the losses."""

from typing import Any

import pytest
import torch
from tests.conftest import GIVEN_PICTURES, data_for
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from sparring import workflows
from sparring.game import Step
from sparring.loop import take_turn
from sparring.networks import PatchDiscriminator, Translator
from sparring.recipes import RECIPES
from sparring.recipes._duel import DuelOptions, PairOptions

EVERY = {"batch": 3, "ema": 0.6}
PAIRED = {"width": 6, "latent_dim": 5, "latent": "uniform", "lr": 0.1, "lr_d": 0.2, "beta1": 0.3, "beta2": 0.4}
PAIRED |= {"width_d": 7, "network": "mlp", "decay_from": 0.5}
DUELS = {"n_critic": 3, "instance_noise": 0.7, "reuse_fakes": True}
TRANSLATING = {"width": 6, "lr": 0.1, "decay_from": 0.2}
OWN: dict[str, set[str]] = {  # shown below, or by value in test_losses.py and test_other_losses.py
    "default": {"gamma"},
    "gan": {"saturating", "dropout", "label_smoothing"},
    "dcgan": {"label_smoothing"},
    "wgan": {"optimizer", "clip"},
    "wgan-gp": {"penalty", "one_sided"},
    "wgan-div": {"penalty", "power"},
    "dragan": {"penalty", "spread"},
    "r3gan": {"gamma", "penalty_every", "burn_in"},  # the last in tests/test_schedules.py
    "bgan": {"label_smoothing"},
    "ebgan": {"code", "margin", "pulling_away"},
    "began": {"code", "gamma", "rate_k"},
    "acgan": {"classify"},
    "sgan": {"labelled"},
    "infogan": {"categories", "continuous", "information"},
    "cyclegan": {"depth", "cycle", "identity", "pool"},
    # these by value in test_translation.py, where they are weights
    "pix2pix": {"beta1", "pixels", "dropout", "adversarial", "mismatched"},
    "bicyclegan": {"beta1", "style", "pixels", "prior", "style_code"},
    "discogan": {"beta1", "reconstruction"},
    "dualgan": {"beta2", "n_critic", "clip", "reconstruction", "dropout"},
    "unit": {"beta1", "depth", "adversarial", "prior", "image", "cycle"},
    "munit": {"beta1", "depth", "style", "image", "content", "style_code"},
    "stargan": {"beta1", "depth", "n_critic", "classify", "reconstruct", "penalty"},
    "cogan": {"beta1", "beta2", "latent", "latent_dim"},
    "pixelda": {"beta1", "depth", "latent_dim", "domain", "task"},
    "context-encoder": {"beta1", "lr_d", "mask", "share", "skips", "pixels", "adversarial"},
    "ccgan": {"beta1", "mask", "share", "classify"},
    "srgan": {"beta1", "depth", "factor", "pretrain", "pixels", "features", "perceptual", "adversarial"},
    "esrgan": {"beta1", "depth", "factor", "pretrain", "pixels", "features", "perceptual", "adversarial"},
    "aae": {"adversarial"},
    "improved": {"kernels", "label_smoothing", "virtual_batch_norm", "feature_matching", "history"},
    "sngan": {"bound"},
    "pacgan": {"pack"},
    "unrolled": {"n_critic", "unroll", "inner", "inner_lr", "saturating"},
    "progressive": {"width", "latent_dim", "lr", "beta1", "beta2", "penalty", "drift", "growth"},
    "stylegan2": {"width", "latent_dim", "depth", "lr", "beta1", "beta2", "gamma", "r1_every", "path", "path_every"}
    | {"mixing"},
    "clustergan": {"categories", "spread", "n_critic", "penalty", "recover_normal", "recover_category"}
    | {"encoder_noise"},
}
OF_A_PAIR = [name for name, recipe in RECIPES.items() if issubclass(recipe.options, PairOptions)]
TWO_NETWORKS = [name for name, recipe in RECIPES.items() if issubclass(recipe.options, DuelOptions)]


def planned(recipe: str, **options: Any) -> workflows.Plan:
    data, options = data_for(recipe, (1, 16, 16)), {"batch": 3, "width": 4} | options
    return workflows.plan(data, recipe=recipe, rounds=4, options=options, augment="none", out="not-written")


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_option_is_shown_somewhere(recipe):
    shared = EVERY | (TRANSLATING if recipe in GIVEN_PICTURES else PAIRED if recipe in OF_A_PAIR else {})
    shared = shared | DUELS if recipe in TWO_NETWORKS else shared
    assert RECIPES[recipe].options.model_fields.keys() == shared.keys() | OWN.get(recipe, set())


@pytest.mark.parametrize("recipe", OF_A_PAIR)
def test_the_options_of_a_pair_reach_the_optimizers_the_noise_the_networks_and_the_average(recipe):
    plan = planned(recipe, **EVERY | PAIRED)
    state = plan.state
    assert plan.how.batch == 3
    assert state.game.decay == 0.6
    for network, lr in (("G", 0.1), ("D", 0.2)):
        player = next(each for each in state.game.players if network in each.trains)
        group = state.optimizers[player.name].param_groups[0]
        assert group["lr"] == lr
        assert group.get("betas", (0.3, group.get("alpha"))) == (0.3, 0.4)  # RMSProp has β2 alone
        assert player.optimizer.rate(0.75) == lr / 2
    noise = state.game.noise(2000, torch.Generator().manual_seed(0), None)[:, :5]
    assert noise.shape[1] == 5
    assert noise.abs().max() <= 1
    assert noise.std().item() == pytest.approx(3**-0.5, abs=0.02)
    linear = [module for module in state.game.networks.G.modules() if isinstance(module, nn.Linear)]
    extra = {"cgan": 3, "projection": 3, "acgan": 3, "infogan": 10 + 2, "clustergan": 10}.get(recipe, 0)
    assert [linear[0].in_features, linear[0].out_features] == [5 + extra, 6]
    assert next(m for m in state.game.networks.D.modules() if isinstance(m, nn.Linear)).out_features == 7


@pytest.mark.parametrize("recipe", TWO_NETWORKS)
def test_the_options_of_a_duel_reach_the_turns_and_what_d_sees(recipe):
    def noises(sigma: float) -> torch.Tensor:
        game = planned(recipe, network="mlp", n_critic=3, instance_noise=sigma).state.game
        critic = next(player for player in game.players if player.name == "discriminator")
        assert critic.turn.steps(24, 3) == 3
        seen: list[torch.Tensor] = []
        game.networks.D.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
        batch = {"x": torch.zeros(3, 1, 16, 16)}
        critic.loss(game.networks, Step(batch, 0, 0.0, torch.Generator().manual_seed(0), {}))
        return seen[0][:3]

    assert planned(recipe, reuse_fakes=True).state.game.players[0].name == "generator"
    assert torch.allclose(noises(1.4), 2 * noises(0.7))
    assert noises(0.7).std().item() == pytest.approx(0.7, abs=0.05)


NORMS = {  # (batch norm in D, spectral norm in D)
    "gan": (False, False),  # of an MLP; see below
    "dcgan": (True, False),
    "lsgan": (True, False),
    "ragan": (True, False),
    "bgan": (True, False),
    "softmax-gan": (True, False),
    "ebgan": (True, False),
    "began": (True, False),  # in the decoder
    "acgan": (True, False),
    "infogan": (True, False),
    "sngan": (False, True),
    "default": (False, True),
    "cgan": (False, True),
    "bigan": (True, False),
    "improved": (True, False),
    "pacgan": (True, False),
    "projection": (False, True),
}


@pytest.mark.parametrize("recipe", OF_A_PAIR)
def test_d_is_normalised_as_its_paper_says(recipe):
    D = planned(recipe, network="mlp" if recipe == "gan" else "dcgan").state.game.networks.D
    layers = [module for module in D.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    has_batch_norm = any(isinstance(module, nn.BatchNorm2d) for module in D.modules())
    constrained = {is_parametrized(layer, "weight") for layer in layers}
    batch_norm, spectral = NORMS.get(recipe, (False, False))
    assert (has_batch_norm, constrained) == (batch_norm, {spectral})


@pytest.mark.parametrize("network", ["mlp", "dcgan", "shuffle", "resnet"])
def test_sngans_bound_reaches_every_network(network):
    D = planned("sngan", network=network, bound=2.5).state.game.networks.D.eval()
    layers = [module for module in D.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    norms = [torch.linalg.svdvals(layer.weight.detach().flatten(1))[0].item() for layer in layers]
    assert norms == pytest.approx([2.5] * len(norms), rel=0.1)


def test_dcgans_networks_of_gan_have_batch_norm_and_its_mlp_has_dropout():
    D = planned("gan", network="dcgan").state.game.networks.D
    assert any(isinstance(module, nn.BatchNorm2d) for module in D.modules())
    D = planned("gan", dropout=0.2).state.game.networks.D
    assert {module.p for module in D.modules() if isinstance(module, nn.Dropout)} == {0.2}


@pytest.mark.parametrize("kind", ["rmsprop", "adam"])
def test_wgan_clips_every_weight_of_the_critic_after_each_step_of_its_optimizer(kind):
    plan = planned("wgan", optimizer=kind, clip=0.03, lr=0.01, n_critic=2, beta2=0.8)
    state = plan.state
    optimizer = state.optimizers["discriminator"]
    assert type(optimizer) is {"rmsprop": torch.optim.RMSprop, "adam": torch.optim.Adam}[kind]
    largest: list[float] = []

    def listen(*_: Any) -> None:
        largest.append(max(p.abs().max().item() for p in state.game.networks.D.parameters()))

    optimizer.register_step_pre_hook(listen)
    take_turn(state, state.game.players[0], plan.data, plan.how, {})
    listen()
    assert largest[0] > 0.05
    assert largest[1:] == pytest.approx([0.03, 0.03])
    take_turn(state, state.game.players[1], plan.data, plan.how, {})
    assert max(p.abs().max().item() for p in state.game.networks.G.parameters()) > 0.05


@pytest.mark.parametrize("recipe", ["ebgan", "began"])
def test_the_code_of_an_autoencoder_is_as_long_as_it_should_be(recipe):
    D = planned(recipe, code=7).state.game.networks.D
    x = torch.randn(3, 1, 16, 16)
    assert D.encode(x).shape == (3, 7)
    assert D(x).shape == x.shape
    assert torch.equal(D.eval()(x), D.decode(D.encode(x)))


def test_sgan_keeps_as_many_labels_as_it_is_told_equally_many_of_each_class():
    plan = planned("sgan", labelled=7)
    state = plan.state
    for _ in range(8):  # an epoch
        take_turn(state, state.game.players[0], plan.data, plan.how, {})
    assert state.game.networks.L.y.bincount().tolist() == [3, 2, 2]
    assert state.game.networks.L.x.shape == (7, 1, 16, 16)


@pytest.mark.parametrize("recipe", GIVEN_PICTURES)
def test_the_options_of_a_translation_reach_the_optimizers_the_networks_and_the_average(recipe):
    own = {"beta1": 0.3, "beta2": 0.4, "lr_d": 0.2}
    own = {name: value for name, value in own.items() if name in RECIPES[recipe].options.model_fields}
    plan, narrow = planned(recipe, **EVERY | TRANSLATING | own), planned(recipe)
    assert plan.how.batch == 3
    assert plan.state.game.decay == 0.6
    for player in plan.state.game.players:
        group = plan.state.optimizers[player.name].param_groups[0]
        lr = 0.2 if "lr_d" in own and player.name == "discriminator" else 0.1
        assert group["lr"] == lr
        assert player.optimizer.rate(0.6) == pytest.approx(lr / 2)
        assert group.get("betas", (None, group.get("alpha"))) == (own.get("beta1"), own.get("beta2", 0.999)) or (
            recipe == "cyclegan" and group["betas"] == (0.5, 0.999)
        )
        for name in player.trains:
            sizes, before = ([p.shape for p in each.state.game.modules()[name].parameters()] for each in (plan, narrow))
            assert not sizes or sizes != before


def shapes(network: nn.Module) -> list[torch.Size]:
    return [parameter.shape for parameter in network.parameters()]


def test_the_options_of_networks_from_picture_to_picture_reach_them():
    for recipe, name in (("unit", "G"), ("munit", "C_A"), ("munit", "G_B"), ("stargan", "G"), ("pixelda", "G")):
        counts = [len(shapes(planned(recipe, depth=depth).state.game.modules()[name])) for depth in (1, 3)]
        assert counts[0] < counts[1], recipe
    for recipe in ("srgan", "esrgan"):
        plan = planned(recipe, factor=2, depth=1, features="efficientnet")
        assert plan.data.schema["a"].shape == (1, 8, 8)
        assert len(shapes(plan.state.game.networks.G)) < len(shapes(planned(recipe, depth=3).state.game.networks.G))
        assert plan.state.game.networks.phi.colour
    assert planned("munit", style=5).state.game.noise(3, torch.Generator(), None).shape == (3, 5)
    assert planned("bicyclegan", style=5).state.game.noise(3, torch.Generator(), None).shape == (3, 5)
    assert planned("pixelda", latent_dim=5).state.game.noise(3, torch.Generator(), None).shape == (3, 5)
    noise = planned("cogan", latent_dim=5, latent="uniform").state.game.noise(1000, torch.Generator(), None)
    assert noise.shape == (1000, 5)
    assert noise.abs().max() <= 1
    assert planned("pix2pix", dropout=0.0).state.game.noise(3, torch.Generator(), None).shape == (3, 0)
    assert planned("dualgan", dropout=0.2).state.game.networks.F.dropout == 0.2
    assert planned("dualgan", n_critic=4).state.game.players[0].turn.length == 4
    assert planned("stargan", n_critic=4).state.game.players[0].turn.length == 4
    for recipe in ("context-encoder", "ccgan"):
        hidden = [
            (planned(recipe, **how).data.held_out(4)["a"][:, -1] == 0).flatten(1)
            for how in ({"mask": "center", "share": 0.25}, {"mask": "random", "share": 0.5})
        ]
        assert hidden[0].sum(1).tolist() == [16] * 4
        assert len({tuple(each.tolist()) for each in hidden[1]}) > 1
    G = planned("context-encoder", skips=True).state.game.networks.G
    assert len(shapes(G)) == len(shapes(planned("context-encoder").state.game.networks.G))
    assert shapes(G) != shapes(planned("context-encoder").state.game.networks.G)


def test_cyclegans_options_reach_its_networks_pools_and_rates():
    plan = planned("cyclegan", width=6, depth=2, lr=0.1, decay_from=0.2, pool=7, **EVERY)
    game, net = plan.state.game, plan.state.game.networks

    def sizes(network: nn.Module) -> list[torch.Size]:
        return [parameter.shape for parameter in network.parameters()]

    assert sizes(net.G) == sizes(net.F) == sizes(Translator(1, 1, 6, 2))
    assert sizes(net.D_A) == sizes(net.D_B) == sizes(PatchDiscriminator((1, 16, 16), 6))
    assert net.P_A.kept.shape == net.P_B.kept.shape == (7, 1, 16, 16)
    assert [player.optimizer.rate(0.6) for player in game.players] == pytest.approx([0.05, 0.05])
    assert plan.how.batch == 3
    assert game.decay == 0.6
    assert game.average == ("G", "F")
