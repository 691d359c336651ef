"""Multi-scale structural similarity: how alike pairs of samples are."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from sparring.errors import UserError
from sparring.metrics.filters import band

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, from the finest (Wang et al. 2003, section 3.2)."""

PAIRS_AT_ONCE = 16
"""So few that what is computed of them stays in the processor's cache."""


def ms_ssim(a: Tensor, b: Tensor, data_range: float = 1.0) -> Tensor:
    """MS-SSIM of pairs of pictures.

    Five scales need sides of 176 pixels with a window of 11. Smaller pictures take fewer scales, whose weights are
    brought to the same sum, and below 11 pixels a smaller window: comparable only with pictures of the same size.

    Args:
        a: `(N, C, H, W)`, float32 or float64: that is also the arithmetic.
        b: the same shape.
        data_range: largest value minus smallest.

    Returns:
        `(N,)`, float64, at most 1; negative contrast terms count as 0.

    References:
        Wang, Simoncelli, Bovik 2003, Multi-scale structural similarity for image quality assessment, eq. 7.
    """
    if a.shape != b.shape or a.ndim != 4:
        raise UserError(f"pictures of shapes {tuple(a.shape)} and {tuple(b.shape)} are no pairs", "take one size")
    side = min(a.shape[2:])
    window = min(11, side - (side + 1) % 2)
    scales = max(1, min(len(WEIGHTS), (side // window).bit_length()))
    weights = [weight / sum(WEIGHTS[:scales]) for weight in WEIGHTS[:scales]]
    product = torch.ones(len(a), dtype=torch.float64)
    for scale, weight in enumerate(weights):
        similarity, contrast = _ssim(a, b, window, data_range)
        product = product * (similarity if scale == scales - 1 else contrast).double().clamp(min=0) ** weight
        a, b = avg_pool2d(a, 2), avg_pool2d(b, 2)
    return product


def _ssim(a: Tensor, b: Tensor, window: int, data_range: float) -> tuple[Tensor, Tensor]:
    # means over a picture of SSIM and of its contrast-structure part; a Gaussian window of σ 1.5
    x = torch.arange(window, dtype=torch.float64) - window // 2
    taps = torch.exp(-x.square() / (2 * 1.5**2))
    taps = (taps / taps.sum()).to(a.dtype)
    down, across = (band(taps, side) for side in a.shape[2:])

    def smooth(x: Tensor) -> Tensor:
        return down @ x @ across.T

    first, second = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_a, mean_b = smooth(a), smooth(b)
    squares, product = mean_a.square() + mean_b.square(), mean_a * mean_b
    variance = smooth(a * a + b * b) - squares
    covariance = smooth(a * b) - product
    contrast = (2 * covariance + second) / (variance + second)
    luminance = (2 * product + first) / (squares + first)
    return (luminance * contrast).mean((1, 2, 3)), contrast.mean((1, 2, 3))


def ms_ssim_diversity(pictures: Tensor, pairs: int = 500, data_range: float = 1.0, seed: int = 0) -> float:
    """The mean MS-SSIM of random pairs of one set: near 1 when all are alike. Compare with that of reals.

    Args:
        pictures: `(N, C, H, W)`, float, N at least 2.
        pairs: how many.
        data_range: largest value minus smallest.
        seed: of the pairs.

    References:
        Odena et al. 2017, arXiv 1610.09585, section 4.2.
    """
    if len(pictures) < 2:
        raise UserError("one picture makes no pair", "use more samples")
    rng = torch.Generator().manual_seed(seed)
    first = torch.randint(len(pictures), (pairs,), generator=rng)
    second = (first + torch.randint(1, len(pictures), (pairs,), generator=rng)) % len(pictures)
    parts = zip(first.split(PAIRS_AT_ONCE), second.split(PAIRS_AT_ONCE), strict=True)
    return torch.cat([ms_ssim(pictures[i], pictures[j], data_range) for i, j in parts]).mean().item()
