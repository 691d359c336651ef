"""Separable filters of pictures as matrix products: a convolution of one channel is many times slower on processors."""

import torch
from torch import Tensor

AT_ONCE = 16
"""Pictures that are filtered together: so few that they stay in the processor's cache."""


def band(taps: Tensor, side: int, reflect: bool = False) -> Tensor:
    """The matrix that slides a filter along one side of a picture.

    Args:
        taps: `(K,)`.
        side: how many pixels there are; at least K, or above K // 2 where they are reflected.
        reflect: whether pixels beyond the border are those reflected in it; else the result is shorter.

    Returns:
        `(side, side)`, or `(side - K + 1, side)`, of the type of `taps`.

    Examples:
        >>> band(torch.tensor([1.0, 2.0]), 3)
        tensor([[1., 2., 0.],
                [0., 1., 2.]])
    """
    reach = len(taps) // 2 if reflect else 0
    rows = torch.arange(side + 2 * reach - len(taps) + 1)
    columns = (rows[:, None] + torch.arange(len(taps)) - reach).abs()
    columns = torch.where(columns >= side, 2 * (side - 1) - columns, columns)
    found = torch.zeros(len(rows), side, dtype=taps.dtype, device=taps.device)
    return found.scatter_add_(1, columns, taps.expand(len(rows), -1))


def filtered(pictures: Tensor, taps: Tensor, reflect: bool = False) -> Tensor:
    """The same filter in both directions.

    Args:
        pictures: `(N, ..., H, W)`.
        taps: `(K,)`, of their type.
        reflect: see `band`.
    """
    down, across = (band(taps, side, reflect) for side in pictures.shape[-2:])
    return torch.cat([down @ part @ across.T for part in pictures.split(AT_ONCE)])
