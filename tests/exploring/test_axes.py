from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from sparring import workflows
from sparring.errors import UserError
from sparring.exploring.axes import matrix, principal, sefa
from sparring.game import Game, Latent
from sparring.kinds import Pictures
from sparring.networks import DCGANGenerator, MLPGenerator, ResNetGenerator, ShuffleGenerator
from sparring.workflows import Generator, generator_of


class Networks(NamedTuple):
    G: nn.Module


def of(network: nn.Module, dim: int = 6) -> Generator:
    game = Game(
        networks=Networks(network.eval()),
        players=(),
        noise=Latent(dim),
        sample=lambda net, z, given: net.G(z),
        critic=lambda net, batch: batch["x"].flatten(1).sum(1),
    )
    return Generator(game, {"G": network}, {"x": Pictures((1, 8, 8))})


@pytest.mark.parametrize("network", [DCGANGenerator, MLPGenerator, ResNetGenerator, ShuffleGenerator])
def test_closed_form_directions_are_the_singular_vectors_of_the_first_weight(network):
    generator = of(network(6, (1, 8, 8), 4))
    first = next(m for m in generator.modules() if isinstance(m, nn.Linear | nn.ConvTranspose2d))
    weight = first.weight.detach().numpy()  # a transposed convolution has its inputs first
    weight = weight.reshape(6, -1).T if isinstance(first, nn.ConvTranspose2d) else weight
    _, _, right = np.linalg.svd(weight)
    found = sefa(generator, 3).numpy()
    assert np.allclose(np.abs((found * right[:3]).sum(1)), 1, atol=1e-4)
    assert (found.max(1) >= -found.min(1)).all()


def test_labels_beside_the_noise_are_left_out(labelled):
    generator = generator_of(labelled)
    weight = labelled.networks.G.linear.weight.detach().numpy()
    assert weight.shape[1] == 9
    _, _, right = np.linalg.svd(weight[:, :6])
    assert np.allclose(np.abs((sefa(generator, 6).numpy() * right[:6]).sum(1)), 1, atol=1e-4)


def test_a_weight_is_a_matrix_of_outputs_and_inputs():
    z = torch.randn(1, 3)
    for layer, at in ((nn.Linear(3, 5, bias=False), z), (nn.ConvTranspose2d(3, 5, 4, bias=False), z[:, :, None, None])):
        assert torch.allclose(layer(at).flatten(), (matrix(layer) @ z[0]), atol=1e-5)
    assert matrix(nn.Conv2d(3, 5, 2)).shape == (20, 3)


def test_principal_directions_are_those_that_move_the_activations_most():
    linear = nn.Linear(6, 64, bias=False)
    left, _ = torch.linalg.qr(torch.randn(64, 6))
    right, _ = torch.linalg.qr(torch.randn(6, 6))
    with torch.no_grad():
        linear.weight.copy_(left @ torch.diag(torch.tensor([9.0, 6.0, 4.0, 1.0, 1.0, 1.0])) @ right.T)
    found = principal(of(nn.Sequential(linear, nn.Unflatten(1, (1, 8, 8)))), 3)
    assert found.norm(dim=1).allclose(torch.ones(3))
    assert ((found * right.T[:3]).sum(1).abs() > 0.99).all()


def test_the_second_layer_decides_what_the_activations_are():
    """A ReLU that is silent hides what its unit does."""
    first, second = nn.Linear(2, 2), nn.Linear(2, 64)
    with torch.no_grad():
        first.weight.copy_(torch.diag(torch.tensor([9.0, 1.0])))
        first.bias.copy_(torch.tensor([-1000.0, 0.0]))
    network = nn.Sequential(first, nn.ReLU(), second, nn.Unflatten(1, (1, 8, 8)))
    assert sefa(of(network, 2), 1).allclose(torch.tensor([[1.0, 0.0]]), atol=1e-4)
    assert principal(of(network, 2), 1).allclose(torch.tensor([[0.0, 1.0]]), atol=0.1)


@pytest.mark.parametrize("find", [sefa, principal])
def test_there_are_no_more_directions_than_dimensions(find, ready):
    assert find(generator_of(ready), 6).shape == (6, 6)
    with pytest.raises(UserError, match="7 directions of noise with 6 dimensions"):
        find(generator_of(ready), 7)


def test_noise_that_is_changed_before_the_first_layer_has_no_closed_form():
    class Squared(nn.Module):
        def forward(self, z):
            return z.square()

    network = nn.Sequential(Squared(), MLPGenerator(6, (1, 8, 8), 4))
    with pytest.raises(UserError, match="--by activations"):
        sefa(of(network), 2)
    assert principal(of(network), 2).isfinite().all()


def test_every_recipe_of_noise_has_directions(run_of):
    for recipe in ("gan", "dcgan", "r3gan", "infogan"):
        generator = generator_of(workflows.sampler(run_of(recipe).path))
        assert sefa(generator, 2).shape == principal(generator, 2).shape == (2, 6)
