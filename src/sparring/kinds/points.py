"""Points: rows of numbers in their own units, standardised for the networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image
from torch import Tensor, float32

from sparring import grids
from sparring.errors import UserError
from sparring.kinds._kind import register


@register
@dataclass(frozen=True)
class Points:
    """Points, stored as float32 `(N, D)` in their own units.

    Args:
        shape: (D,).
        offset: the mean of each dimension; model = (stored - offset) / scale.
        scale: one a dimension, all the same where the form of the cloud is to be kept; 0 for a dimension that is
            constant, whose samples are the offset.

    Examples:
        >>> import torch
        >>> Points((2,), (1.0, 2.0), (2.0, 2.0)).to_model(torch.tensor([[3.0, 2.0]]))
        tensor([[1., 0.]])
    """

    name: ClassVar[str] = "points"
    single: ClassVar[bool] = False
    previewed: ClassVar[int] = 2000
    endings: ClassVar[tuple[str, ...]] = (".png", ".csv", ".npy", ".npz", "")
    mirrors: ClassVar[bool] = False

    shape: tuple[int]
    offset: tuple[float, ...]
    scale: tuple[float, ...]

    def describe(self) -> str:
        """How many dimensions."""
        return f"{self.shape[0]} dimension{'s' if self.shape[0] > 1 else ''}"

    def to_model(self, stored: Tensor) -> Tensor:
        """Each dimension standardised."""
        x = stored.to(float32)
        return (x - x.new_tensor(self.offset)) / x.new_tensor([each or 1.0 for each in self.scale])

    def to_stored(self, x: Tensor) -> Tensor:
        """Back into their own units."""
        x = x.detach().to("cpu", float32)
        return x * x.new_tensor(self.scale) + x.new_tensor(self.offset)

    def to_array(self, stored: Tensor) -> np.ndarray:
        """float32 `(N, D)`."""
        return stored.numpy()

    def view(self, stored: Tensor) -> Tensor:
        """Standardised, so that no column outweighs the others by its unit."""
        return self.to_model(stored)

    def mirrored(self, stored: Tensor) -> Tensor:
        """Points have no left and right."""
        raise UserError("points cannot be mirrored", "leave mirror out")

    def preview(self, made: Tensor, real: Tensor, columns: int | None = None) -> Image.Image:
        """Samples over reals, standardised as in the view."""
        return grids.scatter(self.view(made).numpy(), self.view(real).numpy())

    def write(self, made: Tensor, out: Path, names: Sequence[str], columns: int | None = None) -> None:
        """`.png` a scatter; `.npy` or `.npz` the array; `.csv`, or `samples.csv` in a folder, one line a point."""
        ending = out.suffix.lower()
        if ending == ".png":
            grids.save(self.preview(made, made), out)
        elif ending in (".npy", ".npz"):
            grids.save_array(self.to_array(made), out, names)
        else:
            grids.save_rows(self.to_array(made), out if ending else out / "samples.csv")

    def parse(self, text: str) -> Tensor:
        """Points have no names."""
        raise UserError(f"{text!r} names no point", "give the numbers themselves")
