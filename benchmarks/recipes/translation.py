"""The bars of the recipes from picture to picture, each beside identity, a twin without adversary, or an ablation.

The two sets of emoji are drawings of the same things, matched by their names: games that are trained without pairs are
scored on held-out pairs. What is held out is decided by name without the tone of skin, so that no thing is on both
sides. `SPARRING_EMOJI` names the folder of emoji-google.zip and emoji-twitter.zip.
"""

import os
import zipfile
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.recipes.play import Bar
from sparring import grids, workflows
from sparring.data import Data, Dataset, Paired, Unpaired
from sparring.drawing import noise_of
from sparring.kinds import Categories, Kind, Pictures, to_model
from sparring.loop import evaluating

Bars = Iterator[Bar]
SECONDS = 150.0
"""Processor time of each training, unless a bar says otherwise."""

HELD_OUT = 300
"""Pictures that translations are scored on, at most."""

SKIN = {f"1f3f{k}" for k in "bcdef"}


def thing(name: str) -> str:
    """An emoji's name without the tone of skin."""
    return "-".join(part for part in Path(name).stem.split("-") if part not in SKIN)


@cache
def emoji(style: str, side: int = 32) -> tuple[tuple[str, ...], np.ndarray]:
    """The names, in order, and the pictures over white, uint8 `(N, 3, side, side)`."""
    folder = os.environ.get("SPARRING_EMOJI")
    assert folder, "SPARRING_EMOJI=FOLDER of emoji-google.zip and emoji-twitter.zip"
    pictures = []
    with zipfile.ZipFile(Path(folder) / f"emoji-{style}.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        for name in names:
            with archive.open(name) as file:
                picture = Image.open(file).convert("RGBA")
            whole = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
            pictures.append(np.asarray(whole.resize((side, side), Image.Resampling.LANCZOS)))
    return tuple(names), np.stack(pictures).transpose(0, 3, 1, 2)


def split(names: tuple[str, ...]) -> np.ndarray:
    """Which of the names are held out: a tenth of the things."""
    return np.array([blake2b(thing(name).encode(), digest_size=4).digest()[0] < 26 for name in names])


def as_data(
    pictures: np.ndarray, held_out: np.ndarray, labels: np.ndarray | None = None, mirror: bool = False
) -> Dataset:
    """A data set whose held-out part is decided elsewhere; it is shuffled, alike for equally many."""
    order = np.random.default_rng(0).permutation(len(pictures))
    pictures, held_out = pictures[order], held_out[order]
    schema: dict[str, Kind] = {"x": Pictures(pictures.shape[1:])}
    columns = {"x": pictures}
    if labels is not None:
        schema["y"], columns["y"] = Categories(tuple("0123456789")), labels[order].astype(np.int64)
    train, kept = ({name: column[which] for name, column in columns.items()} for which in (~held_out, held_out))
    return Dataset(schema, train, kept, False, (), "of a benchmark")


@cache
def drawings(style: str, side: int = 32) -> Dataset:
    names, pictures = emoji(style, side)
    return as_data(pictures, split(names))


def pairs() -> Paired:
    """Google's drawing of a thing, and Twitter's."""
    return Paired(drawings("google"), drawings("twitter"))


def domains() -> Unpaired:
    """The same, drawn independently."""
    return Unpaired(drawings("google"), drawings("twitter"))


def held_out(data: Data, n: int = HELD_OUT) -> dict[str, Tensor]:
    """Held-out rows in the model's range; of both domains the same things, in one order."""
    return to_model(data.schema, data.held_out(n))


def translated(plan: workflows.Plan, rows: dict[str, Tensor], *, seed: int = 0, back: bool = False) -> Tensor:
    """What the averaged networks make of rows in the model's range, each from the noise of its own seed."""
    state = plan.state
    use = state.game.reverse if back else state.game.sample
    assert use is not None
    noise = noise_of(state.game, range(seed, seed + len(next(iter(rows.values())))))
    parts = []
    with evaluating(state.sampled):
        for first in range(0, len(noise), 50):
            part = {name: column[first : first + 50] for name, column in rows.items()}
            parts.append(use(state.sampled, noise[first : first + 50], part).float().clamp(-1, 1))
    return torch.cat(parts)


def l1(made: Tensor, truth: Tensor) -> float:
    """Mean absolute difference, of pictures from -1 to 1."""
    return (made - truth).abs().mean().item()


def psnr(made: Tensor, truth: Tensor) -> float:
    """Of pictures from -1 to 1, over all of them; in dB."""
    return (10 * torch.log10(4 / (made - truth).square().mean())).item()


def retrieval(made: Tensor, truth: Tensor) -> float:
    """The share of pictures whose nearest truth, by L1, is their own."""
    distances = torch.cdist(made.flatten(1), truth.flatten(1), p=1)
    return distances.argmin(1).eq(torch.arange(len(made))).float().mean().item()


def uint8(x: Tensor) -> np.ndarray:
    return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()


def sheet(path: Path | str, *rows: Tensor, columns: int = 16) -> None:
    """Rows of pictures from -1 to 1, one below the other."""
    whole = np.concatenate([uint8(row[:columns]) for row in rows])
    grids.picture_grid(whole.transpose(0, 2, 3, 1), columns=columns).save(path)
