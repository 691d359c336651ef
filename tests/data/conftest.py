from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

torch.set_num_threads(1)

Noise = Callable[..., Image.Image]
CHANNELS = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}


@pytest.fixture
def noise() -> Noise:
    """A picture of random pixels: `noise(seed, height, width, mode)`."""

    def make(seed: int, height: int = 8, width: int = 8, mode: str = "RGB") -> Image.Image:
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, *CHANNELS[mode]), dtype=np.uint8)
        return Image.fromarray(pixels)

    return make


@pytest.fixture
def folder(tmp_path: Path, noise: Noise) -> Path:
    """Twelve different 8x8 RGB pictures, 00.png to 11.png."""
    root = tmp_path / "pictures"
    root.mkdir()
    for i in range(12):
        noise(i).save(root / f"{i:02}.png")
    return root
