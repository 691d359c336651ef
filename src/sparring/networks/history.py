"""Where a network has been."""

import torch
from torch import Tensor, nn


class History(nn.Module):
    """The mean of a network's parameters so far, its start included. It has buffers and no parameters.

    Args:
        network: whose; with none it keeps nothing, and does nothing.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 3.3: historical averaging.
    """

    count: Tensor

    def __init__(self, network: nn.Module | None) -> None:
        super().__init__()
        self.keeps = network is not None
        for k, p in enumerate(network.parameters() if network else ()):
            self.register_buffer(f"mean{k}", p.detach().clone())
        self.register_buffer("count", torch.ones(()))

    def distance(self, network: nn.Module) -> Tensor:
        """The squared distance of the parameters from their mean."""
        pairs = enumerate(network.parameters())
        return torch.stack([(p - self.get_buffer(f"mean{k}")).square().sum() for k, p in pairs]).sum()

    @torch.no_grad()
    def remember(self, network: nn.Module) -> None:
        """Count the parameters as they are now."""
        if not self.keeps:
            return
        self.count += 1
        for k, p in enumerate(network.parameters()):
            mean = self.get_buffer(f"mean{k}")
            mean += (p - mean) / self.count
