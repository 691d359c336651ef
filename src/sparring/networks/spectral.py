"""Spectral norm on a whole network."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

ITERATIONS = 3
"""Power iterations at each forward pass in train mode. The paper's single one lags behind weights that move quickly."""


def constrain_spectrum(network: nn.Module) -> None:
    """Give every convolution and linear layer torch's spectral norm, in place: largest singular value 1.

    The power iteration advances in train mode only.

    References:
        Miyato et al. 2018, arXiv 1802.05957, eq. 8 and algorithm 1.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            spectral_norm(module, n_power_iterations=ITERATIONS)
