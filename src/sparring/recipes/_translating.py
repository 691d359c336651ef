"""What recipes share that turn pictures into pictures."""

import torch
from pydantic import Field
from torch import Tensor, cat, nn

from sparring.errors import UserError
from sparring.game import OptimizerConfig
from sparring.kinds import Schema
from sparring.objectives import Terms
from sparring.recipes.recipe import DECAY_FROM, RecipeOptions
from sparring.schedules import Varying


class TranslationOptions(RecipeOptions):
    """The options of every such recipe; the defaults are those of pix2pix and CycleGAN, narrower."""

    batch: int = Field(1, gt=0, description="examples a step")
    width: int = Field(16, gt=0, description="of all networks")
    lr: Varying = Field(2e-4, gt=0, description="learning rate of all")
    decay_from: float = Field(0.5, ge=0, le=1, description=DECAY_FROM)


class AdamOptions(TranslationOptions):
    """The same, and Adam's."""

    beta1: float = Field(0.5, ge=0, lt=1, description="Adam's β1")

    def optimizer(self, lr: Varying | None = None, *, beta2: float = 0.999) -> OptimizerConfig:
        """Adam, as the options say."""
        return OptimizerConfig(lr or self.lr, betas=(self.beta1, beta2), decay_from=self.decay_from)


def nothing(n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
    """The noise of a translator that takes none: `(n, 0)`."""
    return torch.zeros(n, 0, device=rng.device)


def shapes(recipe: str, schema: Schema, *, multiple: int = 1, least: int = 4) -> tuple[tuple[int, ...], ...]:
    """The shapes `(C, H, W)` of "a" and "b", of one size.

    Args:
        recipe: its name, for the errors.
        schema: the data's.
        multiple: what divides both sides.
        least: pixels a side.

    Raises:
        UserError: no pictures, of different sizes, or of sides that the networks do not take.
    """
    a, b = (schema[name].shape for name in "ab")
    if len(a) != 3 or len(b) != 3:
        raise UserError(f"{recipe} turns pictures into pictures", "name folders or arrays of pictures")
    height, width = (max(least, multiple * round(side / multiple)) for side in b[1:])
    if a[1:] != b[1:]:
        sizes = " and ".join(f"{shape[1]}x{shape[2]}" for shape in (a, b))
        raise UserError(f"{recipe} needs pictures of one size, and these are of {sizes}", f"--size {height}x{width}")
    if (height, width) != b[1:]:
        divisible = f"sides divisible by {multiple}, {least} at least" if multiple > 1 else f"sides of {least} at least"
        raise UserError(f"{recipe} needs {divisible}", f"--size {height}x{width}")
    return a, b


def beside(*pictures: Tensor) -> Tensor:
    """Pictures of one size as one of all their channels, for a discriminator that sees what was given."""
    return cat(pictures, 1)


def marked(terms: Terms, mark: str) -> Terms:
    """The terms, with a mark behind their names."""
    return {f"{name}_{mark}": term for name, term in terms.items()}


def factor_between(recipe: str, schema: Schema) -> int:
    """How many times larger "b" is than "a".

    Raises:
        UserError: not the same whole number for both sides.
    """
    a, b = (schema[name].shape for name in "ab")
    factor = b[1] // a[1] if len(a) == len(b) == 3 else 0
    if not factor or tuple(side * factor for side in a[1:]) != tuple(b[1:]):
        problem = f"{recipe} needs pictures b that are a whole number of times larger than a"
        raise UserError(problem, "pictures of one kind: the small ones are made of them")
    return factor


class Completed(nn.Module):
    """A network that fills in what a mask leaves open: the rest of the picture stays as it is.

    Args:
        network: `(B, C + 1, H, W)` -> `(B, C, H, W)`; the last channel is the mask, below 0 in the hole.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, holed: Tensor) -> Tensor:
        """`(B, C + 1, H, W)` -> `(B, C, H, W)`."""
        return torch.where(holed[:, -1:] < 0, self.network(holed).float(), holed[:, :-1])


def hole_error(made: Tensor, real: Tensor, holed: Tensor) -> Tensor:
    """The mean squared error in the hole, a scalar, whatever the hole's size."""
    hole = (holed[:, -1:] < 0).float().expand_as(real)
    return ((made - real).square() * hole).sum() / hole.sum().clamp(min=1)


def holes(recipe: str, schema: Schema) -> tuple[tuple[int, ...], ...]:
    """The shapes of pictures with a hole, which have the mask as one channel more, and of whole ones.

    Raises:
        UserError: see `shapes`; or "a" has not one channel more.
    """
    a, b = shapes(recipe, schema)
    if a[0] != b[0] + 1:
        raise UserError(f"{recipe} needs pictures with a hole", "pictures of one kind: the holes are made in them")
    return a, b
