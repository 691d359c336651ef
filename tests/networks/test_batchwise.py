import numpy as np
import pytest
import torch
from torch import nn

from sparring.networks import (
    DCGANGenerator,
    History,
    MinibatchDiscrimination,
    MLPGenerator,
    VirtualBatchNorm,
    WithReference,
)


def test_minibatch_discrimination_is_the_papers_closeness_to_the_others() -> None:
    # 1606.03498, section 3.2, with the mean over the others instead of the sum over all
    layer, f = MinibatchDiscrimination(4, 3, 2), torch.randn(5, 4)
    T, x = layer.T.detach().double().numpy(), f.double().numpy()
    M = np.einsum("bf,fkd->bkd", x, T)
    expected = np.zeros((5, 3))
    for i in range(5):
        for j in range(5):
            if i != j:
                expected[i] += np.exp(-abs(M[i] - M[j]).sum(1)) / 4
    assert layer(f).detach().numpy() == pytest.approx(expected, rel=1e-4)


def test_minibatch_discrimination_tells_copies_from_variety_and_takes_batches_of_any_size() -> None:
    layer = MinibatchDiscrimination(4, 3)
    f = torch.randn(6, 4)
    assert torch.allclose(layer(f[:1].expand(6, 4)), torch.ones(6, 3))
    assert (layer(f) < 0.99).all()
    assert torch.equal(layer(f[:1]), torch.zeros(1, 3))
    assert torch.allclose(layer(torch.cat([f, f])).mean(), layer(f).mean(), atol=0.2)


def normalised(x: np.ndarray, mean: np.ndarray, square: np.ndarray) -> np.ndarray:
    return (x - mean) / np.sqrt(square - mean**2 + 1e-5)


@pytest.mark.parametrize("shape", [(3,), (3, 2, 4)])
def test_virtual_batch_norm_uses_the_reference_batch_and_the_example_itself(shape: tuple[int, ...]) -> None:
    norm = nn.BatchNorm2d(3) if len(shape) == 3 else nn.BatchNorm1d(3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(6, *shape)  # four of reference, two examples
    found = VirtualBatchNorm(norm, 4)(x).detach().numpy().reshape(6, 3, -1)
    rows = x.double().numpy().reshape(6, 3, -1)
    scale, shift = (p.detach().double().numpy()[:, None] for p in (norm.weight, norm.bias))

    def seen(which: np.ndarray) -> np.ndarray:
        mean, square = which.mean((0, 2))[:, None], (which**2).mean((0, 2))[:, None]
        return np.stack([mean, square])

    reference = seen(rows[:4])
    assert found[:4] == pytest.approx(normalised(rows[:4], *reference) * scale + shift, abs=1e-4)
    for k in (4, 5):
        statistics = (4 * reference + seen(rows[k : k + 1])) / 5
        assert found[k] == pytest.approx(normalised(rows[k], *statistics) * scale + shift, abs=1e-4)


@pytest.mark.parametrize("G", [DCGANGenerator(5, (2, 8, 12), 4), MLPGenerator(5, (1, 8, 8), 6, batch_norm=True)])
def test_a_sample_under_virtual_batch_norm_depends_on_its_own_noise_alone(G: nn.Module) -> None:
    z, reference = torch.randn(4, 5), torch.randn(7, 5)
    plain = G(z)
    assert not torch.allclose(plain[:2], G(z[:2]), atol=1e-4)  # batch norm: the neighbours matter
    virtual = WithReference(G, reference)
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in virtual.modules())
    made = virtual(z)
    assert made.shape == plain.shape
    assert torch.allclose(made[:2], virtual(z[:2]), atol=1e-5)
    assert torch.allclose(made, virtual.eval()(z), atol=1e-6)
    assert torch.equal(virtual.state_dict()["reference"], reference)
    assert not torch.allclose(made, WithReference(G, torch.randn(7, 5))(z), atol=1e-4)


def test_history_is_the_mean_of_all_that_the_parameters_were() -> None:
    layer = nn.Linear(2, 3)
    history, past = History(layer), [[p.detach().clone() for p in layer.parameters()]]
    for _ in range(3):
        with torch.no_grad():
            for p in layer.parameters():
                p += torch.randn_like(p)
        history.remember(layer)
        past.append([p.detach().clone() for p in layer.parameters()])
    means = [torch.stack(each).mean(0) for each in zip(*past, strict=True)]
    squares = [(p - mean).square().sum() for p, mean in zip(layer.parameters(), means, strict=True)]
    assert history.distance(layer).item() == pytest.approx(sum(squares).item(), rel=1e-5)
    history.distance(layer).backward()
    assert torch.allclose(layer.weight.grad, 2 * (layer.weight - means[0]), atol=1e-5)
    assert not list(history.parameters())


def test_a_history_of_nothing_keeps_nothing() -> None:
    history = History(None)
    history.remember(nn.Linear(2, 3))
    assert [name for name, _ in history.named_buffers()] == ["count"]


def test_a_generator_with_a_reference_is_exported_for_batches_of_any_size():
    layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    network = WithReference(layers, torch.randn(5, 3)).eval()
    program = torch.export.export(network, (torch.randn(2, 3),), dynamic_shapes=[{0: torch.export.Dim("batch")}])
    z = torch.randn(7, 3)
    assert torch.allclose(program.module()(z), network(z))
