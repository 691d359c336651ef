"""Are samples of the class that they were asked to be? As a classifier reads them that learned from reals."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.metrics.neighbors import blocks

VOTES = 5
"""Nearest reals that vote on a label, where there is no trained classifier."""


class ClassAgreement(NamedTuple):
    """One class.

    Args:
        name: of the class.
        samples: the share of the samples asked to be of it that are read as such.
        asked: how many were asked for.
        reals: the same share of other reals of the class: what a perfect generator would get.
    """

    name: str
    samples: float
    asked: int
    reals: float


def agreement(
    read: Tensor, asked: Tensor, read_reals: Tensor, labels: Tensor, names: Sequence[str]
) -> tuple[ClassAgreement, ...]:
    """How often a classifier agrees with the label that a sample was made from, by class.

    Args:
        read: `(N,)`, what the samples are read as.
        asked: `(N,)`, what they were asked to be.
        read_reals: `(M,)`, what reals are read as that the classifier did not learn from.
        labels: `(M,)`, what they are.
        names: of the classes.

    Returns:
        Those classes that some samples were asked to be; NaN where there is no real of the class.

    Examples:
        >>> asked = torch.tensor([0, 0, 1])
        >>> agreement(torch.tensor([0, 1, 1]), asked, torch.tensor([0, 1]), torch.tensor([0, 1]), ("cat", "dog"))[0]
        ClassAgreement(name='cat', samples=0.5, asked=2, reals=1.0)
    """
    found = []
    for label in map(int, asked.unique()):
        made, real = read[asked == label], read_reals[labels == label]
        found.append(ClassAgreement(names[label], _share(made, label), len(made), _share(real, label)))
    return tuple(found)


def _share(read: Tensor, label: int) -> float:
    return float((read == label).float().mean())


def overall(classes: Sequence[ClassAgreement]) -> tuple[float, float]:
    """Of all samples together, and of reals with as many of each class; classes without reals are left out of these.

    Examples:
        >>> overall([ClassAgreement("cat", 0.5, 2, 1.0), ClassAgreement("dog", 1.0, 1, 0.7)])
        (0.6666666666666666, 0.9)
    """
    known = [each for each in classes if not math.isnan(each.reals)]
    samples, reals = sum(each.asked for each in classes), sum(each.asked for each in known)
    return (
        sum(each.samples * each.asked for each in classes) / samples,
        sum(each.reals * each.asked for each in known) / reals if known else math.nan,
    )


def read_by_neighbors(features: Tensor, reals: Tensor, labels: Tensor) -> Tensor:
    """The label that most of the nearest reals have.

    Args:
        features: `(N, D)`, of what is read.
        reals: `(M, D)`, features of reals.
        labels: `(M,)`.

    Returns:
        `(N,)`.

    Examples:
        >>> read_by_neighbors(torch.tensor([[0.1], [9.0]]), torch.tensor([[0.0], [10.0]]), torch.tensor([3, 4]))
        tensor([3, 4])
    """
    votes = min(VOTES, len(reals)) if len(reals) > VOTES else 1
    nearest = [distances.topk(votes, largest=False).indices for _, distances in blocks(features, reals)]
    return labels[torch.cat(nearest)].mode(1).values
