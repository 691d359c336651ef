"""From prepared examples to a data set: hash, hold out, measure the units."""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from sparring.data.dataset import Dataset
from sparring.data.split import digests, held_out
from sparring.data.storage import keep, parts
from sparring.errors import UserError
from sparring.kinds import Categories, Kind, Pictures, Points


class Examples(NamedTuple):
    """Prepared examples.

    Args:
        source: its name, for messages.
        examples: uint8 `(N, C, H, W)` or float32 `(N, D)`.
        labels: int64 `(N,)`, or None.
        classes: the labels' names.
        notes: see `Dataset`.
    """

    source: str
    examples: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def assemble(
    source: str,
    examples: np.ndarray,
    labels: np.ndarray | None,
    classes: tuple[str, ...],
    notes: tuple[str, ...],
    mirror: bool = False,
) -> Dataset:
    """Split prepared examples into a data set.

    Args:
        source: see `Examples`.
        examples: taken over, and reordered in place.
        labels: see `Examples`.
        classes: see `Examples`.
        notes: see `Dataset`.
        mirror: see `Dataset`.

    Raises:
        UserError: there are not two different examples.
    """
    if len(examples) < 2:
        raise UserError(f"{source} holds one single example", "a GAN needs at least 2, and a few hundred to learn much")
    hashes = digests(examples)
    if (hashes == hashes[0]).all():
        raise UserError(f"all {len(examples)} examples of {source} are the same", "a GAN needs at least 2 that differ")
    out = held_out(hashes)
    # in the order of their hashes: sources come sorted, by class or by date, and the first n stand for all
    judges = np.flatnonzero(out)[np.argsort(hashes[out], kind="stable")]
    kept = {"x": examples[judges]}  # before the others move to the front, in place
    train = {"x": keep(examples, ~out)}
    shape = examples.shape[1:]
    schema: dict[str, Kind] = {"x": Pictures(shape) if len(shape) == 3 else Points(shape, *_standard(train["x"]))}
    if labels is not None:
        schema["y"] = Categories(classes)
        train["y"], kept["y"] = labels[~out], labels[judges]
    fingerprint = _fingerprint(shape, hashes[~out], hashes[judges], train.get("y"), kept.get("y"))
    return Dataset(schema, train, kept, mirror, notes, fingerprint)


def _standard(points: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean of each dimension, and for all of them the root of the mean variance; in float64, a part at a time."""
    mean = sum(points[rows].sum(axis=0, dtype=np.float64) for rows in parts(points)) / len(points)
    variance = sum(np.square(points[rows] - mean).sum() for rows in parts(points)) / points.size
    # One example can be left after the split, or many copies of one: any scale serves, but not zero.
    scale = float(np.sqrt(variance)) or 1.0
    return tuple(np.asarray(mean).tolist()), (scale,) * points.shape[1]


def _fingerprint(shape: tuple[int, ...], *contents: np.ndarray | None) -> str:
    """Hex of what trains and what judges, with their order."""
    digest = blake2b(repr(shape).encode(), digest_size=16)
    for content in contents:
        raw = b"" if content is None else content.tobytes()
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()
