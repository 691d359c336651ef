"""From one noise to another: paths that stay where the noise of the training lay.

Normal noise of many dimensions lies near a sphere, so that the straight line between two draws passes through places
that training never saw; the arc does not (White 2016, arXiv 1609.04468, section 2.1). Uniform noise fills a cube, and
categories are blended: there the line is right.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.game import Part

PARALLEL = 1e-4
"""Radians; nearer to 0 or to π than this, two directions have no arc between them that can be computed."""


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The arc from a to b: (sin((1 - t) θ) a + sin(t θ) b) / sin θ, θ the angle between them.

    Args:
        a: `(N, D)`.
        b: `(N, D)`.
        t: `(N, 1)`, 0 to 1; at both ends the result is a and b, to the last bit.

    Returns:
        `(N, D)`; between two of the same length all have that length.

    Examples:
        >>> a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> slerp(a, b, torch.tensor([[0.5]]))
        tensor([[0.7071, 0.7071]])
    """
    lengths = (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True)).clamp(min=torch.finfo(a.dtype).tiny)
    angle = ((a * b).sum(1, keepdim=True) / lengths).clamp(-1, 1).acos()
    arc = (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()
    straight = (angle < PARALLEL) | (angle > torch.pi - PARALLEL)
    arc = torch.where(straight, (1 - t) * a + t * b, arc)
    return torch.where(t == 0, a, torch.where(t == 1, b, arc))


def between(parts: Sequence[Part], a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """From noise a to noise b, each part in its own way: normal ones on an arc, others on a line.

    Args:
        parts: of the noise.
        a: `(N, latent_dim)`.
        b: `(N, latent_dim)`.
        t: `(N, 1)`, 0 to 1.
    """
    widths, made = [part.dim for part in parts], []
    for part, start, end in zip(parts, a.split(widths, 1), b.split(widths, 1), strict=True):
        made.append(slerp(start, end, t) if part.kind == "normal" else (1 - t) * start + t * end)
    return torch.cat(made, 1)


def loop(parts: Sequence[Part], stops: Tensor, frames: int) -> Tensor:
    """From stop to stop and back to the first one, which comes after the last frame.

    Args:
        parts: of the noise.
        stops: `(S, latent_dim)`, two or more; each is a frame itself.
        frames: how many, `S` or more.

    Returns:
        `(frames, latent_dim)`; the first is the first stop.

    Raises:
        UserError: fewer stops, or frames.
    """
    count = len(stops)
    if count < 2:
        raise UserError("a walk of one seed goes nowhere", "give two or more, such as 0,7,12")
    if frames < count:
        raise UserError(f"{frames} frames are too few for a walk through {count} seeds", f"--frames {20 * count}")
    begins = [round(k * frames / count) for k in range(count + 1)]
    stop = torch.tensor([k for k in range(count) for _ in range(begins[k], begins[k + 1])])
    steps = [
        torch.arange(length, dtype=torch.float32) / length
        for length in (begins[k + 1] - begins[k] for k in range(count))
    ]
    return between(parts, stops[stop], stops[(stop + 1) % count], torch.cat(steps)[:, None])


def square(parts: Sequence[Part], corners: Tensor, steps: int) -> Tensor:
    """Between four corners.

    Args:
        parts: of the noise.
        corners: `(4, latent_dim)`: top left, top right, bottom left, bottom right.
        steps: in a row, and rows.

    Returns:
        `(steps * steps, latent_dim)`, row by row; the corners are those given.
    """
    t = torch.linspace(0, 1, steps)[:, None]
    left, right = (
        between(parts, corners[[k] * steps], corners[[k + 2] * steps], t) for k in (0, 1)
    )  # (steps, latent_dim)
    return between(parts, left.repeat_interleave(steps, 0), right.repeat_interleave(steps, 0), t.repeat(steps, 1))
