"""From pictures to pictures by a run's game: at any size that its networks take."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

import sparring.data
from sparring.data import Rows
from sparring.drawing import CHUNK, made_by, noise_of, rows_for
from sparring.errors import UserError
from sparring.game import parts_of
from sparring.kinds import Pictures, labelled, pictured
from sparring.kinds.categories import Categories
from sparring.workflows import given
from sparring.workflows.sampling import Sampler

MULTIPLES = tuple(2**k for k in range(10))
"""Of which sides may have to be, for networks that take other sizes than the run's own."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Translation:
    """A run made ready to translate, in one direction.

    Args:
        ready: the run.
        reverse: from what it makes to what it is given.
        fit: bring every picture to the run's own size first.

    Raises:
        UserError: the run is given no pictures, or has no way back.
    """

    ready: Sampler
    reverse: bool = False
    fit: bool = False

    def __post_init__(self) -> None:
        """Refuse a run that cannot do it."""
        game, schema = self.ready.game, self.ready.schema
        if pictured(schema, game.given) is None or pictured(schema, (game.makes,)) is None:
            what = ", ".join(game.given) or "noise"
            raise UserError(f"this run makes its samples from {what}, not from pictures", "sparring sample draws them")
        if self.reverse and game.reverse is None:
            raise UserError(
                "this run has no way back",
                "leave --reverse out, or train another: --recipe cyclegan goes both ways, --set swap=true the other",
            )

    @property
    def column(self) -> str:
        """The pictures that the game is given."""
        return pictured(self.ready.schema, self.ready.game.given) or ""

    @property
    def source(self) -> Pictures:
        """What is translated, at the run's own size."""
        return self.ready.schema[self.ready.game.makes if self.reverse else self.column]  # pyright: ignore[reportReturnType]

    @property
    def target(self) -> Pictures:
        """What it becomes."""
        return self.ready.schema[self.column if self.reverse else self.ready.game.makes]  # pyright: ignore[reportReturnType]

    @property
    def labels(self) -> str | None:
        """The column of labels that the game is given, if any."""
        return labelled(self.ready.schema, self.ready.game.given)

    @property
    def noisy(self) -> bool:
        """Whether one picture has several translations."""
        return sum(part.dim for part in parts_of(self.ready.game.noise)) > 0

    @cached_property
    def scale(self) -> tuple[float, float]:
        """How many times higher and wider a translation is than what is translated."""
        (_, *sides), (_, *made) = self.source.shape, self.target.shape
        return made[0] / sides[0], made[1] / sides[1]

    def made(self, size: Size) -> Size:
        """The size of the translation of a picture of this size, as a network of any size makes it."""
        return round(size[0] * self.scale[0]), round(size[1] * self.scale[1])

    def room(self, size: Size) -> Size | None:
        """The size to which a picture is padded before the networks take it; None where they take their own only.

        Raises:
            UserError: so much would have to be added that there is too little of the picture.
        """
        if not self._any_size:
            return None
        for multiple in MULTIPLES:
            padded = _up(size[0], multiple), _up(size[1], multiple)
            if self._takes(padded):
                if padded[0] > 2 * size[0] or padded[1] > 2 * size[1]:
                    high, wide = (max(own, -(-room // 2)) for own, room in zip(size, padded, strict=True))
                    needs = f"this run takes {high}x{wide} at least: enlarge it first"
                    raise UserError(f"{size[0]}x{size[1]} pixels are too few to translate", needs)
                return padded
        return None

    def at_once(self, size: Size) -> int:
        """How many pictures of a size are translated at once: a function of the size alone, as drawing's CHUNK is."""
        _, height, width = self.source.shape
        return max(1, min(CHUNK, CHUNK * height * width // (size[0] * size[1])))

    def __call__(self, pictures: Tensor, seeds: Sequence[int], labels: Tensor | None = None) -> Tensor:
        """Translate pictures of one size.

        What a picture becomes is a function of itself, its seed and its label, whatever its neighbours are.

        Args:
            pictures: stored, uint8 `(N, C, H, W)`; of the run's own size where `room` says that it takes no other.
            seeds: one each.
            labels: int64 `(N,)`, where the game is given some.

        Returns:
            Stored, uint8 `(N, C', H', W')`.
        """
        size: Size = (pictures.shape[2], pictures.shape[3])
        own: Size = self.source.shape[1:]
        padded = own if size == own else self.room(size)
        assert padded is not None
        top, left = (padded[0] - size[0]) // 2, (padded[1] - size[1]) // 2
        around = (0, 0), (0, 0), (top, padded[0] - size[0] - top), (left, padded[1] - size[1] - left)
        whole = torch.from_numpy(np.pad(pictures.numpy(), around, mode="reflect")) if padded != size else pictures
        game, schema, device = self.ready.game, self.ready.schema, self.ready.device
        context = self._context(whole, seeds, labels)
        noise, rows = noise_of(game, seeds), self.at_once(size)
        made = made_by(self._make, self.ready.networks, schema, noise, context, device, rows)
        (high, wide), (down, across) = self.made(size), self.made((top, left))
        return self.target.to_stored(made[:, :, down : down + high, across : across + wide])

    @property
    def _make(self) -> Any:
        game = self.ready.game
        return game.reverse if self.reverse else game.sample

    def _context(self, pictures: Tensor, seeds: Sequence[int], labels: Tensor | None) -> Rows:
        """The columns that are given, a row each."""
        others = {name: rows for name, rows in self.ready.kept.items() if name not in (self.column, self.labels)}
        context = rows_for(seeds, others) | {self.ready.game.makes if self.reverse else self.column: pictures}
        return context if labels is None or self.labels is None else context | {self.labels: labels}

    @cached_property
    def _any_size(self) -> bool:
        """Whether the networks take twice their own size, and make of it twice what they make of theirs."""
        if self.fit:
            return False
        own: Size = self.source.shape[1:]
        return self._takes((2 * own[0], 2 * own[1])) and self._takes((2 * own[0], 3 * own[1]))

    @cached_property
    def _tried(self) -> dict[Size, bool]:
        return {}

    def _takes(self, size: Size) -> bool:
        if size not in self._tried:
            self._tried[size] = self._shape_of(size) == self.made(size)
        return self._tried[size]

    def _shape_of(self, size: Size) -> Size | None:
        """Of what the networks make of a picture of this size; None where they refuse it. Nothing is computed."""
        picture = torch.zeros(1, self.source.shape[0], *size, dtype=torch.uint8)
        label = None if self.labels is None else torch.zeros(1, dtype=torch.int64)
        networks, device = self._shadows
        try:
            context = self._context(picture, [0], label)
            made = made_by(self._make, networks, self.ready.schema, noise_of(self.ready.game, [0]), context, device, 1)
        except Exception:  # a network of another size raises whatever its layers do
            return None
        return made.shape[2], made.shape[3]

    @cached_property
    def _shadows(self) -> tuple[Any, torch.device]:
        """The networks without numbers, which tell shapes for nothing; those themselves where that does not do."""
        game, meta = self.ready.game, torch.device("meta")
        named = self.ready.networks._asdict()
        shadows = {name: copy.deepcopy(named[name]).to(meta) for name in game.sampling()}
        networks = self.ready.networks._replace(**shadows)
        picture = torch.zeros(1, *self.source.shape, dtype=torch.uint8)
        label = None if self.labels is None else torch.zeros(1, dtype=torch.int64)
        try:
            context = self._context(picture, [0], label)
            made_by(self._make, networks, self.ready.schema, noise_of(game, [0]), context, meta, 1)
        except Exception:
            return self.ready.networks, self.ready.device
        return networks, meta


def _up(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple


def translate(
    translation: Translation,
    pictures: np.ndarray,
    seeds: Sequence[int] | None = None,
    wanted: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Translate an array of pictures.

    Args:
        translation: the run.
        pictures: `(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)`, of any numbers; see `sparring.data.read`. They are
            fitted to the run's channels, and to its size where it takes no other.
        seeds: of the styles, where there are any; by default one, 0.
        wanted: the label, where the game is given one: `{"y": "cat"}`; one for all, or one each.

    Returns:
        uint8 `(N, H, W, C)`; with `seeds`, `(N, seeds, H, W, C)`. The alpha of pictures with four channels is put back
        where the run sees none.

    Raises:
        UserError: no pictures, seeds of a run without noise, a label of a run without labels, none where it has some.
    """
    check_seeds(translation, seeds)
    # what uint8 means is never guessed from its values: a picture does not depend on its neighbours
    span = (0.0, 255.0) if getattr(pictures, "dtype", None) == np.uint8 else None
    read = sparring.data.read(pictures, channels="raw", range=span)
    if read.ndim != 4:
        raise UserError(f"an array of shape {np.shape(pictures)} holds no pictures", "(N, H, W, C)")
    size: Size = (read.shape[2], read.shape[3])
    kind = translation.source
    room = size if size == kind.shape[1:] else translation.room(size)
    laid = [sparring.data.laid_out(picture, kind, size if room else kind.shape[1:]) for picture in read]
    several = list(seeds or [0])
    rows = torch.from_numpy(np.stack([each.picture for each in laid for _ in several]))
    made = translation(rows, several * len(laid), _labels(translation, wanted or {}, len(laid), len(several)))
    out = translation.target.to_array(made)
    if read.shape[1] == 4 and not kind.raw and kind.shape[0] in (1, 3):
        opaque = np.full(read.shape[2:], 255, np.uint8)
        alphas = [opaque if each.alpha is None else each.alpha for each in laid for _ in several]
        out = np.stack([sparring.data.with_alpha(*each) for each in zip(out, alphas, strict=True)])
    return out if seeds is None else out.reshape(len(laid), len(several), *out.shape[1:])


def check_seeds(translation: Translation, seeds: Sequence[int] | None) -> None:
    """Refuse seeds where every picture has one translation.

    Raises:
        UserError: that, or no seed.
    """
    if seeds is not None and not translation.noisy:
        raise UserError("this run has no noise: a picture has one translation", "leave --seeds out")
    if seeds is not None and not len(seeds):
        raise UserError("no seed was given", "at least one")


def _labels(translation: Translation, wanted: Mapping[str, Any], pictures: int, each: int) -> Tensor | None:
    """One label a row, in the order of `translate`'s rows."""
    column, ready = translation.labels, translation.ready
    strangers = [name for name in wanted if name != column]
    if strangers:
        raise UserError(f"this run is given no {strangers[0]}", f"it is given {', '.join(ready.game.given)}")
    if column is None:
        return None
    if column not in wanted:
        kind = ready.schema[column]
        assert isinstance(kind, Categories)
        raise UserError("this run translates into a class, and none was named", f"one of {', '.join(kind.names)}")
    found = given.asked(ready.game, ready.schema, ready.kept, range(pictures), {column: wanted[column]})[column]
    return found.repeat_interleave(each)
