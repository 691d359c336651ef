"""Gradient penalties and weight clipping: what keeps a discriminator from growing too steep.

A penalty is built once by a factory (`r1(1.0)`) and called in D's turn as `penalty(D, real, fake, rng)`; it
returns named scalars to add to D's loss. D maps `(B, ...)` to one score or one map of scores an example. Gradients
are taken in float32 outside autocast, and the norm is that of each example by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Terms = dict[str, Tensor]
Critic = Callable[[Tensor], Tensor]
Penalty = Callable[[Critic, Tensor, Tensor, torch.Generator], Terms]


def squared_gradient_norms(D: Critic, x: Tensor) -> Tensor:
    """The squared length of D's gradient at each example, with a graph, so that it can be minimised.

    Args:
        D: the critic.
        x: `(B, ...)`, any shape behind the batch.

    Returns:
        `(B,)`, float32.
    """
    with torch.autocast(x.device.type, enabled=False):
        return scores_and_norms(D, x)[1]


def scores_and_norms(D: Critic, x: Tensor) -> tuple[Tensor, Tensor]:
    """D's scores, and the squared length of its gradient at each example, from one forward pass.

    Args:
        D: the critic.
        x: `(B, ...)`, any shape behind the batch.

    Returns:
        What D returns, and `(B,)`, float32; both with a graph.
    """
    x = x.detach().float().requires_grad_()
    scores = D(x)
    (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return scores, gradient.flatten(1).square().sum(1)


def _mix(real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    # one ε an example, not one a batch
    share = torch.rand(len(real), generator=rng, device=real.device).view(-1, *[1] * (real.ndim - 1))
    return torch.lerp(fake.detach().float(), real.detach().float(), share)


def _norms(D: Critic, x: Tensor) -> Tensor:
    # the square root's own gradient is infinite at 0
    return (squared_gradient_norms(D, x) + 1e-12).sqrt()


def gradient_penalty(weight: float = 10.0, center: float = 1.0, one_sided: bool = False) -> Penalty:
    """`weight · E[(|∇D(x̂)| - center)²]`, x̂ uniform on the line between a real and a fake, one line an example.

    Args:
        weight: λ; the paper's is 10.
        center: the length that costs nothing; 0 gives the zero-centred penalty (Thanh-Tung 2019, arXiv 1902.03984).
        one_sided: only a length above `center` costs (the paper's section 4, WGAN-LP's arXiv 1709.08894).

    References:
        Gulrajani et al. 2017, arXiv 1704.00028, eq. 3.

    Examples:
        For a linear critic the gradient is w everywhere, and the penalty is exactly weight · (|w| - 1)²:

        >>> w = torch.tensor([3.0, 4.0])
        >>> x, rng = torch.randn(5, 2), torch.Generator()
        >>> terms = gradient_penalty(10.0)(lambda x: x @ w, x, x + 1, rng)
        >>> round(terms["gradient_penalty"].item(), 3)
        160.0
    """

    def penalty(D: Critic, real: Tensor, fake: Tensor, rng: torch.Generator) -> Terms:
        excess = _norms(D, _mix(real, fake, rng)) - center
        if one_sided:
            excess = excess.relu()
        return {"gradient_penalty": weight * excess.square().mean()}

    return penalty


def divergence(weight: float = 2.0, power: float = 6.0) -> Penalty:
    """`weight · E[|∇D(x̂)|^power]`, x̂ as in `gradient_penalty`: every gradient costs, long ones much more.

    Args:
        weight: k; the paper's is 2.
        power: p; the paper's is 6. More than 1.

    References:
        Wu et al. 2017, arXiv 1712.01026.

    Examples:
        >>> w = torch.tensor([0.6, 0.8])
        >>> x = torch.randn(5, 2)
        >>> round(divergence()(lambda x: 2 * x @ w, x, x + 1, torch.Generator())["divergence"].item(), 3)
        128.0
    """

    def penalty(D: Critic, real: Tensor, fake: Tensor, rng: torch.Generator) -> Terms:
        return {"divergence": weight * _norms(D, _mix(real, fake, rng)).pow(power).mean()}

    return penalty


@dataclass(frozen=True)
class ZeroCentered:
    """R1, R2 or both: penalties on D's gradient at the very examples that D has to score anyway.

    Args:
        real: γ of R1.
        fake: γ of R2.
    """

    real: float = 0.0
    fake: float = 0.0

    def __call__(self, D: Critic, real: Tensor, fake: Tensor, rng: torch.Generator) -> Terms:
        """The terms, by forward passes of their own."""
        return self.of(
            squared_gradient_norms(D, real) if self.real else None,
            squared_gradient_norms(D, fake) if self.fake else None,
        )

    def of(self, real: Tensor | None, fake: Tensor | None) -> Terms:
        """The terms, from the squared lengths of D's gradient at each real and at each fake, `(B,)`."""
        terms: Terms = {}
        if self.real and real is not None:
            terms["r1"] = self.real / 2 * real.mean()
        if self.fake and fake is not None:
            terms["r2"] = self.fake / 2 * fake.mean()
        return terms


def r1(gamma: float = 1.0) -> ZeroCentered:
    """`γ/2 · E[|∇D(x)|²]` on reals: D is flat where the data is.

    References:
        Mescheder et al. 2018, arXiv 1801.04406, eq. 9.

    Examples:
        >>> w = torch.tensor([3.0, 4.0])
        >>> x = torch.randn(5, 2)
        >>> r1(2.0)(lambda x: x @ w, x, x, torch.Generator())["r1"].item()
        25.0
    """
    return ZeroCentered(real=gamma)


def r2(gamma: float = 1.0) -> ZeroCentered:
    """`γ/2 · E[|∇D(G(z))|²]` on fakes.

    References:
        Mescheder et al. 2018, arXiv 1801.04406, eq. 10.

    Examples:
        >>> w = torch.tensor([3.0, 4.0])
        >>> x = torch.randn(5, 2)
        >>> r2(2.0)(lambda x: x @ w, x, x, torch.Generator())["r2"].item()
        25.0
    """
    return ZeroCentered(fake=gamma)


def dragan(weight: float = 10.0, center: float = 1.0, spread: float = 0.5) -> Penalty:
    """`weight · E[(|∇D(x + δ)| - center)²]`, δ normal: around the reals only, fakes are not looked at.

    Args:
        weight: λ; the paper's is 10.
        center: k; the length that costs nothing.
        spread: δ's standard deviation, in standard deviations of the real batch.

    References:
        Kodali et al. 2017, arXiv 1705.07215.

    Deviations:
        The authors' code draws δ uniform from 0 to 0.5 standard deviations, and takes a random point on the way to
        x + δ.

    Examples:
        >>> w = torch.tensor([3.0, 4.0])
        >>> x = torch.randn(5, 2)
        >>> nowhere = torch.full_like(x, torch.nan)  # the fakes do not matter
        >>> round(dragan(1.0)(lambda x: x @ w, x, nowhere, torch.Generator())["dragan"].item(), 3)
        16.0
    """

    def penalty(D: Critic, real: Tensor, fake: Tensor, rng: torch.Generator) -> Terms:
        real = real.detach().float()
        delta = torch.randn(real.shape, generator=rng, device=real.device)
        excess = _norms(D, real + spread * real.std() * delta) - center
        return {"dragan": weight * excess.square().mean()}

    return penalty


def together(*penalties: Penalty) -> Penalty:
    """Several penalties as one; their terms stay apart, but for two of the same name, which are added.

    Examples:
        >>> both = together(r1(1.0), r2(1.0))
        >>> x = torch.ones(2, 2)
        >>> sorted(both(lambda x: x.sum(1), x, x, torch.Generator()))
        ['r1', 'r2']
    """
    centered = [each for each in penalties if isinstance(each, ZeroCentered)]
    if len(centered) == len(penalties):
        return ZeroCentered(sum(each.real for each in centered), sum(each.fake for each in centered))

    def penalty(D: Critic, real: Tensor, fake: Tensor, rng: torch.Generator) -> Terms:
        terms: Terms = {}
        for each in penalties:
            for name, term in each(D, real, fake, rng).items():
                terms[name] = terms[name] + term if name in terms else term
        return terms

    return penalty


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Clamp every parameter to [-limit, limit], in place.

    References:
        Arjovsky et al. 2017, arXiv 1701.07875, algorithm 1, line 7.

    Examples:
        >>> layer = nn.Linear(3, 1)
        >>> clip_weights(layer, 0.01)
        >>> bool(layer.weight.abs().max() <= 0.01)
        True
    """
    for parameter in network.parameters():
        parameter.clamp_(-limit, limit)
