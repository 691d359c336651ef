"""A map-style data set of a user's own, such as a `torch.utils.data.Dataset`: each example is read when it is needed.

Nothing is prepared beforehand and nothing but what is held out stays in memory, so the set may be of any size. What
`sparring.data.open` finds out by reading everything is found out from some of the examples, or asked of the set.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol, TypeGuard, cast, runtime_checkable

import numpy as np
import torch
from PIL import Image

from sparring.data.arrays import channels_last
from sparring.data.dataset import drawn, some
from sparring.data.framing import common_size
from sparring.data.pictures import plain, prepare, prepare_raw, transparent
from sparring.data.preparing import Preparation, fit
from sparring.data.protocol import Rows
from sparring.data.ranges import BYTES, Range, choose_range, to_bytes
from sparring.data.split import MOST, SHARE
from sparring.data.storage import allocate
from sparring.errors import UserError
from sparring.kinds import Categories, Kind, Pictures

PROBED = 64
"""Examples that are looked at to find size, channels and range, spread evenly over the set."""

_BLOCK = 256  # examples asked for at once, of a set that gives several
_PICTURES = ("image", "img", "picture", "x")
_LABELS = ("label", "labels", "y", "class")
_NEAR = 0.05  # share of a range by which examples may exceed it, as in `sparring.data.ranges`


@runtime_checkable
class MapStyle(Protocol):
    """What has a length and gives the example of an index.

    An example is a picture, (picture, label) or a dictionary of them ("image" and "label"). A picture is one of
    Pillow's, or an array or tensor `(H, W)`, `(C, H, W)` or `(H, W, C)`.
    """

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """The example of that index, always the same."""
        ...


def is_map_style(source: object) -> TypeGuard[MapStyle]:
    """Whether a source is such a set, and not one of Python's own containers, a path or an array."""
    own = (str, bytes, list, tuple, dict, set, np.ndarray, torch.Tensor)
    return isinstance(source, MapStyle) and not isinstance(source, own)


class OnDemand:
    """Examples that are read from a map-style data set when they are asked for.

    One in ten, 2,000 at most, is held out, chosen at random by its index: unlike in `Dataset`, copies may be on both
    sides. The fingerprint is of the number of examples, of how they are prepared and of those that were probed.

    Args:
        items: the set.
        how: see `Preparation`; of the frames, those that the set gives.
        mirror: see `Dataset`.
        limit: so many training examples only.

    Raises:
        UserError: fewer than two examples, or examples that are no pictures.
    """

    def __init__(self, items: MapStyle, how: Preparation, mirror: bool = False, limit: int | None = None) -> None:
        self._items, self._count, self.mirror = items, len(items), mirror
        self._name = f"the {type(items).__name__}"
        if self._count < 2:
            raise UserError(f"{self._name} holds {self._count} examples", "a GAN needs at least 2")
        if how.scale != "auto":
            raise UserError(f"{self._name} holds pictures", "scale is for points")
        probed = np.unique(np.linspace(0, self._count - 1, PROBED).astype(np.int64))
        examples = [_split(item, self._name) for item in self._at(probed)]
        found = [_picture(example, self._name) for example, _ in examples]
        self._raw = how.channels == "raw"
        self._span, notes = _range(self._name, found, how.range)
        self._asked = how.range is not None
        self._shape = _shape(found, how)
        self._codes, classes, said = _classes(items, examples[0])
        self.schema: dict[str, Kind] = {"x": Pictures(self._shape, self._raw)}
        if classes:
            self.schema["y"] = Categories(classes)
        order = np.random.default_rng(0).permutation(self._count)
        held_out = min(MOST, max(1, self._count // SHARE))
        self._kept, self._train = order[:held_out], np.sort(order[held_out:])
        notes += said
        if limit is not None:
            notes += (f"{limit:,} of {len(self._train):,} training examples are used",)
            self._train = self._train[some(len(self._train), limit)]
        self.notes = notes
        digest = blake2b(repr((self._count, limit, self._shape, self._span, classes)).encode(), digest_size=16)
        for column in self._read(probed).values():
            digest.update(column.numpy().tobytes())
        self.fingerprint = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._train)

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        """The `draw`-th batch of an endless row of epochs; see `Dataset.batch`."""
        return drawn(self, draw, size, seed)

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training examples by their index; many of them lie in a temporary file."""
        return self._read(self._train[which])

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` held-out examples, or all."""
        return {name: column[:n].clone() for name, column in self._held_out.items()}

    @cached_property
    def _held_out(self) -> Rows:
        return self._read(self._kept)

    def _read(self, which: np.ndarray) -> Rows:
        x, y = allocate((len(which), *self._shape), np.uint8), np.zeros(len(which), np.int64)
        for row, (index, item) in enumerate(zip(which.tolist(), self._at(which), strict=True)):
            example, label = _split(item, self._name)
            x[row] = self._stored(_picture(example, self._name), index)
            if "y" in self.schema:
                y[row] = self._code(label, index)
        rows = {"x": torch.from_numpy(x)}
        return rows | {"y": torch.from_numpy(y)} if "y" in self.schema else rows

    def _at(self, which: np.ndarray) -> Iterator[Any]:
        """The items of these indices; the sets of the Hugging Face hub give several at once."""
        several = getattr(self._items, "__getitems__", None)
        for start in range(0, len(which), _BLOCK):
            block = which[start : start + _BLOCK].tolist()
            yield from several(block) if several else (self._items[index] for index in block)

    def _stored(self, found: Image.Image | np.ndarray, index: int) -> np.ndarray:
        if isinstance(found, Image.Image):
            return (prepare_raw if self._raw else prepare)(found, self._shape)
        low, high = float(found.min()), float(found.max())
        room = _NEAR * (self._span[1] - self._span[0]) if found.dtype.kind == "f" else 0.0
        # False of what is not a number, too
        if not (self._asked or (self._span[0] - room <= low and high <= self._span[1] + room)):
            problem = f"example {index} of {self._name} holds {low:g} to {high:g}, beyond the range of those looked at"
            raise UserError(problem, "range=(low, high) says which values become black and white")
        return fit(to_bytes(found, self._span), self._shape, self._raw)[0]

    def _code(self, label: Any, index: int) -> int:
        label = label.item() if hasattr(label, "item") else label
        if label not in self._codes:
            raise UserError(f"example {index} of {self._name} has the label {label!r}", "it is none of its classes")
        return self._codes[label]


def _split(item: Any, name: str) -> tuple[Any, Any]:
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


def _picture(example: Any, name: str) -> Image.Image | np.ndarray:
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


def _classes(items: MapStyle, first: tuple[Any, Any]) -> tuple[dict[Any, int], tuple[str, ...], tuple[str, ...]]:
    """The code of every label, the names of the classes, and notes; of what the set says of itself."""
    if first[1] is None:
        return {}, (), ()
    names = getattr(items, "classes", None) or _hub_names(items)
    if names is not None:
        return {code: code for code in range(len(names))}, tuple(map(str, names)), ()
    targets = getattr(items, "targets", None)
    if targets is None:
        return {}, (), (f"no labels: the {type(items).__name__} has neither `classes` nor `targets`",)
    values = np.unique(np.asarray(targets)).tolist()
    return {value: code for code, value in enumerate(values)}, tuple(map(str, values)), ()


def _hub_names(items: MapStyle) -> Sequence[str] | None:
    """The names of the classes of a `datasets.Dataset`."""
    features = getattr(items, "features", None) or {}
    label = next((key for key in _LABELS if key in features), None)
    return getattr(features[label], "names", None) if label else None
