"""Single pictures at their own size, laid out as a run's networks take them."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps

from sparring.data.derived import holed
from sparring.data.fitted import surveyed
from sparring.data.framing import Survey, range_of
from sparring.data.pictures import decode, prepare, prepare_raw
from sparring.data.reading import Unreadable, read_all, skipped
from sparring.errors import UserError
from sparring.kinds import Pictures

OPAQUE = 128
"""Alpha from which on a pixel is known, where alpha says what is to be completed."""


class Laid(NamedTuple):
    """A picture as the networks take it.

    Args:
        picture: uint8 `(C, H, W)`.
        alpha: uint8 `(H, W)`, that of the picture where the networks do not see it; None where it has none or they do.
    """

    picture: np.ndarray
    alpha: np.ndarray | None


def laid_out(picture: np.ndarray | Image.Image, kind: Pictures, size: tuple[int, int]) -> Laid:
    """Bring a picture to the channels of a kind, and to a size.

    Without an alpha channel transparent pixels are laid over white, and their alpha is kept apart. Where the kind has a
    mask, alpha is the mask: transparent pixels are those to be completed.

    Args:
        picture: decoded, or uint8 `(C, H, W)`.
        kind: gives the channels.
        size: (height, width); other sizes are fitted as training data is.

    Raises:
        UserError: the channels cannot become those of the kind.
    """
    channels = kind.shape[0] - kind.masked
    if kind.raw or channels not in (1, 3, 4):
        pixels = np.asarray(picture) if isinstance(picture, Image.Image) else picture.transpose(1, 2, 0)
        stored = 1 if pixels.ndim == 2 else pixels.shape[2]
        if stored != channels or kind.masked:
            raise UserError(f"a picture with {stored} channels is not {kind.describe()}", "give an array that is")
        return Laid(prepare_raw(np.ascontiguousarray(pixels), (channels, *size)), None)
    image = picture if isinstance(picture, Image.Image) else _image(picture)
    clear = image.mode in ("LA", "RGBA")
    alpha = (
        np.asarray(ImageOps.fit(image.getchannel("A"), (size[1], size[0]), Image.Resampling.LANCZOS)) if clear else None
    )
    if not kind.masked:
        shown = prepare(image, (channels, *size))
        return Laid(shown, None if channels == 4 or alpha is None or alpha.min() == 255 else alpha)
    opaque = image.convert("RGB" if image.mode == "RGBA" else "L") if clear else image
    known = prepare(opaque, (channels, *size))
    hidden = np.zeros(size, bool) if alpha is None else alpha < OPAQUE
    return Laid(holed(torch.from_numpy(known)[None], torch.from_numpy(hidden)[None])[0].numpy(), None)


def _image(picture: np.ndarray) -> Image.Image:
    pixels = np.ascontiguousarray(picture.transpose(1, 2, 0))
    if pixels.shape[2] not in (1, 3, 4):
        raise UserError(f"a picture with {pixels.shape[2]} channels is not grey, RGB or RGBA", "give one that is")
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def with_alpha(picture: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """A picture with alpha put back.

    Args:
        picture: uint8 `(H, W, C)`.
        alpha: uint8 of any size, which is resized; None leaves the picture as it is.
    """
    if alpha is None or picture.shape[2] not in (1, 3):
        return picture
    height, width, channels = picture.shape
    resized = Image.fromarray(alpha).resize((width, height), Image.Resampling.LANCZOS)
    colors = picture.repeat(3, axis=2) if channels == 1 else picture
    return np.concatenate([colors, np.asarray(resized)[..., None]], axis=2)


def read_whole(part: Survey, rows: Sequence[int]) -> list[Image.Image | Unreadable]:
    """Decode some of the pictures of a survey, upright; each is a function of its own file alone."""
    entries = [part.entries[row] for row in rows]

    def work(index: int, stream: BinaryIO) -> Image.Image:
        row = rows[index]
        one = Survey(part.listing, [part.entries[row]], [part.headers[row]], [])
        image = decode(stream, span=range_of([one])[0])
        image.load()
        return image

    return read_all(entries, work, [part.pixels[row] for row in rows])


def pictures_of(source: str | Path) -> tuple[Survey, tuple[str, ...]]:
    """The pictures of a file, a folder or a zip, and notes on the files that are passed over; see `read_fitted`."""
    part = surveyed(source)
    return part, skipped(part.unreadable)
