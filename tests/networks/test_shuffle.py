import torch
from torch import nn

from sparring.networks import ShuffleGenerator, StridedDiscriminator
from sparring.networks.shuffle import Blur, Doubling


def test_doubling_interleaves_channels_into_pixels() -> None:
    block = Doubling(1, 1).eval()
    block.blur = nn.Identity()
    nn.init.zeros_(block.convolution.weight)
    with torch.no_grad():
        for channel, value in enumerate((1.0, 2.0, 3.0, 4.0)):
            block.convolution.weight[channel, 0, 1, 1] = value
    x = torch.tensor([[[[1.0, 10.0]]]])
    # batch norm in eval mode at the start divides by sqrt(1 + eps)
    torch.testing.assert_close(
        block(x)[0, 0], torch.tensor([[1.0, 2.0, 10.0, 20.0], [3.0, 4.0, 30.0, 40.0]]), rtol=1e-4, atol=0
    )


def test_the_blur_keeps_what_is_flat_and_takes_a_checkerboard_away() -> None:
    flat = torch.full((1, 2, 6, 8), 3.0)
    torch.testing.assert_close(Blur(2)(flat), flat)
    board = (torch.arange(6)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    assert Blur(2)(board.expand(1, 2, 6, 8))[:, :, 1:-1, 1:-1].abs().max() == 0
    assert board.abs().min() == 1


def test_a_fresh_generator_draws_no_checkerboard() -> None:
    def roughness(blurred: bool) -> float:
        torch.manual_seed(0)
        G = ShuffleGenerator(8, (3, 32, 32), 8)
        if not blurred:
            for doubling in G.doublings:
                doubling.blur = nn.Identity()
        x = G(torch.randn(64, 8))
        board = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1
        return ((x * board).mean((2, 3)).std() / x.std()).item()

    assert roughness(True) < 0.5 * roughness(False)


def test_the_first_layer_has_filters_for_every_channel() -> None:
    assert [StridedDiscriminator((c, 16, 16), 8).trunk[0].out_channels for c in (1, 3, 4)] == [8, 24, 32]


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
