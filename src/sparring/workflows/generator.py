"""The generator of a run by itself: an ordinary module."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from sparring.drawing import latents_of
from sparring.errors import UserError
from sparring.game import Game, parts_of
from sparring.kinds import Kind, Schema, classes_of, labelled
from sparring.workflows.sampling import Sampler


class Generator(nn.Module):
    """Noise -> data: what a game samples by, in eval mode, as a module of its own.

    Its output is in the range in which the networks see data: pictures from -1 (black) to 1 (white), points
    standardised. `to_array` brings it to uint8 `(B, H, W, C)`, or to the data's own units.

    Args:
        game: the rules.
        makers: the networks that make samples, by name.
        schema: of the data.

    Attributes:
        latent_dim: how many numbers a sample is made from.
        parts: what they are; see `sparring.game.Part`.
        classes: the names of the classes that it can be asked for, in the order of their labels; () where it cannot.
        kind: what samples are.

    Raises:
        UserError: the game makes its samples from something else than noise and labels.
    """

    def __init__(self, game: Game[Any], makers: dict[str, nn.Module], schema: Schema) -> None:
        super().__init__()
        self.makers = nn.ModuleDict(makers)
        self.game, self.schema, self.parts = game, dict(schema), parts_of(game.noise)
        self.latent_dim = sum(part.dim for part in self.parts)
        self._labels = labelled(schema, game.given)
        if not self.latent_dim or set(game.given) - {self._labels}:
            raise UserError(
                f"this run makes its samples from {', '.join(game.given)}, not from noise", "name a run that has noise"
            )
        self.classes = classes_of(schema, self._labels) if self._labels else ()
        self.eval()

    @property
    def kind(self) -> Kind:
        """What samples are."""
        return self.schema[self.game.makes]

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Samples.

        Args:
            z: `(B, latent_dim)`; or styles, `(B, layers, dim)`, where the game has them.
            y: int64 `(B,)`, labels, where there are `classes`.

        Returns:
            `(B, ...)`, in the range of the networks.

        Raises:
            ValueError: labels are missing, or not asked for.
        """
        if (y is None) != (self._labels is None):
            raise ValueError("this generator needs labels: G(z, y)" if self._labels else "this generator has no labels")
        given = {self._labels: self.schema[self._labels].to_model(y)} if self._labels and y is not None else {}
        return self.game.sample(self._networks, z, given)

    def noise(self, seeds: Sequence[int], truncation: float | None = None) -> Tensor:
        """The noise of some seeds, `(len(seeds), latent_dim)`: that of `sparring sample --seeds`.

        Truncated, they are styles where the game has some, `(len(seeds), layers, dim)`.
        """
        device = next(iter([*self.parameters(), *self.buffers()]), torch.empty(0)).device
        return latents_of(self.game, self._networks, seeds, truncation, device).to(device)

    def styles(self, z: Tensor) -> Tensor:
        """The styles of noise, `(B, layers, dim)`, one for each layer.

        Raises:
            ValueError: this generator has none.
        """
        if self.game.styles is None:
            raise ValueError("this generator has no styles")
        return self.game.styles.of(self._networks, z)

    @property
    def _networks(self) -> Any:
        return self.game.with_networks(dict(self.makers.items()))

    def to_array(self, x: Tensor) -> np.ndarray:
        """Samples as arrays: pictures as uint8 `(B, H, W, C)`, points in their own units."""
        return self.kind.to_array(self.kind.to_stored(x))


def generator_of(ready: Sampler) -> Generator:
    """The generator of a run that was made ready to be sampled.

    Raises:
        UserError: see `Generator`.
    """
    modules = cast(Any, ready.networks)._asdict()
    return Generator(ready.game, {name: modules[name] for name in ready.game.sampling()}, ready.schema)
