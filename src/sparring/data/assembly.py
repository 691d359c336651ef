"""From prepared examples to a data set: hash, hold out, measure the units."""

from hashlib import blake2b
from typing import Literal, NamedTuple

import numpy as np

from sparring.data.dataset import Dataset
from sparring.data.split import digests, held_out
from sparring.data.storage import gather, keep, parts
from sparring.errors import UserError
from sparring.kinds import Categories, Kind, Pictures, Points

Scale = Literal["auto", "each", "one"]
"""How columns of points are scaled: each by itself, all by one number, or as `UNEVEN` decides."""

UNEVEN = 3.0
"""Columns are scaled each by itself if one's standard deviation is so many times that of another."""

_NAMED = 3  # constant columns named in a note


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
    scale: Scale = "auto",
    raw: bool = False,
) -> Dataset:
    """Split prepared examples into a data set.

    Args:
        source: see `Examples`.
        examples: taken over, and reordered in place.
        labels: see `Examples`.
        classes: see `Examples`.
        notes: see `Dataset`.
        mirror: see `Dataset`.
        scale: of points.
        raw: of pictures.

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
    kept = {"x": gather(examples, judges)}  # before the others move to the front, in place
    train = {"x": keep(examples, ~out)}
    shape = examples.shape[1:]
    if len(shape) == 3:
        schema: dict[str, Kind] = {"x": Pictures(shape, raw)}
    else:
        kind, said = _standard(train["x"], scale)
        schema, notes = {"x": kind}, notes + said
    if labels is not None:
        schema["y"] = Categories(classes)
        train["y"], kept["y"] = labels[~out], labels[judges]
    fingerprint = _fingerprint(shape, hashes[~out], hashes[judges], train.get("y"), kept.get("y"))
    return Dataset(schema, train, kept, mirror, notes, fingerprint)


def _standard(points: np.ndarray, scale: Scale) -> tuple[Points, tuple[str, ...]]:
    """Points with their means and scales, and notes; computed in float64, a part at a time."""
    mean = np.asarray(sum(points[rows].sum(axis=0, dtype=np.float64) for rows in parts(points)) / len(points))
    squares = sum(np.square(points[rows] - mean).sum(axis=0) for rows in parts(points))
    spreads = np.sqrt(squares / len(points))
    varies = spreads > np.finfo(np.float32).eps * np.abs(mean)  # the mean of equal numbers may be off by a rounding
    scales, notes = np.zeros(points.shape[1]), ()
    if not varies.any():  # one example can be left after the split, or many copies of one
        return Points(points.shape[1:], tuple(mean.tolist()), tuple(scales + 1)), ()
    low, high = spreads[varies].min(), spreads[varies].max()
    each = scale == "each" or (scale == "auto" and high > UNEVEN * low)
    scales[varies] = spreads[varies] if each else np.sqrt(np.square(spreads).mean())
    if each and scale == "auto":
        found = f"columns have standard deviations from {low:.3g} to {high:.3g}"
        notes += (f"{found}: each is scaled by itself; scale=one scales all alike",)
    if not varies.all():
        constant = np.flatnonzero(~varies)
        named = ", ".join(map(str, constant[:_NAMED])) + (", ..." if len(constant) > _NAMED else "")
        notes += (f"columns that are constant, and so in all samples: {named} (counted from 0)",)
    return Points(points.shape[1:], tuple(mean.tolist()), tuple(scales.tolist())), notes


def _fingerprint(shape: tuple[int, ...], *contents: np.ndarray | None) -> str:
    """Hex of what trains and what judges, with their order."""
    digest = blake2b(repr(shape).encode(), digest_size=16)
    for content in contents:
        raw = b"" if content is None else content.tobytes()
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()
