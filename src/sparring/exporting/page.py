"""A page to play with: the generator itself in one HTML file, run by the browser that opens it.

The noise of the first seeds is written into the page, so that they are the seeds of `sparring sample`: a browser has no
generator of random numbers that draws the same.
"""

import gzip
import tempfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor

from sparring.data import Rows
from sparring.drawing import noise_of
from sparring.errors import UserError, did_you_mean
from sparring.exploring import METHODS, check_pictures, context_of
from sparring.exporting import controls
from sparring.exporting import runtime as runtimes
from sparring.exporting.controls import SEEDS, WIDEST
from sparring.exporting.onnx import check_packages, write_onnx
from sparring.game import Part
from sparring.kinds import Pictures
from sparring.readable import printable
from sparring.reporting.document import document, resource, write
from sparring.reporting.markup import Markup, data, note, tag
from sparring.workflows import Generator, Sampler, generator_of

DIRECTIONS = 6
"""At most."""

GRID = 0.01
"""Between the values at which a page knows the normal distribution function."""

MOST = 20_000_000
"""Bytes of a page."""


def write_page(
    ready: Sampler,
    title: str,
    out: Path,
    by: str | None = None,
    seed: int = 0,
    label: str | None = None,
    runtime: Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the page.

    Args:
        ready: the run.
        title: its name.
        out: the file, `.html`.
        by: how directions are found, one of `METHODS`; by default "sefa", or "activations" where that cannot be.
        seed: shown first.
        label: the class that is shown first; by default every seed has its own.
        runtime: see `runtime.find`.
        tell: told what takes long.

    Raises:
        UserError: the run makes no pictures, or not from noise and labels; no such class or method; a seed that the
            page does not have; ONNX cannot hold the generator; no runtime; the page would be larger than `MOST`; `out`
            cannot be written.
    """
    if out.suffix.lower() != ".html":
        raise UserError(f"--page {out}: cannot write a page as {out.suffix or 'that'}", "a name in .html")
    if out.is_dir():
        raise UserError(f"--page {out} is a folder", "name a file in it")
    if not 0 <= seed < SEEDS:
        raise UserError(f"--seeds {seed}: a page has the seeds 0 to {SEEDS - 1}", "name one of them")
    if by is not None and by not in METHODS:
        raise UserError(f"directions are not found by {by}", did_you_mean(by, METHODS))
    kind, generator = check_pictures(ready), generator_of(ready)
    first = int(_only(context_of(ready, [0], label))) if label is not None else -1
    check_packages()
    engine = runtimes.find(runtime, tell)
    model = _model(generator)
    text = _page(ready, generator, kind, printable(title), model, engine, by, {"seed": seed, "class": first})
    size = len(text.encode())
    if size > MOST:
        raise UserError(
            f"the page would have {size / 1e6:.0f} MB, {len(model) / 1e6:.0f} of them the generator's, and "
            f"{MOST / 1e6:.0f} at most are meant to be opened",
            "sparring export writes it for other programs",
        )
    write(text, out)
    return out


def _model(generator: Generator) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        write_onnx(generator, path)
        return path.read_bytes()


def _page(
    ready: Sampler,
    generator: Generator,
    kind: Pictures,
    title: str,
    model: bytes,
    engine: runtimes.Runtime,
    by: str | None,
    start: dict[str, int],
) -> str:
    parts = _places(generator.parts)
    directions = _directions(generator, by)
    noise, truncated, rules = _noise(ready, parts)
    truncates = any(rule != "fixed" for rule in rules)
    known = {
        "shape": kind.shape,
        "shown": _shown(kind),
        "latent": generator.latent_dim,
        "seeds": SEEDS,
        "classes": generator.classes,
        "labels": _labels(ready, generator),
        "parts": [
            {"name": part.name, "dim": part.dim, "kind": part.kind, "start": first, "rule": rule}
            for (first, part), rule in zip(parts, rules, strict=True)
        ],
        "normal": np.round(ndtr(np.arange(-WIDEST, WIDEST + GRID / 2, GRID)), 9).tolist(),
        "widest": WIDEST,
        "start": start,
    }
    blocks = {"model": model, "wasm": engine.wasm, "noise": noise.tobytes(), "directions": directions.tobytes()}
    if truncates:
        blocks["truncated"] = truncated.tobytes()
    shown = [
        controls.samples(generator.classes, start["seed"]),
        controls.truncation() if truncates else None,
        controls.codes(parts),
        controls.directions(len(directions)),
        controls.pad(len(directions)),
    ]
    sheet = tag(
        "figure",
        tag("canvas", id="sheet", role="img", aria_label="Samples", width=1, height=1),
        tag("figcaption", tag("span", "Loading the generator", id="said", role="status"), tag("span", id="took")),
        class_="stage",
    )
    return document(
        f"{title} - sparring explore",
        tag("header", tag("p", "sparring explore", class_="kind"), tag("h1", title)),
        tag("noscript", note("This page is a program: it needs JavaScript.")),
        tag("div", sheet, tag("form", *shown, id="controls", autocomplete="off"), class_="play"),
        note(
            f"Pictures of {kind.describe()}, computed here by the generator itself; nothing is asked of the network. "
            f"Run by {runtimes.PACKAGE} {engine.version}, by Microsoft, under the MIT licence."
        ),
        style=resource("sparring.reporting", "style.css") + resource("sparring.exporting", "page.css"),
        data=[
            tag("script", data(known), type="application/json", id="known"),
            *(tag("script", Markup(_packed(each)), type="text/plain", id=name) for name, each in blocks.items()),
        ],
        scripts=[engine.script, resource("sparring.exporting", "page.js")],
        module=True,
        allowed="'wasm-unsafe-eval'",
    )


def _packed(content: bytes) -> str:
    return b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


def _shown(kind: Pictures) -> int:
    """Channels that a page shows: as `sparring sample` does in a sheet."""
    channels = min(kind.shape[0], 3) if kind.raw else kind.shape[0]
    return channels if channels in (3, 4) else 1 if channels < 3 else 3


def _places(parts: tuple[Part, ...]) -> list[tuple[int, Part]]:
    return [(sum(each.dim for each in parts[:k]), part) for k, part in enumerate(parts)]


def _labels(ready: Sampler, generator: Generator) -> list[int]:
    """What each seed is given."""
    if not generator.classes:
        return []
    return _only(context_of(ready, range(SEEDS), None)).tolist()


def _only(rows: Rows) -> Tensor:
    (column,) = rows.values()
    return column


def _directions(generator: Generator, by: str | None) -> np.ndarray:
    count = min(DIRECTIONS, generator.parts[0].dim)
    try:
        found = METHODS[by or "sefa"](generator, count)
    except UserError:
        if by is not None:
            raise
        found = METHODS["activations"](generator, count)
    return found.cpu().numpy().astype("<f4")


def _noise(ready: Sampler, parts: list[tuple[int, Part]]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The noise of all seeds; that from which their truncated noise is made; and how, for each part.

    By "normal" a number is a share p of the normal distribution within ± the truncation; by "scaled" it is multiplied
    by the truncation; by "fixed" it stays. Where a recipe truncates in another way, no part is truncated.
    """
    seeds = range(SEEDS)
    noise, whole = noise_of(ready.game, seeds).numpy(), noise_of(ready.game, seeds, 1.0).numpy().astype(np.float64)
    low = ndtr(-1.0)
    rules: list[str] = []
    for first, part in parts:
        own = slice(first, first + part.dim)
        drawn = {t: noise_of(ready.game, range(8), t).numpy()[:, own] for t in (0.3, WIDEST)}
        shares = (ndtr(whole[:, own]) - low) / (1 - 2 * low)
        made: dict[str, Callable[[float], Any]] = {
            "fixed": lambda t, own=own: whole[:8, own],
            "scaled": lambda t, own=own: whole[:8, own] * t,
            "normal": lambda t, shares=shares: truncated_normal(shares[:8], t),
        }
        fits = (name for name, rule in made.items() if all(np.abs(rule(t) - drawn[t]).max() < 1e-3 for t in drawn))
        rules.append(next(fits, ""))
        if rules[-1] == "normal":
            whole[:, own] = shares
    if "" in rules:
        rules = ["fixed"] * len(parts)
    return noise.astype("<f4"), whole.astype("<f4"), rules


def truncated_normal(shares: np.ndarray, truncation: float) -> np.ndarray:
    """Normal noise within ± truncation: Φ⁻¹(Φ(-t) + p (Φ(t) - Φ(-t))).

    Examples:
        >>> truncated_normal(np.array([0.0, 0.5, 1.0]), 1.5)
        array([-1.5,  0. ,  1.5])
    """
    low = ndtr(-truncation)
    normal = torch.distributions.Normal(0.0, 1.0)
    return normal.icdf(torch.from_numpy(low + shares * (1 - 2 * low))).numpy()
