"""EfficientNet-Lite0, to be filled with ImageNet weights: a feature extractor, never trained here.

References:
    Tan and Le 2019, arXiv 1905.11946 (table 1); the Lite variants drop squeeze-and-excitation and use ReLU6.
"""

from torch import Tensor, nn
from torch.nn.functional import pad

STAGES = (
    # blocks, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class Convolution(nn.Sequential):
    """Convolution with TensorFlow's padding, which puts the odd pixel to the right and below; batch norm; ReLU6."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1, relu: bool = True):
        super().__init__(
            nn.Conv2d(before, after, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups, bias=False),
            nn.BatchNorm2d(after, eps=1e-3),
            nn.ReLU6(inplace=True) if relu else nn.Identity(),
        )
        self.kernel, self.stride = kernel, stride

    def forward(self, input: Tensor) -> Tensor:
        """`(B, before, H, W)` -> `(B, after, ceil(H / stride), ceil(W / stride))`."""
        if self.stride == 1:  # as much on either side: nothing to copy
            return super().forward(input)
        margins = []
        for side in (input.shape[3], input.shape[2]):
            margin = max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0)
            margins += [margin // 2, margin - margin // 2]
        return super().forward(pad(input, margins))


class Block(nn.Module):
    """An inverted residual: widen, filter each channel, narrow."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        inner = before * expansion
        self.layers = nn.Sequential(
            *([Convolution(before, inner, 1)] if expansion > 1 else []),
            Convolution(inner, inner, kernel, stride, groups=inner),
            Convolution(inner, after, 1, relu=False),
        )
        self.residual = before == after and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """`(B, before, H, W)` -> `(B, after, H / stride, W / stride)`."""
        return x + self.layers(x) if self.residual else self.layers(x)


class EfficientNetLite0(nn.Module):
    """`(B, 3, H, W)`, normalised as for ImageNet -> 1,280 features, 1,000 logits."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [Convolution(3, 32, 3, 2)]
        before = 32
        for count, kernel, stride, expansion, after in STAGES:
            for k in range(count):
                layers.append(Block(before, after, kernel, stride if k == 0 else 1, expansion))
                before = after
        self.trunk = nn.Sequential(*layers, Convolution(before, 1280, 1))
        self.head = nn.Linear(1280, 1000)

    def features(self, x: Tensor) -> Tensor:
        """`(B, 3, H, W)` -> `(B, 1280)`: means over the picture."""
        return self.trunk(x).mean((2, 3))

    def load(self, weights: dict[str, Tensor]) -> None:
        """Take weights over in their order, whatever their names: layer by layer it is the same for everyone.

        Raises:
            ValueError: a shape differs.
        """
        own = self.state_dict()
        if [tuple(v.shape) for v in own.values()] != [tuple(v.shape) for v in weights.values()]:
            raise ValueError("these are not the weights of EfficientNet-Lite0")
        self.load_state_dict(dict(zip(own, weights.values(), strict=True)))
