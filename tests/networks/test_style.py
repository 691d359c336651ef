import math

import pytest
import torch
from torch.nn.functional import conv2d

from sparring.networks import StyleGenerator
from sparring.networks.style import ModulatedConv2d, Residual, StyledLayer


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("kernel", [1, 3])
def test_each_example_has_weights_of_its_own(demodulate, kernel):
    """Equations 1 and 3, weight by weight."""
    layer = ModulatedConv2d(5, 4, kernel, 6, demodulate)
    x, style = torch.randn(3, 5, 7, 8), torch.randn(3, 6)
    made = layer(x, style)
    s = style @ layer.affine.weight.T / math.sqrt(6) + layer.affine.bias
    for n in range(3):
        w = layer.weight / math.sqrt(5 * kernel**2) * s[n][None, :, None, None]
        if demodulate:
            w = w / ((w**2).sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        torch.testing.assert_close(made[n], conv2d(x[n : n + 1], w, padding=kernel // 2)[0], rtol=1e-4, atol=1e-5)


def test_demodulated_maps_have_unit_deviation_whatever_the_style():
    layer = ModulatedConv2d(64, 8, 3, 6)
    x, style = torch.randn(1, 64, 40, 40), 30 * torch.randn(1, 6)
    assert layer(x, style)[:, :, 2:-2, 2:-2].std((2, 3)).flatten().tolist() == pytest.approx([1.0] * 8, abs=0.1)


def test_a_style_starts_around_1():
    assert ModulatedConv2d(5, 4, 3, 6).affine.bias.tolist() == [1.0] * 5


def test_noise_is_each_examples_own_and_scaled_by_its_layer():
    layer = StyledLayer(3, 4, (6, 6), 5)
    x, style = torch.randn(1, 3, 3, 3).expand(2, -1, -1, -1), torch.randn(1, 5).expand(2, -1)
    plain = layer(x, style, None)
    torch.testing.assert_close(layer(x, style, torch.Generator().manual_seed(3)), plain)  # its strength starts at 0
    layer.strength.data.fill_(0.5)
    torch.testing.assert_close(layer(x, style, None), plain)
    noisy = layer(x, style, torch.Generator().manual_seed(3))
    noise = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(3)).expand(-1, 4, -1, -1)
    positive = (plain > 0) & (noisy > 0)
    added = ((noisy - plain) / math.sqrt(2))[positive]
    torch.testing.assert_close(added, 0.5 * noise[positive], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 30, 45)], ids=str)
def test_skips_add_up_the_pictures_of_all_levels(shape):
    G, z = StyleGenerator(6, shape, width=4, styles=5), torch.randn(2, 6)
    levels = len(G.to_picture)
    assert G.layers == 2 * levels - 1
    whole = G(z)
    for last in G.to_picture:
        last.weight.data.zero_()
    assert torch.equal(G(z), torch.zeros_like(whole))
    G.bias.data.fill_(0.3)
    assert torch.equal(G(z), torch.full_like(whole, 0.3))


def test_a_layers_style_changes_nothing_of_the_layers_before():
    G = StyleGenerator(6, (1, 16, 16), width=4, styles=5)
    heard: list[torch.Tensor] = []
    for layer in G.styled:
        layer.register_forward_hook(lambda module, given, made: heard.append(made))
    w = torch.randn(1, 5, 5)
    G.synthesize(w)
    changed = w.clone()
    changed[:, 3] += 1
    G.synthesize(changed)
    same = [torch.equal(a, b) for a, b in zip(heard[:5], heard[5:], strict=True)]
    assert same == [True, True, True, False, False]


def test_the_length_of_noise_does_not_matter():
    G, z = StyleGenerator(6, (1, 8, 8), width=4), torch.randn(2, 6)
    torch.testing.assert_close(G.map(z), G.map(3 * z), rtol=1e-4, atol=1e-6)


def test_the_mean_follows_styles():
    G = StyleGenerator(6, (1, 8, 8), width=4, styles=5)
    w = torch.randn(7, 5)
    G.follow(w)
    torch.testing.assert_close(G.mean, 0.005 * w.mean(0))
    G.follow(w)
    torch.testing.assert_close(G.mean, (1 - 0.995**2) * w.mean(0))


def test_a_residual_block_keeps_the_deviation():
    block, x = Residual(64, 64, (32, 32)), torch.randn(2, 64, 32, 32)
    assert block(x)[:, :, 3:-3, 3:-3].square().mean().sqrt().item() == pytest.approx(1.0, abs=0.15)
