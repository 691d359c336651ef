"""One picture: from a file of any mode, size and rotation to an array of a given shape."""

from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps

SMALLEST = 4
"""Pixels a side; a smaller picture is not an example."""

_ORIENTATION = 0x0112
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class Header(NamedTuple):
    """What a picture file says about itself before its pixels are decoded."""

    height: int
    width: int
    mode: str
    """Pillow's name: "L", "RGB", "P", "I;16", ..."""
    grey: bool
    """Stored as grey; a colour file that happens to hold only grey pixels is not."""
    alpha: bool
    """There is an alpha channel; it may still be opaque everywhere."""


def read_header(stream: BinaryIO) -> Header:
    """The size, after EXIF rotation, and the kind of pixels.

    Raises:
        Exception: of many types, when it is no picture that can be used; Pillow's decoders agree on none.
    """
    image = Image.open(stream)
    width, height = image.size
    # Looking further than `info` would make Pillow decode a whole PNG to search for a late EXIF block.
    if "exif" in image.info and image.getexif().get(_ORIENTATION, 1) >= 5:
        width, height = height, width
    if min(width, height) < SMALLEST:
        raise ValueError(f"{height}x{width} pixels, smaller than {SMALLEST}x{SMALLEST}")
    if image.mode == "F":
        raise ValueError("32-bit float pixels have no known range")
    grey = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I")
    return Header(height, width, image.mode, grey, image.has_transparency_data)


def decode(stream: BinaryIO) -> Image.Image:
    """Read a picture upright, as 8-bit "L", "LA", "RGB" or "RGBA".

    16-bit grey is divided by 257, which maps 65,535 to 255; CMYK, palettes and the rest become RGB.

    Raises:
        Exception: of many types, as in `read_header`.
    """
    image = Image.open(stream)
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        levels = np.clip(np.asarray(image).astype(np.int64), 0, 65_535)
        return Image.fromarray(((levels + 128) // 257).astype(np.uint8))
    alpha = image.has_transparency_data
    if image.mode in ("1", "L", "LA", "La"):
        return image.convert("LA" if alpha else "L")
    return image.convert("RGBA" if alpha else "RGB")


def transparent(image: Image.Image) -> bool:
    """Whether a decoded picture has a pixel that is not opaque."""
    return image.mode in ("LA", "RGBA") and np.asarray(image.getchannel("A")).min() < 255


def prepare(image: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    """Fit a decoded picture to a shape: crop centrally to its aspect ratio, then resize by antialiased Lanczos.

    Transparent pixels are laid over white when no alpha channel is wanted. When one is, the colours are weighted by
    alpha in resizing, and what lies under a fully transparent pixel becomes white: files hold anything there, and a
    discriminator would see it.

    Args:
        image: of mode "L", "LA", "RGB" or "RGBA".
        shape: (C, H, W) with C of 1, 3 or 4.

    Returns:
        uint8 `(C, H, W)`.
    """
    channels, height, width = shape
    if channels != 4 and image.mode in ("LA", "RGBA"):
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert(image.mode[:-1])
    image = ImageOps.fit(image.convert(_MODES[channels]), (width, height), Image.Resampling.LANCZOS)
    pixels = np.array(image).reshape(height, width, channels)
    if channels == 4:
        pixels[pixels[..., 3] == 0, :3] = 255
    return pixels.transpose(2, 0, 1)
