"""Colour pictures of a size: emoji, and photographs that two Debian packages hold.

    apt-get download lomiri-wallpapers-16.04 mate-backgrounds
    for package in *.deb; do dpkg-deb -x $package photographs; done
    export SPARRING_PHOTOGRAPHS=photographs SPARRING_EMOJI=FOLDER

`SPARRING_EMOJI` names the folder of emoji-google.zip and emoji-twitter.zip.

Of lomiri-wallpapers-16.04 (20.04.0-2) 13 photographs are taken, under CC BY 4.0, CC BY-SA 4.0 and CC0 1.0, and of
mate-backgrounds (1.26.0-1) the 12 of its folder `nature`, under GPL 2 or later; authors stand in the packages'
`copyright`. Crops of the left half of a photograph are trained on, crops of the right half are compared with: no pixel
is on both sides.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.small import pictures as emoji_of

DRAWN = ("analogpattern_by_Peter_Nerlich.jpg", "umang_by_Abhishek_Mudgal.jpg")
"""Of the packages, but no photographs."""

CROPS = 40
"""Of a photograph that are trained on."""

Sides = tuple[np.ndarray, np.ndarray, np.ndarray]
"""uint8 `(N, side, side, 3)` each: what is trained on, what samples are compared with, and for the floor as many that a
generator without a fault might make."""


def emoji(side: int, n: int) -> Sides:
    """Google's: n of them are compared with; one thing at most, in several tones of skin, is on both sides.

    The floor is that of pictures that were trained on.
    """
    rng = np.random.default_rng(0)
    _, others = emoji_of("google", side, 0)  # thing by thing
    kept, known = others[:n], others[n:]
    return _channels_last(known), _channels_last(kept), _channels_last(known[rng.permutation(len(known))[:n]])


def _channels_last(pictures: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))


def photographs(side: int, n: int) -> Sides:
    """Square crops of a fifth to three quarters of a half; the floor is that of other crops of left halves."""
    folder = os.environ.get("SPARRING_PHOTOGRAPHS")
    assert folder, "SPARRING_PHOTOGRAPHS=FOLDER of the two packages, unpacked; see benchmarks/colour/pictures.py"
    found = [*Path(folder).rglob("backgrounds/*.jpg"), *Path(folder).rglob("mate/nature/*.jpg")]
    files = sorted((path for path in found if path.name not in DRAWN), key=lambda path: path.name)
    assert len(files) == 25, f"{len(files)} photographs in {folder}, not 25"
    rng, sides = np.random.default_rng(0), ([], [], [])
    for k, path in enumerate(files):
        with Image.open(path) as image:
            whole = image.convert("RGB")
        middle = whole.width // 2
        left, right = whole.crop((0, 0, middle, whole.height)), whole.crop((middle, 0, whole.width, whole.height))
        share = len(range(k, n, len(files)))  # of n, over all photographs
        for to, half, count in zip(sides, (left, right, left), (CROPS, share, share), strict=True):
            to += [_cropped(half, side, rng) for _ in range(count)]
    known, kept, fresh = (np.stack(each) for each in sides)
    return known, kept, fresh


def _cropped(half: Image.Image, side: int, rng: np.random.Generator) -> np.ndarray:
    length = max(side, round(rng.uniform(0.2, 0.75) * min(half.size)))
    left, top = (int(rng.integers(0, whole - length + 1)) for whole in half.size)
    crop = half.crop((left, top, left + length, top + length))
    return np.asarray(crop.resize((side, side), Image.Resampling.LANCZOS))


SETS: dict[str, Callable[[int, int], Sides]] = {"emoji": emoji, "photographs": photographs}
