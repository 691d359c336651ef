"""From prepared examples to a data set: hash, hold out, measure the units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

import numpy as np

from sparring.data.dataset import Dataset
from sparring.data.matching import held_out_pairs, match, shuffled
from sparring.data.split import digests, held_out
from sparring.data.storage import gather, keep, parts
from sparring.errors import UserError
from sparring.kinds import Categories, Kind, Pictures, Points

Scale = Literal["auto", "each", "one"]
"""How columns of points are scaled: each by itself, all by one number, or as `UNEVEN` decides."""

UNEVEN = 3.0
"""Columns are scaled each by itself if one's standard deviation is so many times that of another."""

_NAMED = 3  # constant columns named in a note


@dataclass(frozen=True)
class Examples:
    """Prepared examples.

    Args:
        source: its name, for messages.
        examples: uint8 `(N, C, H, W)` or float32 `(N, D)`.
        labels: int64 `(N,)`, or None.
        classes: the labels' names.
        notes: see `Dataset`.
        names: of the files that they are from, one each; empty for arrays.
    """

    source: str
    examples: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    names: tuple[str, ...] = ()


def assemble(found: Examples, scale: Scale = "auto", raw: bool = False) -> Dataset:
    """Split prepared examples into a data set.

    Args:
        found: taken over, and reordered in place.
        scale: of points.
        raw: of pictures.

    Raises:
        UserError: there are not two different examples.
    """
    hashes = _varied(found)
    out = held_out(hashes)
    # in the order of their hashes: sources come sorted, by class or by date, and the first n stand for all
    return _divided(found, hashes, np.flatnonzero(out)[np.argsort(hashes[out], kind="stable")], scale, raw)


def assemble_domains(domains: Sequence[Examples], raw: bool = False) -> list[Dataset]:
    """Split two domains: what is held out of one is held out of the other, where most of their files have one name.

    Args:
        domains: as in `assemble`; pairs are in one order.
        raw: see `assemble`.

    Raises:
        UserError: there are not two different examples in each.
    """
    a, b = domains
    hashes = [_varied(each) for each in domains]
    found = match(a.names, b.names)
    if not found.most() or len(found.a) < 2:
        return [assemble(each, raw=raw) for each in domains]
    pairs = held_out_pairs(found, a.names, *hashes)
    rows = found.a[pairs], found.b[pairs]
    divided = (_divided(each, its, out, raw=raw) for each, its, out in zip(domains, hashes, rows, strict=True))
    return [replace(each, matched=len(pairs)) for each in divided]


def assemble_apart(domains: Sequence[Examples], judges: Sequence[Examples], raw: bool = False) -> list[Dataset]:
    """Two domains whose held-out examples were given.

    Args:
        domains: what trains; see `assemble_domains`.
        judges: what is held out of each; pairs are in one order.
        raw: see `assemble`.

    Raises:
        UserError: there are not two different examples in each domain.
    """
    hashes, own = [_varied(each) for each in domains], [digests(each.examples) for each in judges]
    found = match(*(each.names for each in judges))
    first = shuffled(found, judges[0].names)
    made: list[Dataset] = []
    for train, held, its, digest, rows in zip(
        domains, judges, hashes, own, (found.a[first], found.b[first]), strict=True
    ):
        others = np.setdiff1d(np.arange(len(digest)), rows)
        order = np.concatenate([rows, others[np.argsort(digest[others], kind="stable")]])
        columns = {"x": train.examples}, {"x": gather(held.examples, order)}
        if train.labels is not None and held.labels is not None and train.classes == held.classes:
            columns[0]["y"], columns[1]["y"] = train.labels, held.labels[order]
        made.append(replace(_dataset(train, *columns, its, digest[order], raw=raw), matched=len(rows)))
    return made


def _varied(found: Examples) -> np.ndarray:
    """The hashes of examples of which at least two differ."""
    count, source = len(found.examples), found.source
    if count < 2:
        raise UserError(f"{source} holds one single example", "a GAN needs at least 2, and a few hundred to learn much")
    hashes = digests(found.examples)
    if (hashes == hashes[0]).all():
        raise UserError(f"all {count} examples of {source} are the same", "a GAN needs at least 2 that differ")
    return hashes


def _divided(
    found: Examples, hashes: np.ndarray, judges: np.ndarray, scale: Scale = "auto", raw: bool = False
) -> Dataset:
    """What is held out are the rows `judges`, in that order."""
    trains = np.ones(len(hashes), bool)
    trains[judges] = False
    kept = {"x": gather(found.examples, judges)}  # before the others move to the front, in place
    train = {"x": keep(found.examples, trains)}
    if found.labels is not None:
        train["y"], kept["y"] = found.labels[trains], found.labels[judges]
    return _dataset(found, train, kept, hashes[trains], hashes[judges], scale, raw)


def _dataset(
    found: Examples,
    train: dict[str, np.ndarray],
    kept: dict[str, np.ndarray],
    trained: np.ndarray,
    judged: np.ndarray,
    scale: Scale = "auto",
    raw: bool = False,
) -> Dataset:
    """Columns that are divided already, with the hashes of both parts."""
    shape = found.examples.shape[1:]
    if len(shape) == 3:
        kind, said = Pictures(shape, raw), ()
    else:
        kind, said = _standard(train["x"], scale)
    schema: dict[str, Kind] = {"x": kind}
    if "y" in train:
        schema["y"] = Categories(found.classes)
    fingerprint = _fingerprint(shape, trained, judged, train.get("y"), kept.get("y"))
    return Dataset(schema, train, kept, False, found.notes + said, fingerprint)


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
