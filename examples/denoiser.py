"""A denoiser with a conditional discriminator, which sees what the denoiser was given beside what it made.

    python examples/denoiser.py        # three minutes; writes denoised.png

The noise is so strong that much has to be guessed. The squared error's guess is a blur; a discriminator of pictures
alone is content with any digit; one that sees the noisy picture too asks for a digit that belongs to it.

Rows of denoised.png: noisy digits, the squared error alone, with the adversary, the digits themselves.
"""

import argparse

import numpy as np
import torch
from torch import Tensor, nn

import sparring
import sparring.data
from sparring.grids import picture_grid
from sparring.kinds import to_model
from sparring.networks import StridedDiscriminator, UNet

NOISE = 1.5
"""Standard deviation, on pictures from -1 to 1."""


def noisy(pictures: Tensor) -> Tensor:
    """Pictures with normal noise."""
    return pictures + NOISE * torch.randn_like(pictures)


def train(weight: float, steps: int) -> nn.Module:
    """The squared error, plus `weight` times the adversary's loss."""
    torch.manual_seed(0)
    data = sparring.data.open("digits")
    model = UNet(1, 1, width=16, depth=3)  # any network of yours
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    adversary = sparring.Adversary(
        StridedDiscriminator((2, 28, 28), 12),  # two channels: what was given, and what was made of it
        "hinge",
        optimizer=sparring.OptimizerConfig(1e-3, betas=(0.0, 0.99)),
    )
    for step in range(steps):
        clean = to_model(data.schema, data.batch(step, 32, seed=0))["x"]
        given = noisy(clean)
        made = model(given)
        total = (made - clean).square().mean()
        if weight:
            total = total + weight * adversary.loss(torch.cat([given, made], dim=1))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        if weight:
            adversary.learn(real=torch.cat([given, clean], dim=1), fake=torch.cat([given, made], dim=1))
    return model.eval()


def sharpness(pictures: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels, `(B, 1, H, W)`."""
    return (pictures.diff(dim=2).abs().mean() + pictures.diff(dim=3).abs().mean()).item()


def main(steps: int) -> None:
    """Train both, print how near and how sharp they are, and draw the rows."""
    data = sparring.data.open("digits")
    clean = to_model(data.schema, data.held_out(500))["x"]
    torch.manual_seed(1)
    given = noisy(clean)
    rows = [given]
    print(f"{'the digits':20} sharpness {sharpness(clean):.3f}")
    for weight, name in ((0.0, "squared error alone"), (0.05, "with an adversary")):
        model = train(weight, steps)
        with torch.no_grad():
            made = model(given)
        rows.append(made)
        error = (made - clean).square().mean().item()
        print(f"{name:20} sharpness {sharpness(made):.3f}   squared error {error:.3f}")
    sheet = torch.cat([row[:16] for row in (*rows, clean)], dim=2).permute(0, 2, 3, 1)  # (16, 4·28, 28, 1)
    pictures = ((sheet + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    picture_grid(np.concatenate(list(pictures), axis=1)[None]).save("denoised.png")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--steps", type=int, default=1000)
    main(arguments.parse_args().steps)
