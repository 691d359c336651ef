"""The recipes, one file a paper, and the table that names them."""

from sparring.errors import UserError, did_you_mean
from sparring.recipes import (
    aae,
    bigan,
    cgan,
    clustergan,
    cyclegan,
    dcgan,
    default,
    dragan,
    gan,
    improved,
    infogan,
    lsgan,
    pacgan,
    r3gan,
    ragan,
    sngan,
    unrolled,
    wgan,
    wgan_gp,
)
from sparring.recipes._duel import Duel, duel
from sparring.recipes.recipe import BatchOptions, Recipe, resolve

RECIPES: dict[str, Recipe] = {
    module.RECIPE.name: module.RECIPE
    for module in (
        *(default, gan, dcgan, lsgan, wgan, wgan_gp, dragan, sngan, ragan, r3gan, cgan, infogan, cyclegan),
        *(bigan, aae, clustergan, pacgan, unrolled, improved),
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


__all__ = ["RECIPES", "BatchOptions", "Duel", "Recipe", "duel", "get", "resolve"]
