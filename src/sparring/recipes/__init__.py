"""The recipes, one file a paper, and the table that names them."""

from sparring.errors import UserError, did_you_mean
from sparring.recipes import (
    aae,
    acgan,
    began,
    bgan,
    bicyclegan,
    bigan,
    ccgan,
    cgan,
    clustergan,
    cogan,
    context_encoder,
    cyclegan,
    dcgan,
    default,
    discogan,
    dragan,
    dualgan,
    ebgan,
    esrgan,
    gan,
    improved,
    infogan,
    lsgan,
    munit,
    pacgan,
    pix2pix,
    pixelda,
    progressive,
    projection,
    r3gan,
    ragan,
    sgan,
    sngan,
    softmax_gan,
    srgan,
    stargan,
    stylegan2,
    unit,
    unrolled,
    wgan,
    wgan_div,
    wgan_gp,
)
from sparring.recipes._duel import Duel, duel
from sparring.recipes.recipe import BatchOptions, Recipe, resolve, taken

RECIPES: dict[str, Recipe] = {
    module.RECIPE.name: module.RECIPE
    for module in (
        *(default, gan, dcgan, lsgan, wgan, wgan_gp, wgan_div, dragan, sngan, ragan, r3gan),
        *(bgan, softmax_gan, ebgan, began, pacgan, unrolled, improved),
        *(projection, cgan, acgan, sgan, infogan, bigan, aae, clustergan, progressive, stylegan2),
        *(pix2pix, bicyclegan, cyclegan, discogan, dualgan, unit, munit, stargan, cogan, pixelda),
        *(context_encoder, ccgan, srgan, esrgan),
    )
}


def get(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UserError: there is none.
    """
    if name not in RECIPES:
        raise UserError(f"there is no recipe named {name!r}", did_you_mean(name, RECIPES))
    return RECIPES[name]


__all__ = ["RECIPES", "BatchOptions", "Duel", "Recipe", "duel", "get", "resolve", "taken"]
