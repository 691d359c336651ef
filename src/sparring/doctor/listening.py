"""What steps do to the weights, heard from the optimizers as they take them."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sparring.loop import State


@dataclass(frozen=True)
class Heard:
    """One step of a player.

    Args:
        gradient: length of the gradient that it was taken on.
        update: length of the step over the length of the weights.
        weights: length of the weights before the first step that was heard.
        rate: learning rate over the highest that the player was given: below 1 where a schedule lets it fall.
        layers: root mean square of the gradient of each parameter, by `network.parameter`, in the networks' order.
    """

    gradient: float
    update: float
    weights: float
    rate: float
    layers: dict[str, float] = field(repr=False)


class Listener:
    """Hears the steps that are taken between `start` and `stop`; it changes nothing, and costs nothing outside.

    Args:
        state: the game under way.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._names = {
            parameter: f"{network}.{name}"
            for network, module in state.game.networks._asdict().items()
            for name, parameter in module.named_parameters()
        }
        self._heard: dict[str, Heard] = {}
        self._handles: list[Any] = []

    def start(self) -> None:
        """Begin; does nothing when it has begun."""
        if not self._handles:
            self._heard = {}
            for player in self._state.optimizers:
                self._attach(player)

    @property
    def listening(self) -> bool:
        """Whether it has begun and not ended."""
        return bool(self._handles)

    def stop(self) -> dict[str, Heard]:
        """End, and return the last step of each player that took one."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        heard, self._heard = self._heard, {}
        return heard

    def _attach(self, player: str) -> None:
        optimizer, owned = self._state.optimizers[player], self._state.owned[player]
        given = next(each.optimizer.highest for each in self._state.game.players if each.name == player)
        before: list[Tensor] = []

        def about_to_step(*_: Any) -> None:
            before[:] = [parameter.detach().clone() for parameter in owned]

        def has_stepped(*_: Any) -> None:
            moved = length([after.detach() - kept for after, kept in zip(owned, before, strict=True)])
            weights = length(before)
            gradients = {p: p.grad for p in owned if p.grad is not None}
            self._heard[player] = Heard(
                gradient=length(list(gradients.values())),
                update=moved / max(weights, 1e-12),
                weights=self._heard[player].weights if player in self._heard else weights,
                rate=optimizer.param_groups[0]["lr"] / given if given else 1.0,  # a player may be told not to learn
                layers={self._names[p]: g.float().square().mean().sqrt().item() for p, g in gradients.items()},
            )

        self._handles += [
            optimizer.register_step_pre_hook(about_to_step),
            optimizer.register_step_post_hook(has_stepped),
        ]


def length(tensors: list[Tensor]) -> float:
    """Euclidean length of all of these together."""
    if not tensors:
        return 0.0
    return torch.stack([tensor.float().norm() for tensor in tensors]).norm().item()
