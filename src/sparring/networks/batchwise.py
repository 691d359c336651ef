"""Layers that look across the batch: minibatch discrimination, and batch norm by a fixed reference batch.

References:
    Salimans et al. 2016, arXiv 1606.03498, sections 3.2 and 3.5.
"""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class MinibatchDiscrimination(nn.Module):
    """`(B, features)` -> `(B, kernels)`: how close each example is to the others of its batch, under each kernel.

    With M = f T, a row of `dims` numbers for each example i and kernel b:
    `o(x_i)_b = mean over j ≠ i of exp(-|M_ib - M_jb|_1)`, 0 for a batch of one.

    Args:
        features: of an example.
        kernels: B in the paper.
        dims: C in the paper.

    Deviations:
        The mean over the other examples, where the paper adds up over all, so that the layer says the same of batches
        of any size. T starts small enough for distances of about 1: exp(-|...|) is flat far out.
    """

    def __init__(self, features: int, kernels: int, dims: int = 5) -> None:
        super().__init__()
        self.T = nn.Parameter(torch.randn(features, kernels, dims) / (features**0.5 * dims))

    def forward(self, f: Tensor) -> Tensor:
        """`(B, features)` -> `(B, kernels)`."""
        M = torch.einsum("bf,fkd->bkd", f, self.T).float()
        closeness = torch.exp(-(M[:, None] - M[None]).abs().sum(3))  # (B, B, kernels)
        return (closeness.sum(1) - 1) / max(1, len(f) - 1)  # an example is at distance 0 from itself


class VirtualBatchNorm(nn.Module):
    """Batch norm of each example by the statistics of a reference batch and of the example itself.

    The reference batch stands first in the batch, and is normalised by its own statistics alone.

    Args:
        norm: the batch norm whose weight, bias and ε it takes over.
        reference: how many of the rows are the reference batch.
    """

    def __init__(self, norm: _BatchNorm, reference: int) -> None:
        super().__init__()
        self.weight, self.bias, self.eps, self.reference = norm.weight, norm.bias, norm.eps, reference

    def forward(self, x: Tensor) -> Tensor:
        """`(reference + B, C, ...)` -> the same shape."""
        x, R = x.float(), self.reference
        flat = x.flatten(2) if x.ndim > 2 else x[:, :, None]
        mean, square = self._seen(flat.mean(2)), self._seen(flat.square().mean(2))  # (R + B, C)
        scale = self.weight * (square - mean.square()).clamp(min=0).add(self.eps).rsqrt()
        shape = (*mean.shape, *[1] * (x.ndim - 2))
        shift = self.bias - mean * scale
        assert x.shape[0] >= R  # len would fix the size of the batch in ONNX
        return x * scale.reshape(shape) + shift.reshape(shape)

    def _seen(self, own: Tensor) -> Tensor:
        # an example counts as one more row of the reference batch
        R = self.reference
        reference = own[:R].mean(0)
        return torch.cat([reference.expand(R, -1), torch.lerp(reference.expand_as(own[R:]), own[R:], 1 / (R + 1))])


class WithReference(nn.Module):
    """`(B, latent_dim)` -> `(B, ...)`: a generator whose batch norm is virtual.

    What it makes of some noise does not depend on the rest of the batch, nor on train or eval mode.

    Args:
        generator: its batch norm layers are replaced.
        reference: `(R, latent_dim)`: the noise of the reference batch, which stays for good.
    """

    reference: Tensor

    def __init__(self, generator: nn.Module, reference: Tensor) -> None:
        super().__init__()
        for module in list(generator.modules()):
            for name, child in module.named_children():
                if isinstance(child, _BatchNorm):
                    setattr(module, name, VirtualBatchNorm(child, len(reference)))
        self.generator = generator
        self.register_buffer("reference", reference)

    def forward(self, z: Tensor) -> Tensor:
        """`(B, latent_dim)` -> `(B, ...)`."""
        return self.generator(torch.cat([self.reference, z]))[len(self.reference) :]
