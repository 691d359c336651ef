"""Pictures small enough to lie inside a page."""

import io
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file

from sparring.kinds import Kind, Schema

MOST_SHEETS = 40
COLUMNS = 8
"""Of the strip that follows single samples through the rounds."""

LARGEST = 800
"""Pixels on the longer side of a picture in the page."""

SHEETS_BYTES, STRIP_BYTES = 2_700_000, 240_000
"""Of all sheets, and of the strip, together: base64 makes them a third larger."""


@dataclass(frozen=True)
class Picture:
    """A picture in the page.

    Args:
        round: when it was drawn.
        source: a data URI.
        width: pixels.
        height: pixels.
    """

    round: int
    source: str
    width: int
    height: int


def embedded(image: Image.Image, limit: int, round: int = 0) -> Picture:
    """A picture as WebP: without loss where it fits, else with as little as it takes, else smaller.

    Args:
        image: grey, RGB or RGBA.
        limit: bytes, before base64.
        round: when it was drawn.
    """
    image = image.copy() if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    while True:
        for how in ({"lossless": True, "quality": 40}, {"quality": 90}, {"quality": 75}, {"quality": 50}):
            file = io.BytesIO()
            image.save(file, "WEBP", method=2, **how)
            if file.tell() <= limit or max(image.size) <= 8:
                source = "data:image/webp;base64," + b64encode(file.getvalue()).decode("ascii")
                return Picture(round, source, image.width, image.height)
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.LANCZOS)


def evenly(n: int, most: int) -> list[int]:
    """Indices of at most so many of n things, the first and the last among them.

    Examples:
        >>> evenly(3, 8), evenly(100, 4)
        ([0, 1, 2], [0, 33, 66, 99])
    """
    return sorted({round(k) for k in np.linspace(0, n - 1, min(n, most))}) if n else []


def sheets_and_strip(files: Sequence[tuple[int, Path]], kind: Kind) -> tuple[list[Picture], list[Picture]]:
    """The previews of samples, and the same few samples at a few rounds, below one another.

    Args:
        files: (round, preview), as the run drew them; one that cannot be read is left out.
        kind: of the samples. Where single samples cannot be looked at, the strip is the previews themselves, smaller.

    Returns:
        At most `MOST_SHEETS` sheets, and at most `COLUMNS` columns of a few samples each.
    """
    found = [(files[k][0], both) for k in evenly(len(files), MOST_SHEETS) if (both := _read(files[k][1], kind))]
    columns = [found[k] for k in evenly(len(found), COLUMNS)]
    sheets = [embedded(sheet, SHEETS_BYTES // len(found), round) for round, (sheet, _) in found]
    return sheets, [embedded(column, STRIP_BYTES // len(columns), round) for round, (_, column) in columns]


def ends(files: Sequence[tuple[int, Path]], schema: Schema, makes: str) -> tuple[Picture | None, Picture | None]:
    """What the samples of the strip were made from, and what they ought to be, below one another; None for none.

    Args:
        files: see `sheets_and_strip`.
        schema: of the run's data.
        makes: the column of the samples.
    """
    found: dict[str, Picture] = {}
    with suppress(OSError, SafetensorError, IndexError):
        for name, few in load_file(files[-1][1].with_suffix(".safetensors")).items():
            what, _, column = name.partition(".")
            kind = schema.get(column or makes)
            if kind is not None and what != "samples":
                found[what] = embedded(kind.preview(few, few, columns=1), STRIP_BYTES // COLUMNS)
    return found.get("given"), found.get("truth")


def _read(path: Path, kind: Kind) -> tuple[Image.Image, Image.Image] | None:
    """A preview, and its first samples below one another; None if either is damaged."""
    try:
        with Image.open(path) as image:
            image.load()
            if not kind.single:
                return image.copy(), image.resize((240, 240), Image.Resampling.BOX)
            few = load_file(path.with_suffix(".safetensors"))["samples"]
            return image.copy(), kind.preview(few, few, columns=1)
    except (OSError, SyntaxError, ValueError, KeyError, SafetensorError, Image.DecompressionBombError):
        return None
