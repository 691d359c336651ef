"""Random changes to what a discriminator is shown, reals and fakes alike, so that it cannot learn reals by heart.

All are differentiable, twice too: G learns through them, and so do gradient penalties. They take pictures in [-1, 1],
`(B, C, H, W)`, of any size and any number of channels; of four, the last one is opacity, and no change of colour
touches it. All noise is drawn from the generator that is handed over, as much of it whatever is done.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""(pictures, noise) -> pictures of the same shape, each changed by itself."""


def diff_augment(x: Tensor, rng: torch.Generator) -> Tensor:
    """DiffAugment: every picture changed in colour, moved, and covered in part.

    Brightness moves by up to 0.5 either way, saturation is multiplied by 0 to 2 and contrast by 0.5 to 1.5; the picture
    moves by up to an eighth of its sides, and a rectangle of half its sides is covered, both with grey.

    Args:
        x: `(B, C, H, W)`.
        rng: on the device of x.

    References:
        Zhao et al. 2020, arXiv 2006.10738, section 3.2 and appendix A.
    """
    B, _, H, W = x.shape

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(B, 1, 1, 1, generator=rng, device=x.device)

    def whole(low: int, high: int) -> Tensor:
        return torch.randint(low, high + 1, (B, 1), generator=rng, device=x.device)

    colour, rest = _colour(x)
    colour = colour + uniform(-0.5, 0.5)
    grey = colour.mean(1, keepdim=True)
    colour = grey + (colour - grey) * uniform(0, 2)
    level = colour.mean((1, 2, 3), keepdim=True)
    colour = level + (colour - level) * uniform(0.5, 1.5)
    x = torch.cat([colour, rest], 1)

    lines = [torch.arange(n, device=x.device) for n in (H, W)]
    moved = [
        (line + whole(-round(n / 8), round(n / 8)) + 1).clamp(0, n + 1) for line, n in zip(lines, (H, W), strict=True)
    ]
    x = _at(pad(x, (1, 1, 1, 1)), moved[0][:, :, None], moved[1][:, None, :])
    covered = []
    for line, n in zip(lines, (H, W), strict=True):
        first = whole(0, n) - round(n / 2) // 2
        covered.append((line >= first) & (line < first + round(n / 2)))
    return x.masked_fill((covered[0][:, :, None] & covered[1][:, None, :])[:, None], 0.0)


def ada_augment(x: Tensor, rng: torch.Generator, p: float | Tensor) -> Tensor:
    """ADA's pipeline: each of these changes befalls each picture with probability p; a p of 0 gives back x itself.

    Blitting: a flip from left to right, a turn by quarters, a move by whole pixels up to an eighth. Geometry: scaling
    in both directions, a turn, scaling in one direction, another turn, a move. Colour: brightness, contrast, light
    exchanged with dark, and, of more than one channel, saturation; of three, the hue.

    Args:
        x: `(B, C, H, W)`.
        rng: on the device of x.
        p: 0 to 1. Up to 0.8, what G learns is not augmented (section 2.2).

    References:
        Karras et al. 2020, arXiv 2006.06676, appendix B.

    Deviations:
        All moves in one bilinear interpolation, mirrored at the borders, without the filters that the paper puts around
        it; neither its filters in bands of frequency nor its noise and cutout, which it found to help less.
    """
    with torch.autocast(x.device.type, enabled=False):  # places are finer than bfloat16 knows
        return _recoloured(_moved(x.float(), rng, p), rng, p)


def _moved(x: Tensor, rng: torch.Generator, p: float | Tensor) -> Tensor:
    B, _, H, W = x.shape
    draw = _Draw(B, rng, p)
    A, t = torch.eye(2, device=x.device).expand(B, 2, 2), torch.zeros(B, 2, device=x.device)  # rows, columns
    size = torch.tensor([H, W], device=x.device)
    one = torch.ones(B, device=x.device)
    half_turns = 1 - (1 - p) ** 0.5  # either of two turns befalls it with probability p

    flip = 1 - 2 * draw.unless(0.0, draw.whole(2).float())
    A = A @ _diagonal(one, flip)
    A = A @ _turn(draw.unless(0.0, draw.whole(4) * (math.pi / 2)), exact=True)
    t = t + _apply(A, torch.stack([draw.unless(0.0, (draw.uniform() / 4 - 1 / 8) * n).round() for n in (H, W)], 1))
    scale = draw.unless(1.0, torch.exp2(0.2 * draw.normal()))
    A = A @ _diagonal(scale, scale)
    A = A @ _turn(draw.unless(0.0, (2 * draw.uniform() - 1) * math.pi, half_turns))
    stretch = draw.unless(1.0, torch.exp2(0.2 * draw.normal()))
    A = A @ _diagonal(1 / stretch, stretch)
    A = A @ _turn(draw.unless(0.0, (2 * draw.uniform() - 1) * math.pi, half_turns))
    further = torch.stack([draw.normal(), draw.normal()], 1) * size / 8
    t = t + _apply(A, torch.where(draw.befalls()[:, None], further, 0.0))

    still = torch.eye(2, device=x.device)
    which = ((still != A).flatten(1).any(1) | (t != 0).any(1)).nonzero().flatten()
    if not len(which):
        return x
    return x.index_put((which,), _interpolated(x[which], A[which], t[which]))


def _recoloured(x: Tensor, rng: torch.Generator, p: float | Tensor) -> Tensor:
    colour, rest = _colour(x)
    B, C = colour.shape[:2]
    draw = _Draw(B, rng, p)
    same = torch.eye(C, device=x.device)
    axis = torch.full((C, C), 1 / C, device=x.device)  # projects on grey
    shift = draw.unless(0.0, 0.2 * draw.normal())[:, None].expand(B, C)
    contrast = draw.unless(1.0, torch.exp2(0.5 * draw.normal()))
    M, shift = same * contrast[:, None, None], shift * contrast[:, None]
    flip = draw.unless(0.0, draw.whole(2).float())[:, None, None]
    mixers = [same - 2 * flip * axis]
    if C == 3:
        mixers.append(_hue(draw.unless(0.0, (2 * draw.uniform() - 1) * math.pi), axis))
    if C > 1:
        mixers.append(axis + (same - axis) * draw.unless(1.0, torch.exp2(draw.normal()))[:, None, None])
    for mixer in mixers:
        M, shift = mixer @ M, _apply(mixer, shift)
    which = draw.befell.nonzero().flatten()
    if not len(which):
        return x
    changed = torch.einsum("bij,bjhw->bihw", M[which], colour[which]) + shift[which][:, :, None, None]
    return x.index_put((which,), torch.cat([changed, rest[which]], 1))


class _Draw:
    """Random numbers for each picture of a batch, and whether a change befalls it."""

    def __init__(self, n: int, rng: torch.Generator, p: float | Tensor) -> None:
        self._how = {"generator": rng, "device": rng.device}
        self._n, self._p = n, p
        self.befell = torch.zeros(n, dtype=torch.bool, device=rng.device)

    def uniform(self) -> Tensor:
        return torch.rand(self._n, **self._how)

    def normal(self) -> Tensor:
        return torch.randn(self._n, **self._how)

    def whole(self, below: int) -> Tensor:
        return torch.randint(below, (self._n,), **self._how)

    def befalls(self, p: float | Tensor | None = None) -> Tensor:
        now = self.uniform() < (self._p if p is None else p)
        self.befell = self.befell | now
        return now

    def unless(self, neutral: float, value: Tensor, p: float | Tensor | None = None) -> Tensor:
        """The value where the change befalls a picture, and the neutral one elsewhere."""
        return torch.where(self.befalls(p), value, neutral)


def _colour(x: Tensor) -> tuple[Tensor, Tensor]:
    """The channels that are colours, and the others."""
    colours = 3 if x.shape[1] == 4 else x.shape[1]
    return x[:, :colours], x[:, colours:]


def _at(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels at these places: x `(B, C, H, W)`, whole rows and columns that broadcast to `(B, H', W')`."""
    places = (rows * x.shape[3] + columns).flatten(1)  # (B, H' * W')
    found = x.flatten(2).gather(2, places[:, None].expand(-1, x.shape[1], -1))
    return found.unflatten(2, torch.broadcast_shapes(rows.shape, columns.shape)[1:])


def _interpolated(x: Tensor, A: Tensor, t: Tensor) -> Tensor:
    """What lies, seen from the middle, at A (row, column) + t: bilinear, mirrored at the borders.

    By gathering: torch's own interpolation at given places has no second derivative.
    """
    H, W = x.shape[2:]
    row = (torch.arange(H, device=x.device) - (H - 1) / 2)[None, :, None]
    column = (torch.arange(W, device=x.device) - (W - 1) / 2)[None, None, :]
    (a, b), (c, d) = (A[:, k].unbind(1) for k in (0, 1))
    u = a[:, None, None] * row + b[:, None, None] * column + t[:, 0, None, None] + (H - 1) / 2
    v = c[:, None, None] * row + d[:, None, None] * column + t[:, 1, None, None] + (W - 1) / 2
    (top, below, down), (left, right, over) = _between(u, H), _between(v, W)
    down, over = down[:, None], over[:, None]
    upper = _at(x, top, left) * (1 - over) + _at(x, top, right) * over
    lower = _at(x, below, left) * (1 - over) + _at(x, below, right) * over
    return upper * (1 - down) + lower * down


def _between(place: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """The two pixels of n between which a place lies, and how far it is from the first."""
    folded = (place + 0.5).remainder(2 * n)
    folded = (torch.minimum(folded, 2 * n - folded) - 0.5).clamp(0, n - 1)
    first = folded.floor()
    return first.long(), (first.long() + 1).clamp(max=n - 1), folded - first


def _diagonal(first: Tensor, second: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([first, second], 1))


def _turn(angle: Tensor, exact: bool = False) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    if exact:
        cos, sin = cos.round(), sin.round()
    return torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)


def _hue(angle: Tensor, axis: Tensor) -> Tensor:
    """A turn of colours about grey, by Rodrigues's formula."""
    u = 1 / math.sqrt(3)
    cross = angle.new_tensor([[0, -u, u], [u, 0, -u], [-u, u, 0]])
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return cos * torch.eye(3, device=angle.device) + sin * cross + (1 - cos) * axis


def _apply(M: Tensor, v: Tensor) -> Tensor:
    return (M @ v[:, :, None]).squeeze(2)
