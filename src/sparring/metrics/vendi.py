"""The Vendi score: how many distinct samples a set is worth."""

import torch
from torch import Tensor

from sparring.metrics._input import rows


def vendi_score(features: Tensor) -> float:
    """`exp(-Σ λ log λ)`, λ the eigenvalues of the cosine similarities over N: 1 when all are alike, N when all differ.

    They are taken from the `(D, D)` matrix, whose eigenvalues other than 0 are the same, when D is smaller than N.

    Args:
        features: `(N, D)`; rows of zeros are alike.

    Returns:
        From 1 to min(N, D).

    References:
        Friedman and Dieng 2022, arXiv 2210.02410, definition 3.1 and section 3.3.

    Examples:
        >>> round(vendi_score(torch.eye(3).repeat(10, 1)), 6)
        3.0
        >>> round(vendi_score(torch.ones(30, 3)), 6)
        1.0
    """
    (x,) = rows(features)
    zero = x.norm(dim=1, keepdim=True) == 0
    x = torch.nn.functional.normalize(torch.cat([x, zero.double()], 1))
    gram = x.T @ x if x.shape[1] < len(x) else x @ x.T
    values = torch.linalg.eigvalsh(gram / len(x))
    values = values[values > 1e-12]
    return torch.exp(-(values * values.log()).sum()).item()
