"""Pictures beside the samples that were found for them, as files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from sparring.data import Fitted
from sparring.errors import writing
from sparring.exploring.animation import save_images
from sparring.exploring.projecting import Nearest
from sparring.kinds import Pictures

PAIRS = 4
"""In a row of a sheet, at most."""


def save_nearest(kind: Pictures, wanted: Sequence[Fitted], found: Sequence[Nearest], out: Path) -> None:
    """Write what searches found, one for each picture, as `save_beside` does.

    An `.npz` has `z`, `distances` and `given_...` too.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    given = {f"given_{name}": torch.cat([each.given[name] for each in found]).numpy() for name in found[0].given}
    more = {"z": torch.stack([each.z for each in found]).numpy(), "distances": np.array([e.distance for e in found])}
    save_beside(kind, wanted, torch.cat([each.made for each in found]), out, more | given)


def save_beside(
    kind: Pictures, wanted: Sequence[Fitted], made: Tensor, out: Path, more: Mapping[str, np.ndarray]
) -> None:
    """Write samples and the pictures that they are of.

    Args:
        kind: of the samples.
        wanted: the pictures.
        made: a stored sample for each.
        out: `.png`, each picture beside its sample; `.npz`, `samples`, `pictures`, `names` and `more`; or a folder, one
            sample a file, named after the pictures.
        more: arrays by name.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    pictures = pictures_of(wanted)
    if out.suffix.lower() == ".png":
        kind.write(torch.stack([pictures, made], 1).flatten(0, 1), out, [], columns=2 * min(PAIRS, len(made)))
    elif not out.suffix:
        kind.write(made, out, _names(wanted))
    else:
        save_arrays(wanted, out, samples=kind.to_array(made), pictures=kind.to_array(pictures), **more)


def save_arrays(wanted: Sequence[Fitted], out: Path, **arrays: np.ndarray) -> None:
    """Write arrays with a row for each picture, and the pictures' `names`, as `.npz`.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("wb") as file:  # by name, numpy would add an ending of its own to .NPZ
            np.savez_compressed(file, allow_pickle=False, names=np.array([each.name for each in wanted]), **arrays)


def pictures_of(wanted: Sequence[Fitted]) -> Tensor:
    """Stored, `(N, C, H, W)`."""
    return torch.from_numpy(np.stack([each.picture for each in wanted]))


def _names(wanted: Sequence[Fitted]) -> list[str]:
    """Of files: as the pictures', those in sub-folders too, and different from one another."""
    names = [str(PurePosixPath(each.name).with_suffix("")).replace("/", "_") for each in wanted]
    twice = {name for name, count in Counter(names).items() if count > 1}
    return [f"{name}-{k}" if name in twice else name for k, name in enumerate(names)]


def save_search(kind: Pictures, wanted: Fitted, found: Nearest, out: Path) -> None:
    """Write the search as an animation: the picture, and beside it what the best start made.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    picture = torch.from_numpy(wanted.picture)
    pairs = [torch.stack([picture, frame]) for frame in found.frames]
    save_images([kind.preview(pair, pair, 2) for pair in pairs], out, hold=2.0)
