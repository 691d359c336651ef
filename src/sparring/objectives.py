"""What each side of the game minimises, on logits.

An objective is two pure functions of `real = D(x)` and `fake = D(G(z))`, raw logits (or critic scores) of equal
shape, of which each returns named scalars whose sum is minimised. The sigmoid lives here and nowhere else; all
arithmetic is float32 whatever the precision of the networks. Wherever softplus stands, it is the stable form of
`-log sigmoid(-x) = log(1 + exp(x))`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn.functional import relu, softplus

from sparring.errors import UserError, did_you_mean

Terms = dict[str, Tensor]
Side = Callable[[Tensor, Tensor], Terms]


@dataclass(frozen=True)
class Objective:
    """The two sides of a game.

    Args:
        name: the name the field uses.
        discriminator: (real, fake) -> what D minimises.
        generator: (real, fake) -> what G minimises. `real` carries no gradient that G could use.
        relativistic: whether G's side looks at `real` at all; where it does not, D(x) is spared in G's turn.
        smoothed: the discriminator's side with one-sided label smoothing, where the objective has labels.
    """

    name: str
    discriminator: Side
    generator: Side
    relativistic: bool = False
    smoothed: Callable[[float], Side] | None = None


def _minimax_discriminator(real: Tensor, fake: Tensor) -> Terms:
    # -E[log D(x)] - E[log(1 - D(G(z)))]
    return {"real": softplus(-real.float()).mean(), "fake": softplus(fake.float()).mean()}


def _smoothed_minimax(amount: float) -> Side:
    def discriminator(real: Tensor, fake: Tensor) -> Terms:
        # the real label is 1 - s: (1 - s) softplus(-r) + s softplus(r) = softplus(-r) + s r
        return {
            "real": (softplus(-real.float()) + amount * real.float()).mean(),
            "fake": softplus(fake.float()).mean(),
        }

    return discriminator


def _saturating_generator(_: Tensor, fake: Tensor) -> Terms:
    # E[log(1 - D(G(z)))]: its gradient vanishes where D is sure of itself
    return {"fake": -softplus(fake.float()).mean()}


def _non_saturating_generator(_: Tensor, fake: Tensor) -> Terms:
    # -E[log D(G(z))]
    return {"fake": softplus(-fake.float()).mean()}


def _wasserstein_critic(real: Tensor, fake: Tensor) -> Terms:
    # E[D(G(z))] - E[D(x)]: minus the estimate of the distance
    return {"real": -real.float().mean(), "fake": fake.float().mean()}


def _score_generator(_: Tensor, fake: Tensor) -> Terms:
    # the score itself: -E[D(G(z))]
    return {"fake": -fake.float().mean()}


def _hinge_discriminator(real: Tensor, fake: Tensor) -> Terms:
    # a margin of 1 on either side: E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]
    return {"real": relu(1 - real.float()).mean(), "fake": relu(1 + fake.float()).mean()}


def _least_squares_discriminator(real: Tensor, fake: Tensor) -> Terms:
    # 1/2 E[(D(x) - 1)^2] + 1/2 E[D(G(z))^2]
    return {"real": (real.float() - 1).square().mean() / 2, "fake": fake.float().square().mean() / 2}


def _smoothed_least_squares(amount: float) -> Side:
    def discriminator(real: Tensor, fake: Tensor) -> Terms:
        return {
            "real": (real.float() - (1 - amount)).square().mean() / 2,
            "fake": fake.float().square().mean() / 2,
        }

    return discriminator


def _least_squares_generator(_: Tensor, fake: Tensor) -> Terms:
    # 1/2 E[(D(G(z)) - 1)^2]
    return {"fake": (fake.float() - 1).square().mean() / 2}


def _boundary_seeking_generator(_: Tensor, fake: Tensor) -> Terms:
    # 1/2 E[(log D(G(z)) - log(1 - D(G(z))))^2], and log D - log(1 - D) is the logit
    return {"fake": fake.float().square().mean() / 2}


def _relativistic_pairing_discriminator(real: Tensor, fake: Tensor) -> Terms:
    # E[softplus(D(G(z)) - D(x))], each real against one fake
    return {"pairing": softplus(fake.float() - real.float()).mean()}


def _relativistic_pairing_generator(real: Tensor, fake: Tensor) -> Terms:
    # the pairs turned round: E[softplus(D(x) - D(G(z)))]
    return {"pairing": softplus(real.float() - fake.float()).mean()}


def _relativistic_average_discriminator(real: Tensor, fake: Tensor) -> Terms:
    # -E[log sigmoid(D(x) - E D(G(z)))] - E[log(1 - sigmoid(D(G(z)) - E D(x)))]
    real, fake = real.float(), fake.float()
    return {"real": softplus(fake.mean() - real).mean(), "fake": softplus(fake - real.mean()).mean()}


def _relativistic_average_generator(real: Tensor, fake: Tensor) -> Terms:
    # the same with the roles exchanged: the real term stays, it carries gradient through E D(G(z))
    real, fake = real.float(), fake.float()
    return {"real": softplus(real - fake.mean()).mean(), "fake": softplus(real.mean() - fake).mean()}


minimax = Objective("minimax", _minimax_discriminator, _saturating_generator, smoothed=_smoothed_minimax)
"""The saturating game, `min_G max_D E[log D(x)] + E[log(1 - D(G(z)))]`.

At equality of the two distributions the best D answers 0 everywhere, and D pays 2 log 2.

References:
    Goodfellow et al. 2014, arXiv 1406.2661, eq. 1.

Examples:
    >>> import torch
    >>> terms = minimax.discriminator(torch.zeros(8), torch.zeros(8))
    >>> round(sum(terms.values()).item(), 4)  # 2 log 2
    1.3863
"""

non_saturating = Objective(
    "non-saturating", _minimax_discriminator, _non_saturating_generator, smoothed=_smoothed_minimax
)
"""The same D; G maximises log D(G(z)) instead, so that its gradient is strong where D rejects it.

References:
    Goodfellow et al. 2014, arXiv 1406.2661, section 3.

Examples:
    >>> import torch
    >>> fake = torch.tensor([-9.0], requires_grad=True)  # D is sure that this is fake
    >>> for objective in (minimax, non_saturating):
    ...     (gradient,) = torch.autograd.grad(objective.generator(fake, fake)["fake"], fake)
    ...     print(objective.name, round(gradient.item(), 4))
    minimax -0.0001
    non-saturating -0.9999
"""

wasserstein = Objective("wasserstein", _wasserstein_critic, _score_generator)
"""The critic's estimate of the earth mover's distance; it needs a Lipschitz critic (see `penalties`).

References:
    Arjovsky et al. 2017, arXiv 1701.07875, eq. 2 and 3.

Examples:
    >>> import torch
    >>> terms = wasserstein.discriminator(torch.tensor([3.0]), torch.tensor([1.0]))
    >>> sum(terms.values()).item()
    -2.0
"""

hinge = Objective("hinge", _hinge_discriminator, _score_generator)
"""The hinge game: D stops pushing once it is right by a margin of 1.

References:
    Lim & Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957, eq. 16 and 17.

Examples:
    >>> import torch
    >>> terms = hinge.discriminator(torch.tensor([2.0]), torch.tensor([-2.0]))
    >>> sum(terms.values()).item()
    0.0
"""

least_squares = Objective(
    "least-squares", _least_squares_discriminator, _least_squares_generator, smoothed=_smoothed_least_squares
)
"""Least squares with labels 0 and 1: fakes far on the real side are pulled back too.

References:
    Mao et al. 2016, arXiv 1611.04076, eq. 9.

Examples:
    >>> import torch
    >>> fake = torch.tensor([9.0], requires_grad=True)  # far on the real side of the boundary
    >>> torch.autograd.grad(least_squares.generator(fake, fake)["fake"], fake)[0].item()
    8.0
"""

boundary_seeking = Objective(
    "boundary-seeking", _minimax_discriminator, _boundary_seeking_generator, smoothed=_smoothed_minimax
)
"""The first D; G seeks the boundary, where D answers 0, instead of what D takes for real.

References:
    Hjelm et al. 2017, arXiv 1702.08431, section 3 (continuous data).

Examples:
    >>> import torch
    >>> fake = torch.tensor([-3.0, 0.0, 3.0], requires_grad=True)
    >>> (gradient,) = torch.autograd.grad(boundary_seeking.generator(fake, fake)["fake"] * 3, fake)
    >>> gradient.tolist()  # towards 0 from both sides
    [-3.0, 0.0, 3.0]
"""

relativistic_pairing = Objective(
    "relativistic-pairing",
    _relativistic_pairing_discriminator,
    _relativistic_pairing_generator,
    relativistic=True,
)
"""Each fake is judged against one real.

References:
    Jolicoeur-Martineau 2018, arXiv 1807.00734 (RSGAN); Huang et al. 2024, arXiv 2501.05441, section 2.

Examples:
    >>> import torch
    >>> real, fake = torch.tensor([1.0]), torch.tensor([0.5])
    >>> moved = relativistic_pairing.generator(real + 7, fake + 7)["pairing"]
    >>> bool(moved == relativistic_pairing.generator(real, fake)["pairing"])  # a constant added to D changes nothing
    True
"""

relativistic_average = Objective(
    "relativistic-average",
    _relativistic_average_discriminator,
    _relativistic_average_generator,
    relativistic=True,
)
"""Each is judged against the average of the other side.

References:
    Jolicoeur-Martineau 2018, arXiv 1807.00734 (RaSGAN).

Examples:
    >>> import torch
    >>> terms = relativistic_average.generator(torch.zeros(4), torch.zeros(4))
    >>> round(sum(terms.values()).item(), 4)
    1.3863
"""

OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        minimax,
        non_saturating,
        wasserstein,
        hinge,
        least_squares,
        boundary_seeking,
        relativistic_pairing,
        relativistic_average,
    )
}


def get(objective: str | Objective) -> Objective:
    """The objective of that name; an `Objective` is returned as it is.

    Raises:
        UserError: no objective has that name.
    """
    if isinstance(objective, Objective):
        return objective
    if objective not in OBJECTIVES:
        raise UserError(f"there is no objective named {objective!r}", did_you_mean(objective, OBJECTIVES))
    return OBJECTIVES[objective]


def smooth_labels(objective: Objective, amount: float) -> Objective:
    """One-sided label smoothing: D's target for reals becomes 1 - amount; fakes keep theirs.

    Args:
        objective: one whose discriminator has labels.
        amount: from 0 (none) up to, not including, 1.

    Raises:
        UserError: the objective has no labels to smooth, or the amount is out of range.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 3.4.

    Examples:
        >>> import torch
        >>> real = torch.tensor([0.0], requires_grad=True)
        >>> terms = smooth_labels(non_saturating, 0.1).discriminator(real, real.detach())
        >>> round(torch.autograd.grad(terms["real"], real)[0].item(), 4)  # sigmoid(0) - 0.9
        -0.4
    """
    if not 0 <= amount < 1:
        raise UserError(f"label smoothing of {amount} is out of range", "from 0 up to, not including, 1")
    if amount == 0:
        return objective
    if objective.smoothed is None:
        having = ", ".join(name for name, o in OBJECTIVES.items() if o.smoothed)
        raise UserError(f"{objective.name} has no labels to smooth", f"objectives with labels: {having}")
    return replace(objective, discriminator=objective.smoothed(amount))
