"""An adversarial loss in somebody else's training loop: a small autoencoder of digits, with and without an adversary.

    python examples/sharper_autoencoder.py        # two minutes; writes sharper.png

Rows of sharper.png: held-out digits, the squared error alone, the squared error and an adversary.
"""

import argparse

import numpy as np
import torch
from torch import Tensor, nn

import sparring
import sparring.data
from sparring.grids import picture_grid
from sparring.kinds import to_model
from sparring.networks import PatchDiscriminator, ShuffleGenerator


def autoencoder() -> nn.Module:
    """Digits through four numbers: too few to be exact, so that the squared error blurs."""
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 49, 4),
    )  # fmt: skip
    return nn.Sequential(encoder, ShuffleGenerator(4, (1, 28, 28), width=8))


def train(weight: float, steps: int) -> nn.Module:
    """Squared error, plus `weight` times the adversary's loss."""
    torch.manual_seed(0)
    data = sparring.data.open("digits")
    model = autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    adversary = sparring.Adversary(
        PatchDiscriminator((1, 28, 28), 16, depth=2),
        "hinge",
        sparring.r1(0.1),
        optimizer=sparring.OptimizerConfig(1e-3, betas=(0.0, 0.99)),
    )
    for step in range(steps):
        real = to_model(data.schema, data.batch(step, 64, seed=0))["x"]
        fake = model(real)
        total = (fake - real).square().mean()
        if weight:
            total = total + weight * adversary.loss(fake, real)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        if weight:
            adversary.learn(real, fake)
    return model.eval()


def sharpness(pictures: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels, `(B, 1, H, W)`."""
    return (pictures.diff(dim=2).abs().mean() + pictures.diff(dim=3).abs().mean()).item()


def main(steps: int) -> None:
    """Train both, print how sharp they are, and draw the rows."""
    data = sparring.data.open("digits")
    real = to_model(data.schema, data.held_out(500))["x"]
    rows = [real[:16]]
    print(f"sharpness of held-out digits   {sharpness(real):.3f}")
    for weight, name in ((0.0, "squared error alone"), (0.3, "with an adversary")):
        model = train(weight, steps)
        with torch.no_grad():
            made = model(real)
        rows.append(made[:16])
        print(f"sharpness, {name:20}{sharpness(made):.3f}   squared error {(made - real).square().mean():.3f}")
    sheet = torch.cat(rows, dim=2).permute(0, 2, 3, 1)  # (16, 3·28, 28, 1)
    pictures = ((sheet + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    picture_grid(np.concatenate(list(pictures), axis=1)[None]).save("sharper.png")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--steps", type=int, default=1000)
    main(arguments.parse_args().steps)
