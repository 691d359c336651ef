"""Networks: ordinary modules of documented shapes, which know nothing of games."""

from sparring.networks.autoencoder import Autoencoder
from sparring.networks.batchwise import MinibatchDiscrimination, VirtualBatchNorm, WithReference
from sparring.networks.coupled import CoupledDiscriminator, CoupledGenerator
from sparring.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from sparring.networks.growing import GrowingDiscriminator, GrowingGenerator
from sparring.networks.history import History
from sparring.networks.mlp import MLPDiscriminator, MLPGenerator
from sparring.networks.resnet import ResNetDiscriminator, ResNetGenerator
from sparring.networks.shuffle import ShuffleGenerator, StridedDiscriminator
from sparring.networks.spectral import constrain_spectrum
from sparring.networks.style import StyleDiscriminator, StyleGenerator
from sparring.networks.styled import ContentEncoder, SharedLatent, StyledDecoder, StyleEncoder
from sparring.networks.translate import PatchDiscriminator, Pool, Translator
from sparring.networks.unet import UNet, depth_for
from sparring.networks.upscale import RRDBNet, SRResNet

__all__ = [
    "Autoencoder",
    "ContentEncoder",
    "CoupledDiscriminator",
    "CoupledGenerator",
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
    "RRDBNet",
    "ResNetDiscriminator",
    "ResNetGenerator",
    "SRResNet",
    "SharedLatent",
    "ShuffleGenerator",
    "StridedDiscriminator",
    "StyleDiscriminator",
    "StyleEncoder",
    "StyleGenerator",
    "StyledDecoder",
    "Translator",
    "UNet",
    "VirtualBatchNorm",
    "WithReference",
    "constrain_spectrum",
    "depth_for",
]
