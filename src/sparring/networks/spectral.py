"""Spectral norm on a whole network."""

import torch
from torch import Tensor, mv, nn
from torch.nn.functional import normalize
from torch.nn.modules.conv import _ConvTransposeNd
from torch.nn.utils.parametrize import register_parametrization

ITERATIONS = 3
"""Power iterations at each forward pass in train mode. The paper's single one lags behind weights that move quickly."""

FIRST_ITERATIONS = 15

COVERED = (
    *(nn.Linear, nn.Embedding),
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
"""The layers that `constrain_spectrum` constrains. Attention, recurrent and bilinear weights are left as they are."""


class SpectralNorm(nn.Module):
    """A weight over its largest singular value, which a power iteration follows, times a bound.

    The iteration advances in train mode, and only while the weight is being trained: torch's own advances at every
    forward pass, also in the generator's turn, where the loop puts it back.

    Args:
        weight: of a layer.
        outputs: its dimension that counts the layer's outputs: 0, of transposed convolutions 1.
        bound: the largest singular value that it is given.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, outputs: int, bound: float = 1.0) -> None:
        super().__init__()
        self.outputs, self.bound = outputs, bound
        matrix = self._matrix(weight.detach())
        self.register_buffer("_u", normalize(torch.randn(len(matrix)), dim=0))
        self.register_buffer("_v", normalize(torch.randn(matrix.shape[1]), dim=0))
        self._iterate(matrix, FIRST_ITERATIONS)

    def forward(self, weight: Tensor) -> Tensor:
        """`(...)` -> the same shape."""
        matrix = self._matrix(weight)
        if self.training and weight.requires_grad:
            self._iterate(matrix.detach(), ITERATIONS)
        return weight / (torch.dot(self._u, mv(matrix, self._v)) / self.bound)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.transpose(0, self.outputs).flatten(1)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        u, v = self._u, self._v
        for _ in range(times):
            u = normalize(mv(matrix, v), dim=0)
            v = normalize(mv(matrix.t(), u), dim=0)
        # new tensors: a backward pass to come may need the old ones
        self._u, self._v = u, v


def constrain_spectrum(network: nn.Module, bound: float = 1.0) -> None:
    """Give every layer of a kind in `COVERED` spectral norm, in place: largest singular value `bound`.

    The weight is taken as a matrix with one row for each output, or for each entry of an embedding.

    References:
        Miyato et al. 2018, arXiv 1802.05957, eq. 8 and algorithm 1.
    """
    for module in list(network.modules()):
        if isinstance(module, COVERED):
            outputs = 1 if isinstance(module, _ConvTransposeNd) else 0
            register_parametrization(module, "weight", SpectralNorm(module.weight, outputs, bound))
