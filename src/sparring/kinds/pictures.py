"""Pictures: uint8 in any number of channels, from -1 to 1 for the networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image
from torch import Tensor, float32, uint8
from torch.nn.functional import interpolate

from sparring import grids
from sparring.errors import UserError
from sparring.kinds._kind import Kind, register

CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}


@register
@dataclass(frozen=True)
class Pictures:
    """Pictures of one size, stored as uint8 `(N, C, H, W)`.

    Args:
        shape: (C, H, W).
        raw: the channels are not grey, RGB or RGBA but as they were stored: a fourth one hides nothing.
        masked: the last channel is a mask: 0 where the picture is to be completed, 255 elsewhere.
    """

    name: ClassVar[str] = "pictures"
    single: ClassVar[bool] = True
    previewed: ClassVar[int] = 64
    endings: ClassVar[tuple[str, ...]] = (".png", ".npy", ".npz", "")
    mirrors: ClassVar[bool] = True

    shape: tuple[int, int, int]
    raw: bool = False
    masked: bool = False

    def describe(self) -> str:
        """Height, width, channels."""
        channels, height, width = self.shape
        channels -= self.masked
        several = f"with {channels} channel{'s' if channels > 1 else ''}"
        named = several if self.raw else CHANNELS.get(channels, several)
        return f"{height}x{width} {named}{' and a mask' if self.masked else ''}"

    def to_model(self, stored: Tensor) -> Tensor:
        """uint8 -> float32 in [-1, 1]."""
        return stored.to(float32, copy=True).div_(127.5).sub_(1)

    def to_stored(self, x: Tensor) -> Tensor:
        """[-1, 1] -> uint8, rounded and clipped."""
        return x.detach().to("cpu", float32).add(1).mul(127.5).round().clamp(0, 255).to(uint8)

    def to_array(self, stored: Tensor) -> np.ndarray:
        """uint8 `(N, H, W, C)`."""
        return stored.permute(0, 2, 3, 1).contiguous().numpy()

    def view(self, stored: Tensor) -> Tensor:
        """As they are."""
        return stored

    def mirrored(self, stored: Tensor) -> Tensor:
        """Flipped from left to right."""
        return stored.flip(-1)

    def preview(self, made: Tensor, real: Tensor, columns: int | None = None) -> Image.Image:
        """A sheet; of many channels it shows three at most."""
        pictures = self.to_array(made)
        return grids.picture_grid(pictures[..., :3] if self.raw else pictures, columns=columns)

    def write(self, made: Tensor, out: Path, names: Sequence[str], columns: int | None = None) -> None:
        """`.png` one sheet; `.npy` or `.npz` the array `(N, H, W, C)`; a folder has one PNG a picture.

        Raises:
            UserError: a folder, of pictures with other channels than a PNG has.
        """
        pictures = self.to_array(made)
        if out.suffix.lower() == ".png":
            grids.save(self.preview(made, made, columns), out)
        elif out.suffix:
            grids.save_array(pictures, out, names)
        elif self.shape[0] not in CHANNELS:
            problem = f"--out {out}: no PNG file holds a picture with {self.shape[0]} channels"
            raise UserError(problem, f"{out}.npy holds them all; a .png is a sheet of some")
        else:
            for name, picture in zip(names, pictures, strict=True):
                grids.save(grids.as_image(picture), out / f"{name}.png")

    def like(self, stored: Tensor, other: "Pictures") -> Tensor | None:
        """Pictures of this kind as those of another, changed no more than they must be: what doing nothing makes.

        Args:
            stored: `(N, C, H, W)`, of this kind; a mask is left out.
            other: of other channels, where this is grey; enlarged or reduced to its size by bicubic resampling.

        Returns:
            uint8 of the other's shape; None where the channels cannot be.
        """
        shown = stored[:, : self.shape[0] - self.masked]
        if len(shown[0]) == 1 and other.shape[0] == 3:
            shown = shown.expand(-1, 3, -1, -1)
        if len(shown[0]) != other.shape[0] or other.masked:
            return None
        if shown.shape[2:] == other.shape[1:]:
            return shown
        how = {"mode": "bicubic", "antialias": True, "align_corners": False}
        return interpolate(shown.contiguous(), other.shape[1:], **how)

    def parse(self, text: str) -> Tensor:
        """Pictures are translated, not named."""
        raise UserError(f"{text!r} names no picture", "give the picture itself")


def pictured(schema: Mapping[str, Kind], among: Sequence[str]) -> str | None:
    """The first of these columns that holds pictures."""
    return next((column for column in among if isinstance(schema.get(column), Pictures)), None)
