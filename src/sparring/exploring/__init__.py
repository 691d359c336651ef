"""What a generator has learnt, looked at: walks through its noise, sheets of samples, translations."""

from sparring.exploring.animation import check_animation, check_film, save_animation
from sparring.exploring.film import growth, save_growth
from sparring.exploring.found import pictures_of, save_arrays, save_beside, save_nearest, save_search
from sparring.exploring.projecting import Nearest, check_pictures, project, project_picture
from sparring.exploring.sheets import METHODS, Sheet, context_of, directions, grid, mix, sweep, truncations, walk
from sparring.exploring.translating import Wanted, translate_files

__all__ = [
    "METHODS",
    "Nearest",
    "Sheet",
    "Wanted",
    "check_animation",
    "check_film",
    "check_pictures",
    "context_of",
    "directions",
    "grid",
    "growth",
    "mix",
    "pictures_of",
    "project",
    "project_picture",
    "save_animation",
    "save_arrays",
    "save_beside",
    "save_growth",
    "save_nearest",
    "save_search",
    "sweep",
    "translate_files",
    "truncations",
    "walk",
]
