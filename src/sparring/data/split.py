"""Which examples are held out: decided by their content, so no copy of one is ever on both sides."""

from hashlib import blake2b

import numpy as np

from sparring.data.storage import parts

SHARE, MOST = 10, 2000
"""One example in ten is held out, 2,000 at most."""


def digests(examples: np.ndarray) -> np.ndarray:
    """uint64 `(N,)`: the BLAKE2b hash of each example's bytes."""
    rows = (example for part in parts(examples) for example in examples[part])
    joined = b"".join(blake2b(example.tobytes(), digest_size=8).digest() for example in rows)
    return np.frombuffer(joined, dtype=np.uint64)


def held_out(hashes: np.ndarray) -> np.ndarray:
    """Choose the examples with the smallest hashes; copies stay together, and the order of examples plays no part.

    A group of copies too large for what is left to fill is passed over. When every group is too large, as in a tiny set
    of doubled pictures, the smallest group is held out, so that there is always something to judge by.

    Args:
        hashes: uint64 `(N,)` of at least two different values.

    Returns:
        bool `(N,)`: True is held out.

    Examples:
        >>> held_out(np.array([7, 3, 7, 9], dtype=np.uint64)).tolist()
        [False, True, False, False]
    """
    groups, member, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    assert len(groups) > 1, "one distinct example cannot be split"
    room = min(MOST, max(1, len(hashes) // SHARE))
    chosen = np.zeros(len(groups), dtype=bool)
    for group, count in enumerate(counts.tolist()):
        if count <= room:
            chosen[group] = True
            room -= count
        if room == 0:
            break
    if not chosen.any():
        chosen[counts.argmin()] = True
    return chosen[member]
