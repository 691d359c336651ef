import pytest
import torch
from torch import nn

from sparring.networks import MLPDiscriminator, MLPGenerator


def layers(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in network.modules())


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_depth_counts_hidden_layers(depth: int) -> None:
    assert layers(MLPGenerator(4, (2,), 8, depth), nn.Linear) == depth + 1
    assert layers(MLPGenerator(4, (2,), 8, depth), nn.ReLU) == depth
    assert layers(MLPGenerator(4, (2,), 8, depth, batch_norm=True), nn.BatchNorm1d) == depth
    assert layers(MLPDiscriminator((2,), 8, depth), nn.Linear) == depth + 1


def test_a_generator_without_hidden_layers_is_linear() -> None:
    G = MLPGenerator(4, (2,), depth=0)
    a, b = torch.randn(2, 3, 4)
    torch.testing.assert_close(G(a) + G(b), G(a + b) + G(torch.zeros(3, 4)))


def test_a_discriminator_without_hidden_layers_is_linear() -> None:
    assert MLPDiscriminator((2,), depth=0)(torch.zeros(3, 2)).shape == (3,)
