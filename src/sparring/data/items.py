"""Single examples that Python code gives: a picture, (picture, label) or a dictionary; and what they are stored as."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from PIL import Image

from sparring.data.arrays import channels_last
from sparring.data.framing import common_size
from sparring.data.pictures import plain, prepare, prepare_raw, transparent
from sparring.data.preparing import Preparation, fit
from sparring.data.ranges import BYTES, Range, choose_range, to_bytes
from sparring.errors import UserError

PROBED = 64
"""Examples that are looked at to find size, channels and range."""

_PICTURES = ("image", "img", "picture", "x")
_LABELS = ("label", "labels", "y", "class")
_NEAR = 0.05  # share of a range by which examples may exceed it, as in `sparring.data.ranges`


@dataclass(frozen=True)
class Form:
    """How pictures of a set are stored, as some of them suggest.

    Args:
        name: of the set, for messages.
        shape: (C, H, W).
        span: the values that become 0 and 255, of arrays.
        raw: whether no channel is taken for alpha.
        asked: whether the user chose the span, which may then be exceeded.
    """

    name: str
    shape: tuple[int, int, int]
    span: Range
    raw: bool
    asked: bool

    def stored(self, example: Any, index: int) -> np.ndarray:
        """A picture as uint8 `(C, H, W)`.

        Args:
            example: one of Pillow's, an array or a tensor.
            index: its number, for messages.

        Raises:
            UserError: it is no picture, or its values are beyond the span.
        """
        found = picture(example, self.name)
        if isinstance(found, Image.Image):
            return (prepare_raw if self.raw else prepare)(found, self.shape)
        low, high = float(found.min()), float(found.max())
        room = _NEAR * (self.span[1] - self.span[0]) if found.dtype.kind == "f" else 0.0
        # False of what is not a number, too
        if not (self.asked or (self.span[0] - room <= low and high <= self.span[1] + room)):
            problem = f"example {index} of {self.name} holds {low:g} to {high:g}, beyond the range of those looked at"
            raise UserError(problem, "range=(low, high) says which values become black and white")
        return fit(to_bytes(found, self.span), self.shape, self.raw)[0]


def form_of(name: str, examples: Sequence[Any], how: Preparation) -> tuple[Form, tuple[str, ...]]:
    """What some pictures of a set suggest for all of them, and notes.

    Raises:
        UserError: one of them is no picture, no range suggests itself, or points are spoken of.
    """
    if how.scale != "auto":
        raise UserError(f"{name} holds pictures", "scale is for points")
    found = [picture(example, name) for example in examples]
    span, notes = _range(name, found, how.range)
    return Form(name, _shape(found, how), span, how.channels == "raw", how.range is not None), notes


def split(item: Any, name: str) -> tuple[Any, Any]:
    """The picture and the label of an example; None for none."""
    if isinstance(item, Mapping):
        fields = cast(Mapping[str, Any], item)
        picture = next((key for key in _PICTURES if key in fields), None)
        label = next((key for key in _LABELS if key in fields), None)
        if picture is None:
            raise UserError(f"{name} has no picture, only {', '.join(fields)}", f'it is called "{_PICTURES[0]}"')
        return fields[picture], fields[label] if label else None
    if isinstance(item, tuple | list):
        several = cast(Sequence[Any], item)
        return several[0], several[1] if len(several) > 1 else None
    return item, None


def picture(example: Any, name: str) -> Image.Image | np.ndarray:
    """Pillow's, in a plain mode, or `(1, H, W, C)`."""
    if isinstance(example, Image.Image):
        return plain(example)
    array = example.detach().cpu().numpy() if isinstance(example, torch.Tensor) else example
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif":
        raise UserError(f"{name} gives a {type(example).__name__}", "pictures are Pillow's, arrays or tensors")
    if array.ndim not in (2, 3):
        hint = "pictures are (H, W), (C, H, W) or (H, W, C); points are given as one array (N, D)"
        raise UserError(f"{name} gives examples of shape {array.shape}", hint)
    return channels_last(name, array[None], raw=True)


def _range(name: str, found: Sequence[Image.Image | np.ndarray], asked: Range | None) -> tuple[Range, tuple[str, ...]]:
    arrays = [each for each in found if isinstance(each, np.ndarray)]
    if not arrays:
        return BYTES, ()
    values = min(float(each.min()) for each in arrays), max(float(each.max()) for each in arrays)
    return choose_range(name, arrays[0].dtype, values, asked)


def _shape(found: Sequence[Image.Image | np.ndarray], how: Preparation) -> tuple[int, int, int]:
    """(C, H, W): what was asked for, or what the examples suggest."""
    sizes = Counter(
        (each.height, each.width) if isinstance(each, Image.Image) else (each.shape[1], each.shape[2]) for each in found
    )
    most = max(len(each.getbands()) if isinstance(each, Image.Image) else each.shape[3] for each in found)
    if how.channels not in (None, "raw"):
        most = int(how.channels)
    elif how.channels is None and all(isinstance(each, Image.Image) for each in found):
        pictures = cast(Sequence[Image.Image], found)
        grey = all(each.mode in ("L", "LA") for each in pictures)
        most = 4 if any(transparent(each) for each in pictures) else 1 if grey else 3
    return most, *(how.size or common_size(sizes))


def class_names(items: object) -> Sequence[str] | None:
    """The names of the classes that a set gives: `classes`, or the ClassLabel of the Hugging Face hub."""
    named = getattr(items, "classes", None)
    if named:
        return named
    features = getattr(items, "features", None) or {}
    label = next((key for key in _LABELS if key in features), None)
    return getattr(features[label], "names", None) if label else None
