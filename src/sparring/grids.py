"""Samples as files, and as one picture: a grid of pictures, or a scatter of points."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.errors import UserError, writing

BACKGROUND, REAL, FAKE = (250, 250, 248), (170, 170, 170), (200, 60, 20)


def picture_grid(pictures: np.ndarray, gap: int = 2, smallest: int = 56, columns: int | None = None) -> Image.Image:
    """Pictures side by side, as square a sheet as they make.

    Args:
        pictures: uint8 `(N, H, W, C)`; see `as_image` for the channels.
        gap: pixels between them.
        smallest: pictures with a shorter side are magnified by a whole factor to at least this.
        columns: pictures in a row.

    Returns:
        A grey, RGB or RGBA picture.
    """
    factor = max(1, math.ceil(smallest / min(pictures.shape[1:3])))
    pictures = pictures.repeat(factor, axis=1).repeat(factor, axis=2)
    n, height, width, channels = pictures.shape
    across = columns or min(n, math.ceil(math.sqrt(n * height / width)))
    rows = math.ceil(n / across)
    sheet = np.zeros((rows * (height + gap) - gap, across * (width + gap) - gap, channels), np.uint8)
    for k, picture in enumerate(pictures):
        top, left = k // across * (height + gap), k % across * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return as_image(sheet)


def beside(*columns: np.ndarray, gap: int = 2) -> np.ndarray:
    """Pictures of several arrays side by side, row by row; the lower ones are magnified to the height of the highest.

    Args:
        columns: uint8 `(N, H, W, C)`, of any sizes and channels.
        gap: pixels between them.

    Returns:
        uint8 `(N, H, W, C)`, RGB, or RGBA where one of them is not opaque.
    """
    shown = [_shown(column) for column in columns]
    height = max(each.shape[1] for each in shown)
    clear = any(each.shape[3] == 4 for each in shown)
    parts: list[np.ndarray] = []
    for each in shown:
        whole = np.stack([_magnified(picture, height) for picture in each])
        if clear and whole.shape[3] == 3:
            whole = np.concatenate([whole, np.full_like(whole[..., :1], 255)], axis=3)
        parts += [whole, np.zeros((len(whole), height, gap, whole.shape[3]), np.uint8)]
    return np.concatenate(parts[:-1], axis=2)


def _shown(pictures: np.ndarray) -> np.ndarray:
    """As RGB or RGBA; a second channel of two is alpha, of five and more three are shown."""
    channels = pictures.shape[3]
    colors = pictures[..., :1].repeat(3, axis=3) if channels in (1, 2) else pictures[..., :3]
    return np.concatenate([colors, pictures[..., -1:]], axis=3) if channels in (2, 4) else colors


def _magnified(picture: np.ndarray, height: int) -> np.ndarray:
    if height % len(picture) == 0:
        factor = height // len(picture)
        return picture.repeat(factor, axis=0).repeat(factor, axis=1)
    size = round(picture.shape[1] * height / len(picture)), height
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def as_image(picture: np.ndarray) -> Image.Image:
    """uint8 `(H, W, C)` as grey, RGB or RGBA; of two channels the first is shown, of five and more the first three."""
    channels = picture.shape[2]
    if channels in (1, 2):
        return Image.fromarray(picture[:, :, 0])
    return Image.fromarray(picture if channels == 4 else np.ascontiguousarray(picture[:, :, :3]))


def scatter(fake: np.ndarray, real: np.ndarray, side: int = 480) -> Image.Image:
    """Generated points in orange over real ones in grey; the window is the reals' range and a tenth more.

    Args:
        fake: `(N, D)`; the first two dimensions are drawn (the first one over the index where there is one only).
        real: `(M, D)`.
        side: pixels.

    Raises:
        UserError: no real point is finite.
    """
    fake, real = (np.column_stack([np.arange(len(p)) / len(p), p]) if p.shape[1] == 1 else p for p in (fake, real))
    fake, real = (p[np.isfinite(p).all(1), :2].astype(np.float64) for p in (fake, real))
    if not len(real):
        raise UserError("there is no finite point to draw", "the samples are NaN or infinite: did the run diverge?")
    low, high = real.min(0), real.max(0)
    margin = 0.1 * (high - low).max() + 1e-9
    scale = (side - 1) / ((high - low).max() + 2 * margin)
    sheet = np.full((side, side, 3), BACKGROUND, np.uint8)
    for points, colour in ((real, REAL), (fake, FAKE)):
        place = (points - (low + high) / 2) * scale + side / 2
        across, up = np.clip(place, -9, side + 9).round().astype(int).T
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            x, y = across + dx, side - 1 - up - dy
            inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
            sheet[y[inside], x[inside]] = colour
    return Image.fromarray(sheet)


def save(image: Image.Image, out: Path) -> None:
    """Write a picture, and the folders above it.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        image.save(out)


def save_array(samples: np.ndarray, out: Path, names: Sequence[str]) -> None:
    """Write an array as `.npy`, or with the samples' names as `.npz`.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("wb") as file:  # by name, numpy would add an ending of its own to .NPY
            if out.suffix.lower() == ".npz":
                np.savez_compressed(file, samples=samples, names=np.array(names))
            else:
                np.save(file, samples)


def save_rows(samples: np.ndarray, out: Path) -> None:
    """Write `(N, D)` as lines of numbers with commas between them.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(out, samples, delimiter=",", fmt="%.9g")
