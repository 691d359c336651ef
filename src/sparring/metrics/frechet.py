"""The Fréchet distance between Gaussians fitted to features: FID, in any feature space."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.metrics._input import rows


@dataclass(frozen=True)
class Moments:
    """What the Fréchet distance needs of a set.

    Args:
        mean: `(D,)`, float64.
        covariance: `(D, D)`, with n - 1 in the denominator.
    """

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """From `(N, D)` features.

        Raises:
            UserError: see `rows`.
        """
        (features,) = rows(features)
        return cls(features.mean(0), features.T.cov().reshape(features.shape[1], -1))


def moments_distance(a: Moments, b: Moments) -> float:
    """`|μa - μb|² + tr(A + B - 2 (A^½ B A^½)^½)`, by a symmetric eigenvalue problem.

    The usual root of the product AB is that of a matrix which is not symmetric: slower, and with rank-deficient
    covariances not always real. AB has the eigenvalues of Lᵀ B L with A = L Lᵀ, so any such L will do: Cholesky's, or
    where A has not full rank the symmetric root, by a second eigenvalue problem.

    References:
        Heusel et al. 2017, arXiv 1706.08500, eq. 6; Dowson and Landau 1982 for the formula.
    """
    root, failed = torch.linalg.cholesky_ex(a.covariance)
    if failed:
        values, vectors = torch.linalg.eigh(a.covariance)
        root = vectors * values.clamp(min=0).sqrt()
    cross = torch.linalg.eigvalsh(root.T @ b.covariance @ root).clamp(min=0).sqrt().sum()
    difference = a.mean - b.mean
    distance = difference @ difference + a.covariance.trace() + b.covariance.trace() - 2 * cross
    return max(0.0, distance.item())


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """FID, when the features are Inception's.

    With few samples it is biased upwards: compare only what has the same number.

    Args:
        real: `(N, D)` features.
        fake: `(M, D)` features.

    Returns:
        The squared distance, at least 0, in squared units of the features.

    Examples:
        Two equal clouds, one moved by 3 along one axis:

        >>> x = torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))
        >>> round(frechet_distance(x, x + torch.tensor([3.0, 0, 0, 0])), 6)
        9.0
    """
    real, fake = rows(real, fake)
    return moments_distance(Moments.of(real), Moments.of(fake))


def frechet_infinity(real: Tensor, fake: Tensor, points: int = 15, seed: int = 0) -> float:
    """FID∞: what the Fréchet distance tends to as the fakes grow in number, by a line through 1/N.

    Args:
        real: `(N, D)` features.
        fake: `(M, D)` features; subsets of M/10 (the paper's least is 5,000 of 50,000) to M are drawn.
        points: how many sizes of subsets; the paper's is 15.
        seed: of the subsets.

    Returns:
        The line's value at 1/N = 0; unbiased only in the fakes. Noise can bring it below 0.

    References:
        Chong and Forsyth 2019, arXiv 1911.07023, section 3.
    """
    real, fake = rows(real, fake)
    against, rng = Moments.of(real), torch.Generator().manual_seed(seed)
    sizes = torch.linspace(max(2, len(fake) // 10), len(fake), points).long()
    values = [
        moments_distance(against, Moments.of(fake[torch.randperm(len(fake), generator=rng)[:size]]))
        for size in sizes.tolist()
    ]
    line = torch.stack([1 / sizes.double(), torch.ones(points, dtype=torch.float64)], 1)
    return torch.linalg.lstsq(line, torch.tensor(values, dtype=torch.float64)[:, None]).solution[1].item()
