"""Samples laid out so that one sees what the noise does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data import Rows
from sparring.drawing import noise_of
from sparring.errors import UserError, did_you_mean
from sparring.exploring import axes
from sparring.exploring.paths import loop, square
from sparring.game import Part
from sparring.workflows import Generator, Sampler, generator_of, given_to

METHODS: dict[str, Callable[[Generator, int], Tensor]] = {"sefa": axes.sefa, "activations": axes.principal}
"""By which directions are found."""

ANY_CODE = "code"
"""In place of a code's name: the first of the recipe's codes that has values, else its categories."""


@dataclass(frozen=True)
class Sheet:
    """Samples in rows and columns.

    Args:
        made: stored samples, row by row.
        columns: in a row.
        said: what rows and columns are, in a line.
    """

    made: Tensor
    columns: int
    said: str

    @property
    def names(self) -> list[str]:
        """One a sample, by its place."""
        places = (divmod(k, self.columns) for k in range(len(self.made)))
        return [f"row{row:02d}-column{column:02d}" for row, column in places]


def walk(ready: Sampler, seeds: Sequence[int], frames: int, label: str | None = None) -> Tensor:
    """A closed walk through the samples of some seeds.

    Args:
        ready: the run.
        seeds: two or more; frame 0 is the sample of the first one.
        frames: how many.
        label: the class of all frames; by default what the first seed is given.

    Returns:
        Stored samples, `(frames, ...)`.

    Raises:
        UserError: one seed, fewer frames than seeds, no such class, samples of which one cannot be looked at.
    """
    z = loop(_parts(ready), noise_of(ready.game, seeds), frames)
    return ready.made_from(z, context_of(ready, [seeds[0]] * frames, label))


def grid(ready: Sampler, corners: Sequence[int], steps: int = 8, label: str | None = None) -> Sheet:
    """Between four seeds: top left, top right, bottom left, bottom right; see `walk` for the rest.

    Raises:
        UserError: not four seeds; and as for `walk`.
    """
    if len(corners) != 4:
        raise UserError(f"a grid has four corners, not {len(corners)}", "give four seeds, such as 0,7,12,3")
    z = square(_parts(ready), noise_of(ready.game, corners), steps)
    made = ready.made_from(z, context_of(ready, [corners[0]] * len(z), label))
    return Sheet(made, steps, "corners: seeds {}, {} above {}, {}".format(*corners))


def directions(
    ready: Sampler,
    count: int,
    by: str = "sefa",
    seed: int = 0,
    steps: int = 7,
    strength: float = 3.0,
    label: str | None = None,
) -> Sheet:
    """A row for each direction of `axes`, from -strength to strength along it; the middle is the seed's sample.

    Args:
        ready: the run.
        count: of directions.
        by: one of `METHODS`.
        seed: where they all start.
        steps: in a row; an even number has no middle.
        strength: how far, in standard deviations of normal noise; or, where there are styles, of these along each
            direction.
        label: see `walk`.

    Raises:
        UserError: no such method; see `axes`; and as for `walk`.
    """
    parts = _parts(ready)
    if by not in METHODS:
        raise UserError(f"directions are not found by {by}", did_you_mean(by, METHODS))
    amounts = torch.linspace(-strength, strength, steps).repeat(count)[:, None]
    if ready.game.styles:
        found = axes.in_styles(generator_of(ready), count, by).cpu()
        z = ready.styles([seed]) + (amounts * found.repeat_interleave(steps, 0))[:, None]
    else:
        found = METHODS[by](generator_of(ready), count).cpu()
        z = noise_of(ready.game, [seed]).repeat(count * steps, 1)
        z[:, : parts[0].dim] += amounts * found.repeat_interleave(steps, 0)
    made = ready.made_from(z, context_of(ready, [seed] * len(z), label))
    return Sheet(
        made, steps, f"rows: directions 1 to {count} by {by}; columns: {-strength:g} to {strength:g} along them"
    )


def mix(
    ready: Sampler, rows: Sequence[int], columns: Sequence[int], layer: int | None = None, label: str | None = None
) -> Sheet:
    """The styles of some seeds mixed with those of others (Karras et al. 2018, arXiv 1812.04948, figure 3).

    The first column shows the seeds of the rows, the first row those of the columns. In between, the layers before
    `layer` have the row's style, the others the column's.

    Args:
        ready: the run.
        rows: seeds.
        columns: seeds.
        layer: 1 or more; by default the middle of the layers.
        label: the class of all; by default what the first seed of the rows is given.

    Raises:
        UserError: the generator has no styles, or no such layer; and as for `walk`.
    """
    _parts(ready)
    down, across = ready.styles(rows), ready.styles(columns)
    layers = down.shape[1]
    layer = layers // 2 if layer is None else layer
    if not 0 < layer < layers:
        raise UserError(f"--layer {layer}: the generator has {layers} layers", f"1 to {layers - 1}")
    own = down[:, None].expand(-1, len(columns), -1, -1)[:, :, :layer]
    others = across[None].expand(len(rows), -1, -1, -1)[:, :, layer:]
    table = torch.cat([down[:, None], torch.cat([own, others], 2)], 1)  # (rows, 1 + columns, layers, dim)
    w = torch.cat([down[:1], across, table.flatten(0, 1)])
    made = ready.made_from(w, context_of(ready, [rows[0]] * len(w), label))
    made[0] = 255 if made.dtype == torch.uint8 else 0  # the corner belongs to no seed
    given = ", ".join(map(str, rows)), ", ".join(map(str, columns))
    said = "rows: layers 1 to {} of seeds {}; columns: the others of seeds {}".format(layer, *given)
    return Sheet(made, 1 + len(columns), said)


def sweep(
    ready: Sampler, code: str = ANY_CODE, seeds: Sequence[int] = (0,), steps: int = 8, label: str | None = None
) -> Sheet:
    """A code of the recipe through all of its values.

    A code with values is swept from left to right, from -1 to 1; there is a row for each category, if there are some,
    and else for each seed. Categories by themselves are rows, and the seeds are columns.

    Args:
        ready: the run.
        code: its name, or "code" for the first.
        seeds: of the rest of the noise; with values and categories, of the first one only.
        steps: in a row of values.
        label: see `walk`.

    Raises:
        UserError: there is no such code; and as for `walk`.
    """
    parts = _parts(ready)
    start, part = _code(parts, code)
    rows = [(first, each) for first, each in _places(parts) if each.kind == "category"]
    if part.kind == "category":
        z = noise_of(ready.game, seeds).repeat(part.dim, 1)
        _choose(z, start, part, torch.arange(part.dim).repeat_interleave(len(seeds)))
        given, columns, across = list(seeds) * part.dim, len(seeds), f"seeds {', '.join(map(str, seeds))}"
        said = f"rows: {part.name} 0 to {part.dim - 1}; columns: {across}"
    else:
        first, categories = rows[0] if rows else (0, None)
        seeds = [seeds[0]] * categories.dim if categories else seeds
        z = noise_of(ready.game, seeds).repeat_interleave(steps, 0)
        if categories:
            _choose(z, first, categories, torch.arange(categories.dim).repeat_interleave(steps))
        z[:, start : start + part.dim] = torch.linspace(-1, 1, steps).repeat(len(seeds))[:, None]
        given, columns = [seed for seed in seeds for _ in range(steps)], steps
        down = f"{categories.name} 0 to {categories.dim - 1}" if categories else f"seeds {', '.join(map(str, seeds))}"
        said = f"rows: {down}; columns: {part.name} from -1 to 1"
    return Sheet(ready.made_from(z, context_of(ready, given, label)), columns, said)


def truncations(
    ready: Sampler, low: float, high: float, seeds: Sequence[int] = range(8), steps: int = 8, label: str | None = None
) -> Sheet:
    """A row for each seed, from the truncation `low` to `high`; each is what `sparring sample --truncation` draws.

    Raises:
        UserError: see `walk`.
    """
    _parts(ready)
    values = torch.linspace(low, high, steps).tolist()
    z = torch.stack([ready.latents(seeds, value) for value in values], 1).flatten(0, 1)
    made = ready.made_from(z, context_of(ready, [seed for seed in seeds for _ in values], label))
    return Sheet(made, steps, f"rows: {len(seeds)} seeds; columns: truncation from {low:g} to {high:g}")


def _parts(ready: Sampler) -> tuple[Part, ...]:
    """What the noise is made of.

    Raises:
        UserError: a sample by itself cannot be looked at, or there is no noise.
    """
    if not ready.kind.single:
        raise UserError(
            f"this run makes {ready.kind.name}, of which one alone shows nothing", "name a run that makes pictures"
        )
    return generator_of(ready).parts


def _places(parts: Sequence[Part]) -> list[tuple[int, Part]]:
    return [(sum(each.dim for each in parts[:k]), part) for k, part in enumerate(parts)]


def _code(parts: Sequence[Part], name: str) -> tuple[int, Part]:
    codes = {part.name: (start, part) for start, part in _places(parts) if part.name != "z"}
    if not codes:
        raise UserError("this run's noise has no codes to sweep over", "train one with codes: --recipe infogan")
    if name in codes:
        return codes[name]
    if name != ANY_CODE:
        raise UserError(f"there is no code {name!r}", did_you_mean(name, codes))
    return min(codes.values(), key=lambda place: place[1].kind == "category")


def _choose(z: Tensor, start: int, part: Part, category: Tensor) -> None:
    z[:, start : start + part.dim] = torch.nn.functional.one_hot(category, part.dim).to(z.dtype)


def context_of(ready: Sampler, seeds: Sequence[int], label: str | None) -> Rows:
    """What the samples of some seeds are given, of one class where one is named.

    Raises:
        UserError: the run has no classes, none of that name, or several are named.
    """
    wanted = {}
    if label is not None:
        column, found = ready.classes(label)
        if len(found) != 1:
            raise UserError(f"--class {label} names {len(found)} classes", "name one")
        wanted = {column: torch.tensor(found[0])}
    return given_to(ready.game, ready.schema, ready.kept, seeds, wanted)
