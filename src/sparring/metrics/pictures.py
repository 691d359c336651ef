"""Statistics of pictures that tell generated ones from real ones: no training, no download, a few milliseconds each."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

SMALLEST_SIDE = 8
"""Pixels a side below which gradients say little more than the pixels."""

GRIDS = (4, 8, 16)
"""Cells a side to which pictures are averaged."""

FLAT = (1 / 255, 4 / 255, 16 / 255, 64 / 255)
"""Differences of neighbouring pixels, of a range of 1, below which a place counts as flat."""


def pooled_pixels(pictures: Tensor) -> Tensor:
    """Averages over the cells of coarse grids: layout and colour.

    Args:
        pictures: uint8 `(N, C, H, W)`.

    Returns:
        `(N, C (16 + 64 + 256))`; grids finer than the picture are left out, but for the coarsest.
    """
    x = pictures.float() / 255
    grids = [size for size in GRIDS if size <= min(x.shape[2:])] or GRIDS[:1]
    return torch.cat([adaptive_avg_pool2d(x, size).flatten(1) for size in grids], 1)


def gradient_statistics(pictures: Tensor) -> Tensor:
    """How neighbouring pixels differ, at every scale of the picture: edges, flat places and noise.

    For each scale (the picture, halved until a side has fewer than 8 pixels), channel and direction: the mean absolute
    difference in each of 4x4 cells and across each line of the picture (where seams lie, and a codec's blocks), the
    mean square, the shares of four degrees of flatness, and the mean absolute second difference.

    Args:
        pictures: uint8 `(N, C, H, W)`, sides of 8 pixels and more.

    Returns:
        `(N, (42 + H + W) C)` for each scale of H x W pixels, side by side.
    """
    x, parts = pictures.float() / 255, []
    while min(x.shape[2:]) >= SMALLEST_SIDE:
        for axis in (2, 3):
            difference = x.diff(dim=axis)
            size = difference.abs()
            parts += [adaptive_avg_pool2d(size, 4).flatten(1), size.square().mean((2, 3))]
            # a difference of whole levels is not to fall on either side by rounding
            parts += [(size < level - 1e-4).float().mean((2, 3)) for level in FLAT]
            parts += [difference.diff(dim=axis).abs().mean((2, 3)), size.mean(5 - axis).flatten(1)]
        x = avg_pool2d(x, 2)
    return torch.cat(parts, 1)
