"""A super-resolution network of one's own, with and without an adversary: digits of 7x7 pixels become 28x28.

    python examples/super_resolution.py        # four minutes; writes enlarged.png

Rows of enlarged.png: the small digits, bicubic enlargement, L1 alone, L1 and an adversary, the digits themselves.
"""

import argparse

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss

import sparring
import sparring.data
from sparring.grids import picture_grid
from sparring.kinds import to_model
from sparring.networks import StridedDiscriminator


class Enlarger(nn.Module):
    """`(B, 1, H, W)` -> `(B, 1, 4 H, 4 W)`: what is added to the bicubic enlargement."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 64, 3, padding=1), nn.PixelShuffle(4),
            nn.Conv2d(4, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, small: Tensor) -> Tensor:
        """`(B, 1, H, W)` -> `(B, 1, 4 H, 4 W)`."""
        return bicubic(small) + self.layers(small)


def bicubic(small: Tensor) -> Tensor:
    """Enlarged fourfold."""
    return interpolate(small, scale_factor=4, mode="bicubic")


def reduced(large: Tensor) -> Tensor:
    """A quarter of both sides, antialiased."""
    return interpolate(large, scale_factor=1 / 4, mode="bicubic", antialias=True)


def train(weight: float, steps: int) -> nn.Module:
    """The L1 distance, plus `weight` times the adversary's loss."""
    torch.manual_seed(0)
    data = sparring.data.open("digits")
    model = Enlarger()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    adversary = sparring.Adversary(
        StridedDiscriminator((1, 28, 28), 12),
        "relativistic-average",
        optimizer=sparring.OptimizerConfig(1e-3, betas=(0.0, 0.99)),
    )
    for step in range(steps):
        large = to_model(data.schema, data.batch(step, 32, seed=0))["x"]
        made = model(reduced(large))
        total = l1_loss(made, large)
        if weight:
            total = total + weight * adversary.loss(made, large)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        if weight:
            adversary.learn(large, made)
    return model.eval()


def sharpness(pictures: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels, `(B, 1, H, W)`."""
    return (pictures.diff(dim=2).abs().mean() + pictures.diff(dim=3).abs().mean()).item()


def main(steps: int) -> None:
    """Train both, print how near and how sharp they are, and draw the rows."""
    data = sparring.data.open("digits")
    large = to_model(data.schema, data.held_out(500))["x"]
    small = reduced(large)
    rows = [interpolate(small, scale_factor=4), bicubic(small)]
    for weight in (0.0, 0.02):
        model = train(weight, steps)
        with torch.no_grad():
            rows.append(model(small))
    names = ("", "bicubic", "L1 alone", "L1 and an adversary")
    print(f"{'the digits':20} sharpness {sharpness(large):.3f}")
    for name, made in list(zip(names, rows, strict=True))[1:]:
        print(f"{name:20} sharpness {sharpness(made):.3f}   L1 {l1_loss(made, large).item():.3f}")
    sheet = torch.cat([row[:16] for row in (*rows, large)], dim=2).permute(0, 2, 3, 1)  # (16, 5·28, 28, 1)
    pictures = ((sheet + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    picture_grid(np.concatenate(list(pictures), axis=1)[None]).save("enlarged.png")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--steps", type=int, default=1500)
    main(arguments.parse_args().steps)
