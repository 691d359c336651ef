import copy
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sparring import networks
from sparring.networks import (
    Autoencoder,
    ContentEncoder,
    CoupledDiscriminator,
    CoupledGenerator,
    GrowingDiscriminator,
    GrowingGenerator,
    History,
    MinibatchDiscrimination,
    MLPDiscriminator,
    MLPGenerator,
    PatchDiscriminator,
    Pool,
    ResNetGenerator,
    RRDBNet,
    SharedLatent,
    SRResNet,
    StyledDecoder,
    StyleDiscriminator,
    StyleEncoder,
    StyleGenerator,
    Translator,
    UNet,
    VirtualBatchNorm,
    WithReference,
)

Z = 6
PICTURES = [(1, 8, 8), (3, 24, 40), (4, 30, 30), (1, 28, 28)]
POINTS = (2,)
CLASSES = {
    name: value for name, value in vars(networks).items() if isinstance(value, type) and name in networks.__all__
}
COUPLED = [CoupledGenerator, CoupledDiscriminator]  # in test_translate.py
GENERATORS = [cls for name, cls in CLASSES.items() if name.endswith("Generator") and cls not in COUPLED]
DISCRIMINATORS = [cls for name, cls in CLASSES.items() if name.endswith("Discriminator") and cls not in COUPLED]
UNBOUNDED = {ResNetGenerator, GrowingGenerator, StyleGenerator}  # as in their papers
BOUNDED = [cls for cls in GENERATORS if cls not in UNBOUNDED]
ELSEWHERE: dict[type[nn.Module], str] = {
    GrowingGenerator: r"^to_picture\.\d+\.",  # of smaller levels, at other stages
    GrowingDiscriminator: r"^from_picture\.\d+\.",
    StyleGenerator: r"\.strength$",  # of the noise, which is drawn in training only
}
"""The parameters that a plain call has no use for."""
ACROSS = {GrowingDiscriminator, StyleDiscriminator}
"""They look across the batch."""


def case(cls: type[nn.Module], shape: tuple[int, ...]) -> object:
    return pytest.param(cls, shape, id=f"{cls.__name__}-{'x'.join(map(str, shape))}")


def on_pictures(classes: list[type[nn.Module]]) -> list:
    return [case(cls, shape) for cls in classes for shape in PICTURES]


MAKING = [*on_pictures(GENERATORS), case(MLPGenerator, POINTS)]
JUDGING = [*on_pictures(DISCRIMINATORS), case(MLPDiscriminator, POINTS)]
TRANSLATING = [case(Translator, shape) for shape in PICTURES if shape[1] % 4 == shape[2] % 4 == 0]
TRANSLATING += [case(UNet, shape) for shape in [*PICTURES, (3, 5, 17)]]


def build(cls: type[nn.Module], shape: tuple[int, ...]) -> nn.Module:
    if cls is Translator:
        return Translator(shape[0], 2, width=4, depth=1)
    if cls is UNet:
        return UNet(shape[0], 2, width=4, depth=2)
    return cls(*([Z] if cls in GENERATORS else []), shape, width=8)


def feed(cls: type[nn.Module], shape: tuple[int, ...], n: int = 5) -> Tensor:
    return torch.randn(n, Z) if cls in GENERATORS else torch.randn(n, *shape)


def unmoved(network: nn.Module, x: Tensor, step: Callable[[Tensor], Tensor] = lambda y: y) -> set[str]:
    """The parameters that a backward pass gives nothing."""
    network.zero_grad()
    y = step(network(x))
    (y * torch.randn_like(y)).sum().backward()
    return {name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 1e-12}


def test_every_network_is_covered() -> None:
    layers = {MinibatchDiscrimination, VirtualBatchNorm, WithReference, History}  # in test_batchwise.py
    larger = {RRDBNet, SRResNet}  # these and the following in test_translate.py
    parts = {ContentEncoder, StyleEncoder, StyledDecoder, SharedLatent, *COUPLED}
    others = {Translator, UNet, Pool, Autoencoder} | layers | larger | parts
    assert {*GENERATORS, *DISCRIMINATORS} | others == set(CLASSES.values())
    assert set(networks.__all__) - set(CLASSES) == {"constrain_spectrum", "depth_for"}


@pytest.mark.parametrize(("cls", "shape"), MAKING)
def test_generators_make_the_shape_they_are_asked_for(cls: type[nn.Module], shape: tuple[int, ...]) -> None:
    z = feed(cls, shape)
    made = build(cls, shape)(z)
    assert made.shape == (5, *shape)
    assert made.dtype == torch.float32
    assert made.flatten(1).std(0).mean() > 0  # other noise, another picture


@pytest.mark.parametrize(("cls", "shape"), JUDGING)
def test_discriminators_give_one_logit_an_example_or_a_map_of_them(
    cls: type[nn.Module], shape: tuple[int, ...]
) -> None:
    D, x = build(cls, shape), feed(cls, shape)
    scores = D.eval()(x)
    assert scores.shape[0] == 5
    assert scores.ndim == (3 if cls is PatchDiscriminator else 1)
    far = D(1e4 * x)
    assert far.min() < 0 or far.max() > 1  # logits, not probabilities
    if hasattr(D, "features"):
        assert D.features(x).ndim == 2
        torch.testing.assert_close(D.head(D.features(x)).squeeze(1), scores)


@pytest.mark.parametrize(("cls", "shape"), [each for each in JUDGING if each.values[0] is not PatchDiscriminator])
def test_every_other_discriminator_encodes_for_an_autoencoder(cls: type[nn.Module], shape: tuple[int, ...]) -> None:
    D, x = Autoencoder(build(cls, shape), MLPGenerator(Z, shape, width=8), Z), feed(cls, shape)
    assert D.encode(x).shape == (5, Z)
    assert D(x).shape == x.shape


@pytest.mark.parametrize(("cls", "shape"), TRANSLATING)
def test_translators_keep_the_size_and_change_the_channels(cls: type[nn.Module], shape: tuple[int, ...]) -> None:
    assert build(cls, shape)(feed(cls, shape)).shape == (5, 2, *shape[1:])


@pytest.mark.parametrize(("cls", "shape"), [*MAKING, *JUDGING, *TRANSLATING])
def test_every_parameter_is_of_use_by_the_second_step(cls: type[nn.Module], shape: tuple[int, ...]) -> None:
    network, x = build(cls, shape), feed(cls, shape)
    idle = unmoved(network, x)
    others = {name for name in idle if re.search(ELSEWHERE.get(cls, "^$"), name)}
    # branches behind a layer of zeros have no gradient yet
    assert all(".expand." in name or ".spatial." in name for name in idle - others)
    torch.optim.SGD(network.parameters(), lr=1e-2).step()
    assert unmoved(network, x) == others


ALONE = [each for each in [*MAKING, *JUDGING, *TRANSLATING] if each.values[0] not in ACROSS]


@pytest.mark.parametrize(("cls", "shape"), ALONE)
def test_a_batch_of_one_in_eval_mode_is_as_in_any_batch(cls: type[nn.Module], shape: tuple[int, ...]) -> None:
    network, x = build(cls, shape), feed(cls, shape)
    network(x)  # so that running statistics are other than at the start
    network.eval()
    before = copy.deepcopy(network.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(network(x[:1]), network(x)[:1], rtol=1e-3, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("cls", [*BOUNDED, Translator, UNet], ids=lambda cls: cls.__name__)
def test_bounded_generators_fill_the_range_from_minus_one_to_one(cls: type[nn.Module]) -> None:
    shape = (3, 24, 40)
    network = build(cls, shape)
    last = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)][-1]
    last.weight.data.mul_(1e4 / last.weight.abs().max())
    made = network(feed(cls, shape))
    assert made.abs().max() <= 1
    assert made.min() < -0.99
    assert made.max() > 0.99


@pytest.mark.parametrize("cls", [cls for cls in GENERATORS if cls not in BOUNDED] + [MLPGenerator])
def test_unbounded_generators_leave_the_range(cls: type[nn.Module]) -> None:
    shape = POINTS if cls is MLPGenerator else (1, 8, 8)
    assert build(cls, shape)(100 * feed(cls, shape)).abs().max() > 1


@pytest.mark.parametrize("cls", [*GENERATORS, *DISCRIMINATORS], ids=lambda cls: cls.__name__)
def test_state_goes_through_a_state_dict(cls: type[nn.Module]) -> None:
    shape = (1, 8, 8)
    first, second, x = build(cls, shape), build(cls, shape), feed(cls, shape)
    first(x)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.eval()(x), second.eval()(x))
