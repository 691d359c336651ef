"""The networks of a game that judge examples: what they are shown, and which of their layers are held constant.

A game stays data: `augmented` returns the same game with other losses, in which every network that judges pictures is
shown them changed at random, in both turns, reals and fakes alike. Whatever makes samples is not touched.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from sparring.augmentations import Augment, ada_augment, diff_augment
from sparring.devices import forked
from sparring.errors import UserError
from sparring.game import Batch, Game, Player, Step
from sparring.kinds import Schema
from sparring.loop import preserving
from sparring.objectives import Terms
from sparring.schedules import Varying, at

TARGET = 0.6
"""What r_t is held at (Karras et al. 2020, arXiv 2006.06676, section 3.1)."""

ADA_IMAGES = 50_000
"""Reals over which the strength can rise from 0 to 1. The paper's 500,000 are a fiftieth of its runs."""

EVERY = 4
"""Turns from one look at r_t to the next, as in the paper."""

MOST = 0.8
"""The highest strength: above it G may learn the augmentations themselves (section 2.2)."""

STATE = "augmentation_"
"""How the names of the buffers begin by which a judge holds ADA's strength."""


def judges(game: Game[Any]) -> tuple[str, ...]:
    """The networks with parameters that are trained, but not by those who make samples: discriminators, critics."""
    trained = [name for player in game.players if player.name not in game.makers for name in player.trains]
    makers = {name for player in game.players if player.name in game.makers for name in player.trains}
    modules = game.modules()
    return tuple(n for n in dict.fromkeys(trained) if n not in makers and any(True for _ in modules[n].parameters()))


def shapes_of(schema: Schema) -> tuple[tuple[int, ...], ...]:
    """The shapes of the columns that are pictures."""
    return tuple(kind.shape for kind in schema.values() if len(kind.shape) == 3)


@dataclass(frozen=True)
class Strength:
    """ADA's p, how far it is to move, and the round of the last look, as buffers of a judge: they are saved with it.

    Args:
        judge: with these buffers; not with a module, which a network that calls all its parts in turn would call.
    """

    judge: nn.Module

    @classmethod
    def given_to(cls, judge: nn.Module) -> "Strength":
        """A strength of 0, where the judge's parameters are."""
        device = next(judge.parameters()).device
        judge.register_buffer(f"{STATE}p", torch.zeros((), device=device))
        judge.register_buffer(f"{STATE}due", torch.zeros((), device=device))
        judge.register_buffer(f"{STATE}seen", torch.tensor(-EVERY, device=device))
        return cls(judge)

    @property
    def p(self) -> Tensor:
        """The probability of each change."""
        return self.judge.get_buffer(f"{STATE}p")

    @property
    def seen(self) -> int:
        """The round of the last look."""
        return int(self.judge.get_buffer(f"{STATE}seen"))

    def set(self, p: float) -> None:
        """Give it that value."""
        self._put("p", torch.full_like(self.p, p))

    @torch.no_grad()
    def move(self) -> None:
        """By what is due."""
        due = self.judge.get_buffer(f"{STATE}due")
        self._put("p", (self.p + due).clamp(0, MOST))
        self._put("due", torch.zeros_like(due))

    @torch.no_grad()
    def look(self, r: Tensor, share: float, round: int) -> None:
        """A move is due: up where r_t is above its target, down where it is below, by this share of the way to 1."""
        self._put("due", (torch.sign(r - TARGET) * share).to(self.p))
        self._put("seen", torch.full_like(self.judge.get_buffer(f"{STATE}seen"), round))

    def _put(self, name: str, value: Tensor) -> None:
        # a new tensor: a backward pass to come needs the old one
        setattr(self.judge, STATE + name, value)


def strength_of(networks: Iterable[nn.Module]) -> Tensor | None:
    """ADA's p; None where there is none."""
    return next((Strength(net).p for net in networks if f"{STATE}p" in net._buffers), None)


class Shown(nn.Module):
    """A network that is shown pictures augmented: in `forward`, and in any other method whose first argument they are.

    Its parameters are the network's. Channels behind the picture's own, labels say, are left as they are.

    Args:
        network: a judge.
        augment: pictures -> pictures.
        shapes: (C, H, W) of what counts as pictures.
    """

    def __init__(
        self, network: nn.Module, augment: Callable[[Tensor], Tensor], shapes: tuple[tuple[int, ...], ...]
    ) -> None:
        super().__init__()
        self.network, self._augment, self._shapes = network, augment, shapes

    def forward(self, x: Tensor, *more: Any, **named: Any) -> Any:
        """What the network says of the augmented pictures."""
        return self.network(self._seen(x), *more, **named)

    def __getattr__(self, name: str) -> Any:
        if name in self._modules:
            return super().__getattr__(name)
        found = getattr(self.network, name)
        return partial(self._called, found) if inspect.ismethod(found) else found

    def _called(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return method(*map(self._seen, arguments[:1]), *arguments[1:], **named)

    def _seen(self, x: Any) -> Any:
        for channels, *sides in self._shapes:
            if isinstance(x, Tensor) and x.ndim == 4 and [*x.shape[2:]] == sides and x.shape[1] >= channels:
                pictures, more = self._augment(x[:, :channels].float()), x[:, channels:]
                return torch.cat([pictures, more], 1) if more.shape[1] else pictures
        return x


@dataclass(frozen=True)
class Augmentation:
    """How the judges of a game are shown pictures.

    Args:
        how: "diff" or "ada".
        shapes: (C, H, W) of the columns that are pictures.
        images: reals in a turn of the judges' player.
        p: of ADA, over the run; None lets r_t move it.
    """

    how: Literal["diff", "ada"]
    shapes: tuple[tuple[int, ...], ...]
    images: int
    p: Varying | None = None


def sees_pictures(game: Game[Any], schema: Schema, batch: Batch) -> bool:
    """Whether any judge is given pictures to judge, found by asking the critic about some examples.

    Args:
        game: the rules.
        schema: of the data.
        batch: examples in the model's range, where the networks are.
    """
    given: list[Tensor] = []

    def note(x: Tensor) -> Tensor:
        given.append(x)
        return x

    net = game.networks
    spied = game.with_networks({name: Shown(getattr(net, name), note, shapes_of(schema)) for name in judges(game)})
    with torch.no_grad(), preserving(module for network in net for module in network.modules()):
        game.critic(spied, batch)
    return bool(given)


def augmented(game: Game[Any], how: Augmentation) -> Game[Any]:
    """The same game, whose judges are shown pictures augmented.

    Noise is the turn's own. The critic shows them so too: D's answers are those that it gives in training.

    Args:
        game: the rules; of ADA, its first judge is given the strength as a buffer.
        how: see `Augmentation`.
    """
    names = judges(game)
    holder = names[0]
    if how.how == "ada":
        Strength.given_to(game.modules()[holder])

    def shown(net: Any, rng: torch.Generator) -> Any:
        return game.with_networks(net._asdict() | {n: Shown(getattr(net, n), _by(net, rng), how.shapes) for n in names})

    def _by(net: Any, rng: torch.Generator) -> Callable[[Tensor], Tensor]:
        augment: Augment = diff_augment
        if how.how == "ada":
            augment = partial(ada_augment, p=Strength(getattr(net, holder)).p)
        return lambda x: augment(x, rng)

    def played(player: Player[Any], net: Any, step: Step) -> Terms:
        if how.how == "ada" and holder in player.trains:
            _regulate(game, how, Strength(getattr(net, holder)), net, step, shown)
        return player.loss(shown(net, step.rng), step)

    def critic(net: Any, batch: Batch) -> Tensor:
        device = next(iter(batch.values())).device
        rng = torch.Generator(device).manual_seed(int(torch.randint(2**62, ())))
        return game.critic(shown(net, rng), batch)

    return replace(game, players=tuple(replace(p, loss=partial(played, p)) for p in game.players), critic=critic)


@torch.no_grad()
def _regulate(
    game: Game[Any], how: Augmentation, strength: Strength, net: Any, step: Step, shown: Callable[..., Any]
) -> None:
    """Set ADA's strength, or move it by r_t = E[sign(D(x) - t)], t halfway between the medians of reals and fakes.

    The first part of a round's first batch is looked at, and the move is made in the next round, when all processes
    hold what the first one has found: within a round p stays. Looking draws no noise that the turn would have drawn.
    """
    if how.p is not None:
        strength.set(at(how.p, step.progress))
        return
    seen = strength.seen
    if step.round > seen:
        strength.move()
    if step.round < seen + EVERY:
        return
    rng = torch.Generator(step.rng.device)
    rng.set_state(step.rng.get_state())
    with forked(rng.device), preserving(module for network in net for module in network.modules()):
        made = game.sample(net, game.noise(len(step.batch[game.makes]), rng, None), step.batch).float()
        watched = shown(net, rng)
        real, fake = (game.critic(watched, step.batch | more).float() for more in ({}, {game.makes: made}))
    threshold = (real.median() + fake.median()) / 2
    shown_since = (step.round - max(seen, 0)) * how.images
    strength.look(torch.sign(real - threshold).mean(), shown_since / ADA_IMAGES, step.round)


def layers_of(game: Game[Any], name: str, batch: Batch) -> list[list[nn.Parameter]]:
    """The parameters of each layer of a network, in the order in which the critic goes through them.

    A layer is what has weights of its own, under a parametrization such as spectral norm too. What only scales or
    shifts, such as batch norm, belongs to the layer before.

    Args:
        game: the rules.
        name: of the network.
        batch: examples in the model's range, where the networks are.
    """
    owned = {module: _own(module) for module in game.modules()[name].modules() if not _inner(module)}
    called: dict[nn.Module, None] = {}
    handles = [
        module.register_forward_pre_hook(lambda module, _: called.setdefault(module))
        for module, own in owned.items()
        if own
    ]
    with torch.no_grad(), preserving(module for network in game.networks for module in network.modules()):
        game.critic(game.networks, batch)
    for handle in handles:
        handle.remove()
    layers: list[list[nn.Parameter]] = []
    for module in dict.fromkeys([*called, *owned]):
        own = owned[module]
        if layers and all(parameter.ndim < 2 for parameter in own):
            layers[-1] += own
        elif own:
            layers.append(own)
    return layers


def _own(module: nn.Module) -> list[nn.Parameter]:
    inner = [each for each in module.children() if _inner(each)]
    return [*module.parameters(recurse=False), *(p for each in inner for p in each.parameters())]


def _inner(module: nn.Module) -> bool:
    """Whether a module is a part of another one's parametrization."""
    return isinstance(module, ParametrizationList) or (
        isinstance(module, nn.ModuleDict) and any(isinstance(each, ParametrizationList) for each in module.values())
    )


def frozen(game: Game[Any], count: int, batch: Batch) -> None:
    """Hold the first layers of every judge of more than one layer constant, in place.

    Args:
        game: the rules.
        count: of the layers.
        batch: see `layers_of`.

    Raises:
        UserError: a judge has no more layers than that.

    References:
        Mo et al. 2020, arXiv 2002.10964.
    """
    found = {name: layers_of(game, name, batch) for name in judges(game)}
    deep = {name: layers for name, layers in found.items() if len(layers) > 1} or found
    for name, layers in deep.items():
        if count >= len(layers):
            raise UserError(f"freeze_d = {count}: {name} has {len(layers)} layers", f"{len(layers) - 1} at most")
        for parameter in (p for layer in layers[:count] for p in layer):
            parameter.requires_grad_(False)
