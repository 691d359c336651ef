"""Directions in the noise that change most of what a generator makes, found without labels.

References:
    Closed form: Shen and Zhou 2020, arXiv 2007.06600 (SeFa), equation 6.
    By activations: Härkönen et al. 2020, arXiv 2004.02546 (GANSpace), section 2.1 and equation 2.

Deviations:
    GANSpace looks at what BigGAN's first linear layer gives. For normal noise that is SeFa's answer again, with an
    error of sampling; here the activations are those that the second layer is given, behind norm and nonlinearity.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.networks.equalized import EqualizedConv2d, EqualizedLinear
from sparring.workflows import Generator

LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    EqualizedLinear,
    EqualizedConv2d,
)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

SAMPLES = 2000
"""From which principal directions are found."""


def sefa(generator: Generator, count: int) -> Tensor:
    """The directions that the first layer stretches most: the right singular vectors of its weight A, AᵀA n = λ n.

    Args:
        generator: its first layer is linear in z.
        count: how many.

    Returns:
        `(count, D)`, D the dimension of the first part of the noise; of length 1, the strongest first.

    Raises:
        UserError: more directions than z has dimensions, or a first layer that is not given z.
    """
    z = generator.noise(range(2))
    width = _checked(generator, count)
    layer, given, _ = _layers(generator, z, _labels(generator, 2))
    if given.shape[1] < width or not torch.equal(given[:, :width], z[:, :width]):
        raise UserError("the first layer of this generator does not take its noise as it is", "--by activations")
    _, _, right = torch.linalg.svd(matrix(layer)[:, :width], full_matrices=False)
    return _signed(right[:count])


def principal(generator: Generator, count: int) -> Tensor:
    """The principal directions of the first layer's activations, brought back to the noise by least squares.

    Args:
        generator: any; its samples are of all classes in turn.
        count: how many.

    Returns:
        As `sefa`.

    Raises:
        UserError: more directions than z has dimensions.
    """
    width = _checked(generator, count)
    z = generator.noise(range(SAMPLES))
    _, _, seen = _layers(generator, z, _labels(generator, SAMPLES))
    seen, z = seen - seen.mean(0), z[:, :width]
    _, _, axes = torch.linalg.svd(seen, full_matrices=False)
    coordinates = seen @ axes[:count].T  # (N, count)
    found = torch.linalg.lstsq(coordinates, z - z.mean(0)).solution
    return _signed(found / found.norm(dim=1, keepdim=True))


@torch.no_grad()
def in_styles(generator: Generator, count: int, by: str) -> Tensor:
    """Directions in the styles of a generator that has some.

    Args:
        generator: with styles.
        count: how many.
        by: "sefa", from the weights of all layers that are given a style, one above the other (SeFa, section 3.2); or
            "activations", the principal directions of styles (GANSpace, section 2.1).

    Returns:
        `(count, dim)`, as long as the standard deviation of styles along each.

    Raises:
        UserError: more directions than a style has numbers.
    """
    w = generator.styles(generator.noise(range(SAMPLES)))[:, 0]
    if count > w.shape[1]:
        raise UserError(f"{count} directions of styles with {w.shape[1]} numbers", f"{w.shape[1]} at most")
    away = w - w.mean(0)
    stretched = torch.cat([matrix(layer) for layer in _given_styles(generator)]) if by == "sefa" else away
    _, _, right = torch.linalg.svd(stretched, full_matrices=False)
    found = _signed(right[:count])
    return found * (away @ found.T).std(0)[:, None]


def _given_styles(generator: Generator) -> list[nn.Module]:
    """The layers that are given a style as it is."""
    z = generator.noise(range(2))
    w = generator.styles(z)
    found: dict[nn.Module, None] = {}

    def hear(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        if given[0].shape == w[:, 0].shape and torch.equal(given[0], w[:, 0]):
            found[layer] = None

    handles = [each.register_forward_hook(hear) for each in generator.modules() if isinstance(each, LAYERS)]
    try:
        generator(w, _labels(generator, 2))
    finally:
        for handle in handles:
            handle.remove()
    return list(found)


def matrix(layer: nn.Module) -> Tensor:
    """The weight of a layer as `(outputs, inputs)`; every tap of a convolution is an output."""
    weight: Any = layer.weight
    inputs = 0 if isinstance(layer, TRANSPOSED) else 1
    return weight.detach().movedim(inputs, 0).flatten(1).T


def _checked(generator: Generator, count: int) -> int:
    part = generator.parts[0]
    if count > part.dim:
        raise UserError(f"{count} directions of noise with {part.dim} dimensions", f"{part.dim} at most")
    return part.dim


def _labels(generator: Generator, n: int) -> Tensor | None:
    device = generator.noise([0]).device
    return torch.arange(n, device=device) % len(generator.classes) if generator.classes else None


@torch.no_grad()
def _layers(generator: Generator, z: Tensor, labels: Tensor | None) -> tuple[nn.Module, Tensor, Tensor]:
    """The first layer with a weight, what it is given, and what the second one is given; both `(N, -1)`."""
    with _heard(generator) as calls:
        generator(z, labels)
    if not calls:
        raise UserError("this generator has no linear layer or convolution", "name another run")
    layer, given, made = calls[0]
    return layer, given.flatten(1), (calls[1][1] if len(calls) > 1 else made).flatten(1)


@contextmanager
def _heard(generator: Generator) -> Iterator[list[tuple[nn.Module, Tensor, Tensor]]]:
    """The calls of the first two layers within, in their order."""
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []

    def hear(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        if len(calls) < 2:
            calls.append((layer, given[0], made))

    handles = [each.register_forward_hook(hear) for each in generator.modules() if isinstance(each, LAYERS)]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _signed(rows: Tensor) -> Tensor:
    """A direction and its opposite are the same: the largest entry is made positive."""
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    return rows * largest.sign()
