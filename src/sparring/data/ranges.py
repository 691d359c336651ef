"""Which values become 0 and 255: of arrays of pictures, and of picture files of more than 8 bits."""

import numpy as np

from sparring.errors import UserError

Range = tuple[float, float]
"""The values that become 0 and 255; what lies outside is clipped."""

BYTES: Range = (0.0, 255.0)
WORDS: Range = (0.0, 65_535.0)

_BITS = (1, 2, 3, 4, 8, 10, 12, 14, 16)
"""Depths that integers may have, whatever type holds them: cameras and scanners write 10, 12 or 14 bits into 16."""

_ROUNDING = 1e-4  # what float16 arithmetic leaves beyond the ends of a range
_HAIR = 0.05  # what resizing and filters leave beyond the ends of a range
_FILLED = 0.5  # share of a range; a set that fills less is mentioned

_SET = "range=LOW,HIGH sets the values that become black and white"


def check_range(asked: Range | None) -> None:
    """Refuse an empty range.

    Raises:
        UserError: its ends are not in order.
    """
    if asked is not None and not asked[0] < asked[1]:
        raise UserError(f"range = {asked[0]:g},{asked[1]:g} is empty", "the lower value comes first: range=0,4095")


def to_bytes(values: np.ndarray, span: Range) -> np.ndarray:
    """Numbers of any type -> uint8, rounded and clipped."""
    low, high = span
    if values.dtype == np.uint8 and span == BYTES:
        return np.array(values)
    wide = values.astype(np.float64 if values.dtype.kind in "iu" and values.dtype.itemsize > 2 else np.float32)
    return ((wide - low) * (255 / (high - low))).round().clip(0, 255).astype(np.uint8)


def choose_range(
    source: str, dtype: np.dtype, values: Range, asked: Range | None = None
) -> tuple[Range, tuple[str, ...]]:
    """The range of a whole set of pictures, and notes where it is not what the type suggests.

    Args:
        source: its name, for errors.
        dtype: of the numbers.
        values: the smallest and the largest of the set.
        asked: decides, if it is not None.

    Raises:
        UserError: no range suggests itself.
    """
    if asked is not None:
        outside = values[0] < asked[0] or values[1] > asked[1]
        return asked, (f"pictures hold {_span(values)}: clipped to {_span(asked)}",) if outside else ()
    return _of_floats(source, values) if dtype.kind == "f" else _of_integers(source, dtype, values)


def _of_integers(source: str, dtype: np.dtype, values: Range) -> tuple[Range, tuple[str, ...]]:
    low, high = values
    bits = next((bits for bits in _BITS if high < 2**bits), None)
    if low < 0 or bits is None:
        raise UserError(f"{source} has {8 * dtype.itemsize}-bit pictures that hold {_span(values)}", _SET)
    if dtype.itemsize == 1 and bits > 4:  # a dark set of 8 bits is not one of 5
        bits = 8
    span = (0.0, 2.0**bits - 1)
    if dtype.kind == "b" or span == (BYTES if dtype.itemsize == 1 else WORDS):
        return span, sparse_notes(values, span, f"; {_SET}")
    return span, (f"{8 * dtype.itemsize}-bit pictures hold {_span(values)}: read as {_span(span)}; {_SET}",)


def _of_floats(source: str, values: Range) -> tuple[Range, tuple[str, ...]]:
    low, high = values
    span = (0.0 if low >= -_HAIR else -1.0, 1.0)
    beyond = max(span[0] - low, high - span[1])
    if beyond > _HAIR:
        problem = f"{source} has pictures from {low:g} to {high:g}"
        raise UserError(problem, f"floats go from 0 to 1 or -1 to 1; for others {_SET}")
    if beyond > _ROUNDING:
        return span, (f"pictures hold {_span(values)}: clipped to {_span(span)}; {_SET}",)
    return span, sparse_notes(values, span, f"; {_SET}")


def sparse_notes(values: Range, span: Range, hint: str = "") -> tuple[str, ...]:
    """A note where a set fills little of its range."""
    if values[1] - values[0] >= _FILLED * (span[1] - span[0]):
        return ()
    return (f"pictures hold {_span(values)}, which is little of {_span(span)}{hint}",)


def _span(span: Range) -> str:
    return f"{span[0]:,.6g} to {span[1]:,.6g}"
