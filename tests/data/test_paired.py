from dataclasses import replace

import numpy as np
import torch

from sparring.data import Data, Paired, is_paired, open, viewed


def numbered(count: int = 40, channels: int = 1) -> np.ndarray:
    """Pictures whose first value is their number, and the rest noise."""
    pictures = np.random.default_rng(0).integers(0, 256, (count, 6, 4, channels), dtype=np.uint8)
    pictures[:, 0, 0] = np.arange(count)[:, None]
    return pictures


def pairs(mirror: bool = False) -> Paired:
    """Of pictures and their negatives."""
    data = open(numbered(), mirror=mirror)
    negative = {name: {"x": 255 - getattr(data, name)["x"]} for name in ("train", "kept")}
    return Paired(data, replace(data, **negative, fingerprint="of the negatives"))


def test_pairs_stay_together_in_batches_rows_and_held_out_rows():
    data = pairs(mirror=True)
    assert isinstance(data, Data)
    assert is_paired(data)
    assert not is_paired(data.a)
    for rows in (data.batch(3, 16, seed=5), data.rows(np.array([4, 1])), data.rows(slice(None)), data.held_out(3)):
        assert torch.equal(rows["b"], 255 - rows["a"])
    flipped = data.batch(3, 16, seed=5)["a"] != replace(data.a, mirror=False).batch(3, 16, seed=5)["x"]
    assert 0 < flipped.flatten(1).any(1).sum() < 16
    assert viewed(data, "b").train.shape == (36, 1, 6, 4)
    assert data.fingerprint not in (data.a.fingerprint, Paired(data.b, data.a).fingerprint)
