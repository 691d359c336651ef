"""An adversarial loss for somebody else's training loop."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from sparring.augmentations import Augment
from sparring.game import OptimizerConfig
from sparring.loop import largest_gradient, preserving
from sparring.objectives import Objective, get, smooth_labels
from sparring.penalties import Penalty


class Adversary:
    """A discriminator that learns beside your model and gives it an adversarial loss.

    In each step of your own loop: `total = reconstruction + 0.01 * adversary.loss(fake, real)`, step your optimizer,
    then `adversary.learn(real, fake)`. The discriminator is moved by `learn` alone, your model by your optimizer alone.

    Args:
        discriminator: `(B, ...)` -> one logit or a map of logits an example; no sigmoid.
        objective: a name of `sparring.objectives.OBJECTIVES`, or an `Objective`.
        penalty: from `sparring.penalties`, such as `r1(1.0)`.
        optimizer: the discriminator's.
        label_smoothing: one-sided; see `objectives.smooth_labels`.
        seed: of the penalty's random points, and of the augmentation.
        augment: what pictures go through before the discriminator sees them, in both of its passes, such as
            `sparring.diff_augment`; where there is little data.

    Raises:
        UserError: no such objective; smoothing without labels.
        ValueError: the discriminator has no trainable parameter; an optimizer whose rate falls with a run's progress.

    Examples:
        >>> adversary = Adversary(nn.Linear(2, 1), objective="hinge")
        >>> fake = torch.zeros(4, 2, requires_grad=True)
        >>> adversary.loss(fake, real=torch.ones(4, 2)).backward()
        >>> fake.grad is not None, adversary.discriminator.weight.grad is None
        (True, True)
        >>> sorted(adversary.learn(real=torch.ones(4, 2), fake=fake))
        ['fake', 'real']
    """

    def __init__(
        self,
        discriminator: nn.Module,
        objective: str | Objective = "hinge",
        penalty: Penalty | None = None,
        *,
        optimizer: OptimizerConfig | None = None,
        label_smoothing: float = 0.0,
        seed: int = 0,
        augment: Augment | None = None,
    ) -> None:
        self.discriminator, self._augment = discriminator, augment
        self._objective = smooth_labels(get(objective), label_smoothing)
        self._penalty = penalty
        self._parameters = [p for p in discriminator.parameters() if p.requires_grad]
        if not self._parameters:
            raise ValueError("the discriminator has no parameter to train")
        chosen = optimizer or OptimizerConfig(2e-4)
        if chosen.settings(0.0) != chosen.settings(1.0):
            raise ValueError("an Adversary does not know how far your training is: leave decay_from at 1")
        self._optimizer = chosen.build(self._parameters)
        self._rng = torch.Generator(self._parameters[0].device).manual_seed(seed)

    def loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """What your model adds to its own loss: low when the discriminator takes `fake` for real.

        Args:
            fake: your model's output, with its graph, `(B, ...)`.
            real: the truth, `(B, ...)`; only relativistic objectives look at it.

        Returns:
            A scalar. No gradient reaches the discriminator, and none of its buffers moves.

        Raises:
            ValueError: the objective is relativistic and no `real` was given.
        """
        if self._objective.relativistic and real is None:
            raise ValueError(f"{self._objective.name} compares with reals: call loss(fake, real)")
        compared = real if self._objective.relativistic else None
        for parameter in self._parameters:
            parameter.requires_grad_(False)
        try:
            with preserving(self.discriminator.modules()):
                scores = self._judged(fake)
                with torch.no_grad():
                    on_real = scores if compared is None else self._judged(compared)
        finally:
            for parameter in self._parameters:
                parameter.requires_grad_(True)
        return torch.stack(list(self._objective.generator(on_real, scores).values())).sum()

    def learn(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        """One step of the discriminator.

        Args:
            real: `(B, ...)`.
            fake: `(B, ...)`; it is detached here.

        Returns:
            Its terms, as numbers.

        Raises:
            FloatingPointError: the gradient is NaN or infinite; the discriminator's weights stay as they were.
        """
        real, fake = real.detach(), fake.detach()
        terms = self._objective.discriminator(self._judged(real), self._judged(fake))
        if self._penalty is not None:
            terms |= self._penalty(self._judged, real, fake, self._rng)
        self._optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        gradient = largest_gradient(self._parameters)
        largest = None if gradient is None else gradient.item()
        if largest is not None and not math.isfinite(largest):
            self._optimizer.zero_grad(set_to_none=True)
            raise FloatingPointError(f"the discriminator's gradient became {largest}")
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return {name: term.item() for name, term in terms.items()}

    def _judged(self, x: Tensor) -> Tensor:
        return self.discriminator(self._augment(x, self._rng) if self._augment else x)

    def state_dict(self) -> dict[str, Any]:
        """All that `learn` changes, for a checkpoint of your own: discriminator, optimizer, random state."""
        return {
            "discriminator": self.discriminator.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "rng": self._rng.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave; the next step is then the same as it would have been."""
        self.discriminator.load_state_dict(state["discriminator"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._rng.set_state(state["rng"])
