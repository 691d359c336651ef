"""Layers of Karras's generators: the equalised learning rate, pixel norm, and minibatch standard deviation.

References:
    Karras et al. 2017, arXiv 1710.10196, sections 3, 4.1 and 4.2; the multiplier of the learning rate: Karras et al.
    2018, arXiv 1812.04948, appendix C.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, linear

SLOPE = 0.2
HE = 2**0.5
"""The gain of a layer in front of a leaky ReLU; others have 1."""


class EqualizedLinear(nn.Module):
    """`(B, inputs)` -> `(B, outputs)`: weights of N(0, 1), scaled by He's constant `gain / sqrt(inputs)` when used.

    Adam moves every weight by about as much, whatever the layer's size.

    Args:
        inputs: of an example.
        outputs: of an example.
        gain: see `HE`.
        bias: what the biases start at; None for no biases.
        rate: multiplier of the learning rate: the parameters are larger by that much and used smaller.
    """

    def __init__(
        self, inputs: int, outputs: int, gain: float = HE, bias: float | None = 0.0, rate: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = None if bias is None else nn.Parameter(torch.full((outputs,), bias / rate))
        self.in_features, self.scale, self.rate = inputs, gain / inputs**0.5 * rate, rate

    def forward(self, x: Tensor) -> Tensor:
        """`(B, inputs)` -> `(B, outputs)`."""
        return linear(x, self.weight * self.scale, None if self.bias is None else self.bias * self.rate)


class EqualizedConv2d(nn.Module):
    """`(B, inputs, H, W)` -> `(B, outputs, H, W)`: as `EqualizedLinear`, a convolution of `kernel` by `kernel`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, gain: float = HE, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.padding = gain / (inputs * kernel**2) ** 0.5, kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        """`(B, inputs, H, W)` -> `(B, outputs, H, W)`."""
        return conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class LeakyReLU(nn.Module):
    """Leaky ReLU of slope 0.2, times `gain`."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        """The shape stays."""
        return leaky_relu(x, SLOPE) * self.gain if self.gain != 1 else leaky_relu(x, SLOPE)


class PixelNorm(nn.Module):
    """`b = a / sqrt(mean over channels of a² + 1e-8)`, at each place by itself; of a vector, over all of it."""

    def forward(self, a: Tensor) -> Tensor:
        """`(B, C, ...)` -> the same shape."""
        return a * (a.float().square().mean(1, keepdim=True) + 1e-8).rsqrt()


class MinibatchDeviation(nn.Module):
    """`(B, C, H, W)` -> `(B, C + 1, H, W)`: how much the examples of a group differ, as one more feature map.

    The standard deviation of each feature at each place over the group, the mean of these over features and places:
    one number, everywhere in the map. It is 0 for a batch of one.

    Args:
        group: examples in a group, at least; what does not fill a group is dealt out to the others. None is the whole
            batch, as in the paper.
    """

    def __init__(self, group: int | None = None) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, C + 1, H, W)`."""
        groups = x.tensor_split(max(1, len(x) // self.group)) if self.group else (x,)
        maps = [_deviation(each.float()).expand(len(each), 1, *x.shape[2:]) for each in groups]
        return torch.cat([x, torch.cat(maps).to(x.dtype)], 1)


def _deviation(x: Tensor) -> Tensor:
    # the square root's own gradient is infinite at 0
    return (x.var(0, correction=0) + 1e-8).sqrt().mean()
