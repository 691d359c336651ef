"""What the data is, in numbers: the contract between a data set, the networks and whatever shows the samples."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class DataSpec:
    """The kind and shape of one example, and the map between the data's own units and the networks' range.

    Args:
        kind: "image" or "points".
        shape: (C, H, W) or (D,).
        classes: the labels' names, in the order of their indices; () when there are no labels.
        keys: the batch keys that hold data: ("x",), or ("a", "b") for two unpaired domains.
        offset: points only: one per dimension; model = (data - offset) / scale.
        scale: points only: one for all dimensions, so that the cloud keeps its form.

    Examples:
        >>> spec = DataSpec("points", (2,), offset=(1.0, 2.0), scale=2.0)
        >>> spec.to_model(torch.tensor([[3.0, 2.0]]))
        tensor([[1., 0.]])
        >>> DataSpec.from_dict(spec.to_dict()) == spec
        True
    """

    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ("x",)
    offset: tuple[float, ...] = ()
    scale: float = 1.0

    def to_model(self, raw: Tensor) -> Tensor:
        """uint8 `(N, C, H, W)` -> float32 in [-1, 1], or float32 `(N, D)` -> standardised float32 `(N, D)`."""
        if self.kind == "image":
            return raw.to(torch.float32, copy=True).div_(127.5).sub_(1)
        return (raw.to(torch.float32) - raw.new_tensor(self.offset, dtype=torch.float32)) / self.scale

    def to_data(self, x: Tensor) -> np.ndarray:
        """Undo `to_model`: uint8 `(N, H, W, C)`, rounded and clipped, or float32 `(N, D)` in the data's own units."""
        x = x.detach().to("cpu", torch.float32)
        if self.kind == "image":
            return x.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
        return (x * self.scale + x.new_tensor(self.offset)).numpy()

    def to_dict(self) -> dict[str, Any]:
        """Only strings, numbers and lists: safe for JSON and TOML."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DataSpec":
        """Undo `to_dict`."""
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**fields)
