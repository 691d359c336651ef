"""The squared maximum mean discrepancy, which needs no Gaussian and has no bias.

KID is that under a cubic kernel; for points, Gaussian kernels of the data's own scales see what is far finer than the
whole cloud.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sparring.metrics._input import rows


class KernelDistance(NamedTuple):
    """KID.

    Args:
        value: the mean over subsets; unbiased, so it can fall below 0.
        spread: the standard deviation over subsets.
        error: the standard error of the mean, of as many independent subsets as the samples hold.
    """

    value: float
    spread: float
    error: float


def kernel_distance(
    real: Tensor, fake: Tensor, subsets: int = 100, subset_size: int = 1000, seed: int = 2020
) -> KernelDistance:
    """The unbiased squared MMD with the kernel `(x·y / D + 1)³`, over random subsets.

    Args:
        real: `(N, D)` features.
        fake: `(M, D)` features.
        subsets: how many.
        subset_size: of each; less where a set has fewer samples.
        seed: of the subsets. They are drawn by NumPy's legacy generator, the fakes' first, so that torch-fidelity
            draws the same.

    References:
        Bińkowski et al. 2018, arXiv 1801.01401, section 3.1 and eq. 4.

    Examples:
        >>> x = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
        >>> near, far = (kernel_distance(x[:250], x[250:] + shift, subsets=10).value for shift in (0, 1))
        >>> abs(near) < 0.05 < far
        True
    """
    real, fake = rows(real, fake)
    size = min(subset_size, len(real), len(fake))
    rng = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        y = fake[torch.from_numpy(rng.choice(len(fake), size, replace=False))]
        x = real[torch.from_numpy(rng.choice(len(real), size, replace=False))]
        values.append(_mmd(x, y))
    spread = float(np.std(values))
    independent = min(len(real), len(fake)) // size
    return KernelDistance(float(np.mean(values)), spread, spread / independent**0.5)


def _mmd(x: Tensor, y: Tensor) -> float:
    def kernel(a: Tensor, b: Tensor) -> Tensor:
        linear = a @ b.T / a.shape[1] + 1
        return linear * linear * linear  # a power would take ten times as long

    n = len(x)
    within = sum((each.sum() - each.diagonal().sum()) / (n * (n - 1)) for each in (kernel(x, x), kernel(y, y)))
    return (within - 2 * kernel(x, y).mean()).item()


QUANTILES = (0.02, 0.1, 0.5)
"""Of the distances between reals: the widths of the kernels in `multiscale_distance`."""


def scales_of(real: Tensor, most: int = 1000) -> tuple[float, ...]:
    """The widths at which a cloud has structure: `QUANTILES` of the distances between its points.

    Args:
        real: `(N, D)`.
        most: how many of the points are looked at.
    """
    (x,) = rows(real[:most])
    distances = torch.pdist(x)
    return tuple(max(distances.quantile(q).item(), 1e-9) for q in QUANTILES)


def multiscale_distance(real: Tensor, fake: Tensor, scales: tuple[float, ...]) -> float:
    """The mean over widths s of the unbiased squared MMD with the kernel `exp(-|x - y|² / 2s²)`, relative to the reals.

    Each is divided by the mean kernel between two reals, so that it is 0 for equal distributions, near 1 when the
    fakes are spread thinly far from the reals, and above when they lie together in the wrong place.

    Args:
        real: `(N, D)`.
        fake: `(M, D)`.
        scales: the widths; of the reals, by `scales_of`.

    References:
        Gretton et al. 2012, Journal of Machine Learning Research 13, lemma 6.

    Examples:
        >>> x = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
        >>> scales = scales_of(x[:250])
        >>> near, far = (multiscale_distance(x[:250], x[250:] + shift, scales) for shift in (0, 10))
        >>> abs(near) < 0.05, far > 1
        (True, True)
    """
    real, fake = rows(real, fake)
    squares = [torch.cdist(*pair).square().float() for pair in ((real, real), (fake, fake), (real, fake))]
    found = 0.0
    for scale in scales:
        reals, fakes, between = (torch.exp(-square / (2 * scale * scale)) for square in squares)
        within = [(k.sum().item() - len(k)) / (len(k) * (len(k) - 1)) for k in (reals, fakes)]
        found += (within[0] + within[1] - 2 * between.mean().item()) / max(within[0], 1e-12)
    return found / len(scales)
