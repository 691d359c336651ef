import math

import pytest
import torch
from torch import nn

from sparring.networks.equalized import (
    EqualizedConv2d,
    EqualizedLinear,
    LeakyReLU,
    MinibatchDeviation,
    PixelNorm,
)


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_weights_are_normal_and_are_scaled_by_hes_constant_when_used(rate):
    layer = EqualizedLinear(200, 50, bias=0.5, rate=rate)
    assert layer.weight.std().item() * rate == pytest.approx(1.0, abs=0.03)
    x = torch.randn(7, 200)
    expected = x @ layer.weight.T * rate * math.sqrt(2 / 200) + 0.5
    torch.testing.assert_close(layer(x), expected)


def test_a_convolutions_fan_in_counts_its_taps():
    layer = EqualizedConv2d(6, 4, 3, gain=1.0)
    x = torch.randn(2, 6, 5, 7)
    scaled = layer.weight / math.sqrt(6 * 9)
    torch.testing.assert_close(layer(x), nn.functional.conv2d(x, scaled, padding=1))
    assert layer.weight.std().item() == pytest.approx(1.0, abs=0.2)


def test_adam_moves_what_layers_of_any_size_make_by_as_much():
    """Adam steps by its rate whatever the gradient: of unscaled layers the wider one would move further."""
    moved = []
    for width in (16, 1024):
        torch.manual_seed(0)
        layer = EqualizedLinear(width, 1, bias=None)
        x = torch.ones(1, width)
        before = layer(x).item()
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.01, betas=(0.0, 0.99))
        layer(x).sum().backward()
        optimizer.step()
        moved.append((before - layer(x).item()) / math.sqrt(width))
    assert moved[0] == pytest.approx(moved[1], rel=1e-3)


def test_a_multiplier_slows_a_layer_and_changes_nothing_else():
    fast, slow = EqualizedLinear(8, 3), EqualizedLinear(8, 3, rate=0.01)
    slow.weight.data.copy_(fast.weight * 100)
    x = torch.randn(5, 8)
    torch.testing.assert_close(slow(x), fast(x))
    for layer in (fast, slow):
        before = layer(x)
        optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3, betas=(0.0, 0.99))
        layer(x).sum().backward()
        optimizer.step()
        layer.moved = (layer(x) - before).norm()
    assert (slow.moved / fast.moved).item() == pytest.approx(0.01, rel=0.02)


def test_pixel_norm_makes_every_place_of_mean_square_1():
    a = torch.randn(3, 5, 2, 4)
    expected = torch.empty_like(a)
    for n in range(3):
        for i in range(2):
            for j in range(4):
                column = a[n, :, i, j]
                expected[n, :, i, j] = column / math.sqrt((column**2).sum().item() / 5 + 1e-8)
    torch.testing.assert_close(PixelNorm()(a), expected)
    torch.testing.assert_close(PixelNorm()(a[:, :, 0, 0]), expected[:, :, 0, 0])


@pytest.mark.parametrize(
    ("batch", "group", "groups"),
    [
        (4, None, [4]),
        (7, None, [7]),
        (8, 4, [4, 4]),
        (6, 4, [6]),  # not divisible: no group is smaller
        (11, 4, [6, 5]),
        (3, 4, [3]),
        (1, 4, [1]),
    ],
)
def test_the_deviation_of_a_minibatch_is_one_number_a_group(batch, group, groups):
    x = torch.randn(batch, 3, 2, 5)
    found = MinibatchDeviation(group)(x)
    assert found.shape == (batch, 4, 2, 5)
    assert torch.equal(found[:, :3], x)
    start = 0
    for size in groups:
        rows = x[start : start + size].double()
        deviations = ((rows - rows.mean(0)) ** 2).mean(0).sqrt()  # (3, 2, 5)
        expected = deviations.sum() / 30
        assert (found[start : start + size, 3].double() - expected).abs().max() < 2e-4
        start += size
    assert start == batch


def test_equal_examples_deviate_by_nothing_and_have_a_finite_gradient():
    x = torch.ones(4, 2, 3, 3, requires_grad=True)
    made = MinibatchDeviation()(x)
    made.sum().backward()
    assert made[:, 2].abs().max() < 2e-4
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_leaky_relu_has_slope_a_fifth_below_zero():
    assert LeakyReLU()(torch.tensor([-1.0, 2.0])).tolist() == pytest.approx([-0.2, 2.0])
