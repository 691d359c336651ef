import pytest
import torch
from torch import nn

from sparring.networks import DCGANDiscriminator, DCGANGenerator


@pytest.mark.parametrize(
    "network", [DCGANGenerator(64, (3, 32, 32)), DCGANDiscriminator((3, 32, 32))], ids=lambda n: type(n).__name__
)
def test_weights_start_as_in_the_paper(network: nn.Module) -> None:
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(layers) == 4
    assert len(norms) == (3 if isinstance(network, DCGANGenerator) else 2)
    for layer in layers:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert abs(layer.weight.mean().item()) < 4 * 0.02 / layer.weight.numel() ** 0.5
    assert torch.cat([norm.weight for norm in norms]).mean().item() == pytest.approx(1, abs=0.01)
    assert torch.cat([norm.weight for norm in norms]).std().item() == pytest.approx(0.02, rel=0.3)
    biases = [m.bias for m in (*layers, *norms) if m.bias is not None]
    assert biases
    assert not any(bias.any() for bias in biases)


def test_layers_are_those_of_the_paper() -> None:
    G, D = DCGANGenerator(8, (3, 32, 32), 4), DCGANDiscriminator((3, 32, 32), 4)
    kinds = [type(m) for m in (*G.layers, *D.trunk)]
    assert kinds.count(nn.ConvTranspose2d) == 4
    assert kinds.count(nn.Conv2d) == 3
    assert not {nn.MaxPool2d, nn.AvgPool2d, nn.Upsample, nn.Linear, nn.Sigmoid} & set(kinds)
    assert type(G.layers[-1]) is nn.Tanh
    assert type(G.layers[-2]) is nn.ConvTranspose2d  # no batch norm at the output
    assert type(D.trunk[1]) is nn.LeakyReLU  # nor at the input
    assert {m.negative_slope for m in D.trunk if isinstance(m, nn.LeakyReLU)} == {0.2}
    assert [m.eps for m in G.modules() if isinstance(m, nn.BatchNorm2d)] == [1e-5] * 3


def test_batch_norm_is_left_out_on_demand_and_its_biases_come_back() -> None:
    for network in (DCGANGenerator(8, (1, 16, 16), 4, batch_norm=False), DCGANDiscriminator((1, 16, 16), 4, False)):
        assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
        assert all(m.bias is not None for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d))


def test_a_critic_without_batch_norm_scores_each_example_by_itself() -> None:
    x, other = torch.randn(2, 4, 1, 16, 16)
    for batch_norm, alone in ((False, True), (True, False)):
        D = DCGANDiscriminator((1, 16, 16), 4, batch_norm)
        mixed = torch.cat([x[:1], other])
        assert torch.allclose(D(x)[0], D(mixed)[0], atol=1e-5) == alone
