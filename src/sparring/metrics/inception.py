"""The Inception Score: confident and varied predictions of a classifier. It never looks at the reals."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UserError


class InceptionScore(NamedTuple):
    """Mean and standard deviation over the splits."""

    value: float
    spread: float


def inception_score(logits: Tensor, splits: int = 10, seed: int = 2020) -> InceptionScore:
    """`exp E[KL(p(y|x) || p(y))]`, from 1 to the number of classes, over splits of the samples.

    Args:
        logits: `(N, classes)` of a classifier; the published scores are Inception's.
        splits: how many; the paper's is 10.
        seed: of the order, as torch-fidelity's.

    Raises:
        UserError: fewer samples than splits; logits that are not finite.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 4.

    Examples:
        Ten classes, each predicted surely and equally often:

        >>> logits = 1000 * torch.eye(10).repeat(100, 1)
        >>> round(inception_score(logits, splits=1).value, 4)
        10.0
    """
    if len(logits) < splits:
        raise UserError(f"{len(logits)} samples cannot be split in {splits}", "use more samples")
    if not torch.isfinite(logits).all():
        raise UserError("logits with NaN or infinity cannot be scored", "look for broken samples")
    order = torch.from_numpy(np.random.RandomState(seed).permutation(len(logits)))
    log_p = logits.detach()[order].double().log_softmax(1)
    scores = []
    for k in range(splits):
        part = log_p[k * len(log_p) // splits : (k + 1) * len(log_p) // splits]
        p = part.exp()
        scores.append((p * (part - p.mean(0).log())).nansum(1).mean().exp().item())
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))
