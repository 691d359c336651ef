import torch
from torch import nn

from sparring.networks import ShuffleGenerator, StridedDiscriminator
from sparring.networks.shuffle import Doubling


def test_doubling_interleaves_channels_into_pixels() -> None:
    block = Doubling(1, 1).eval()
    nn.init.zeros_(block.convolution.weight)
    with torch.no_grad():
        for channel, value in enumerate((1.0, 2.0, 3.0, 4.0)):
            block.convolution.weight[channel, 0, 1, 1] = value
    x = torch.tensor([[[[1.0, 10.0]]]])
    # batch norm in eval mode at the start divides by sqrt(1 + eps)
    torch.testing.assert_close(
        block(x)[0, 0], torch.tensor([[1.0, 2.0, 10.0, 20.0], [3.0, 4.0, 30.0, 40.0]]), rtol=1e-4, atol=0
    )


def test_the_generator_never_convolves_the_full_size_with_many_channels() -> None:
    G, sizes = ShuffleGenerator(4, (3, 32, 32), 8), []
    for module in G.doublings.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, inputs, output: sizes.append(output.shape[-1]))
    G(torch.randn(2, 4))
    assert sizes == [4, 8, 16]


def test_the_discriminator_has_no_norm_but_the_spectral_one() -> None:
    for spectral in (True, False):
        D = StridedDiscriminator((1, 16, 16), 8, spectral=spectral)
        assert not any(isinstance(m, nn.BatchNorm2d) for m in D.modules())
        assert bool(list(D.buffers())) == spectral
