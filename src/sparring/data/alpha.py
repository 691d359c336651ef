"""What is said of transparent pixels: which files have them, and what is lost beneath them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from sparring.data.pictures import hides_colors, transparent


class Alpha(NamedTuple):
    """What a file's alpha channel holds.

    Args:
        transparent: some pixel is not opaque.
        hides: the fully transparent pixels are of several colours: perhaps data, which `prepare` makes white.
    """

    transparent: bool = False
    hides: bool = False


def alpha_of(images: Iterable[Image.Image]) -> Alpha:
    """The alpha of a file's frames together; each is looked at once."""
    found = Alpha()
    for image in images:
        if transparent(image):
            found = Alpha(True, found.hides or hides_colors(image))
    return found


def alpha_notes(names: Sequence[str], found: Sequence[Alpha], unasked: bool) -> tuple[str, ...]:
    """Notes for pictures that are read with four channels.

    Args:
        names: of the files.
        found: the alpha of each.
        unasked: the fourth channel was not asked for, but is there because of these files.
    """
    notes = ()
    several = [name for name, alpha in zip(names, found, strict=True) if alpha.transparent]
    if unasked and 0 < len(several) < len(names):
        which = f"{len(several):,} of {len(names):,} files with transparent pixels ({_named(several)})"
        notes += (f"4 channels because of {which}; --channels 3 lays them over white",)
    hiding = [name for name, alpha in zip(names, found, strict=True) if alpha.hides]
    if hiding:
        where = f"{len(hiding):,} of {len(names):,} files ({_named(hiding)})"
        notes += (hidden_note(where),)
    return notes


def hidden_note(where: str) -> str:
    """The note where colours were lost, which are data if the fourth channel is no alpha."""
    return f"the colours under fully transparent pixels became white in {where}; values of 1 to 255 keep them"


def hiding_colors(pictures: np.ndarray) -> int:
    """How many pictures of uint8 `(n, H, W, C)` have fully transparent pixels of several colours."""
    if pictures.shape[3] != 4:
        return 0
    clear = (pictures[..., 3:] == 0).reshape(len(pictures), -1, 1)
    colors = pictures[..., :3].reshape(len(pictures), -1, 3)
    highest = np.where(clear, colors, 0).max(axis=1)
    lowest = np.where(clear, colors, 255).min(axis=1)
    return int((lowest < highest).any(axis=1).sum())


def _named(names: Sequence[str]) -> str:
    return names[0] + (", ..." if len(names) > 1 else "")
