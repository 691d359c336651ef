"""Networks: ordinary modules of documented shapes, which know nothing of games."""

from sparring.networks.autoencoder import Autoencoder
from sparring.networks.batchwise import MinibatchDiscrimination, VirtualBatchNorm, WithReference
from sparring.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from sparring.networks.growing import GrowingDiscriminator, GrowingGenerator
from sparring.networks.history import History
from sparring.networks.mlp import MLPDiscriminator, MLPGenerator
from sparring.networks.resnet import ResNetDiscriminator, ResNetGenerator
from sparring.networks.shuffle import ShuffleGenerator, StridedDiscriminator
from sparring.networks.spectral import constrain_spectrum
from sparring.networks.style import StyleDiscriminator, StyleGenerator
from sparring.networks.translate import PatchDiscriminator, Pool, Translator

__all__ = [
    "Autoencoder",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "GrowingDiscriminator",
    "GrowingGenerator",
    "History",
    "MLPDiscriminator",
    "MLPGenerator",
    "MinibatchDiscrimination",
    "PatchDiscriminator",
    "Pool",
    "ResNetDiscriminator",
    "ResNetGenerator",
    "ShuffleGenerator",
    "StridedDiscriminator",
    "StyleDiscriminator",
    "StyleGenerator",
    "Translator",
    "VirtualBatchNorm",
    "WithReference",
    "constrain_spectrum",
]
