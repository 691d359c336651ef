"""How far pictures move when what they are made from moves a little."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.errors import UserError


def path_lengths(before: Sequence[Tensor], after: Sequence[Tensor], epsilon: float = 1e-4) -> Tensor:
    """Perceptual path lengths: d(G(t), G(t + ε)) / ε² for each of N paths; their mean is the metric.

    d is that of LPIPS with equal weights: features of length 1 at each place, their squared differences summed over
    features, averaged over places and summed over stages. It grows with the square of a small step, hence ε².

    Args:
        before: features of the pictures at t, by stage: `(N, F, h, w)`, or `(N, F)`.
        after: features of the pictures at t + ε, alike.
        epsilon: ε, the part of the path from one to the other.

    Returns:
        `(N,)`, float64; no unit, and no scale but that of the features.

    Raises:
        UserError: other shapes of the one than of the other, or no stage.

    References:
        Karras et al. 2018, arXiv 1812.04948, section 4.1 (perceptual path length); Zhang et al. 2018, arXiv 1801.03924,
        equation 1 (the distance).

    Examples:
        >>> t, speed = torch.tensor(1e-3, dtype=torch.float64), 3.0
        >>> circle = torch.stack([(speed * t).cos(), (speed * t).sin()])[None]
        >>> path_lengths([torch.tensor([[1.0, 0.0]])], [circle], 1e-3)
        tensor([9.0000], dtype=torch.float64)
    """
    shapes = [[tuple(each.shape) for each in stages] for stages in (before, after)]
    if shapes[0] != shapes[1] or not shapes[0]:
        raise UserError(f"features of shapes {shapes[0]} and {shapes[1]} do not compare", "take both from one network")
    moved = [(_unit(b) - _unit(a)).square().sum(1) for a, b in zip(before, after, strict=True)]  # (N, h, w), or (N,)
    return torch.stack([each.reshape(len(each), -1).mean(1) for each in moved]).sum(0) / epsilon**2


def _unit(features: Tensor) -> Tensor:
    features = features.detach().double()
    return features / features.norm(dim=1, keepdim=True).clamp(min=1e-10)
