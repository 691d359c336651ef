"""In which order the examples are seen: an endless row of permutations, any part of which can be asked for."""

from functools import lru_cache

import numpy as np

PERMUTATION, MIRROR, HOLE = 1, 2, 3
"""The last word of a seed: no two uses of randomness share a stream."""


def order(examples: int, seed: int, start: int, size: int) -> np.ndarray:
    """Positions `start` to `start + size` of the permutations of all epochs, one after another.

    Args:
        examples: how many there are, at least 1.
        seed: not negative.
        start: position in the endless row, counted in examples.
        size: how many positions.

    Returns:
        int64 `(size,)` indices below `examples`.

    Examples:
        >>> sorted(order(5, seed=0, start=5, size=5).tolist())
        [0, 1, 2, 3, 4]
    """
    parts = []
    while size > 0:
        epoch, offset = divmod(start, examples)
        part = _permutation(examples, seed, epoch)[offset : offset + size]
        parts.append(part)
        start, size = start + len(part), size - len(part)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def coins(size: int, seed: int, draw: int) -> np.ndarray:
    """Bool `(size,)`: which examples of a batch are mirrored."""
    return np.random.default_rng([seed, draw, MIRROR]).random(size) < 0.5


# Four: two unpaired domains, each at the border of two epochs.
@lru_cache(maxsize=4)
def _permutation(examples: int, seed: int, epoch: int) -> np.ndarray:
    permutation = np.random.default_rng([seed, epoch, PERMUTATION]).permutation(examples)
    permutation.setflags(write=False)
    return permutation
