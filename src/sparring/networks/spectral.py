"""Spectral norm on a whole network."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

ITERATIONS = 3
"""Power iterations at each forward pass in train mode. The paper's single one lags behind weights that move quickly."""


COVERED = (
    *(nn.Linear, nn.Embedding),
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
"""The layers that `constrain_spectrum` constrains. Attention, recurrent and bilinear weights are left as they are."""


def constrain_spectrum(network: nn.Module) -> None:
    """Give every layer of a kind in `COVERED` torch's spectral norm, in place: largest singular value 1.

    The weight is taken as a matrix with one row for each output, or for each entry of an embedding. The power
    iteration advances in train mode only.

    References:
        Miyato et al. 2018, arXiv 1802.05957, eq. 8 and algorithm 1.
    """
    for module in list(network.modules()):
        if isinstance(module, COVERED):
            spectral_norm(module, n_power_iterations=ITERATIONS)  # it knows where a transposed one has its outputs
