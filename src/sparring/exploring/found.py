"""What searches found, as files."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch

from sparring.data import Fitted
from sparring.errors import writing
from sparring.exploring.animation import save_images
from sparring.exploring.projecting import Nearest
from sparring.kinds import Pictures

PAIRS = 4
"""In a row of a sheet, at most."""


def save_nearest(kind: Pictures, wanted: Sequence[Fitted], found: Sequence[Nearest], out: Path) -> None:
    """Write what was found.

    Args:
        kind: of the samples.
        wanted: the pictures.
        found: one for each.
        out: `.png`, each picture beside its nearest sample; `.npz`, `samples`, `pictures`, `names`, `z`, `distances`
            and `given_...`; or a folder, one sample a file, named after the pictures.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    made = torch.cat([each.made for each in found])
    pictures = torch.from_numpy(np.stack([each.picture for each in wanted]))
    if out.suffix.lower() == ".png":
        pairs = torch.stack([pictures, made], 1).flatten(0, 1)
        kind.write(pairs, out, [], columns=2 * min(PAIRS, len(found)))
    elif not out.suffix:
        kind.write(made, out, _names(wanted))
    else:
        given = {f"given_{name}": torch.cat([each.given[name] for each in found]) for name in found[0].given}
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(
                out,
                allow_pickle=False,
                samples=kind.to_array(made),
                pictures=kind.to_array(pictures),
                names=np.array([each.name for each in wanted]),
                z=torch.stack([each.z for each in found]).numpy(),
                distances=np.array([each.distance for each in found]),
                **{name: column.numpy() for name, column in given.items()},
            )


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
