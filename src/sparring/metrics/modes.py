"""Mode counts, for data whose modes are known."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.metrics._input import rows


class Modes(NamedTuple):
    """How samples fall on known modes.

    Args:
        found: modes with at least one good sample.
        total: modes that there are.
        good: the share of samples that belong to a mode; 1 where a classifier assigns them.
        kl: KL divergence of the samples' distribution over the modes from the uniform one, in nats: 0 when even.
    """

    found: int
    total: int
    good: float
    kl: float


def count_modes(points: Tensor, centers: Tensor, sigma: float) -> Modes:
    """For Gaussians around known centres: a sample is good within three standard deviations of one.

    Args:
        points: `(N, D)`, in the units of the centres.
        centers: `(K, D)`.
        sigma: standard deviation of each.

    References:
        Lin et al. 2018, PacGAN, arXiv 1712.04086, section 4.1 (after Srivastava et al. 2017, VEEGAN, 1705.07761).

    Examples:
        >>> centers = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
        >>> count_modes(torch.tensor([[0.01, 0.0], [0.5, 0.0]]), centers, 0.01)
        Modes(found=1, total=2, good=0.5, kl=0.693...)
    """
    points, centers = rows(points, centers, least=1)
    distances, nearest = torch.cdist(points, centers).min(1)
    good = distances <= 3 * sigma
    return _modes(nearest[good], len(centers), good.double().mean().item())


def count_classes(labels: Tensor, total: int) -> Modes:
    """For modes that a classifier reads, such as the thousand of stacked digits.

    Args:
        labels: `(N,)` integers below `total`.
        total: how many modes there are.

    References:
        Metz et al. 2017, arXiv 1611.02163, section 3.3.1 (stacked MNIST).

    Examples:
        >>> count_classes(torch.tensor([0, 0, 1, 1]), 4)
        Modes(found=2, total=4, good=1.0, kl=0.693...)
    """
    return _modes(labels, total, 1.0)


def _modes(which: Tensor, total: int, good: float) -> Modes:
    counts = torch.bincount(which, minlength=total).double()
    shares = counts[counts > 0] / counts.sum()
    kl = float((shares * shares.log()).sum()) + math.log(total) if len(shares) else math.inf
    return Modes(int((counts > 0).sum()), total, good, max(0.0, kl))
