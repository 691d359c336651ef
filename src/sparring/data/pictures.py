"""One picture: from a file of any mode, size and rotation to an array of a given shape."""

from collections.abc import Iterator
from functools import cache
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from sparring.data.ranges import WORDS, Range, to_bytes

SMALLEST = 4
"""Pixels a side; a smaller picture is not an example."""

FORMATS = ("AVIF", "BMP", "DDS", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI", "SGI")
FORMATS += ("TGA", "TIFF", "WEBP")
"""Pillow's names of what is read. What runs a program (EPS: Ghostscript) or needs one is not, whatever a file says."""

LARGE = 1 << 24
"""Pixels from which on a JPEG is decoded at a half, a quarter or an eighth of its size, if that is enough."""

_ANIMATED = ("AVIF", "GIF", "PNG", "TIFF", "WEBP")  # the layers of other formats are not frames
_ORIENTATION = 0x0112
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


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
    frames: int = 1
    """Of an animation, or pages of a TIFF; all else is about the first."""

    @property
    def channels(self) -> int:
        """As they are stored."""
        return (1 if self.grey else 3) + self.alpha

    @property
    def deep(self) -> bool:
        """More than 8 bits of grey."""
        return _deep(self.mode)


@cache
def endings() -> frozenset[str]:
    """Of file names that promise a picture: ".png", ".jpg", ..."""
    return frozenset(ending for ending, kind in Image.registered_extensions().items() if kind in FORMATS)


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(kind for kind in FORMATS if kind in Image.OPEN)  # some depend on how Pillow was built


def read_header(stream: BinaryIO, floats: bool = False) -> Header:
    """The size, after EXIF rotation, and the kind of pixels.

    Args:
        stream: a picture file.
        floats: accept pixels of 32-bit floats, whose range is known.

    Raises:
        Exception: of many types, when it is no picture that can be used; Pillow's decoders agree on none.
    """
    image = Image.open(stream, formats=_formats())
    width, height = image.size
    # Looking further than `info` would make Pillow decode a whole PNG to search for a late EXIF block.
    if "exif" in image.info and image.getexif().get(_ORIENTATION, 1) >= 5:
        width, height = height, width
    _check(image)
    if image.mode == "F" and not floats:
        raise ValueError("32-bit float pixels have no known range; range=LOW,HIGH gives one")
    grey = image.mode in ("1", "L", "LA", "La") or _deep(image.mode)
    return Header(height, width, image.mode, grey, image.has_transparency_data, _count_frames(image))


def _count_frames(image: Image.Image) -> int:
    if image.format not in _ANIMATED:
        return 1
    try:
        return getattr(image, "n_frames", 1)
    except Exception:  # a file that breaks off behind its first frame still has that one
        return 1


def decode(stream: BinaryIO, near: tuple[int, int] | None = None, span: Range = WORDS) -> Image.Image:
    """Read the first frame of a picture; see `frames`."""
    return next(frames(stream, 1, near, span))


def frames(
    stream: BinaryIO, count: int, near: tuple[int, int] | None = None, span: Range = WORDS
) -> Iterator[Image.Image]:
    """Read the first `count` frames upright, as 8-bit "L", "LA", "RGB" or "RGBA".

    CMYK, palettes and the rest become RGB.

    Args:
        stream: a picture file.
        count: at most as many as it has.
        near: height and width that the picture will be brought to; saves memory where it is much larger (`LARGE`).
        span: of greys of more than 8 bits, the values that become 0 and 255.

    Raises:
        Exception: of many types, as in `read_header`.
    """
    return (plain(image, span) for image in _upright(stream, count, near))


def extrema(stream: BinaryIO, count: int) -> Range:
    """The smallest and the largest value of the first `count` frames, as they are stored; colours as RGB, no alpha."""
    lows, highs = [], []
    for image in _upright(stream, count):
        if _deep(image.mode):
            values = np.asarray(image)
            lows.append(float(values.min()))
            highs.append(float(values.max()))
        else:
            shown = plain(image)
            bands = shown.getbands()[: -1 if shown.mode in ("LA", "RGBA") else None]
            found = [shown.getchannel(band).getextrema() for band in bands]
            lows += [low for low, _ in found]
            highs += [high for _, high in found]
    return min(lows), max(highs)


def _upright(stream: BinaryIO, count: int, near: tuple[int, int] | None = None) -> Iterator[Image.Image]:
    image = Image.open(stream, formats=_formats())
    if near and image.width * image.height > LARGE:
        # no smaller than twice what is needed: resizing does the rest, as good as from the whole
        image.draft(None, (2 * max(near), 2 * max(near)))
    for frame in range(count):
        if frame:
            image.seek(frame)
            _check(image)
        if count == 1:
            ImageOps.exif_transpose(image, in_place=True)  # otherwise a copy, even of what stands upright
            yield image
        else:
            yield ImageOps.exif_transpose(image)


def _check(image: Image.Image) -> None:
    if min(image.size) < SMALLEST:
        raise ValueError(f"{image.height}x{image.width} pixels, smaller than {SMALLEST}x{SMALLEST}")


def _deep(mode: str) -> bool:
    return mode.startswith(("I", "F"))


def plain(image: Image.Image, span: Range = WORDS) -> Image.Image:
    """A picture of any mode as 8-bit "L", "LA", "RGB" or "RGBA"; `span` is as in `frames`.

    Raises:
        ValueError: pixels that are not finite.
    """
    if _deep(image.mode):
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise ValueError("pixels that are not finite")
        return Image.fromarray(to_bytes(values, span))
    alpha = image.has_transparency_data
    if image.mode in ("1", "L", "LA", "La"):
        return _converted(image, "LA" if alpha else "L")
    return _converted(image, "RGBA" if alpha else "RGB")


def half_of(image: Image.Image, half: int) -> Image.Image:
    """The left half of a picture, 0, or the right one, 1."""
    width = image.width // 2
    left = half * (image.width - width)
    return image.crop((left, 0, left + width, image.height))


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # which would copy all the same


def transparent(image: Image.Image) -> bool:
    """Whether a decoded picture has a pixel that is not opaque."""
    return image.mode in ("LA", "RGBA") and bool(np.asarray(image.getchannel("A")).min() < 255)


def hides_colors(image: Image.Image) -> bool:
    """Whether the fully transparent pixels of a decoded picture are of several colours, which `prepare` makes white."""
    if not transparent(image):
        return False
    hidden = image.getchannel("A").point([255] + [0] * 255)
    counts = np.array(image.histogram(hidden)).reshape(-1, 256)[:-1]  # of each value, a row a channel
    return bool(((counts > 0).sum(axis=1) > 1).any())


def prepare_raw(picture: Image.Image | np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Fit a picture as in `prepare`, each channel by itself: none is taken for alpha.

    Args:
        picture: decoded, or uint8 `(H, W, C)`.
        shape: (C, H, W).

    Returns:
        uint8 `(C, H, W)`.
    """
    channels, height, width = shape
    if isinstance(picture, Image.Image):
        picture = np.asarray(_converted(picture, _MODES[channels]))
    pixels = picture.reshape(*picture.shape[:2], channels)
    if pixels.shape[:2] == (height, width):
        return pixels.transpose(2, 0, 1)
    bands = [Image.fromarray(np.ascontiguousarray(pixels[..., k])) for k in range(channels)]
    return np.stack([np.asarray(ImageOps.fit(band, (width, height), Image.Resampling.LANCZOS)) for band in bands])


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
        # resized before it is laid over white, which comes to the same: large pictures are not copied thrice
        image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert(image.mode[:-1])
    image = ImageOps.fit(_converted(image, _MODES[channels]), (width, height), Image.Resampling.LANCZOS)
    pixels = np.array(image).reshape(height, width, channels)
    if channels == 4:
        pixels[pixels[..., 3] == 0, :3] = 255
    return pixels.transpose(2, 0, 1)
