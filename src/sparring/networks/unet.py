"""The U-Net: an encoder and a decoder whose maps of equal size are joined.

References:
    Isola et al. 2016, arXiv 1611.07004, section 3.2 and appendix A: strided 4x4 convolutions down, transposed ones up,
    leaky ReLU of 0.2 in the encoder, dropout of half in the first three of eight layers of the decoder as the only
    noise.

Deviations:
    The last layer repeats pixels and convolves by 3x3. Instance norm for batch norm, which for the paper's batch of one
    is the same. Dropout drops whole channels, and which ones is given from outside, so that a picture is a function of
    its noise.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from sparring.networks.sizes import halvings

DROPPED = 3 / 8
"""The share of the decoder's layers that have dropout, the smallest maps first: three of eight in the paper."""


class UNet(nn.Module):
    """`(B, channels_in, H, W)` -> `(B, channels_out, H, W)` in [-1, 1], of any size.

    A side that is no multiple of the network's step is continued by its last pixels, and cropped in the end.

    Args:
        channels_in: of the pictures it is given.
        channels_out: of those it makes.
        width: channels behind the first layer; they double at every halving, eightfold at most.
        depth: halvings; see `depth_for`.
        dropout: share of the channels that the noise drops.
        skips: join the decoder's maps with the encoder's; without, everything goes through the smallest map.

    Attributes:
        noise: how many numbers say which channels are dropped; 0 without dropout.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        width: int = 16,
        depth: int = 3,
        dropout: float = 0.0,
        skips: bool = True,
    ) -> None:
        super().__init__()
        self.depth, self.dropout, self.skips = depth, dropout, skips
        widths = [width * min(2**k, 8) for k in range(depth)]
        self.down = nn.ModuleList([nn.Conv2d(channels_in, width, 4, stride=2, padding=1)])
        for k in range(1, depth):
            innermost = k == depth - 1
            convolution = nn.Conv2d(widths[k - 1], widths[k], 4, stride=2, padding=1, bias=innermost)
            # a map of a few pixels has no statistics
            norm = nn.Identity() if innermost else nn.InstanceNorm2d(widths[k])
            self.down.append(nn.Sequential(convolution, norm))
        self.up = nn.ModuleList()
        for k in reversed(range(1, depth)):
            joined = widths[k] * (2 if skips and k < depth - 1 else 1)
            convolution = nn.ConvTranspose2d(joined, widths[k - 1], 4, stride=2, padding=1, bias=False)
            self.up.append(nn.Sequential(convolution, nn.InstanceNorm2d(widths[k - 1])))
        last = width * (2 if skips and depth > 1 else 1)
        # a transposed convolution here leaves a checkerboard, to which a D whose first layer halves is nearly blind
        self.last = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(last, channels_out, 3, padding=1))
        self.drops = [widths[k - 1] for k in reversed(range(1, depth))]
        self.drops = self.drops[: max(1, int(DROPPED * depth))] if dropout else []
        self.noise = sum(self.drops)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """Pictures `(B, channels_in, H, W)`, noise `(B, noise)` from -1 to 1 -> `(B, channels_out, H, W)`.

        Without noise no channel is dropped.
        """
        height, breadth = x.shape[2:]
        least = 2**self.depth
        below, right = ((-side % least) + (least if side <= least else 0) for side in (height, breadth))
        x = pad(x, (0, right, 0, below), mode="replicate")
        kept: list[Tensor] = []
        for down in self.down:
            x = down(leaky_relu(x, 0.2) if kept else x)
            kept.append(x)
        kept.pop()
        masks = iter(z.split(self.drops, 1)) if z is not None and self.noise else iter(())
        for up in self.up:
            x = up(x.relu())
            mask = next(masks, None)
            if mask is not None:
                x = x * (mask[:, :, None, None] > 2 * self.dropout - 1) / (1 - self.dropout)
            skip = kept.pop()
            x = torch.cat([x, skip], 1) if self.skips else x
        return self.last(x.relu()).tanh()[:, :, :height, :breadth]


def depth_for(height: int, width: int, most: int = 5) -> int:
    """As many halvings as leave a map of at least 2 pixels a side.

    Examples:
        >>> depth_for(32, 32), depth_for(8, 8), depth_for(28, 40), depth_for(256, 256)
        (4, 2, 3, 5)
    """
    return min(most, halvings(height, width, smallest=2))
