import pytest
import torch
from torch import nn

from sparring.networks import ResNetDiscriminator, ResNetGenerator
from sparring.networks.resnet import Bottleneck


def networks() -> list[nn.Module]:
    return [ResNetGenerator(6, (3, 24, 40), 8, depth=2), ResNetDiscriminator((3, 24, 40), 8, depth=2)]


def test_every_bottleneck_starts_as_the_identity_and_learns_to_be_another() -> None:
    for network in networks():
        blocks = [m for m in network.modules() if isinstance(m, Bottleneck)]
        assert len(blocks) == 2 * 3  # depth, at each of three sizes
        for block in blocks:
            x = torch.randn(2, block.expand.in_channels, 5, 7)
            assert torch.equal(block(x), x)
            nn.init.normal_(block.contract.weight)
            assert not torch.allclose(block(x), x, atol=1e-2)


def test_nothing_normalises() -> None:
    for network in networks():
        assert not [m for m in network.modules() if "norm" in type(m).__name__.lower()]
        assert not list(network.buffers())


def test_each_example_is_judged_by_itself() -> None:
    D = ResNetDiscriminator((1, 8, 8), 8)
    for block in D.modules():
        if isinstance(block, Bottleneck):
            nn.init.normal_(block.contract.weight, std=0.1)
    x, other = torch.randn(2, 4, 1, 8, 8)
    torch.testing.assert_close(D(x)[0], D(torch.cat([x[:1], other]))[0])


def test_branches_start_quieter_in_deeper_networks_as_fixup_says() -> None:
    # L^(-1 / (2m - 2)) with m = 3 layers a branch
    shallow, deep = Bottleneck(32, blocks=1), Bottleneck(32, blocks=16)
    for name in ("expand", "spatial"):
        before, after = (getattr(block, name).weight.std().item() for block in (shallow, deep))
        assert after / before == pytest.approx(16**-0.25, rel=0.1)
    fan_in = 32
    assert shallow.expand.weight.std().item() == pytest.approx((2 / (1 + 0.2**2) / fan_in) ** 0.5, rel=0.1)


def test_spatial_convolutions_are_grouped() -> None:
    assert Bottleneck(32, 1).spatial.groups == 4
    assert Bottleneck(4, 1).spatial.groups == 1


def test_any_width_will_do() -> None:
    assert ResNetDiscriminator((1, 8, 8), width=28)(torch.zeros(2, 1, 8, 8)).shape == (2,)
