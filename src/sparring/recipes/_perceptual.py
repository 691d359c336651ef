"""A perceptual loss: pictures compared in the features of a network that nobody trains."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from sparring.errors import UserError
from sparring.metrics.extractors import RandomStatistics, pretrained_efficientnet

Fixed = Literal["random", "efficientnet"]
"""Networks whose features are compared, beside the pixels."""

FEATURES = "network whose features are compared: random filters, or efficientnet (a package; RGB or grey)"


class Perceptual(nn.Module):
    """A distance of pictures in the features of a fixed network, in eval mode and without gradient for its weights.

    At each of its layers the squared difference of the features is held against their squares, so that all layers and
    all networks count alike. Features are taken before the ReLU.

    Args:
        network: "random", the three convolutions of the metrics' random network; or "efficientnet", the first
            stages of EfficientNet-Lite0 with its ImageNet weights, down to an eighth of the size.
        channels: of the pictures.

    Raises:
        UserError: the package of EfficientNet-Lite0 is not installed, or the channels are not 1 or 3.
    """

    def __init__(self, network: Fixed, channels: int) -> None:
        super().__init__()
        with torch.device("cpu"):  # its weights are known, wherever the game is being built
            self.stages = fixed_stages(network, channels)
        self.colour = network == "efficientnet"
        self.eval().requires_grad_(False)

    def features(self, x: Tensor) -> list[Tensor]:
        """`(B, C, H, W)` in [-1, 1] -> a map `(B, F, h, w)` of each stage, float32."""
        if self.colour:
            # ImageNet's means and deviations, for pictures from -1 to 1
            mean, deviation = (x.new_tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
            x = ((x.expand(-1, 3, -1, -1) + 1) / 2 - mean) / deviation
        found: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            found.append(x.float())
        return found

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        """The distance, a scalar: gradient flows to `made`."""
        with torch.no_grad():
            wanted = self.features(real)
        pairs = zip(self.features(made), wanted, strict=True)
        return torch.stack([mse_loss(f, w) / w.square().mean().clamp(min=1e-6) for f, w in pairs]).mean()


def fixed_stages(network: Fixed, channels: int) -> nn.ModuleList:
    """The stages of a fixed network, one after the other."""
    if network == "efficientnet":
        if channels not in (1, 3):
            raise UserError(f"efficientnet sees no pictures of {channels} channels", "--set features=random")
        trunk = pretrained_efficientnet().trunk
        return nn.ModuleList([trunk[:2], trunk[2:4], trunk[4:6]])
    filters = RandomStatistics(channels, torch.Generator().manual_seed(0)).filters
    stages = nn.ModuleList()
    for k, weight in enumerate(filters):
        convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, stride=2, padding=1, bias=False)
        convolution.weight.data.copy_(weight)
        stages.append(nn.Sequential(*([nn.ReLU()] if k else []), convolution))
    return stages
