"""One column of a data set as metrics and the doctor look at it."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from sparring.data.dataset import some
from sparring.data.protocol import Data
from sparring.data.unpaired import Unpaired
from sparring.kinds import Kind, classes_of


@dataclass(frozen=True, eq=False)
class Viewed:
    """Reals ready to be compared with samples.

    Args:
        kind: of the column.
        stored: training examples as they are stored, `(N, ...)`.
        train: their view: pictures, uint8 `(N, C, H, W)`, or vectors, float32 `(N, D)`.
        held_out: the view of the examples that are never trained on, `(M, ...)`.
        labels: int64 `(N,)` indices of classes, for `train`; None where there are none.
        held_out_labels: `(M,)`.
        classes: their names.
        mirror: whether training mirrors half of the examples.
        fingerprint: of the data set.
        places: `(N,)`, the index of each in the training part, where only some were read; None where all are here.
        of: training examples of the data set.
    """

    kind: Kind
    stored: np.ndarray
    train: np.ndarray
    held_out: np.ndarray
    labels: np.ndarray | None
    held_out_labels: np.ndarray | None
    classes: tuple[str, ...]
    mirror: bool
    fingerprint: str
    places: np.ndarray | None
    of: int

    @property
    def pictures(self) -> bool:
        """Whether the view is of pictures, and not of vectors."""
        return self.train.ndim == 4

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example in the view."""
        return self.train.shape[1:]


def viewed(data: Data, column: str, labels: str = "y", most: int | None = None) -> Viewed:
    """The view of a column, beside the labels of another, where it has labels.

    Args:
        data: the data set; where its attribute `on_demand` is True, looking at an example takes reading or making it.
        column: what samples are compared with.
        labels: the column of labels.
        most: so many training examples, chosen at random, of a data set that is read on demand; all of any other.
    """
    source = data.alone(column) if isinstance(data, Unpaired) else data
    kind, named = data.schema[column], classes_of(data.schema, labels)
    fewer = most if getattr(data, "on_demand", False) else None
    places = None if fewer is None or fewer >= len(data) else some(len(data), fewer)
    train, held_out = source.rows(slice(None) if places is None else places), source.held_out()
    return Viewed(
        kind=kind,
        stored=train[column].numpy(),
        train=kind.view(train[column]).numpy(),
        held_out=kind.view(held_out[column]).numpy(),
        labels=train[labels].numpy() if named else None,
        held_out_labels=held_out[labels].numpy() if named else None,
        classes=named,
        mirror=data.mirror and kind.mirrors,
        fingerprint=data.fingerprint,
        places=places,
        of=len(train[column]) if places is None else len(data),
    )


def known_modes_in_view(kind: Kind, centers: Tensor, sigma: float) -> tuple[Tensor, float]:
    """Centres `(K, D)` and standard deviation of modes, from the data's own units into those of the view."""
    moved = kind.view(centers + sigma) - kind.view(centers)
    return kind.view(centers), float(moved.abs().mean())
