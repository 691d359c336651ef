"""Samples as files, and as one picture: a grid of pictures, or a scatter of points."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.errors import UserError, writing

BACKGROUND, REAL, FAKE = (250, 250, 248), (170, 170, 170), (200, 60, 20)


def picture_grid(pictures: np.ndarray, gap: int = 2, smallest: int = 56) -> Image.Image:
    """Pictures side by side, as square a sheet as they make.

    Args:
        pictures: uint8 `(N, H, W, C)` with 1, 3 or 4 channels.
        gap: pixels between them.
        smallest: pictures with a shorter side are magnified by a whole factor to at least this.

    Returns:
        A grey, RGB or RGBA picture.
    """
    factor = _factor(pictures.shape[1], pictures.shape[2], smallest)
    pictures = pictures.repeat(factor, axis=1).repeat(factor, axis=2)
    n, height, width, channels = pictures.shape
    columns = _columns(n, height, width)
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), np.uint8)
    for k, picture in enumerate(pictures):
        top, left = k // columns * (height + gap), k % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet)


def cut(sheet: Image.Image, n: int, height: int, width: int, gap: int = 2, smallest: int = 56) -> np.ndarray:
    """Undo `picture_grid`.

    Args:
        sheet: what it drew.
        n: of how many pictures.
        height: of each.
        width: of each.
        gap: pixels between them.
        smallest: as it was drawn with.

    Returns:
        uint8 `(n, height, width, C)`.

    Raises:
        ValueError: it is no sheet of n such pictures.
    """
    factor = _factor(height, width, smallest)
    down, right = height * factor, width * factor
    columns = _columns(n, down, right)
    rows = math.ceil(n / columns)
    if sheet.size != (columns * (right + gap) - gap, rows * (down + gap) - gap):
        raise ValueError(f"a picture of {sheet.width}x{sheet.height} is no sheet of {n} pictures")
    pixels = np.asarray(sheet).reshape(sheet.height, sheet.width, -1)
    corners = [(k // columns * (down + gap), k % columns * (right + gap)) for k in range(n)]
    return np.stack([pixels[y : y + down : factor, x : x + right : factor] for y, x in corners])


def _factor(height: int, width: int, smallest: int) -> int:
    return max(1, math.ceil(smallest / min(height, width)))


def _columns(n: int, height: int, width: int) -> int:
    return min(n, math.ceil(math.sqrt(n * height / width)))


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


def check_ending(out: Path) -> None:
    """Refuse a file that samples cannot be written to, before they are drawn.

    Raises:
        UserError: its ending is none of .png, .npy, .npz or nothing.
    """
    if out.suffix.lower() not in ("", ".png", ".npy", ".npz"):
        raise UserError(f"--out {out}: cannot write samples as {out.suffix}", ".png, .npy, .npz, or a folder")


def write_samples(samples: np.ndarray, out: Path, seeds: Sequence[int]) -> None:
    """Write samples by the ending of `out`.

    Args:
        samples: uint8 `(N, H, W, C)`, or float32 `(N, D)`.
        out: `.png` one sheet; `.npy` or `.npz` the array; without an ending a folder, one PNG a picture, or one
            `samples.csv` for points.
        seeds: one a sample; a PNG is named after its own.

    Raises:
        UserError: another ending.
    """
    check_ending(out)
    with writing(out):
        _write(samples, out, seeds)


def _write(samples: np.ndarray, out: Path, seeds: Sequence[int]) -> None:
    ending = out.suffix.lower()
    out.parent.mkdir(parents=True, exist_ok=True)
    if ending == ".npy":
        with out.open("wb") as file:  # by name, numpy would add an ending of its own to .NPY
            np.save(file, samples)
    elif ending == ".npz":
        with out.open("wb") as file:
            np.savez_compressed(file, samples=samples, seeds=np.array(seeds))
    elif ending == ".png":
        (picture_grid(samples) if samples.ndim == 4 else scatter(samples, samples)).save(out)
    elif samples.ndim == 2:
        out.mkdir(exist_ok=True)
        np.savetxt(out / "samples.csv", samples, delimiter=",", fmt="%.9g")
    else:
        out.mkdir(exist_ok=True)
        for seed, picture in zip(seeds, samples, strict=True):
            Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).save(out / f"seed{seed:06d}.png")
