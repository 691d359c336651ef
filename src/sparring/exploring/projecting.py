"""The noise whose sample is nearest to a picture."""

import math
from dataclasses import dataclass

import torch
from scipy.stats import chi2
from torch import Tensor

from sparring.data import Fitted, Rows
from sparring.errors import UserError
from sparring.exploring.sheets import context_of
from sparring.game import Part
from sparring.kinds import Pictures, to_model
from sparring.metrics.extractors import RandomStatistics
from sparring.progress import Share
from sparring.workflows import Sampler, generator_of

CANDIDATES = 256
"""Seeds that are looked at first; the nearest ones are where the search starts."""

RATE = 0.1
"""Adam's, falling to 0 as a cosine does."""

INSIDE = 0.999
"""Normal noise is kept within the sphere in which this share of its draws lies."""

FRAMES = 60
"""Of a search, at most."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """What a search found.

    Args:
        z: `(latent_dim,)`; or styles, `(layers, dim)`.
        made: its sample, stored, `(1, ...)`.
        given: what it was given, stored, by column.
        distance: of the sample from the picture: root mean square over its values, of 255.
        seed: the nearest of the first `CANDIDATES` seeds.
        before: the distance of that one.
        usual: the median distance of these seeds.
        frames: samples as the search went on, stored.
    """

    z: Tensor
    made: Tensor
    given: Rows
    distance: float
    seed: int
    before: float
    usual: float
    frames: Tensor

    def told(self) -> str:
        """The distance, beside what chance gives."""
        return (
            f"{self.distance:.1f} of 255 away (root mean square); of {CANDIDATES} samples the nearest, seed "
            f"{self.seed}, is {self.before:.1f} away, a usual one {self.usual:.1f}"
        )


def project(
    ready: Sampler,
    picture: Tensor,
    starts: int = 8,
    steps: int = 200,
    label: str | None = None,
    progress: Share | None = None,
) -> Nearest:
    """Search the noise whose sample is nearest to a picture, in pixels and in random features.

    Both distances are divided by their medians over the first seeds, and added. The search starts at the nearest of
    these seeds, several at once, by Adam. Normal noise is kept within the sphere in which training saw it, uniform
    noise within its cube; a category stays what it is at each start. Where the game has styles, the search is among
    them, one for each layer, and nothing keeps them inside (Abdal et al. 2019, arXiv 1904.03189, W+).

    Args:
        ready: the run.
        picture: stored, `(1, C, H, W)`.
        starts: how many searches.
        steps: of each.
        label: the class of the samples; by default each start keeps that of its seed.
        progress: told as it goes.

    Raises:
        UserError: the run makes no pictures, or makes them from something else than noise and labels; no such class.
    """
    styled = ready.game.styles is not None
    parts = () if styled else generator_of(ready).parts
    measure = _Measure(check_pictures(ready), picture, ready.device)
    seeds = list(range(CANDIDATES))
    z, given = ready.styles(seeds) if styled else ready.latents(seeds), context_of(ready, seeds, label)
    first = measure.shown(ready.made_from(z, given))
    measure.scale_by(first)
    order = measure.loss(first).argsort()[:starts].cpu()
    found, trail = _descend(ready, measure, z[order], _rows(given, order), parts, steps, progress)
    best = int(found.loss.argmin())
    z, given = found.z[best : best + 1], _rows(given, order[best : best + 1])
    made, away = ready.made_from(z, given), measure.away(first)
    return Nearest(
        z=z[0],
        made=made,
        given=given,
        distance=float(measure.away(measure.shown(made))),
        seed=int(order[0]),
        before=float(away[order[0]]),
        usual=float(away.median()),
        frames=ready.kind.to_stored(torch.stack([each[best] for each in trail])),
    )


def check_pictures(ready: Sampler) -> Pictures:
    """The kind of the run's samples.

    Raises:
        UserError: they are no pictures, or are made from something else than noise and labels.
    """
    if not isinstance(ready.kind, Pictures):
        raise UserError(f"this run makes {ready.kind.name}, not pictures", "name a run that makes pictures")
    generator_of(ready)
    return ready.kind


def project_picture(
    ready: Sampler, wanted: Fitted, starts: int, steps: int, label: str | None = None, progress: Share | None = None
) -> Nearest:
    """`project` for a picture that was read by `sparring.data.read_fitted`."""
    return project(ready, torch.from_numpy(wanted.picture)[None], starts, steps, label, progress)


class _Measure:
    """How far samples are from a picture.

    Args:
        kind: of both.
        picture: stored, `(1, C, H, W)`.
        device: where samples are.
    """

    def __init__(self, kind: Pictures, picture: Tensor, device: torch.device) -> None:
        self._kind, self._device, self._scale = kind, device, (1.0, 1.0)
        self._statistics = RandomStatistics(kind.shape[0], torch.Generator().manual_seed(0))
        self._statistics.filters = [each.to(device) for each in self._statistics.filters]
        self._wanted = self.shown(picture)
        self._features = self._statistics.of(self._wanted)

    def shown(self, stored: Tensor) -> Tensor:
        """Stored pictures as networks see them."""
        return self._kind.to_model(stored.to(self._device))

    def scale_by(self, x: Tensor) -> None:
        """From now on either distance counts in units of its median over these samples."""
        pixels, features = self._squares(x)
        self._scale = max(float(pixels.median()), 1e-12), max(float(features.median()), 1e-12)

    def loss(self, x: Tensor) -> Tensor:
        """Both distances together, `(N,)`."""
        pixels, features = self._squares(x)
        return pixels / self._scale[0] + features / self._scale[1]

    def away(self, x: Tensor) -> Tensor:
        """Root mean square over all values, of 255, `(N,)`."""
        return self._squares(x)[0].sqrt() * 127.5

    def _squares(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pixels = (x - self._wanted).square().flatten(1).mean(1)
        return pixels, (self._statistics.of(x) - self._features).square().mean(1)


@dataclass
class _Found:
    """The best noise of each start so far, and its loss."""

    z: Tensor
    loss: Tensor


def _descend(
    ready: Sampler,
    measure: _Measure,
    z: Tensor,
    given: Rows,
    parts: tuple[Part, ...],
    steps: int,
    progress: Share | None,
) -> tuple[_Found, list[Tensor]]:
    """The best of each start, and what all starts made at some of the steps."""
    z = z.to(ready.device).requires_grad_(True)
    context = to_model(ready.schema, {name: column.to(ready.device) for name, column in given.items()})
    optimizer = torch.optim.Adam([z], RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
    found = _Found(z.detach().clone(), torch.full((len(z),), math.inf, device=ready.device))
    trail: list[Tensor] = []
    for step in range(steps + 1):
        with torch.enable_grad():
            x = ready.game.sample(ready.networks, z, context).float()
            loss = measure.loss(x)
        # generators without a bound leave the range: what counts is the picture, which is clipped
        seen = measure.loss(x.detach().clamp(-1, 1))
        better = seen < found.loss
        found.z[better], found.loss[better] = z.detach()[better], seen[better]
        if step % max(1, math.ceil(steps / (FRAMES - 1))) == 0 or step == steps:
            trail.append(x.detach().cpu())
        if progress:
            progress(step / max(1, steps))
        if step < steps:
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
            schedule.step()
            _keep_inside(z, found.z, parts)
    return _Found(found.z.cpu(), found.loss.cpu()), trail


@torch.no_grad()
def _keep_inside(z: Tensor, best: Tensor, parts: tuple[Part, ...]) -> None:
    start = 0
    for part in parts:
        own = z[:, start : start + part.dim]
        if part.kind == "normal":
            radius = float(chi2.ppf(INSIDE, part.dim)) ** 0.5
            own.mul_((radius / own.norm(dim=1, keepdim=True)).clamp(max=1))
        elif part.kind == "uniform":
            own.clamp_(-1, 1)
        else:
            own.copy_(best[:, start : start + part.dim])
        start += part.dim


def _rows(rows: Rows, which: Tensor) -> Rows:
    return {name: column[which] for name, column in rows.items()}
