import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring.networks import DCGANDiscriminator, MLPDiscriminator, ResNetDiscriminator, StridedDiscriminator
from sparring.networks.spectral import constrain_spectrum

SHAPE = (3, 16, 24)
CONSTRAINED = [
    lambda spectral: MLPDiscriminator(SHAPE, width=16, spectral=spectral),
    lambda spectral: StridedDiscriminator(SHAPE, width=8, spectral=spectral),
    lambda spectral: DCGANDiscriminator(SHAPE, width=8, batch_norm=False, spectral=spectral),
    lambda spectral: ResNetDiscriminator(SHAPE, width=8, spectral=spectral),
]
every_discriminator = pytest.mark.parametrize("build", CONSTRAINED, ids=["mlp", "strided", "dcgan", "resnet"])


def largest_singular_values(network: nn.Module) -> list[float]:
    network.eval()  # in train mode, to read a weight is to iterate
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return [torch.linalg.svdvals(layer.weight.detach().flatten(1))[0].item() for layer in layers]


def vectors(network: nn.Module) -> list[Tensor]:
    """Of the power iteration."""
    return [buffer.clone() for name, buffer in network.named_buffers() if name.endswith(("._u", "._v"))]


@every_discriminator
def test_every_layers_largest_singular_value_is_one_while_weights_move(build) -> None:
    D = build(True)
    optimizer = torch.optim.Adam(D.parameters(), lr=2e-4)
    for _ in range(30):
        optimizer.zero_grad()
        (D(torch.randn(2, *SHAPE)) - D(1 + torch.randn(2, *SHAPE))).mean().backward()
        optimizer.step()
    values = largest_singular_values(D)
    assert values == pytest.approx([1.0] * len(values), abs=0.1)  # iterations run behind the weights
    D.train()
    for _ in range(30):
        D(torch.randn(1, *SHAPE))
    values = largest_singular_values(D)
    assert len(values) >= 3
    assert values == pytest.approx([1.0] * len(values), abs=0.05)
    assert max(abs(value - 1) for value in largest_singular_values(build(False))) > 0.05


@every_discriminator
def test_weights_ten_times_as_large_are_brought_back_to_one_by_training_forwards_alone(build) -> None:
    D = build(True)
    with torch.no_grad():
        for parameter in D.parameters():
            parameter.copy_(10 * torch.randn_like(parameter))
        for _ in range(60):
            D(torch.randn(1, *SHAPE))
    values = largest_singular_values(D)
    assert values == pytest.approx([1.0] * len(values), abs=0.05)


@every_discriminator
def test_the_norm_is_near_one_before_the_first_step(build) -> None:
    torch.manual_seed(0)
    values = largest_singular_values(build(True))
    assert values == pytest.approx([1.0] * len(values), abs=0.1)


@every_discriminator
def test_power_iteration_advances_in_train_mode_and_rests_in_eval_mode(build) -> None:
    D, x = build(True), torch.randn(2, *SHAPE)
    for parameter in D.parameters():
        parameter.data.normal_()
    before = vectors(D)
    assert before
    D.eval()
    assert torch.equal(D(x), D(x))
    assert all(torch.equal(a, b) for a, b in zip(before, vectors(D), strict=True))
    D.train()
    D(x)
    assert not all(torch.equal(a, b) for a, b in zip(before, vectors(D), strict=True))


@every_discriminator
def test_power_iteration_rests_where_the_weights_are_held_constant(build) -> None:
    D = build(True).requires_grad_(False)
    before = vectors(D)
    for parameter in D.parameters():
        parameter.normal_()
    D(torch.randn(2, *SHAPE))
    assert all(torch.equal(a, b) for a, b in zip(before, vectors(D), strict=True))
    D.requires_grad_(True)(torch.randn(2, *SHAPE))
    assert not all(torch.equal(a, b) for a, b in zip(before, vectors(D), strict=True))


def test_the_gradient_is_that_of_the_weight_over_its_norm() -> None:
    # eq. 12 of 1802.05957: (g - (g·w̄) u vᵀ) / σ, with the vectors held constant
    torch.manual_seed(0)
    layer = nn.Linear(4, 3, bias=False)
    network = nn.Sequential(layer)
    constrain_spectrum(network)
    network.eval()
    u, v = vectors(network)
    W = layer.parametrizations.weight.original
    sigma = u @ W.detach() @ v
    g = torch.randn(3, 4)
    (layer.weight * g).sum().backward()
    expected = (g - (g * W.detach() / sigma).sum() * torch.outer(u, v)) / sigma
    assert torch.allclose(W.grad, expected, atol=1e-5)


LAYERS = [
    nn.Linear(5, 7),
    nn.Embedding(6, 4),
    *(kind(4, 6, 3, groups=2) for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d)),
    *(kind(4, 6, 3, groups=2) for kind in (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_every_kind_of_layer_that_is_covered_has_norm_one(layer) -> None:
    layer = copy.deepcopy(layer)
    network = nn.Sequential(layer)
    constrain_spectrum(network)
    for _ in range(60):
        _ = layer.weight  # to read it in train mode is to iterate
    weight = network.eval()[0].weight.detach()
    outputs = weight.transpose(0, 1) if "Transpose" in type(layer).__name__ else weight
    assert torch.linalg.svdvals(outputs.flatten(1))[0].item() == pytest.approx(1.0, abs=0.01)


def test_the_bound_is_the_norm_of_every_layer() -> None:
    values = largest_singular_values(MLPDiscriminator((2,), width=16, spectral=1.8))
    assert values == pytest.approx([1.8] * 4, rel=0.05)


def test_a_training_forward_is_three_power_iterations() -> None:
    # 1802.05957, algorithm 1, but from v, as torch does it: u = Wv / |Wv|, then v = Wᵀu / |Wᵀu|, three times
    network = nn.Sequential(nn.Linear(3, 4))
    constrain_spectrum(network)
    with torch.no_grad():  # other weights than those that the first vectors were iterated for
        network[0].parametrizations.weight.original.copy_(torch.tensor([[1, 2, 0], [0, 1, -2], [2, 0, 1], [1, 1, 1.0]]))
    state = {name: value.clone() for name, value in network.state_dict().items()}
    W = state["0.parametrizations.weight.original"].double().numpy()
    v = state["0.parametrizations.weight.0._v"].double().numpy()
    for _ in range(3):
        u = W @ v / np.linalg.norm(W @ v)
        v = W.T @ u / np.linalg.norm(W.T @ u)
    made = network(torch.eye(3)) - network[0].bias
    assert network.state_dict()["0.parametrizations.weight.0._u"].numpy() == pytest.approx(u, abs=1e-6)
    assert made.detach().numpy() == pytest.approx((W / (u @ W @ v)).T, abs=1e-6)
